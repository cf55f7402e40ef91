// Shows what the meter says now. It asks this page's own server once a second, and nobody else.
const EVERY_MS = 1000, KEPT = 300, LEAST = 60, LEFT = 100, WIDTH = 720, BASE = 196, TOP = 12;
const part = (id) => document.getElementById(id);
const seen = [];

function figure(id, text) {
  part(id).textContent = text || "–";
}

function draw() {
  const most = seen.reduce((top, watt) => Math.max(top, Math.abs(watt ?? 0)), 1);
  const step = (WIDTH - LEFT) / Math.max(LEAST, seen.length - 1);
  let path = "", pen = "M";
  seen.forEach((watt, at) => {
    if (watt === null) {
      pen = "M"; // a gap
      return;
    }
    path += `${pen}${(LEFT + at * step).toFixed(1)} ${(BASE - (BASE - TOP) * (Math.abs(watt) / most)).toFixed(1)}`;
    pen = "L";
  });
  part("line").setAttribute("d", path);
  part("top").textContent = `${most.toFixed(0)} W`;
  const shown_s = Math.max(LEAST, seen.length - 1) * EVERY_MS / 1000;
  part("since").textContent = `${(shown_s / 60).toFixed(0)} min ago`;
}

function show(told) {
  const watts = (value) => (value === null ? "" : `${value} W`);
  figure("import", watts(told.import_w));
  figure("export", watts(told.export_w));
  for (const id of ["voltage", "import_kwh", "export_kwh"]) figure(id, told[id]);
  if (part("trouble").textContent !== told.trouble) part("trouble").textContent = told.trouble;
  part("trouble").hidden = !told.trouble;
  if (part("log").textContent !== told.log) part("log").textContent = told.log;
  seen.push(told.import_w === null ? null : told.import_w - told.export_w);
  if (seen.length > KEPT) seen.shift();
  draw();
}

async function look() {
  if (!document.hidden) {
    try {
      const answer = await fetch("/live.json", { cache: "no-store" });
      if (answer.status === 401) {
        location.href = "/enter";
        return;
      }
      show(await answer.json());
    } catch {
      show({ trouble: "The command that serves this page has ended.", log: "", import_w: null, export_w: null });
    }
  }
  setTimeout(look, EVERY_MS);
}

look();
