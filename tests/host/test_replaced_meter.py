"""A meter is replaced in the middle of a billed period: two emulated boards, one bill.

Every step by the commands its people would type: close, exchange, pair, link, bill, verify.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

from in_process import wattseal as command
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.loads import ProfileLoad
from wattseal_hil.pairing import read_pin

INTERVAL_S, DAY_S = 1800, 86400
FROM_S = 1_767_225_600
CLOSED_S = FROM_S + 20 * 3600 + 700
TO_S = FROM_S + 2 * DAY_S


def wattseal(*arguments: object) -> dict[str, Any]:
    """Run a command with --json; its object."""
    done = command(*arguments, "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def utc(seconds: float) -> str:
    return datetime.fromtimestamp(round(seconds), UTC).isoformat()


class Site:
    """A provider and a customer, and their files."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.office = folder, folder / "office"
        self.provider = ["--dir", self.office]
        self.key = wattseal("provider", "init", *self.provider)["key"]
        self.ledger, self.secrets = folder / "ledger.db", folder / "secrets.json"

    def board(self, seed: int, start_s: int) -> EmulatedBoard:
        settings = {
            "provider": self.key,
            "interval_s": INTERVAL_S,
            "burst_ms": 60_000,
            "telegram_ms": 60_000,
            "checkpoint_ms": 60_000,
        }
        return EmulatedBoard(
            load=ProfileLoad(), start_s=start_s, settings=settings, rtc=False, seed=seed
        )

    def install(self, board: EmulatedBoard, *options: str) -> str:
        """Clock, pairing, enrolment; the meter's id."""
        board.power_on()
        ports = ["--port", board.utility_port]
        wattseal("provider", "clock", *self.provider, *ports, "--at", utc(board.now_s))
        board.press_button()
        pair = ["customer", "pair", "--port", board.customer_port, "--secrets", self.secrets]
        if options:
            refused = command(*pair, "--pin", read_pin(board))
            assert refused.returncode == 2 and "meter-pinned" in refused.stderr
            board.press_button()
        meter: str = wattseal(*pair, "--pin", read_pin(board), *options)["meter"]
        assert wattseal("provider", "enrol", *self.provider, *ports)["meter"] == meter
        return meter

    def collect(self, board: EmulatedBoard) -> None:
        wattseal(
            "collect", "--ledger", self.ledger, "--utility-port", board.utility_port,
            "--new-meter",
        )  # fmt: skip

    def agree(self, meter: str, tariff: Path, from_s: int) -> Path:
        path = self.folder / f"{meter}.jws"
        wattseal(
            "provider", "contract", *self.provider, "--meter", meter, "--tariff", tariff,
            "--number", "C-9", "--from", utc(from_s), "--to", utc(TO_S + DAY_S), "--out", path,
        )  # fmt: skip
        return path


def test_one_bill_over_two_boards(tmp_path: Path) -> None:
    site = Site(tmp_path)
    tariff, trust = tmp_path / "tariff.jws", tmp_path / "trust.json"
    wattseal(
        "provider", "tariff", "sign", *site.provider, "--out", tariff, "--band", "night=0.1255",
        "--band", "day=0.3141", "--switches", "00:00 night, 07:00 day", "--currency", "EUR",
        "--zone", "UTC", "--from", utc(FROM_S), "--to", utc(TO_S + DAY_S),
    )  # fmt: skip
    with site.board(1, FROM_S - INTERVAL_S) as board:
        old = site.install(board)
        board.run_until(CLOSED_S)
        wattseal(
            "provider", "close", *site.provider, "--port", board.utility_port, "--meter", old,
            "--at", utc(board.now_s),
        )  # fmt: skip
        site.collect(board)
    with site.board(2, CLOSED_S + 900) as board:
        new = site.install(board, "--replace")
        board.run_until(TO_S + 5)
        site.collect(board)
    begun_s = CLOSED_S - CLOSED_S % INTERVAL_S + 2 * INTERVAL_S  # where the new epoch begins
    link = tmp_path / "link.jws"
    wattseal(
        "provider", "replace", *site.provider, "--ledger", site.ledger, "--meter", old,
        "--successor", new, "--out", link, "--from", utc(begun_s),
    )  # fmt: skip
    wattseal("provider", "trust", *site.provider, "--out", trust)
    contracts = [site.agree(old, tariff, FROM_S), site.agree(new, tariff, begun_s)]

    bill = [
        "customer", "bill", "--secrets", site.secrets, "--ledger", site.ledger, "--trust", trust,
        "--tariff", tariff, "--from", utc(FROM_S), "--to", utc(TO_S), "--out",
        tmp_path / "bill.json", "--message", tmp_path / "bill.bill", "--report",
        tmp_path / "bill.html",
    ]  # fmt: skip
    for meter, contract in zip((old, new), contracts, strict=True):
        bill += ["--enrolment", site.office / f"enrolments/{meter}.jws", "--contract", contract]
    alone = command(*bill)
    assert alone.returncode == 2 and "replacement-missing" in alone.stderr
    made = wattseal(*bill, "--replacement", link)
    assert [one["meter"] for one in made["statement"]["stretches"]] == [old, new]
    assert made["amount"] == str(fee(site, begun_s))
    assert made["notes"][0].startswith("not metered: ")

    checked = wattseal("verify", tmp_path / "bill.json", "--trust", trust)
    assert checked["amount"] == made["amount"]
    told = command("verify", tmp_path / "bill.json", "--trust", trust).stdout
    assert f"meter    {old}, then\n  meter    {new}, " in told and "note     not metered" in told
    for name in ("bill.json", "bill.bill"):
        own = wattseal(
            "provider", "verify", tmp_path / name, *site.provider, "--ledger", site.ledger
        )
        assert own["accepted"] and own["amount"] == made["amount"]
    page = (tmp_path / "bill.html").read_text()
    for meter in (old, new):
        assert " ".join(meter[i : i + 4] for i in range(0, 32, 4)) in page
    both = wattseal(
        "customer", "openings", "--secrets", site.secrets, "--ledger", site.ledger,
        "--from", utc(begun_s - DAY_S), "--to", utc(begun_s + DAY_S),
    )["openings"]  # fmt: skip
    assert both[0]["start"] < made_utc(CLOSED_S) < both[-1]["start"]
    recover = ["customer", "recover", "--secrets", site.secrets, "--ledger", site.ledger]
    for meter in (old, new):
        some = wattseal(*recover, "--meter", meter)
        assert some["meter"] == meter and some["count"] > 20
    assert wattseal(*recover)["meter"] == new
    stranger = command(*recover, "--meter", "00" * 16)
    assert stranger.returncode == 2 and "meter-unknown" in stranger.stderr
    # One release, over both; a second bill of the same days is an overlap.
    listed = wattseal("customer", "releases", "--secrets", site.secrets)["releases"]
    assert len(listed) == 1 and listed[0]["from"] == made_utc(FROM_S)
    shorter = [*bill, "--to", utc(TO_S - 6 * 3600), "--replacement", link]
    again = command(*shorter)
    assert again.returncode == 2 and "disclosure-overlap" in again.stderr


def made_utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def fee(site: Site, begun_s: int) -> Decimal:
    """By the openings of both, each at the price of the hour it begins in."""
    from wattseal_host.customer.readings import from_ledger
    from wattseal_host.customer.store import Secrets
    from wattseal_host.ledger import Ledger

    old, new = Secrets.load(site.secrets).meters
    total = Decimal(0)
    with Ledger(site.ledger) as ledger:
        readings = [
            *from_ledger(ledger, old, FROM_S, CLOSED_S),
            *from_ledger(ledger, new, begun_s, TO_S),
        ]
    assert sum(reading.value for reading in readings) > 5000
    for reading in readings:
        hour = datetime.fromtimestamp(reading.start_s, UTC).hour
        total += reading.value * (Decimal("0.1255") if hour < 7 else Decimal("0.3141")) / 1000
    return total.quantize(Decimal("0.01"), ROUND_HALF_EVEN)
