"""One bill over a change of tariff: each tariff on its own part of the period, one rounding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sealed_house import INTERVAL_S, START_S, House, SealingMeter
from test_demo_prices import wattseal
from test_shaped_tariffs import (
    KWH,
    STANDING,
    VAT,
    P,
    blocks,
    document,
    part,
    readings,
    tiers,
)
from wattseal.errors import Malformed, Misuse, Refused
from wattseal_host import linear
from wattseal_host.bundle import Bundle
from wattseal_host.case import Documents, conclude
from wattseal_host.customer.bill import Bill, make_bill
from wattseal_host.customer.openings import Opener
from wattseal_host.customer.releases import Releases
from wattseal_host.customer.store import Secrets
from wattseal_host.documents import Agreed, Contract
from wattseal_host.files import write_token
from wattseal_host.keys import save_key
from wattseal_host.ledger import Ledger
from wattseal_host.provider.bills import check_bill
from wattseal_host.provider.office import Office
from wattseal_host.provider.on_ledger import LedgerReadings
from wattseal_host.tariff import Tariff
from wattseal_host.verdict import Verdict
from wattseal_host.verify import verify_bundle

DAY_S = 86400
CHANGE_S = START_S + 2 * DAY_S
TO_S = START_S + 5 * DAY_S
FLAT = part("flat", price=2500)
OLD = [FLAT, STANDING, VAT]
LEAST = {"type": "minimum", "name": "least", "amount": 200_000, "span": "period"}
DEMAND = part("demand", price=50_000, highest=3, per_s=3600)


@dataclass
class Changed:
    """A house whose tariff changes from one to the next at CHANGE_S."""

    meter: SealingMeter
    tariffs: list[Tariff]

    def __post_init__(self) -> None:
        self.house = House(self.meter, self.tariffs[0], from_s=START_S, to_s=TO_S)
        self.signed = [tariff.sign(self.house.provider) for tariff in self.tariffs]
        ends = [START_S, CHANGE_S, TO_S + DAY_S]
        agreed = tuple(
            Agreed(one.digest, ends[i], ends[i + 1]) for i, one in enumerate(self.signed)
        )
        self.contract = Contract("C-2", self.meter.meter, agreed)
        self.contract_jws = self.contract.sign(self.house.provider)

    def bill(self, *tokens: str, full: bool = False) -> Bill:
        return make_bill(
            self.house.stretch(),
            Opener(self.meter.meter, self.meter.secrets),
            self.house.enrolment_jws.token,
            self.contract_jws.token,
            tokens or [one.token for one in self.signed],
            self.house.trust,
            Releases(self.meter.meter),
            consent=True,
            full_resolution=full,
        )


def changed(values: list[int], *later: Any, **options: Any) -> Changed:
    meter = SealingMeter("changed").origin().paired()
    for value in values:
        meter.reading(value)
    return Changed(meter, [Tariff.read(document(*OLD)), Tariff.read(document(*later, **options))])


@pytest.fixture(scope="module")
def case() -> Changed:
    return changed(readings(41), tiers(), DEMAND, LEAST, VAT, step=5)


@pytest.fixture(scope="module")
def bill(case: Changed) -> Bill:
    return case.bill()


def amount_of(values: list[int]) -> int:
    before, after = values[:96], values[96:]
    old = sum(before) * KWH * 2500 * P + 2 * 1234 * P
    new = blocks(sum(after), [20, 50], [2000, 3000, 4500])
    new += sum(sorted(after)[-3:]) * KWH * 2 / 3 * 50_000 * P
    total = (old + max(new, 200_000 * P)) * Decimal("1.19")
    return 5 * round(total * 100 / 5)


def test_each_tariff_counts_on_its_own_part(case: Changed, bill: Bill) -> None:
    said = bill.bundle.statement
    assert said.amount == amount_of(readings(41))
    assert said.tariffs == tuple(one.digest for one in case.signed)
    verdict = verify_bundle(bill.data, case.house.trust)
    assert verdict.accepted, verdict.code
    assert Bundle.read(bill.data) == bill.bundle


def test_a_minimum_is_of_its_own_tariff() -> None:
    values = [0] * 96 + [1] * 144
    found = changed(values, tiers(), DEMAND, LEAST, VAT, step=5).bill()
    assert found.bundle.statement.amount == amount_of(values)


def test_the_rows_told_are_of_the_whole_period(bill: Bill) -> None:
    rows = [release.row for release in bill.releases.made]
    assert len(rows) == 2  # a flat price on two days; all the readings of the three days after
    assert all((row.from_s, row.to_s) == (START_S, TO_S) for row in rows)
    assert [slot.weights != (0,) for slot in rows[0].slots] == [True] * 96 + [False] * 144
    assert [slot.weights != (0,) for slot in rows[1].slots] == [False] * 96 + [True] * 144


def test_tariffs_swapped_left_out_or_alone(case: Changed, bill: Bill) -> None:
    old, new = bill.bundle.tariffs
    for tokens in ((new, old), (old,), (new,), (old, old), (old, new, old)):
        forged = replace(bill.bundle, tariffs=tokens)
        assert verify_bundle(forged.write(), case.house.trust).code == "contract-tariff"
        with pytest.raises(Refused, match="contract-tariff"):
            case.bill(*tokens)
    said = replace(bill.bundle.statement, tariffs=bill.bundle.statement.tariffs[::-1])
    lie = replace(bill.bundle, statement=said)
    assert verify_bundle(lie.write(), case.house.trust).code == "statement-tariffs"


def test_another_day_of_change_is_another_bill(case: Changed, bill: Bill) -> None:
    """The new tariff, cheaper for small use, from a day earlier."""
    first, second = case.contract.tariffs
    early = replace(
        case.contract,
        tariffs=(
            replace(first, to_s=CHANGE_S - DAY_S),
            replace(second, from_s=CHANGE_S - DAY_S),
        ),
    ).sign(case.house.provider)
    forged = replace(bill.bundle, contract=early.token)
    code = verify_bundle(forged.write(), case.house.trust).code
    assert code.startswith("proof-"), code


def test_amounts_and_hints(case: Changed, bill: Bill) -> None:
    said = bill.bundle.statement
    for by in (-5, 5):
        lie = replace(bill.bundle, statement=replace(said, amount=said.amount + by))
        assert verify_bundle(lie.write(), case.house.trust).code == "proof-false"
    for hints in (bill.bundle.hints[:-1], bill.bundle.hints + bytes(32)):
        lie = replace(bill.bundle, hints=hints)
        assert verify_bundle(lie.write(), case.house.trust).code == "hints-length"


def test_only_a_proof_can_tell_it(case: Changed, bill: Bill) -> None:
    with pytest.raises(Misuse, match="full-resolution"):
        case.bill(full=True)
    lie = replace(bill.bundle, proof=linear.LinearProof(5, 5))
    assert verify_bundle(lie.write(), case.house.trust).code == "tariff-count"


def test_a_record_over_the_change() -> None:
    meter = SealingMeter("across").origin().paired()
    for value in readings(42)[:95]:
        meter.reading(value)
    meter.reading(77, length_s=2 * INTERVAL_S, flags=1)
    while meter.end_s < TO_S:
        meter.reading(5)
    across = Changed(meter, [Tariff.read(document(*OLD)), Tariff.read(document(FLAT))])
    with pytest.raises(Refused, match="tariff-change"):
        across.bill()


def test_two_currencies() -> None:
    case = changed(readings(43), FLAT)
    franc = {**document(FLAT), "currency": {"code": "CHF", "minor_digits": 2}}
    case.tariffs[1] = Tariff.read(franc)
    case.__post_init__()
    with pytest.raises(Refused, match="tariff-currency"):
        case.bill()


def test_a_gap_between_the_tariffs(case: Changed) -> None:
    first, second = case.contract.tariffs
    with pytest.raises(Refused, match="contract-period"):
        replace(case.contract, tariffs=(replace(first, to_s=CHANGE_S - 1), second)).tariffs_for(
            START_S, TO_S
        )
    with pytest.raises(Malformed):
        Contract.read(replace(case.contract, tariffs=(second, first)).write())
    again = replace(case.contract, tariffs=(first, replace(second, digest=first.digest)))
    assert again.tariffs_for(START_S, TO_S) == [Agreed(first.digest, START_S, TO_S)]


def test_on_the_ledger(case: Changed, bill: Bill, tmp_path: Path) -> None:
    house = case.house
    with Ledger(tmp_path / "ledger.db") as ledger:
        ledger.add_meter(house.enrolment, house.enrolment_jws.token)
        ledger.append(case.meter.meter, case.meter.sealed, "utility")
        assert check_bill(bill.data, house.trust, ledger).accepted
        with ledger.view(case.meter.meter) as view:
            documents = Documents(
                house.enrolment,
                case.contract,
                case.contract_jws.digest,
                tuple(case.tariffs),
                tuple(one.digest for one in case.signed),
            )
            readings = LedgerReadings(view, START_S, TO_S)
            proof, said = bill.bundle.proof, bill.bundle.statement
            assert conclude(Verdict(), documents, readings, proof, said, linear.settle) == said
            with pytest.raises(Refused, match="tariff-change"):
                readings.part(START_S, CHANGE_S + 1)


@pytest.mark.slow
def test_by_command(case: Changed, tmp_path: Path) -> None:
    house, meter = case.house, case.meter
    with Ledger(tmp_path / "ledger.db") as ledger:
        ledger.add_meter(house.enrolment, house.enrolment_jws.token)
        ledger.append(meter.meter, meter.sealed, "utility")
    Secrets(meter.meter, meter.key, dict(meter.secrets)).save(tmp_path / "secrets.json")
    (tmp_path / "trust.json").write_bytes(house.trust.write())
    tokens = [house.enrolment_jws, case.contract_jws, *case.signed]
    for name, one in zip(("enrolment", "contract", "old", "new"), tokens, strict=True):
        (tmp_path / f"{name}.jws").write_text(one.token)
    command = [
        "customer", "bill", "--secrets", tmp_path / "secrets.json", "--ledger",
        tmp_path / "ledger.db", "--enrolment", tmp_path / "enrolment.jws", "--contract",
        tmp_path / "contract.jws", "--tariff", tmp_path / "old.jws", "--tariff",
        tmp_path / "new.jws", "--trust", tmp_path / "trust.json", "--from", "2025-01-01T00:00Z",
        "--to", "2025-01-06T00:00Z", "--out", tmp_path / "bill.json", "--consent",
    ]  # fmt: skip
    done = wattseal(
        *command, "--message", tmp_path / "bill.bill", "--report", tmp_path / "bill.html"
    )
    assert done.returncode == 0, done.stderr
    told = wattseal("verify", tmp_path / "bill.json", "--trust", tmp_path / "trust.json")
    assert told.returncode == 0, told.stderr
    assert all(one.digest.hex() in told.stdout for one in case.signed)
    page = (tmp_path / "bill.html").read_text()
    assert "tiers" in page and "least" in page and "standing" in page
    by_message(case, tmp_path)


def by_message(case: Changed, folder: Path) -> None:
    """The provider's answer to the message, and to one with its tariffs exchanged."""
    office = Office.create(folder / "office")
    (office.directory / "provider.key").unlink()
    save_key(office.directory / "provider.key", case.house.provider)
    office = Office(office.directory)
    office.enrol(case.house.enrolment)
    (folder / "office/contracts").mkdir()
    contract = case.contract_jws
    write_token(folder / f"office/contracts/{contract.digest.hex()}.jws", contract.token)
    for one in case.signed:
        (folder / "office/tariffs").mkdir(exist_ok=True)
        write_token(folder / f"office/tariffs/{one.digest.hex()}.jws", one.token)
    options = ["--dir", office.directory, "--ledger", folder / "ledger.db"]
    said = wattseal("provider", "verify", folder / "bill.bill", *options)
    assert said.returncode == 0, said.stdout + said.stderr
    data = (folder / "bill.bill").read_bytes()
    old, new = (one.digest for one in case.signed)
    assert old + new in data
    (folder / "swapped.bill").write_bytes(data.replace(old + new, new + old))
    refused = wattseal("provider", "verify", folder / "swapped.bill", *options)
    assert refused.returncode == 1 and "contract-tariff" in refused.stdout
