// Draws a checked file on the page it is read by. Nothing is sent, nothing is stored.
import { draw, part } from "./draw.js";
import { read } from "./sealed.js";

const WORDS = {
  meter: "This file is another meter's than the one of your account.",
  chain: "The records in this file are not whole.",
  signature: "The signature in this file is not your meter's.",
  opening: "A reading in this file is not the one your meter sealed.",
};

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
