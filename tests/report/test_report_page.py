"""The page stays one safe, self-contained document whatever the bill says."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from dataclasses import replace
from html import escape
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from page_reader import PageReader
from report_samples import COMMANDS, DAY_S, JANUARY_S, half_hourly, make_report, make_slots
from wattseal.errors import Misuse
from wattseal_host.report import Charge, Check, Digest, ReportData, Verdict, render

HOSTILE = (
    "</style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "<!--",
    "]]></svg><b>",
    "{{ 7*7 }}{% raw %}",
    "&lt;b&gt;&amp;",
    "javascript:alert(1)",
    "https://example.org/x.png",
)
names = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=40),
)
SHORT = make_slots(days=0.25)


def everywhere(name: str) -> ReportData:
    """A report with the name in every field that is text."""
    return make_report(
        SHORT,
        tariff_name=name,
        provider_name=name,
        zone_name=name,
        currency=name,
        contract_digest=name,
        tariff_digest=name,
        keys=(Digest(name, name),),
        digests=(Digest(name, name),),
        checks=(Check(name, False, 1.0),),
        verdict=Verdict(False, name, name),
        commands=(name,),
        charges=(Charge(name, 100),),
        meter=name,
    )


@settings(max_examples=60, deadline=None)
@example("<")
@given(names)
def test_names_stay_text(name: str) -> None:
    name = f"~{name}~"  # which the page has nowhere of itself
    page = render(everywhere(name))
    read, benign = PageReader(page), PageReader(render(everywhere("n")))
    assert {tag for tag, _ in read.tags} <= {tag for tag, _ in benign.tags}
    assert {pair for tag in read.tags for pair in tag[1]} <= {
        pair for tag in benign.tags for pair in tag[1]
    }
    assert name in read.text
    if escape(name) != name:
        assert name not in page.replace(escape(name, quote=False), "")


@pytest.mark.parametrize("name", HOSTILE)
def test_the_structure_does_not_depend_on_names(name: str) -> None:
    hostile = replace(everywhere(name), commands=COMMANDS)
    benign = replace(everywhere("n"), commands=COMMANDS)
    assert PageReader(render(hostile)).tags == PageReader(render(benign)).tags


def test_nothing_is_loaded_or_run() -> None:
    page = render(make_report())
    read = PageReader(page)
    assert not {tag for tag, _ in read.tags} & {"script", "link", "iframe", "object", "img"}
    loads = {"src", "srcset", "data", "action", "style", "poster", "background"}
    for tag, name, value in read.attributes:
        assert name not in loads and not name.startswith("on"), (tag, name)
        if name in ("href", "xlink:href"):
            assert value.startswith("#")
    style = re.search(r"<style>(.*?)</style>", page, re.S)
    assert style and "url(" not in style[1] and "@import" not in style[1]
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    (policy,) = (v for tag, n, v in read.attributes if n == "content" and "default-src" in v)
    assert "default-src 'none'" in policy and f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_every_picture_speaks_and_every_reference_leads_somewhere() -> None:
    read = PageReader(render(make_report()))
    for tag, attributes in read.tags:
        if tag == "svg" and "role" in attributes:
            assert "aria-label" in attributes
    ids = [value for _, name, value in read.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    references = [v for _, name, v in read.attributes if name == "aria-labelledby"]
    references += [v[1:] for _, name, v in read.attributes if name == "href"]
    assert set(references) <= set(ids)
    levels = [int(tag[1]) for tag, _ in read.tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(later <= sooner + 1 for sooner, later in pairwise(levels))


@pytest.mark.parametrize("interval_s, most_bytes", [(300, 600_000), (1800, 150_000)])
def test_a_month_stays_small_and_quick(interval_s: int, most_bytes: int) -> None:
    data = make_report(make_slots(interval_s=interval_s, price=half_hourly))
    started = time.perf_counter()
    page = render(data)
    assert time.perf_counter() - started < 1.0
    assert len(page.encode()) < most_bytes


CASES = {
    "a day": make_slots(days=1),
    "hourly": make_slots(days=3, interval_s=3600),
    "one record": make_slots(days=1 / 48),
    "five minutes": make_slots(days=2, interval_s=300),
    "odd interval": make_slots(days=1, interval_s=700),
    "outage over two midnights": make_slots(days=5, outage=(JANUARY_S + DAY_S, 50 * 3600)),
    "negative prices": make_slots(days=9, price=lambda *_: -5000),
    "nothing used": make_slots(days=2, load=lambda *_: 0.0),
    "export": make_slots(days=3, with_export=True),
    "no record": (),
}


@pytest.mark.parametrize("name", CASES)
def test_unusual_periods(name: str) -> None:
    read = PageReader(render(make_report(CASES[name])))
    for tag, attribute, value in read.attributes:
        if tag == "path" and attribute == "d":
            assert re.fullmatch(r"[MmLlHhVvAaz0-9 .-]*", value)
        elif value.endswith("%"):
            assert 0 <= float(value[:-1]) <= 100


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"amount_minor": 3412}, ("You owe", "34.12", "without seeing a reading")),
        ({"amount_minor": -3412}, ("You are owed", "34.12")),
        ({"amount_minor": 3412, "minor_digits": 0, "currency": "JPY"}, ("3,412", "JPY")),
        ({"verdict": Verdict(False, "chain-link", "record 7")}, ("refused", "chain-link")),
        ({"fee_released": True}, ("rounded from the opened",)),
        ({"fee_released": False}, ("rounding is inside the proof",)),
        ({"unit_exponent": 1}, ("kWh",)),
    ],
)
def test_the_headline(changes: dict[str, object], words: tuple[str, ...]) -> None:
    text = PageReader(render(make_report(SHORT, **changes))).text
    assert all(word in text for word in words)


def test_what_the_provider_can_work_out_is_said() -> None:
    flat = PageReader(render(make_report(make_slots(days=2, price=lambda *_: 20000)))).text
    assert "divided by the one price" in flat
    rates = PageReader(render(make_report(make_slots(days=2)))).text
    assert "the fee bounds it" in rates
    slots = make_slots(days=2, price=lambda clock_s, day: int(clock_s == 3600 and day % 2 == 0))
    assert "one record alone is priced" in PageReader(render(make_report(slots))).text


def test_what_was_disclosed_by_consent_is_said() -> None:
    def learns(data: ReportData) -> list[str]:
        page = render(data)
        rows = re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", page, re.S)
        found = [row for row in rows if row.startswith(("Each of the", "When energy"))]
        assert len(found) == 2
        return found

    words = "the fee tells of the readings from 2024-01-01 19:00 to 2024-01-01 19:30 alone"
    data = make_report(make_slots(days=2))
    assert not any("partly" in row for row in learns(data))
    found = learns(replace(data, disclosed=(words, "another <b>thing</b>")))
    assert all("partly" in row for row in found)
    assert f"{words}; another &lt;b&gt;thing" in found[0]
    assert "without seeing a reading" in PageReader(render(data)).text
    assert "without seeing a reading" not in render(replace(data, disclosed=(words,)))


def test_the_opened_fee_is_a_second_number() -> None:
    data = make_report(SHORT)
    one, two = "The one number released", "The amount, and the fee it is rounded from"
    text = PageReader(render(data)).text
    assert two in text and one not in text
    # Rounded to steps of more than a minor unit, as to five centimes.
    text = PageReader(render(replace(data, amount_minor=data.amount_minor + 2))).text
    assert two in text and one not in text
    assert one in PageReader(render(replace(data, fee_released=False))).text
    refused = replace(data, verdict=Verdict(False, "chain-link", ""))
    assert "The one number claimed" in PageReader(render(refused)).text


def test_impossible_reports_are_misuse() -> None:
    slots = make_slots(days=1)
    for wrong in (
        slots[::-1],
        (replace(slots[0], commitment="02"),),
        (replace(slots[0], commitment="g" * 66),),
        (replace(slots[0], length_s=0),),
        make_slots(days=1.5),
    ):
        with pytest.raises(Misuse) as caught:
            replace(make_report(slots), slots=wrong)
        assert caught.value.code == "report-slots"
    with pytest.raises(Misuse) as caught:
        make_report(slots, to_s=0)
    assert caught.value.code == "report-period"
