// Draws a checked file on the page it is read by. Nothing is sent, nothing is stored.
import { read } from "./sealed.js";

const LEFT = 100, WIDTH = 720, BASE = 196, TOP = 12, LOWEST = 0.1;
const WORDS = {
  meter: "This file is another meter's than the one of your account.",
  chain: "The records in this file are not whole.",
  signature: "The signature in this file is not your meter's.",
  opening: "A reading in this file is not the one your meter sealed.",
};
const part = (id) => document.getElementById(id);

function baseLoad(curve) {
  const wanted = LOWEST * curve.reduce((sum, one) => sum + one.end - one.start, 0);
  let left = wanted, energy = 0;
  for (const one of curve.toSorted((a, b) => a.watt - b.watt)) {
    const taken = Math.min(left, one.end - one.start);
    energy += one.watt * taken;
    left -= taken;
    if (left <= 0) break;
  }
  return energy / wanted;
}

function daily(readings) {
  const days = new Map();
  for (const { start, end, wh } of readings) {
    for (let from = start; from < end;) {
      const day = Math.floor(from / 86400), to = Math.min(end, (day + 1) * 86400);
      days.set(day, (days.get(day) ?? 0) + (wh * (to - from)) / (end - start));
      from = to;
    }
  }
  return days;
}

function draw(readings) {
  const curve = readings.map((one) => ({ ...one, watt: (one.wh * 3600) / (one.end - one.start) }));
  const peak = curve.reduce((most, one) => Math.max(most, one.watt), 1);
  const from = curve[0].start, span = curve.at(-1).end - from;
  const x = (time) => (LEFT + ((WIDTH - LEFT) * (time - from)) / span).toFixed(1);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  let at = null, drawn = "";
  for (const { start, end, watt } of curve) {
    const y = (TOP + (BASE - TOP) * (1 - watt / peak)).toFixed(1);
    drawn += `${start === at ? "L" : "M"}${x(start)} ${y}H${x(end)}`;
    at = end;
  }
  path.setAttribute("class", "curve");
  path.setAttribute("d", drawn);
  part("curve").querySelector("path")?.remove();
  part("curve").append(path);
  part("top").textContent = `${peak.toFixed(0)} W`;
  part("total").textContent = `${(readings.reduce((sum, one) => sum + one.wh, 0) / 1000).toFixed(2)} kWh`;
  part("base").textContent = `${baseLoad(curve).toFixed(0)} W`;
  part("peak").textContent = `${peak.toFixed(0)} W`;
  part("days").replaceChildren();
  for (const [day, wh] of daily(readings)) {
    const row = part("days").insertRow();
    row.insertCell().textContent = new Date(day * 86400000).toISOString().slice(0, 10);
    row.insertCell().textContent = (wh / 1000).toFixed(3);
  }
  part("result").hidden = false;
}

part("local").addEventListener("change", async (event) => {
  const file = event.target.files[0];
  if (!file) return;
  const bar = part("progress");
  part("result").hidden = true;
  bar.hidden = false;
  part("told").textContent = "Checking…";
  try {
    const readings = await read(await file.text(), part("reader").dataset.meter, (done) => (bar.value = done));
    draw(readings);
    part("told").textContent = `${readings.length} readings, each the one your meter sealed; the meter's signature is good.`;
  } catch (error) {
    part("told").textContent = WORDS[error.message] ?? "This file could not be read.";
  }
  bar.hidden = true;
});
