// Bytes, hashes and keys, by the browser's own WebCrypto.
import constants from "/protocol.js";

export const refuse = (code) => { throw new Error(code); };
export const need = (truth, code) => truth || refuse(code);
const text = new TextEncoder();

export function bytes(value) {
  need(typeof value === "string" && /^([0-9a-f]{2})*$/.test(value), "field");
  return Uint8Array.from(value.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

export const hex = (data) => Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
export const ascii = (value) => text.encode(value);
export const label = (name) => bytes(constants.labels[name]);
export const u32 = (data, at) => new DataView(data.buffer, data.byteOffset).getUint32(at);
export const number = (data) => BigInt(`0x${hex(data) || "0"}`);
export const big = (value, length) => bytes(BigInt(value).toString(16).padStart(2 * length, "0"));

export function join(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

// Whether two byte strings are the same, in a time that depends on their length alone.
export function same(one, other) {
  let difference = one.length ^ other.length;
  for (let at = 0; at < one.length; at++) difference |= one[at] ^ other[at];
  return difference === 0;
}

export async function hash(...parts) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", join(...parts)));
}

const SHA = { name: "HMAC", hash: "SHA-256" };

export const macKey = (key) => crypto.subtle.importKey("raw", key, SHA, false, ["sign"]);

export async function mac(imported, ...parts) {
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, join(...parts)));
}

export async function hkdf(secret, salt, info, length) {
  const key = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const how = { name: "HKDF", hash: "SHA-256", salt, info };
  return new Uint8Array(await crypto.subtle.deriveBits(how, key, 8 * length));
}
