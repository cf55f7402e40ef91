"""Pictures of a report: `python -m wattseal_host.report.screenshot REPORT.html OUT.png`."""

from __future__ import annotations

import argparse
import html
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from wattseal.errors import Misuse

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TIMEOUT_S = 60
_MEASURE = """
<script>
window.onload = () => {
  const root = document.querySelector("iframe").contentDocument.documentElement;
  document.title = `${root.scrollWidth}x${root.scrollHeight}`;
};
</script>
"""


def find_browser() -> str | None:
    """The path of a Chromium on this machine."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def page_size(page: str, width_px: int, dark: bool = False) -> tuple[int, int]:
    """What a page needs at a screen width_px wide: (width, height) in CSS pixels.

    A width above width_px means that it would scroll sideways.
    """
    with tempfile.TemporaryDirectory() as folder:
        framed = _frame(Path(folder), page, width_px, 600)
        dom = _run([*_colours(dark), "--hide-scrollbars", "--dump-dom", framed.as_uri()])
    found = re.search(r"<title>(\d+)x(\d+)</title>", dom)
    if not found:
        raise Misuse("browser-failed", "no measurement")
    return int(found[1]), int(found[2])


def take(
    page: str, out: Path, width_px: int, height_px: int | None = None, dark: bool = False
) -> None:
    """Write a PNG of a page, whole (height_px None) or its upper part."""
    height_px = height_px or page_size(page, width_px)[1]
    with tempfile.TemporaryDirectory() as folder:
        framed = _frame(Path(folder), page, width_px, height_px)
        size = f"--window-size={width_px},{height_px}"
        shot = f"--screenshot={out.resolve()}"
        _run([*_colours(dark), "--hide-scrollbars", size, shot, framed.as_uri()])
    if not out.exists():
        raise Misuse("browser-failed", "no picture")


def print_pdf(page: str, out: Path) -> None:
    """Write what the page looks like on paper."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "report.html"
        source.write_text(page, "utf-8")
        _run(["--no-pdf-header-footer", f"--print-to-pdf={out.resolve()}", source.as_uri()])
    if not out.exists():
        raise Misuse("browser-failed", "no document")


def _frame(folder: Path, page: str, width_px: int, height_px: int) -> Path:
    """The page in a frame of exactly this size: windows can't be as narrow as a phone."""
    framed = folder / "frame.html"
    framed.write_text(
        "<!DOCTYPE html><title>loading</title><style>body{margin:0}iframe{border:0;display:block}"
        f'</style><iframe width="{width_px}" height="{height_px}" srcdoc="{html.escape(page)}">'
        f"</iframe>{_MEASURE}",
        "utf-8",
    )
    return framed


def _colours(dark: bool) -> list[str]:
    return [f"--blink-settings=preferredColorScheme={0 if dark else 1}"]


def _run(arguments: list[str]) -> str:
    browser = find_browser()
    if browser is None:
        raise Misuse("browser-missing", "on Debian: apt install chromium")
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            f"--user-data-dir={profile}",
            *arguments,
        ]
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
    if done.returncode:
        raise Misuse("browser-failed", done.stderr.decode(errors="replace")[-400:])
    return done.stdout.decode(errors="replace")


def main() -> None:
    parser = argparse.ArgumentParser(description="take a picture of a report")
    parser.add_argument("report", type=Path)
    parser.add_argument("out", type=Path, help=".png, or .pdf as printed")
    parser.add_argument("--width", type=int, default=1280, help="CSS pixels")
    parser.add_argument("--height", type=int, help="CSS pixels, default the whole page")
    parser.add_argument("--dark", action="store_true")
    chosen = parser.parse_args()
    page = chosen.report.read_text("utf-8")
    if chosen.out.suffix == ".pdf":
        print_pdf(page, chosen.out)
    else:
        take(page, chosen.out, chosen.width, chosen.height, chosen.dark)


if __name__ == "__main__":
    main()
