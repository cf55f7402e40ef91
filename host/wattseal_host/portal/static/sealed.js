// Checks what a customer hands over (wattseal-handover/1), in the browser: the rules are those of
// SPEC.md sections 3 to 5, as portal/handed.py has them. Throws Error with a short code.
import { p256, pippenger } from "./vendor/noble-curves.js";

const Point = p256.Point;
const H = Point.fromAffine({
  x: 0x1d92444b399fdfb82f6c1a7e614196e2567aca8f6dbba7a60f70354af67553c4n,
  y: 0x70a3383b29707ce058bc11098b15a4b27daee3cc8876bd8eb61fb8cb6ed1e263n,
});
const HEADER = 41, SEALED_CHANNEL = 38, POINT = 33, DIGEST = 32, EVENT = 3;
const MOST_RECORDS = 60000, CHUNK = 64;
const label = (name) => new TextEncoder().encode(`wattseal/1/${name}\0`);
const RECORD = label("record"), METER_ID = label("meter-id");

const refuse = (code) => { throw new Error(code); };
const need = (truth, code) => truth || refuse(code);

function bytes(text) {
  need(typeof text === "string" && /^([0-9a-f]{2})*$/.test(text), "field");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

const hex = (data) => Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
const u32 = (data, at) => new DataView(data.buffer, data.byteOffset).getUint32(at);
const signed = (byte) => (byte << 24) >> 24;

async function hash(...parts) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer()));
}

function header(body) {
  need(body.length >= HEADER + DIGEST && body[0] === 1 && body[1] >= 1 && body[1] <= EVENT, "record");
  need(body[40] === 1 || body[40] === 3, "record");
  const isEvent = body[1] === EVENT;
  const count = isEvent ? 0 : body[40] === 1 ? 1 : 2;
  need(isEvent || body.length === HEADER + count * SEALED_CHANNEL + DIGEST, "record");
  const start = u32(body, 30), length = u32(body, 34);
  need(isEvent === (length === 0), "record");
  return { epoch: u32(body, 18), boot: u32(body, 22), seq: u32(body, 26), start, end: start + length,
           exponent: signed(body[39]), set: body[40], count };
}

// The chain of hashes from the first record to the last, which the meter signed.
async function follow(bodies, key, meter, progress) {
  const name = (await hash(METER_ID, key)).slice(0, 16);
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
    digest = await hash(RECORD, body);
    found.push(one);
    if (at % CHUNK === 0) progress(0.3 * at / bodies.length);
  }
  return { records: found, digest };
}

// sum(w C) = sum(w v) G + sum(w r) H with 128 random bits of w for each: a false opening passes
// once in 2^128.
async function open(bodies, records, openings, progress) {
  const points = [], weights = [];
  let values = 0n, blindings = 0n, next = 0;
  for (const [at, body] of bodies.entries()) {
    for (let channel = 0; channel < records[at].count; channel++) {
      const from = HEADER + channel * SEALED_CHANNEL;
      const told = openings[next++];
      need(told && bytes(told.blinding).length === 32, "field");
      const blinding = BigInt("0x" + told.blinding);
      need(Number.isInteger(told.value) && told.value >= 0 && told.value < 2 ** 32, "field");
      need(blinding < Point.Fn.ORDER, "field");
      const weight = BigInt("0x" + hex(crypto.getRandomValues(new Uint8Array(16)))) || 1n;
      points.push(Point.fromBytes(body.slice(from, from + POINT)));
      weights.push(weight);
      values += weight * BigInt(told.value);
      blindings += weight * blinding;
    }
    if (at % CHUNK === 0) {
      progress(0.3 + 0.5 * at / bodies.length);
      await new Promise((done) => setTimeout(done));
    }
  }
  need(next === openings.length && points.length, "field");
  const times = (point, scalar) => (scalar ? point.multiply(scalar) : Point.ZERO);
  const claimed = times(Point.BASE, Point.Fn.create(values)).add(times(H, Point.Fn.create(blindings)));
  need(pippenger(Point, points, weights).equals(claimed), "opening");
}

// Returns [{start, end, wh}] of the imported energy. meter: 32 hexadecimal characters.
export async function read(text, meter, progress) {
  const file = JSON.parse(text);
  need(file && file.format === "wattseal-handover/1" && Array.isArray(file.bodies), "field");
  need(Array.isArray(file.openings) && file.bodies.length && file.bodies.length <= MOST_RECORDS, "field");
  const key = bytes(file.key), bodies = file.bodies.map(bytes);
  const { records, digest } = await follow(bodies, key, meter, progress);
  const good = p256.verify(bytes(file.signature), digest, key, { prehash: false, lowS: true });
  need(good, "signature");
  await open(bodies, records, file.openings, progress);
  progress(1);
  const readings = [];
  let next = 0;
  for (const { count, start, end, exponent } of records) {
    if (count) readings.push({ start, end, wh: file.openings[next].value * 10 ** exponent });
    next += count;
  }
  return readings;
}
