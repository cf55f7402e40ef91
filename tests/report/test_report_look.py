"""The page in a real browser: no sideways scrolling, colours applied, contrast enough."""

from __future__ import annotations

import re
import zlib
from importlib import resources
from pathlib import Path

import pytest
from report_samples import JANUARY_S, half_hourly, make_report, make_slots
from wattseal_host.report import render
from wattseal_host.report.screenshot import find_browser, page_size, print_pdf, take

PICTURES = Path(__file__).parents[2] / "build" / "report"
PAPER = {False: "fbfaf7", True: "151517"}
TEXT = ("ink", "soft", "customer", "provider", "good", "bad")

browser = pytest.mark.skipif(
    find_browser() is None, reason="no Chromium here: on Debian, apt install chromium"
)


@pytest.fixture(scope="module")
def page() -> str:
    outage = (JANUARY_S + 11 * 86400 + 37 * 1800, 8 * 3600)
    return render(make_report(make_slots(outage=outage)))


@browser
@pytest.mark.parametrize("width_px", [320, 375, 768, 1280])
def test_nothing_scrolls_sideways(page: str, width_px: int) -> None:
    assert page_size(page, width_px)[0] <= width_px


@browser
def test_long_names_do_not_scroll_sideways_either() -> None:
    long = "Stromversorgungsgenossenschaft" * 4
    data = make_report(
        make_slots(days=3, price=half_hourly, with_export=True),
        provider_name=long,
        tariff_name=long,
        zone_name=long,
        amount_minor=-123456789012,
    )
    assert page_size(render(data), 320)[0] <= 320


@browser
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name, width_px", [("phone", 375), ("screen", 1280)])
def test_pictures(page: str, name: str, width_px: int, dark: bool) -> None:
    """The first pixel tells that the style sheet was allowed by its hash, and which scheme."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    out = PICTURES / f"{name}{'-dark' if dark else ''}.png"
    take(page, out, width_px, dark=dark)
    assert first_pixel(out.read_bytes()) == PAPER[dark]


@browser
def test_it_prints(page: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    print_pdf(page, PICTURES / "printed.pdf")
    pages = re.findall(rb"/Type\s*/Page\b", (PICTURES / "printed.pdf").read_bytes())
    assert 1 <= len(pages) <= 4


@pytest.mark.parametrize("dark", [False, True])
def test_letters_stand_out(dark: bool) -> None:
    style = resources.files("wattseal_host.report").joinpath("templates/report.css").read_text()
    light_part, dark_part = style.split("@media screen and (prefers-color-scheme: dark)")
    colours = dict(re.findall(r"--(\w+): (#\w{6});", dark_part if dark else light_part))
    for name in TEXT:
        for ground in ("paper", "raised"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)


def contrast(first: str, second: str) -> float:
    """WCAG 2 contrast ratio of two colours."""
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def first_pixel(png: bytes) -> str:
    """RGB of the upper left pixel: no PNG filter changes it."""
    at, packed = 8, b""
    while at < len(png):
        length = int.from_bytes(png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            packed += png[at + 8 : at + 8 + length]
        at += 12 + length
    return zlib.decompress(packed)[1:4].hex()
