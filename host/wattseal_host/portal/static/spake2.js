// SPAKE2-P256-SHA256-HKDF-HMAC with key confirmation (RFC 9382), as wattseal/spake2.py has it.
import { p256 } from "./vendor/noble-curves.js";
import constants from "/protocol.js";
import { ascii, big, hash, hkdf, join, mac, macKey, need, number, same } from "./bytes.js";

const Point = p256.Point;
const ORDER = Point.Fn.ORDER;
const BLINDS = constants.blinds.map(([x, y]) => Point.fromAffine({ x: BigInt(`0x${x}`), y: BigInt(`0x${y}`) }));
const KEY = 16;
const NONE = new Uint8Array();
export const FIRST = 0, SECOND = 1, SHARE = 65;

const times = (point, scalar) => (scalar === 0n ? Point.ZERO : point.multiply(scalar));

export async function passwordScalar(password, context) {
  return number(await hkdf(password, NONE, context, 48)) % ORDER;
}

// A scalar from the browser's random source, for one exchange.
export function ephemeral() {
  return (number(crypto.getRandomValues(new Uint8Array(48))) % (ORDER - 1n)) + 1n;
}

export function share(side, w, x) {
  return times(Point.BASE, x).add(times(BLINDS[side], w)).toBytes(false);
}

// shares: sent and received; names: of the first and of the second side. The key is not to be used
// before `check` has passed the other side's confirmation.
export async function finish(side, w, x, own, other, names, additional) {
  need(other.length === SHARE && other[0] === 4, "share");
  let point;
  try {
    point = Point.fromBytes(other);
  } catch {
    need(false, "share");
  }
  point = point.subtract(times(BLINDS[1 - side], w));
  need(!point.equals(Point.ZERO), "share");
  const secret = times(point, x).toBytes(false);
  const shares = side === FIRST ? [own, other] : [other, own];
  const parts = [];
  for (const part of [...names, ...shares, secret, big(w, 32)]) {
    parts.push(big(part.length, 8).reverse(), part);
  }
  const transcript = join(...parts);
  const both = await hash(transcript);
  const confirm = await hkdf(both.slice(KEY), NONE, join(ascii("ConfirmationKeys"), additional), 2 * KEY);
  const macs = [];
  for (const at of [0, KEY]) macs.push(await mac(await macKey(confirm.slice(at, at + KEY)), transcript));
  return {
    key: both.slice(0, KEY),
    own: macs[side],
    check: (confirmation) => need(same(macs[1 - side], confirmation), "pin"),
  };
}
