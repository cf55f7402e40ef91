"""One bill over the replacement of a meter: two chains, every part of the tariff over both."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from replaced_house import (
    BEGIN_S,
    EDGE_S,
    END_S,
    OLD_SLOTS,
    SLOTS,
    TO_S,
    Replaced,
    new_meter,
    old_meter,
)
from sealed_house import INTERVAL_S, START_S, SealingMeter
from test_shaped_tariffs import FLAT, KWH, STANDING, VAT, P, blocks, document, euros, part
from wattseal.errors import Malformed, Refused
from wattseal.record import decode_sealed
from wattseal_host import wide_message
from wattseal_host.customer.bill import Bill
from wattseal_host.customer.bill_report import render
from wattseal_host.joint_bundle import JointBundle, read_any
from wattseal_host.ledger import Ledger
from wattseal_host.linear import LinearProof
from wattseal_host.provider.archive import Archive
from wattseal_host.provider.bills import check_bill, check_message
from wattseal_host.provider.office import Office
from wattseal_host.provider.replacements import replace as sign_link
from wattseal_host.replacement import Replacement
from wattseal_host.report.page import spaced
from wattseal_host.statement import JointStatement
from wattseal_host.stretch import Stretch
from wattseal_host.tariff import Tariff
from wattseal_host.verify import verify_bundle

DEMAND = part("demand", price=50_000, highest=3, per_s=3600)
STEPS = part(
    "steps", unit_exponent=0, per_s=1800,
    steps=[{"up_to": 300, "price": 100}, {"up_to": 900, "price": 700}, {"price": 1500}],
)  # fmt: skip
ENDS, PRICES = [3, 6], [2000, 3000, 4500]
LEAST = {"type": "minimum", "name": "least", "amount": 90_000, "span": "day"}


def tiers(name: str = "tiers") -> dict:
    steps = [{"up_to": 3, "price": 2000}, {"up_to": 6, "price": 3000}, {"price": 4500}]
    return part("tiers", name=name, mode="cumulative", unit_exponent=3, span="period", tiers=steps)


def readings(seed: int, count: int) -> list[int]:
    rng = random.Random(f"joint {seed}")
    return [rng.choice([rng.randrange(200), rng.randrange(1500)]) for _ in range(count)]


def values(seed: int = 1) -> tuple[list[int], list[int]]:
    """Of the old meter half-hours and ten minutes, of the new one five minutes and half-hours."""
    return readings(seed, OLD_SLOTS + 1), readings(seed + 100, SLOTS - OLD_SLOTS)


def replaced(*parts: dict, seed: int = 1, **options: object) -> Replaced:
    old, new = values(seed)
    return Replaced([old_meter(old), new_meter(new)], [Tariff.read(document(*parts, **options))])


@pytest.fixture(scope="module")
def case() -> Replaced:
    return replaced(FLAT, tiers(), DEMAND, STEPS, STANDING, VAT, LEAST)


@pytest.fixture(scope="module")
def bill(case: Replaced) -> Bill:
    return case.bill()


def stepped(value: int, seconds: int) -> Decimal:
    """The price of a reading's class, thresholds in proportion to its length."""
    at = Decimal(value) * 1800 / seconds
    return Decimal(100 if at <= 300 else 700 if at <= 900 else 1500)


def amount_of(seed: int = 1) -> Decimal:
    """All parts over both meters, in Decimal: blocks by the sum, demand by the highest of both."""
    old, new = values(seed)
    total = sum(old) + sum(new)
    fee = total * KWH * 2500 * P + blocks(total, ENDS, PRICES)
    regular = old[:-1] + new[1:]
    fee += sum(sorted(regular)[-3:]) * KWH * 2 / 3 * 50_000 * P
    fee += sum((v * KWH * stepped(v, 1800) * P for v in regular), Decimal(0))
    fee += old[-1] * KWH * stepped(old[-1], 600) * P + new[0] * KWH * stepped(new[0], 300) * P
    return fee + 1234 * P


def test_every_part_is_over_both_meters(case: Replaced, bill: Bill) -> None:
    said = bill.bundle.statement
    assert isinstance(said, JointStatement)
    assert said.amount == euros(max(amount_of() * Decimal("1.19"), 90_000 * P))
    assert (said.from_s, said.to_s) == (START_S, TO_S)
    assert [one.meter for one in said.stretches] == [m.meter for m in case.meters]
    assert (said.stretches[0].to_s, said.stretches[1].from_s) == (END_S, BEGIN_S)
    verdict = verify_bundle(bill.data, case.trust)
    assert verdict.accepted, verdict.code
    assert verdict.records == len(bill.records)
    assert len(verdict.notes) == 1 and verdict.notes[0].startswith("not metered: 2025-01-01T07:10")
    assert read_any(bill.data) == bill.bundle and bill.bundle.write() == bill.data


def test_its_page_shows_what_each_part_comes_from(case: Replaced, bill: Bill) -> None:
    old, new = values()
    page = render(bill, bill.verdict, "a provider", ["wattseal verify"])
    total, three = sum(old) + sum(new), sorted(old[:-1] + new[1:])[-3:]
    last = Decimal(total - 6000) / 1000
    assert f"tiers (3 + 3 + {last.normalize()} kWh)" in page
    highest = ", ".join(f"{(Decimal(value) / 1000).normalize()} kWh" for value in three[::-1])
    assert f"demand (highest {highest})" in page
    assert f"steps ({SLOTS + 1} readings)" in page and "standing" in page and "least" in page
    for meter in case.meters:
        assert spaced(meter.meter.hex(), 4) in page


def test_it_is_one_release_over_both(bill: Bill) -> None:
    rows = [release.row for release in bill.releases.made]
    assert all((row.from_s, row.to_s) == (START_S, TO_S) for row in rows)
    assert {len(row.slots) for row in rows} == {SLOTS + 1}


def test_two_bills_of_the_same_would_be_another_amount(case: Replaced, bill: Bill) -> None:
    """Blocks that began anew with the new meter would be cheaper: that is what one bill is for."""
    old, new = values()
    whole = blocks(sum(old) + sum(new), ENDS, PRICES)
    apart = sum(blocks(sum(one), ENDS, PRICES) for one in (old, new))
    assert apart < whole


@pytest.mark.parametrize("full", [True, False])
def test_prices_alone_opened_and_proven(full: bool, tmp_path: Path) -> None:
    case = replaced(FLAT, STANDING, VAT, seed=2)
    bill = case.bill(full=full)
    old, new = values(2)
    fee = Fraction(sum(old) + sum(new)) * 2500 / 10**7 + Fraction(1234, 10**4)
    assert bill.bundle.statement.amount == round(fee * Fraction(119, 100) * 100)
    assert isinstance(bill.bundle.proof, LinearProof) == full
    assert verify_bundle(bill.data, case.trust).accepted
    with Ledger(case.ledger(tmp_path / "ledger.db")) as ledger:
        assert check_bill(bill.data, case.trust, ledger).accepted


@pytest.mark.parametrize(
    "change_s", [START_S + 10 * INTERVAL_S, START_S + 18 * INTERVAL_S, BEGIN_S]
)
def test_a_change_of_tariff_beside_it(change_s: int) -> None:
    """Before, after and at the replacement: each tariff over whatever meters there were."""
    old, new = values(3)
    later = {**FLAT, "price": 4100}
    case = Replaced(
        [old_meter(old), new_meter(new)],
        [
            Tariff.read(document(tiers(), VAT)),
            Tariff.read(document(later, tiers(name="blocks"), VAT)),
        ],
        change_s,
    )
    if change_s == BEGIN_S:
        first, second = case.contracts[0].tariffs
        case.contracts[0] = replace(case.contracts[0], tariffs=(replace(first, to_s=END_S),))
        case.contracts[1] = replace(case.contracts[1], tariffs=(second,))
    starts = [START_S + at * INTERVAL_S for at in range(OLD_SLOTS + 1)]
    starts += [BEGIN_S, *range(EDGE_S, TO_S, INTERVAL_S)]
    each = list(zip(starts, old + new, strict=True))
    before = sum(v for at, v in each if at < change_s)
    after = sum(v for at, v in each if at >= change_s)
    fee = blocks(before, ENDS, PRICES)
    fee += after * KWH * 4100 * P + blocks(after, ENDS, PRICES)
    bill = case.bill()
    assert bill.bundle.statement.amount == euros(fee * Decimal("1.19"))
    assert len(bill.bundle.tariffs) == 2
    assert verify_bundle(bill.data, case.trust).accepted


def test_three_meters_and_no_gap() -> None:
    meters = [old_meter(readings(5, OLD_SLOTS + 1)), new_meter(readings(6, 5), "second", END_S)]
    meters[1].event(8, bytes([0, 0, 0, 9]))
    third = SealingMeter("third").origin(meters[1].end_s)
    for value in readings(7, 5):
        third.reading(value)
    case = Replaced([*meters, third], [Tariff.read(document(tiers(), VAT))])
    bill = case.bill()
    total = sum(readings(5, OLD_SLOTS + 1) + readings(6, 5) + readings(7, 5))
    fee = blocks(total, ENDS, PRICES) * Decimal("1.19")
    assert bill.bundle.statement.amount == euros(fee)
    assert verify_bundle(bill.data, case.trust).notes == ()
    assert len(bill.bundle.statement.replacements) == 2


def test_billing_that_begins_later(tmp_path: Path) -> None:
    """What the new meter sealed before its customer was there is left out, if the provider says so;
    a contract that was renewed since is no leave to begin with it."""
    case = replaced(FLAT, VAT, seed=4)
    whole = case.stretches()
    chosen = [i for i, record in enumerate(whole[1].records) if record.start_s >= EDGE_S]
    late = [whole[0], whole[1].pick(chosen)]
    case.contracts[1] = replace(case.contracts[1], tariffs=case.agreed(EDGE_S))
    with pytest.raises(Refused, match="stretch-begin"):
        case.bill(late)
    last = decode_sealed(case.meters[0].sealed[-1])
    link = Replacement.of(last, case.meters[1].meter, EDGE_S)
    case.links = [link.sign(case.provider)]
    bill = case.bill(late)
    old, new = values(4)
    fee = (sum(old) + sum(new[1:])) * KWH * 2500 * P * Decimal("1.19")
    assert bill.bundle.statement.amount == euros(fee)
    assert case.links[0].kind == "wattseal-replacement/2"
    for stretches in (whole, [whole[0], whole[1].pick(chosen[3:])]):
        with pytest.raises(Refused, match="stretch-begin"):
            case.bill(stretches)
    # The provider's desk links only where a record begins, and not before the meter was there.
    archive = filed(case, tmp_path / "office")
    assert archive.replacement(case.meters[0].meter)[0].from_s is None
    office = Office(tmp_path / "office")
    with Ledger(case.ledger(tmp_path / "ledger.db")) as ledger:
        ids = [meter.meter for meter in case.meters]
        for from_s, code in (
            (EDGE_S + 1, "replacement-begin"), (BEGIN_S - 1, "replacement-begin"),
        ):  # fmt: skip
            with pytest.raises(Refused, match=code):
                sign_link(office, ledger, *ids, from_s)
        assert sign_link(office, ledger, *ids, EDGE_S).payload == link.write()
        assert archive.replacement(ids[0])[0] == link


def filed(case: Replaced, folder: Path) -> Archive:
    """The papers in a provider's directory, signed by its own key."""
    office = Office.create(folder)
    case.provider = office.key
    case.__post_init__()
    for enrolment in case.enrolments:
        office.enrol(enrolment)
    for tariff in case.tariffs:
        office.publish(tariff)
    for contract in case.contracts:
        office.agree(contract)
    for link in case.links:
        (folder / "replacements").mkdir(exist_ok=True)
        (folder / f"replacements/{link.payload['meter']}.jws").write_text(link.token)
    return Archive(folder, office.public)


@pytest.mark.parametrize("full", [True, False])
def test_as_a_message_to_the_ledger(full: bool, tmp_path: Path) -> None:
    case = replaced(*([FLAT, VAT] if full else [FLAT, tiers(), STANDING]), seed=8)
    archive = filed(case, tmp_path / "office")
    bill = case.bill(full=full)
    data = wide_message.write(bill.bundle.statement, bill.bundle.proof)
    assert wide_message.is_wide(data)
    with Ledger(case.ledger(tmp_path / "ledger.db")) as ledger:
        verdict = check_message(data, archive, ledger)
        assert verdict.accepted, (verdict.code, verdict.detail)
        assert verdict.statement == bill.bundle.statement and verdict.notes
        assert ledger.book([verdict.statement]) == [()]
        assert ledger.book([verdict.statement]) == [("this very bill was accepted before",)]
        # One of its meters billed by itself again, and the rest with it.
        lower = replace(bill.bundle.statement, amount=0)
        for other in (lower, replace(lower, stretches=lower.stretches[1:])):
            (refused,) = ledger.book([other])
            assert isinstance(refused, Refused) and refused.code == "period-overlap"
        for at in range(16, len(data), 2 if full else 23):
            changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            assert not check_message(changed, archive, ledger).accepted, at


def test_messages_that_are_none(case: Replaced, bill: Bill) -> None:
    data = wide_message.write(bill.bundle.statement, bill.bundle.proof)
    keys = [meter.key for meter in case.meters]
    links = bill.bundle.statement.replacements
    assert wide_message.read(data, keys, links) == (bill.bundle.statement, bill.bundle.proof)
    for other, code in (
        (data[:38], "bill-length"),
        (data[:300], "bill-length"),
        (data + bytes(9000), "bill-length"),
        (data[:16] + b"\1\1" + data[18:], "field-malformed"),
        (data[:16] + b"\0\3" + data[18:], "field-malformed"),
        (data[:18] + b"\7" + data[19:], "field-malformed"),
        (data[:19] + b"eur\2" + data[23:], "field-malformed"),
        (data[:23] + b"\x80" + bytes(15) + data[39:], "field-malformed"),
    ):
        with pytest.raises(Malformed) as caught:
            wide_message.read(other, keys, links)
        assert caught.value.code == code


def test_nobody_reads_a_joint_bundle_as_a_plain_one(bill: Bill) -> None:
    assert isinstance(bill.bundle, JointBundle)
    assert not hasattr(bill.bundle.statement, "meter")


def test_a_bundle_by_a_document_that_was_replaced(tmp_path: Path) -> None:
    """The customer keeps the link by which less is billed; the provider has signed another."""
    case = replaced(FLAT, VAT)
    archive = filed(case, tmp_path / "office")
    honest = case.bill()
    link = Replacement.of(
        decode_sealed(case.meters[0].sealed[-1]), case.meters[1].meter, from_s=EDGE_S
    )
    case.links = [link.sign(case.provider)]
    parts = case.stretches()
    parts[1] = Stretch.from_sealed(case.meters[1].sealed).period(EDGE_S, TO_S)
    cheap = case.bill(parts)
    with Ledger(case.ledger(tmp_path / "ledger.db")) as ledger:
        assert check_bill(cheap.data, case.trust, ledger).accepted
        verdict = check_bill(cheap.data, case.trust, ledger, archive=archive)
        assert verdict.code == "replacement-superseded"
        assert check_bill(honest.data, case.trust, ledger, archive=archive).accepted
        (path,) = (archive._directory / "replacements").iterdir()
        path.unlink()
        verdict = check_bill(honest.data, case.trust, ledger, archive=archive)
        assert verdict.code == "replacement-unknown"
