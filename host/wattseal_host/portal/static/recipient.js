// The recipient's side of an export: from the PIN to the opened items. The rules are those of
// wattseal/export.py.
import { p256 } from "./vendor/noble-curves.js";
import constants from "/protocol.js";
import { ascii, big, hash, hkdf, hex, join, label, mac, macKey, need, number, same, u32 } from "./bytes.js";
import { ephemeral, finish, FIRST, passwordScalar, share } from "./spake2.js";

const { tagBytes: TAG, chunkBytes: CHUNK, itemBytes: ITEM, kinds: KINDS } = constants;
const BLOCK = 32;

export async function meterId(key) {
  return (await hash(label("METER_ID"), key)).slice(0, 16);
}

export function binding({ origin, start, end, granularity, key, session }) {
  const name = ascii(origin);
  return hash(
    label("EXPORT_REQUEST"), big(name.length, 1), name,
    big(start, 4), big(end, 4), big(granularity, 4), key, session,
  );
}

export class Cipher {
  static async of(key, bound) {
    const both = await hkdf(key, bound, label("EXPORT_KEYS"), 64);
    const cipher = new Cipher();
    cipher.stream = await macKey(both.slice(0, 32));
    cipher.tag = await macKey(both.slice(32));
    return cipher;
  }

  async open(at, last, chunk) {
    need(chunk.length > TAG && chunk.length <= CHUNK + TAG, "chunk");
    const hidden = chunk.slice(0, -TAG);
    const told = await mac(this.tag, label("EXPORT_TAG"), big(at, 4), big(last ? 1 : 0, 1), hidden);
    need(same(told.slice(0, TAG), chunk.slice(-TAG)), "chunk");
    for (let from = 0; from < hidden.length; from += BLOCK) {
      const block = await mac(this.stream, label("EXPORT_STREAM"), big(at, 4), big(from / BLOCK, 2));
      for (let i = 0; i < BLOCK && from + i < hidden.length; i++) hidden[from + i] ^= block[i];
    }
    return hidden;
  }
}

export function decodeItems(data) {
  need(data.length % ITEM === 0 && data.length, "item");
  const items = [];
  for (let at = 0; at < data.length; at += ITEM) {
    const one = data.slice(at, at + ITEM);
    const item = {
      kind: one[0], channel: one[1], count: (one[2] << 8) | one[3], seq: u32(one, 4),
      total: number(one.slice(8, 16)), secret: one.slice(16),
    };
    need((item.kind === KINDS.block || item.kind === KINDS.sum) && item.channel < 2, "item");
    const plain = !item.channel && !item.total && item.count === constants.blockRecords;
    need(item.kind === KINDS.sum || plain, "item");
    items.push(item);
  }
  return items;
}

// One export: what was asked for ({origin, start, end, granularity, key, session}), and what is
// known of it so far. Throws Error with a short code.
export class Recipient {
  constructor(asked) {
    this.asked = asked;
    this.items = [];
    this.opened = 0;
    this.running = new Uint8Array(32);
  }

  async share(pin) {
    this.w = await passwordScalar(ascii(pin), label("EXPORT_PIN"));
    this.x = ephemeral();
    this.own = share(FIRST, this.w, this.x);
    return this.own;
  }

  // Our confirmation, after the meter's share.
  async answer(other) {
    this.bound = await binding(this.asked);
    const names = [ascii(this.asked.origin), await meterId(this.asked.key)];
    this.other = other;
    this.keys = await finish(FIRST, this.w, this.x, this.own, other, names, this.bound);
    return this.keys.own;
  }

  // The meter's confirmation: only the meter whose display showed the PIN can have made it.
  async confirmed(confirmation) {
    this.keys.check(confirmation);
    this.cipher = await Cipher.of(this.keys.key, this.bound);
    this.keys = this.w = this.x = null;
  }

  async open(at, last, chunk) {
    need(at === this.opened, "chunk");
    this.items.push(...decodeItems(await this.cipher.open(at, last, chunk)));
    this.running = await hash(label("EXPORT_CHUNK"), this.running, chunk);
    this.opened += 1;
  }

  // The meter's signature over all it sent.
  async finish(signature) {
    const signed = await hash(
      label("EXPORT_TRANSCRIPT"), this.bound, this.own, this.other, big(this.opened, 4), this.running,
    );
    const good = p256.verify(signature, signed, this.asked.key, { prehash: false, lowS: false });
    need(good, "signature");
    this.cipher = null;
    return this.items;
  }

  get name() {
    return hex(this.asked.session);
  }
}
