// Sealed records in the browser: their chain, the meter's signature, and what opens them. The rules
// are those of SPEC.md sections 3 to 5. Throws Error with a short code.
import { p256, pippenger } from "./vendor/noble-curves.js";
import constants from "/protocol.js";
import { bytes, hash, hex, label, need, number, refuse, u32 } from "./bytes.js";

const Point = p256.Point;
const [X, Y] = constants.H;
const H = Point.fromAffine({ x: BigInt(`0x${X}`), y: BigInt(`0x${Y}`) });
const HEADER = 41, SEALED_CHANNEL = 38, POINT = 33, DIGEST = 32, EVENT = 3;
const MOST_RECORDS = 60000, CHUNK = 64;
export const VALUES = 2n ** 32n;

const signed = (byte) => (byte << 24) >> 24;
export const breathe = () => new Promise((done) => setTimeout(done));

function header(body) {
  need(body.length >= HEADER + DIGEST && body[0] === 1 && body[1] >= 1 && body[1] <= EVENT, "record");
  need(body[40] === 1 || body[40] === 3, "record");
  const isEvent = body[1] === EVENT;
  const count = isEvent ? 0 : body[40] === 1 ? 1 : 2;
  need(isEvent || body.length === HEADER + count * SEALED_CHANNEL + DIGEST, "record");
  const start = u32(body, 30), length = u32(body, 34);
  need(isEvent === (length === 0), "record");
  return { epoch: u32(body, 18), boot: u32(body, 22), seq: u32(body, 26), start, end: start + length,
           exponent: signed(body[39]), set: body[40], count, body };
}

// The chain of hashes from the first record to the last, which the meter signed.
export async function follow(bodies, key, signature, meter, progress) {
  need(bodies.length && bodies.length <= MOST_RECORDS, "field");
  const name = (await hash(label("METER_ID"), key)).slice(0, 16);
  need(hex(name) === meter, "meter");
  const found = [];
  let digest = null;
  for (const [at, body] of bodies.entries()) {
    const one = header(body);
    need(hex(body.slice(2, 18)) === meter, "chain");
    const before = found.at(-1);
    if (before) {
      need(hex(body.slice(-DIGEST)) === hex(digest), "chain");
      need(one.seq === before.seq + 1 && one.start === before.end, "chain");
      need(one.boot >= before.boot && one.epoch >= before.epoch, "chain");
      need(one.exponent === before.exponent && one.set === before.set, "chain");
    }
    digest = await hash(label("RECORD"), body);
    found.push(one);
    if (at % CHUNK === 0) progress(0.3 * at / bodies.length);
  }
  need(p256.verify(signature, digest, key, { prehash: false, lowS: true }), "signature");
  return found;
}

export function sealedChannel(record, channel) {
  const from = HEADER + channel * SEALED_CHANNEL;
  const point = record.body.slice(from, from + POINT);
  return { point: Point.fromBytes(point), cipher: record.body.slice(from + POINT, from + SEALED_CHANNEL) };
}

// Opens many sums of commitments at once: sum(w C) = sum(w v) G + sum(w r) H with 128 random bits
// of w for each, so a false opening passes once in 2^128.
export class Opening {
  points = [];
  weights = [];
  values = 0n;
  blindings = 0n;

  add(points, value, blinding) {
    need(value >= 0n && value < VALUES * BigInt(points.length), "field");
    need(blinding < Point.Fn.ORDER, "field");
    const weight = number(crypto.getRandomValues(new Uint8Array(16))) || 1n;
    for (const point of points) {
      this.points.push(point);
      this.weights.push(weight);
    }
    this.values += weight * value;
    this.blindings += weight * blinding;
  }

  check() {
    need(this.points.length, "field");
    const times = (point, scalar) => (scalar ? point.multiply(scalar) : Point.ZERO);
    const create = (scalar) => Point.Fn.create(scalar);
    const claimed = times(Point.BASE, create(this.values)).add(times(H, create(this.blindings)));
    need(pippenger(Point, this.points, this.weights).equals(claimed), "opening");
  }
}

// Reads a file that a customer handed over. Returns [{start, end, wh}] of the imported energy;
// meter: 32 hexadecimal characters.
export async function read(text, meter, progress) {
  const file = JSON.parse(text);
  need(file && file.format === "wattseal-handover/1" && Array.isArray(file.bodies), "field");
  need(Array.isArray(file.openings), "field");
  const records = await follow(
    file.bodies.map(bytes), bytes(file.key), bytes(file.signature), meter, progress,
  );
  const opening = new Opening();
  const readings = [];
  let next = 0;
  for (const [at, record] of records.entries()) {
    for (let channel = 0; channel < record.count; channel++) {
      const told = file.openings[next++] ?? refuse("field");
      need(Number.isInteger(told.value) && bytes(told.blinding).length === 32, "field");
      opening.add([sealedChannel(record, channel).point], BigInt(told.value), number(bytes(told.blinding)));
      if (!channel) {
        readings.push({ start: record.start, end: record.end, wh: told.value * 10 ** record.exponent });
      }
    }
    if (at % CHUNK === 0) {
      progress(0.3 + 0.5 * at / records.length);
      await breathe();
    }
  }
  need(next === file.openings.length, "field");
  opening.check();
  progress(1);
  return readings;
}
