// What an export's items open of the sealed records: readings, or sums over granules.
import { p256 } from "./vendor/noble-curves.js";
import constants from "/protocol.js";
import { big, join, label, mac, macKey, need, number } from "./bytes.js";
import { breathe, follow, Opening, sealedChannel } from "./sealed.js";

const ORDER = p256.Point.Fn.ORDER;
const CHUNK = 64, SIGNATURE = 64, IMPORT = 0;

async function leaves(key, meter, record, channel) {
  const place = join(meter, big(record.boot, 4), big(record.seq, 4), big(channel, 1));
  const wide = join(
    await mac(key, label("BLINDING"), place, big(0, 1)),
    (await mac(key, label("BLINDING"), place, big(1, 1))).slice(0, 16),
  );
  return { blinding: number(wide) % ORDER, pad: (await mac(key, label("PAD"), place)).slice(0, 5) };
}

// sealed: the records' bytes, from before the period's first to its last; asked: what was asked
// for. Returns readings, [{start, end, wh}] of the imported energy in order of time, and opened,
// [{seq, records, channel, total, exponent, channels}] of all of it.
export async function check(items, sealed, asked, meter, progress) {
  const last = sealed.at(-1);
  need(last && last.length > SIGNATURE, "record");
  const records = await follow(
    sealed.map((one) => one.slice(0, -SIGNATURE)), asked.key, last.slice(-SIGNATURE), meter, progress,
  );
  const first = records[0].seq;
  const opening = new Opening(), readings = [], opened = [], seen = new Set();
  const run = (from, count) => {
    need(from >= first && from + count <= first + records.length, "records");
    return records.slice(from - first, from - first + count);
  };
  const mine = (record, channel) => {
    need(record.start >= asked.start && record.start < asked.end && channel < Math.max(1, record.count), "scope");
    const place = `${record.seq}/${channel}`;
    need(!seen.has(place), "item");
    seen.add(place);
  };
  for (const [at, item] of items.entries()) {
    const part = run(item.seq, item.count);
    if (item.kind === constants.kinds.sum) {
      if (!part.some((record) => record.count)) {
        need(!item.total && !number(item.secret), "opening"); // no reading begins in this granule
        continue;
      }
      const points = [];
      for (const record of part) {
        mine(record, item.channel);
        if (record.count) points.push(sealedChannel(record, item.channel).point);
      }
      opening.add(points, item.total, number(item.secret));
      opened.push({
        seq: item.seq, records: item.count, channel: item.channel, total: item.total,
        exponent: part[0].exponent, channels: channelsOf(part[0]),
      });
      if (item.channel === IMPORT) readings.push(reading(part, item.total));
    } else {
      need(item.seq % constants.blockRecords === 0 && asked.granularity === 0, "scope");
      const key = await macKey(item.secret);
      for (const record of part) {
        for (let channel = 0; channel < record.count; channel++) {
          mine(record, channel);
          const { point, cipher } = sealedChannel(record, channel);
          const { blinding, pad } = await leaves(key, record.body.slice(2, 18), record, channel);
          const value = number(cipher.map((byte, i) => byte ^ pad[i]).slice(0, 4));
          opening.add([point], value, blinding);
          opened.push({
            seq: record.seq, records: 1, channel, total: value, exponent: record.exponent,
            channels: channelsOf(record),
          });
          if (channel === IMPORT) readings.push(reading([record], value));
        }
      }
    }
    if (at % CHUNK === 0) {
      progress(0.3 + 0.5 * at / items.length);
      await breathe();
    }
  }
  opening.check();
  progress(1);
  need(readings.length, "empty");
  return { readings: readings.sort((one, other) => one.start - other.start), opened };
}

const channelsOf = (record) => (record.set === 1 ? 1 : 2);

// The sum covers the time from its first record with a reading to its last one.
function reading(part, total) {
  const whole = part.filter((record) => record.count);
  return { start: whole[0].start, end: whole.at(-1).end, wh: Number(total) * 10 ** whole[0].exponent };
}
