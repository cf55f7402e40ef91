// Draws readings on the page they were opened in: figures, load curve, days, advice.
const LEFT = 100, WIDTH = 720, BASE = 196, TOP = 12, LOWEST = 0.1, MUCH_BASE = 40, SAVED_W = 10;
export const part = (id) => document.getElementById(id);

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

// Energy (Wh) and time (s) by day, or by hour of the day: (name of a moment, its length).
function shares(readings, length, name) {
  const found = new Map();
  for (const { start, end, wh } of readings) {
    for (let from = start; from < end;) {
      const step = Math.floor(from / length), to = Math.min(end, (step + 1) * length);
      const one = found.get(name(step)) ?? { wh: 0, s: 0 };
      one.wh += (wh * (to - from)) / (end - start);
      one.s += to - from;
      found.set(name(step), one);
      from = to;
    }
  }
  return found;
}

function advice(readings, total, base) {
  if (!total) return "Nothing was used in this period, so there is nothing to save.";
  const covered = readings.reduce((sum, one) => sum + one.end - one.start, 0);
  const share = Math.round((100 * base * covered) / 3600 / total);
  if (share >= MUCH_BASE) {
    return `${share} % of your energy is base load: ${base.toFixed(0)} W, day and night. Look for what ` +
      `is never switched off; each ${SAVED_W} W less saves ${(SAVED_W * 8.76).toFixed(0)} kWh a year.`;
  }
  const hours = [...shares(readings, 3600, (step) => step % 24)];
  const [hour, one] = hours.reduce((a, b) => (a[1].wh / a[1].s >= b[1].wh / b[1].s ? a : b));
  const two = (n) => String(n).padStart(2, "0");
  return `Your use is highest between ${two(hour)}:00 and ${two((hour + 1) % 24)}:00 (UTC), ` +
    `${((one.wh * 3600) / one.s).toFixed(0)} W on average against a base load of ${base.toFixed(0)} W. ` +
    "What can wait is worth most when it leaves that hour.";
}

const SVG = "http://www.w3.org/2000/svg", DAY = 86400, STEPS = [3600, 10800, 21600, 43200], MOST = 5;

// Marks the axis at some full hours, or days, of UTC. x: the place of a time.
function axis(svg, from, span, x) {
  svg.querySelectorAll(".mark").forEach((old) => old.remove());
  const days = Math.ceil(span / (MOST * DAY));
  const step = STEPS.find((one) => span <= MOST * one) ?? days * DAY;
  const first = step < DAY ? Math.ceil(from / step) * step : Math.ceil(from / DAY) * DAY;
  for (let at = first; at < from + span; at += step) {
    const tick = document.createElementNS(SVG, "line"), text = document.createElementNS(SVG, "text");
    for (const [name, value] of Object.entries({ x1: x(at), x2: x(at), y1: BASE, y2: BASE + 5 })) {
      tick.setAttribute(name, value);
    }
    text.setAttribute("x", x(at));
    text.setAttribute("y", 222);
    text.setAttribute("text-anchor", "middle");
    const [day, clock] = new Date(at * 1000).toISOString().split("T");
    if (x(at) < WIDTH - 35) text.textContent = at % DAY ? clock.slice(0, 5) : day.slice(5);
    tick.setAttribute("class", "axis mark");
    text.setAttribute("class", "mark");
    svg.append(tick, text);
  }
}

export function draw(readings) {
  const curve = readings.map((one) => ({ ...one, watt: (one.wh * 3600) / (one.end - one.start) }));
  const peak = curve.reduce((most, one) => Math.max(most, one.watt), 1);
  const from = curve[0].start, span = curve.at(-1).end - from;
  const x = (time) => (LEFT + ((WIDTH - LEFT) * (time - from)) / span).toFixed(1);
  const path = document.createElementNS(SVG, "path");
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
  axis(part("curve"), from, span, x);
  const total = readings.reduce((sum, one) => sum + one.wh, 0), base = baseLoad(curve);
  part("top").textContent = `${peak.toFixed(0)} W`;
  part("total").textContent = `${(total / 1000).toFixed(2)} kWh`;
  part("base").textContent = `${base.toFixed(0)} W`;
  part("peak").textContent = `${peak.toFixed(0)} W`;
  part("advice").textContent = advice(readings, total, base);
  part("days").replaceChildren();
  for (const [day, { wh }] of shares(readings, 86400, (step) => step)) {
    const row = part("days").insertRow();
    row.insertCell().textContent = new Date(day * 86400000).toISOString().slice(0, 10);
    row.insertCell().textContent = (wh / 1000).toFixed(3);
  }
  part("result").hidden = false;
}
