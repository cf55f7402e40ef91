// Follows an export on its page. In the browser's mode the PIN, the key and the readings stay in
// this script's memory: what is sent are a share, a confirmation, and questions for ciphertext.
import { cost } from "./cost.js";
import { draw, part } from "./draw.js";
import { bytes, hex, need } from "./bytes.js";
import { check } from "./items.js";
import { meterId, Recipient } from "./recipient.js";

const page = part("export");
const { meter, csrf } = page.dataset;
const inBrowser = page.dataset.browser === "yes";
const POLL_MS = Number(page.dataset.poll), PATIENCE_MS = 180000, AT_ONCE = 64, MOST = 60000, OVER = ["done", "failed", "none", "gone"];
const WORDS = {
  meter: "It is not your meter that answered. Nothing was used.",
  chain: "The sealed records that came are not whole. Nothing was used.",
  record: "The sealed records that came are not whole. Nothing was used.",
  records: "The sealed records that came do not match the readings. Nothing was used.",
  signature: "Your meter did not sign for what came. Nothing was used.",
  opening: "A value that came is not the one your meter sealed. Nothing was used.",
  chunk: "What came was changed on its way here, or is another export's. Nothing was used.",
  item: "What your meter sent is not what was asked for. Nothing was used.",
  scope: "What your meter sent is not what was asked for. Nothing was used.",
  share: "What your meter answered is no good. Ask again.",
  pin: "It is not your meter that answered, or the PIN was wrong. Ask again.",
  empty: "Your meter has no reading in this period.",
  origin: "This website is set up under another address than the one you see: its operator must say which.",
  meterSilent: "Your meter did not answer for three minutes. Is it switched on? Ask again.",
  relaySilent: "Your supplier's relay was not reached for three minutes. Ask again.",
  siteSilent: "This website was not reached for three minutes. Ask again.",
};
const LOST = "The PIN was typed in another tab, or before this page was loaded again; the key is there. Give up and ask again.";
const COARSE = "This tariff needs finer readings: its price changes within yours.";
const UNIT = "These prices are for another unit or other channels than your meter's. Nothing was worked out.";
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

function say(id, text) {
  part(id).textContent = text;
  part(id).hidden = !text;
}

async function ask(path, form) {
  const how = form ? { method: "POST", body: new URLSearchParams({ csrf, ...form }) } : {};
  const answer = await fetch(path, { cache: "no-store", ...how });
  if (answer.status === 401) location.assign("/log-on");
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  const error = new Error(told.said ?? "");
  error.lasting = answer.status === 410 || answer.status === 403;
  error.told = told.said;
  error.code = told.code;
  throw error;
}

// Again and again while the link is broken or the meter is at work.
async function patiently(path, form) {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      const answer = await ask(path, form);
      if (path !== "/export/state") say("link", "");
      return answer;
    } catch (error) {
      if (error.lasting) throw error;
      const away = !error.code ? "site" : error.code.startsWith("relay-") ? "relay" : "meter";
      need(Date.now() < until, `${away}Silent`);
      say("link", error.told ?? "This website is not reached just now. Trying again.");
    }
    await wait(POLL_MS);
  }
}

async function state() {
  const now = await (await patiently("/export/state")).json();
  say("link", now.link ?? "");
  return now;
}

async function until(there) {
  for (;;) {
    const now = await state();
    say("said", now.said);
    if (OVER.includes(now.phase)) {
      const error = new Error("over");
      error.told = now.said ?? "";
      throw error;
    }
    if (there(now)) return now;
    await wait(POLL_MS / 2);
  }
}

async function chunk(one, number, last) {
  for (const again of [false, true]) {
    const answer = await patiently(`/export/chunk/${number}`);
    try {
      return await one.open(number, last, new Uint8Array(await answer.arrayBuffer()));
    } catch (error) {
      if (again) throw error;
    }
  }
}

async function sealed(advance) {
  const { first, count } = await (await patiently("/export/span")).json();
  const found = [];
  need(Number.isInteger(first) && Number.isInteger(count) && count <= MOST, "records");
  while (found.length < count) {
    const size = Math.min(AT_ONCE, count - found.length);
    const answer = await patiently(`/export/records/${first + found.length}/${size}`);
    const told = await answer.json();
    need(Array.isArray(told) && told.length && told.length <= size, "records");
    found.push(...told.map(bytes));
    advance(found.length / count);
  }
  return found;
}

// taken: called once the PIN is this tab's to use.
async function open(pin, taken) {
  const bar = part("progress");
  bar.hidden = false;
  const now = await state();
  const asked = { ...now.asked, key: bytes(now.asked.key), session: bytes(now.asked.session) };
  need(asked.origin === location.origin, "origin");
  need(hex(await meterId(asked.key)) === meter, "meter");
  const one = new Recipient(asked);
  const share = await one.share(pin);
  await ask("/export/share", { share: hex(share) });
  taken();
  const empty = "00".repeat(65);
  const answered = await until((now) => now.share && now.share !== empty);
  const confirmation = await one.answer(bytes(answered.share));
  await ask("/export/confirm", { confirmation: hex(confirmation) });
  const serving = await until((now) => now.phase === "serving");
  await one.confirmed(bytes(serving.confirmation));
  for (let at = 0; at < serving.chunks; at++) {
    await chunk(one, at, at === serving.chunks - 1);
    bar.value = (0.5 * (at + 1)) / serving.chunks;
  }
  const signed = await until((now) => now.signature !== "00".repeat(64));
  const items = await one.finish(bytes(signed.signature));
  const records = await sealed((done) => (bar.value = 0.5 + 0.3 * done));
  say("said", "Each reading is checked against what your meter sealed.");
  const { readings, opened } = await check(items, records, asked, meter, (done) => (bar.value = 0.8 + 0.2 * done));
  draw(readings);
  priced(opened);
  return readings.length;
}

function priced(opened) {
  const form = part("cost-form");
  if (!form) return;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const told = await ask(`/export/prices?tariff=${encodeURIComponent(part("tariff").value)}`);
      say("cost", cost(opened, await told.json()));
    } catch (error) {
      say("cost", error.told ?? (error.message === "unit" ? UNIT : COARSE));
    }
  });
}

async function opening(event) {
  event.preventDefault();
  const pin = part("pin").value.replaceAll(" ", "");
  if (!/^[0-9]{6}$/.test(pin)) return;
  part("pin-form").remove();
  page.dataset.phase = "open";
  let good = "yes", mine = false;
  try {
    const count = await open(pin, () => (mine = true));
    say("said", `${count} readings, each the one your meter sealed; the meter's signature is good. They are in this page alone.`);
  } catch (error) {
    good = "no";
    say("said", "");
    say("refused", error.told ?? WORDS[error.message] ?? "This could not be read. Ask again.");
  }
  say("link", "");
  part("progress").hidden = true;
  page.dataset.phase = good === "yes" ? "opened" : "refused";
  if (mine) await ask("/export/done", { good }).catch(() => {}); // another tab's goes on
}

// Before the PIN the server's page is the truth: it is loaded again whenever the export moves on.
async function follow() {
  const began = page.dataset.phase;
  while (page.dataset.phase === began && !OVER.includes(began)) {
    await wait(POLL_MS);
    if (page.dataset.phase !== began) return;
    const now = await state();
    if (page.dataset.phase !== began) return;
    if (now.total && !inBrowser) part("progress").value = now.done / now.total;
    if (now.phase === "done" && !inBrowser) return location.assign("/results");
    if (now.phase !== began) return location.reload();
    if (inBrowser && ["exchange", "confirm", "serving", "checking"].includes(began)) say("refused", LOST);
  }
}

if (inBrowser && part("pin-form")) {
  part("pin-form").addEventListener("submit", opening);
  part("open").disabled = false; // before, the form would be sent instead
}
follow();
