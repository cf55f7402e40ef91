"""Proven bills as messages to a provider that has the ledger: one, many, false ones among them."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import pytest
from bench.month import Month, Papers
from bench.proofs import TIERS
from test_demo_prices import load_csv, wattseal
from wattseal.record import TAMPER
from wattseal_host import bill_message
from wattseal_host.bill_message import BillMessage
from wattseal_host.ledger import Ledger
from wattseal_host.provider.archive import Archive
from wattseal_host.provider.batch import Desk, check_all
from wattseal_host.provider.bills import check_message
from wattseal_host.verify import verify_bundle

SLOTS = 96
DEMAND = {
    "type": "demand", "name": "peak", "channel": "import", "price": 300_000, "highest": 2,
    "per_s": 3600,
}  # fmt: skip


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Month:
    return Month(tmp_path_factory.mktemp("proven"), SLOTS, name="proven")


@pytest.fixture(scope="module")
def papers(month: Month) -> list[Papers]:
    shaped = [month.shaped("blocks", TIERS), month.shaped("peak", DEMAND)]
    return [month.half_hourly, month.time_of_use, *shaped]


@pytest.fixture(scope="module")
def messages(month: Month, papers: list[Papers]) -> list[bytes]:
    return [month.message(month.bill(one, consent=True, full=False)) for one in papers]


def judged(month: Month, message: bytes) -> str:
    archive = Archive(month.office.directory, month.office.public)
    with Ledger(month.ledger_file) as ledger:
        return check_message(message, archive, ledger).code


def test_every_kind_of_tariff_from_the_ledger(month: Month, messages: list[bytes]) -> None:
    for message in messages:
        assert judged(month, message) == "accepted"
        read = bill_message.read(message, month.meter.key)
        assert read.write() == message and message.startswith(b"wattseal-bill/2\0")


def test_an_amount_or_a_proof_of_another_bill(month: Month, messages: list[bytes]) -> None:
    bills = [bill_message.read(message, month.meter.key) for message in messages]
    for bill, other in zip(bills, [*bills[1:], bills[0]], strict=True):
        said = replace(bill.statement, amount=bill.statement.amount + 1)
        assert judged(month, BillMessage(said, bill.proof).write()).startswith("proof-")
        swapped = BillMessage(bill.statement, other.proof).write()
        assert judged(month, swapped).startswith("proof-")


def test_a_batch_of_both_kinds_names_the_false_ones(
    month: Month, papers: list[Papers], messages: list[bytes], tmp_path: Path
) -> None:
    bills = [bill_message.read(message, month.meter.key) for message in messages]
    lie = BillMessage(
        replace(bills[2].statement, amount=bills[2].statement.amount - 1), bills[2].proof
    ).write()
    opened = month.message(month.bill(month.half_hourly, consent=True))
    broken = messages[3][:-1]
    files = [*messages, lie, opened, broken, messages[0]]
    paths = [tmp_path / f"{number}.bill" for number in range(len(files))]
    for path, data in zip(paths, files, strict=True):
        path.write_bytes(data)
    office = month.office
    desk = Desk(office.directory, office.public, month.trust, month.ledger_file)
    codes = [outcome.verdict.code for outcome in check_all(paths, desk)]
    assert codes == [
        *["accepted"] * 4, "proof-false", "accepted", "proof-length", "accepted",
    ]  # fmt: skip


def test_events_among_the_readings(tmp_path: Path) -> None:
    """A case that was opened: its event is a record and no reading."""
    month = Month(tmp_path, 8, name="eventful")
    month.meter.event(TAMPER, bytes([1]) + bytes(4))
    for value in (5, 7, 1200, 9, 0, 0, 3, 4):
        month.meter.reading(value)
    month.to_s += 8 * 1800
    with Ledger(month.ledger_file) as ledger:
        held = ledger.last(month.meter.meter).seq + 1
        ledger.append(month.meter.meter, month.meter.sealed[held:], "utility")
        month.stretch = ledger.period(month.meter.meter, month.from_s, month.to_s)
    tariff = month.tariffs["half-hourly"].document
    flat = {"type": "flat", "name": "energy", "channel": "import", "price": 1000}
    month.tariffs["half-hourly"] = type(month.tariffs["half-hourly"]).read(
        {
            **tariff,
            "valid": {**tariff["valid"], "to_s": month.to_s},
            "parts": [flat, tariff["parts"][-1]],
        }
    )
    papers = month.shaped("peak of two days", DEMAND)
    bill = month.bill(papers, consent=True, full=False)
    assert verify_bundle(bill.data, month.trust).accepted
    assert judged(month, month.message(bill)) == "accepted"


@pytest.mark.slow
def test_the_demo_bills_a_tariff_of_its_users(tmp_path: Path) -> None:
    document = {
        "name": "blocks and demand", "currency": {"code": "EUR", "minor_digits": 2},
        "price_exponent": -4, "per": {"name": "Wh", "exponent": 3},
        "zone": {"name": "Europe/Berlin"},
        "parts": [
            {**TIERS, "tiers": [{"up_to": 10, "price": 1500}, {"price": 4100}]},
            {**DEMAND, "price": 20_000},
            {"type": "minimum", "name": "least", "amount": 10_000, "span": "month"},
        ],
        "rounding": {"step_minor": 1, "mode": "half-even"},
    }  # fmt: skip
    (tmp_path / "blocks.json").write_text(json.dumps(document))
    done = wattseal(
        "demo", "--load", load_csv(tmp_path / "load.csv"), "--days", 2, "--json", "--consent",
        "--tariff", tmp_path / "blocks.json", "--out", tmp_path / "out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    readings = json.loads(
        wattseal(
            "customer", "openings", "--secrets", tmp_path / "out/customer.json", "--ledger",
            tmp_path / "out/ledger.db", "--from", result["from"], "--to", result["to"], "--json",
        ).stdout
    )["openings"]  # fmt: skip
    values = [row["value"] for row in readings]
    total = Decimal(sum(values)) / 1000
    fee = min(total, 10) * Decimal("0.15") + max(total - 10, 0) * Decimal("0.41")
    fee += Decimal(sum(sorted(values)[-2:])) / 1000 * 2 / 2 * 2
    assert result["fee"] == str(fee.quantize(Decimal("0.01"), ROUND_HALF_EVEN))
    page = (tmp_path / "out/report.html").read_text()
    assert "blocks and demand" in page and "peak" in page
    told = wattseal("customer", "releases", "--secrets", tmp_path / "out/customer.json")
    assert told.returncode == 0


def test_the_demo_refuses_what_is_no_tariff(tmp_path: Path) -> None:
    for text, code in (("[]", "field-malformed"), ("{}", "field-missing"), ("{", "json-")):
        (tmp_path / "t.json").write_text(text)
        done = wattseal("demo", "--tariff", tmp_path / "t.json", "--out", tmp_path / "out")
        assert done.returncode == 2 and done.stderr.startswith(f"error: {code}"), done.stderr
        assert not (tmp_path / "out").exists()
    done = wattseal("demo", "--tariff", tmp_path / "t.json", "--prices", tmp_path / "t.json")
    assert done.returncode == 2 and done.stderr.startswith("error: usage")
