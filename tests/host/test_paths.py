"""Every way to a verdict, on good bills and bad ones: bundle, ledger, message, batch; and the
straightforward verifier as the oracle of them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from bench import straightforward
from bench.month import Month, Papers
from wattseal.p256 import N
from wattseal_host.bill_message import BillMessage
from wattseal_host.bundle import Bundle
from wattseal_host.ledger import Ledger
from wattseal_host.provider.archive import Archive
from wattseal_host.provider.batch import Desk, check_all
from wattseal_host.provider.bills import check_bill, check_message
from wattseal_host.verify import verify_bundle

SLOTS = 96
Change = Callable[[Bundle, Month], Bundle]


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Month:
    return Month(tmp_path_factory.mktemp("month"), SLOTS)


@pytest.fixture(scope="module", params=["half-hourly", "time-of-use"])
def papers(request: pytest.FixtureRequest, month: Month) -> Papers:
    return month.half_hourly if request.param == "half-hourly" else month.time_of_use


@pytest.fixture(scope="module")
def bundle(month: Month, papers: Papers) -> Bundle:
    return month.bill(papers).bundle


def said(**fields: object) -> Change:
    return lambda bundle, _: replace(bundle, statement=replace(bundle.statement, **fields))


def proven(fee: int, blinding: int) -> Change:
    """Another proof, with the amount that goes with its fee."""

    def change(bundle: Bundle, month: Month) -> Bundle:
        proof = replace(
            bundle.proof,
            fee=bundle.proof.fee + fee,
            blinding=(bundle.proof.blinding + blinding) % N,
        )
        (name,) = (n for n, t in month.papers.items() if t.tariff.token == bundle.tariffs[0])
        amount = month.tariffs[name].amount(
            proof.fee, month.enrolment.unit, bundle.statement.from_s, bundle.statement.to_s
        )
        statement = replace(bundle.statement, amount=amount)
        return replace(bundle, proof=proof, statement=statement)

    return change


def both(first: Change, second: Change) -> Change:
    return lambda bundle, month: second(first(bundle, month), month)


BILLS = {
    "honest": (lambda bundle, month: bundle, "accepted"),
    "cheaper": (said(amount=1), "statement-amount"),
    "other currency": (
        lambda bundle, month: said(currency=replace(bundle.statement.currency, code="EUR"))(
            bundle, month
        ),
        "statement-currency",
    ),
    "not after the last": (said(before=bytes(32)), "statement-before"),
    "other end": (said(last=bytes(32)), "statement-last"),
    "a unit less": (proven(-1, 0), "proof-false"),
    "another blinding": (proven(0, 1), "proof-false"),
    "no readings give it": (proven(1 << 110, 0), "proof-range"),
    "nor this credit": (proven(-(1 << 110), 0), "proof-range"),
    "two faults": (both(proven(1, 0), said(last=bytes(32))), "proof-false"),
}


@pytest.mark.parametrize("name", BILLS)
def test_all_paths_agree(
    month: Month, papers: Papers, bundle: Bundle, name: str, tmp_path: Path
) -> None:
    change, code = BILLS[name]
    bill = change(bundle, month)
    data = bill.write()
    message = BillMessage(bill.statement, bill.proof).write()
    office = month.office
    (tmp_path / "0.json").write_bytes(data)
    (tmp_path / "1.bill").write_bytes(message)
    with Ledger(month.ledger_file) as ledger:
        found = [
            straightforward.verify(data, month.meter.sealed, month.trust),
            straightforward.verify(data, month.meter.sealed, month.trust, full_width=True),
            verify_bundle(data, month.trust).code,
            check_bill(data, month.trust, ledger).code,
            check_message(message, Archive(office.directory, office.public), ledger).code,
        ]
    desk = Desk(office.directory, office.public, month.trust, month.ledger_file)
    paths = [tmp_path / "0.json", tmp_path / "1.bill"]
    found += [outcome.verdict.code for outcome in check_all(paths, desk, 1)]
    assert found == [code] * 7


def without(at: int) -> Callable[[list[bytes]], list[bytes]]:
    return lambda records: records[:at] + records[at + 1 :]


def swapped(records: list[bytes]) -> list[bytes]:
    return [*records[:8], records[9], records[8], *records[10:]]


def altered(at: int) -> Callable[[list[bytes]], list[bytes]]:
    def change(records: list[bytes]) -> list[bytes]:
        record = bytearray(records[20])
        record[at] ^= 1
        return [*records[:20], bytes(record), *records[21:]]

    return change


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (without(20), "chain-sequence"),
        (without(SLOTS + 1), "chain-signature"),
        (swapped, "chain-sequence"),
        (lambda records: [*records[:9], records[8], *records[9:]], "chain-sequence"),
        (altered(17), "chain-meter"),
        (altered(33), "chain-time"),
        (altered(110), "chain-link"),
    ],
)
def test_records_tampered_with(
    month: Month,
    bundle: Bundle,
    change: Callable[[list[bytes]], list[bytes]],
    code: str,
) -> None:
    """The signature beside the bundle is the honest last one: the oracle has it on that record."""
    records = change([sealed[:-64] for sealed in month.meter.sealed])
    data = replace(bundle, bodies=tuple(records)).write()
    sealed = [body + original[-64:] for body, original in _signed(records, month.meter.sealed)]
    sealed[-1] = sealed[-1][:-64] + bundle.signature
    assert verify_bundle(data, month.trust).code == code
    assert straightforward.verify(data, sealed, month.trust) == code


def _signed(bodies: list[bytes], sealed: list[bytes]) -> list[tuple[bytes, bytes]]:
    """Each body with the record whose sequence number it has, and so whose signature."""
    return [(body, sealed[int.from_bytes(body[26:30], "big")]) for body in bodies]


MESSAGES = {
    "shifted": (said(from_s=0, to_s=1800), "period-incomplete"),
    "longer": (lambda b, m: said(to_s=b.statement.to_s + 1800)(b, m), "period-incomplete"),
    "empty": (lambda b, m: said(to_s=b.statement.from_s)(b, m), "period-incomplete"),
    # A sound stretch of the ledger, but not the one of the proof.
    "shorter": (lambda b, m: said(to_s=b.statement.to_s - 1800)(b, m), "proof-false"),
    "later": (lambda b, m: said(from_s=b.statement.from_s + 1800)(b, m), "proof-false"),
    "other contract": (said(contract=bytes(32)), "contract-unknown"),
    "other tariff": (said(tariffs=(bytes(32),)), "tariff-unknown"),
    "other meter": (said(meter=bytes(16)), "meter-unknown"),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_about_something_else(month: Month, bundle: Bundle, name: str) -> None:
    change, code = MESSAGES[name]
    bill = change(bundle, month)
    message = BillMessage(bill.statement, bill.proof).write()
    archive = Archive(month.office.directory, month.office.public)
    with Ledger(month.ledger_file) as ledger:
        verdict = check_message(message, archive, ledger)
    assert (verdict.accepted, verdict.code, verdict.statement) == (False, code, None)


def test_the_other_tariffs_contract(month: Month, bundle: Bundle) -> None:
    """Digests of good documents that do not belong together."""
    other = month.bill(month.half_hourly).bundle.statement
    if other.contract == bundle.statement.contract:
        other = month.bill(month.time_of_use).bundle.statement
    mixed = replace(bundle.statement, contract=other.contract)
    archive = Archive(month.office.directory, month.office.public)
    with Ledger(month.ledger_file) as ledger:
        verdict = check_message(BillMessage(mixed, bundle.proof).write(), archive, ledger)
    assert verdict.code == "contract-tariff"


def test_a_ledger_that_knows_the_meter_otherwise_or_not_at_all(
    month: Month, bundle: Bundle, tmp_path: Path
) -> None:
    message = BillMessage(bundle.statement, bundle.proof).write()
    archive = Archive(month.office.directory, month.office.public)
    with Ledger(tmp_path / "l.db") as ledger:
        assert check_message(message, archive, ledger).code == "meter-unknown"
        ledger.add_meter(replace(month.enrolment, interval_s=900))
        assert check_message(message, archive, ledger).code == "meter-differs"


def test_a_verdict_says_what_rests_on_the_ledger(month: Month, bundle: Bundle) -> None:
    message = BillMessage(bundle.statement, bundle.proof).write()
    archive = Archive(month.office.directory, month.office.public)
    with Ledger(month.ledger_file) as ledger:
        verdict = check_message(message, archive, ledger)
        assert check_bill(bundle.write(), month.trust, ledger).on_ledger == ()
    assert "record signatures" in verdict.on_ledger and "chain" in verdict.on_ledger
    whole = verify_bundle(bundle.write(), month.trust)
    assert (verdict.statement, verdict.records) == (whole.statement, whole.records)
    assert [name for name, _ in verdict.checks] == [name for name, _ in whole.checks]
