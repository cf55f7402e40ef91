"""What is handed over: checked, shown, and gone."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest
from handed_file import file_of
from portal_bench import Clock, Server, Visitor, traces
from sealed_house import SealingMeter
from wattseal.errors import WattsealError
from wattseal_host.portal import analysis, handed
from wattseal_host.portal.analysis import analyse, cost
from wattseal_host.portal.handed import Handed
from wattseal_host.portal.site import Site
from wattseal_host.portal.tables import Accounts
from wattseal_host.report.localtime import LocalTime

MARK = 3_141_592_653
SHOWN = "3141592.653"  # the marked reading in kWh, within the first day's total


@pytest.fixture(scope="module")
def data(house: SealingMeter) -> bytes:
    return file_of(house)


@pytest.fixture
def visitor(portal: Server, house: SealingMeter) -> Visitor:
    visitor = Visitor(portal.url)
    visitor.sign_up("ada", house.meter)
    return visitor


def test_what_is_handed_over_is_shown(visitor: Visitor, data: bytes) -> None:
    page = visitor.hand_over(data).text
    assert "96 readings" in page and "<svg" in page and "1 Jan 2025" in page
    assert "0.00 EUR" not in visitor.http.get("/results?tariff=Flat").text
    assert "EUR" in visitor.http.get("/results?tariff=Flat").text
    assert "shown to me until I log off" in visitor.http.get("/consents").text


def test_a_page_that_is_not_there_is_one_of_the_site(visitor: Visitor) -> None:
    answer = visitor.http.get("/nix")
    assert answer.status_code == 404 and "There is no such page here." in answer.text
    assert 'href="/"' in answer.text


def test_a_reload_and_a_second_tab_show_the_same(visitor: Visitor, data: bytes) -> None:
    page = visitor.hand_over(data).text
    assert visitor.http.get("/results").text == page
    assert "96 readings" in visitor.hand_over(data).text


def test_nothing_without_consent(visitor: Visitor, data: bytes) -> None:
    assert "tick the box" in visitor.hand_over(data, consent="no").text
    assert "holds no reading" in visitor.http.get("/results").text


def test_the_numbers(house: SealingMeter, data: bytes, site: Site) -> None:
    held = handed.read(data, house.meter)
    found = analyse(held, LocalTime(()))
    total = MARK + sum(100 + at for at in range(96) if at != 7)
    assert found.total_wh == total
    assert [day.name for day in found.days] == ["1 Jan 2025", "2 Jan 2025"]
    assert sum(day.energy_wh for day in found.days) == pytest.approx(total)
    # The quietest 9.6 of 96 half-hours: 100..106, 108, 109 whole and 0.6 of 110.
    quietest = sum(range(100, 107)) + 108 + 109 + 0.6 * 110
    assert found.base_w == pytest.approx(2 * quietest / 9.6)
    assert cost(held, site.tariffs["Flat"]).text == f"{total * 0.25 / 1000:.2f} EUR"


def test_two_channels_and_a_stretch_from_the_middle() -> None:
    meter = SealingMeter("both", channels=2).origin()
    for at in range(6):
        meter.reading(100 + at, 7 * at)
    held = handed.read(file_of(meter, from_seq=3), meter.meter)
    assert held.column("import") == [102, 103, 104, 105]
    assert held.column("export") == [14, 21, 28, 35]


def _changed(data: bytes, name: str) -> bytes:
    value = json.loads(data)
    match name:
        case "value":
            value["openings"][3]["value"] += 1
        case "swap":
            first, second, *rest = value["openings"]
            value["openings"] = [second, first, *rest]
        case "blinding":
            value["openings"][0]["blinding"] = "00" * 32
        case "missing-opening":
            value["openings"].pop()
        case "dropped":
            del value["bodies"][5], value["openings"][4]
        case "cut-off":
            del value["bodies"][-1], value["openings"][-1]
        case "body":
            body = value["bodies"][4]
            value["bodies"][4] = body[:60] + ("1" if body[60] == "0" else "0") + body[61:]
        case "format":
            value["format"] = "<script>"
        case "extra":
            value["<b>"] = 1
        case "negative":
            value["openings"][0]["value"] = -1
        case "interval":
            value["interval_s"] = 900
    return json.dumps(value).encode()


CHANGES = {
    "value": "handover-opening", "swap": "handover-opening", "blinding": "handover-opening",
    "missing-opening": "field-malformed", "dropped": "chain-sequence",
    "cut-off": "chain-signature", "body": "chain-", "format": "", "extra": "",
    "negative": "", "interval": "chain-config",
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_file_is_refused(house: SealingMeter, data: bytes, name: str) -> None:
    with pytest.raises(WattsealError) as caught:
        handed.read(_changed(data, name), house.meter)
    assert caught.value.code.startswith(CHANGES[name])


@pytest.mark.parametrize(
    "bad", [b"", b"{}", b"[" * 9999, b"\xff\xfe", b"<script>alert(1)</script>"]
)
def test_rubbish_is_refused_politely(visitor: Visitor, bad: bytes) -> None:
    answer = visitor.hand_over(bad)
    assert answer.status_code == 400 and "alert(1)" not in answer.text


def test_another_meter_is_refused(visitor: Visitor) -> None:
    other = SealingMeter("other").origin().reading(5)
    answer = visitor.hand_over(file_of(other))
    assert answer.status_code == 400 and "another meter" in answer.text


@pytest.mark.parametrize("ending", ["log-off", "expiry", "forget", "account", "shutdown"])
def test_gone_when_it_is_over(
    ending: str, house: SealingMeter, data: bytes, clock: Clock, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Looked for in the database, files, temporary folders, logs, answers and the memory held."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    site = Site(Accounts(f"sqlite:///{tmp_path}/portal.db"), clock=clock)
    server = Server(site)
    visitor = Visitor(server.url)
    visitor.sign_up("ada", house.meter)
    page = visitor.hand_over(data).text
    (held,) = [one.held for one in site.sessions._sessions.values() if one.held]
    packed = held.values["import"]
    assert MARK.to_bytes(4, "big") in packed
    needles = [str(MARK).encode(), MARK.to_bytes(4, "big"), data[-80:-10]]
    assert not traces([tmp_path], needles), "written while it was shown"
    try:
        match ending:
            case "log-off":
                visitor.post("/log-off", at="/")
            case "expiry":
                clock.ahead_s += 15 * 60 + 1
                site.sessions.sweep()
            case "forget":
                visitor.post("/forget", at="/results")
            case "account":
                visitor.post("/account/remove", at="/account", password="correct horse battery")
            case "shutdown":
                server.close()
        assert not any(packed) and not held.records and not held.column()
        if ending != "shutdown":
            answer = visitor.http.get("/results").text
            assert "96 readings" in page and "96 readings" not in answer
    finally:
        server.close()
    assert not traces([tmp_path], needles)
    output = "".join(capfd.readouterr())
    assert str(MARK) not in output and os.fspath(tmp_path) not in page


def test_logged_off_in_another_tab_while_a_file_is_checked(
    visitor: Visitor, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = handed.read
    kept: list[Handed] = []

    def slow(file: bytes, meter: bytes) -> Handed:
        visitor_two.post("/log-off", at="/")
        kept.append(real(file, meter))
        return kept[0]

    visitor_two = Visitor(str(visitor.http.base_url), cookies=visitor.http.cookies)
    monkeypatch.setattr(handed, "read", slow)
    assert visitor.hand_over(data).url.path == "/log-on"
    assert not kept[0].column()


def test_no_more_is_held_than_there_is_room_for(
    portal: Server, visitor: Visitor, data: bytes, site: Site
) -> None:
    site.sessions._most_held = 1
    assert "96 readings" in visitor.hand_over(data).text
    other = Visitor(portal.url)
    other.log_on("ada")
    answer = other.hand_over(data)
    assert answer.status_code == 503 and "Too many" in answer.text
    assert "96 readings" in visitor.hand_over(data).text
    visitor.post("/log-off", at="/")
    assert "96 readings" in other.hand_over(data).text


@pytest.mark.parametrize("when", ["before", "after"])
def test_forgotten_in_another_tab_while_a_page_is_computed(
    when: str, visitor: Visitor, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.hand_over(data)
    real = analysis.analyse

    def slow(held: Handed, local: LocalTime) -> analysis.Analysis:
        found = real(held, local) if when == "after" else None
        visitor_two.post("/forget", at="/results")
        return found or real(held, local)

    visitor_two = Visitor(str(visitor.http.base_url), cookies=visitor.http.cookies)
    monkeypatch.setattr(analysis, "analyse", slow)
    token = visitor_two.csrf("/hand-over")
    monkeypatch.setattr(Visitor, "csrf", lambda *_: token)
    answer = visitor.http.get("/results")
    assert answer.status_code == 200 and "holds no reading" in answer.text
