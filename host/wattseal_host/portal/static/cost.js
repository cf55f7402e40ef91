// What an export costs under a tariff, reckoned where it was opened: the website sends what a unit of
// each record costs (prices are public), and learns nothing of the sum.
import { need } from "./bytes.js";

const floorDiv = (a, b) => (a % b !== 0n && a < 0n ? a / b - 1n : a / b);

// numerator / denominator (> 0) to a whole number, as units.divide_rounded has it.
export function divideRounded(numerator, denominator, mode) {
  const whole = floorDiv(numerator, denominator), rest = numerator - whole * denominator;
  if (rest === 0n || mode === "floor") return whole;
  const twice = 2n * rest - denominator;
  let up;
  if (mode === "ceiling") up = true;
  else if (mode === "towards-zero") up = numerator < 0n;
  else if (mode === "away-from-zero") up = numerator > 0n;
  else if (twice !== 0n) up = twice > 0n;
  else if (mode === "half-even") up = whole % 2n !== 0n;
  else if (mode === "half-away-from-zero") up = numerator > 0n;
  else up = mode === "half-up";
  return whole + (up ? 1n : 0n);
}

// opened: [{seq, records, channel, total, exponent, channels}]; told: as /export/prices has it. Throws Error
// "granularity" where a price changes within one of the sums, "unit" where the prices are for
// another unit, or other channels, than the sealed ones.
export function cost(opened, told) {
  const weights = new Map(told.weights.map(([seq, ...of]) => [seq, of.map(BigInt)]));
  let fee = 0n;
  for (const { seq, records, channel, total, exponent, channels } of opened) {
    need(exponent === told.unit_exponent && channels === told.channels, "unit");
    let price = null;
    for (let at = seq; at < seq + records; at++) {
      const one = weights.get(at);
      if (one === undefined) continue; // an event
      need(price === null || price === one[channel], "granularity");
      price = one[channel];
    }
    need(price !== null, "records");
    fee += price * total;
  }
  const [over, under] = told.constant.map(BigInt);
  const scale = 10n ** BigInt(Math.abs(told.exponent));
  const numerator = told.exponent < 0 ? fee * under + over * scale : fee * scale * under + over;
  const denominator = told.exponent < 0 ? under * scale : under;
  const step = BigInt(told.rounding.step_minor);
  const minor = divideRounded(numerator, denominator * step, told.rounding.mode) * step;
  const text = String(minor < 0n ? -minor : minor).padStart(told.digits + 1, "0");
  const at = text.length - told.digits;
  const major = told.digits ? `${text.slice(0, at)}.${text.slice(at)}` : text;
  return `${minor < 0n ? "-" : ""}${major} ${told.currency}`;
}
