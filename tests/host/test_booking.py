"""Accepted bills stay in the provider's ledger: no second one for the same time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from bench.month import Month
from in_process import wattseal
from sealed_house import INTERVAL_S
from wattseal.errors import Refused
from wattseal_host.ledger import Ledger
from wattseal_host.statement import Statement

SLOTS = 96
DAY_S = 48 * INTERVAL_S


@pytest.fixture
def month(tmp_path: Path) -> Month:
    return Month(tmp_path, SLOTS)


@pytest.fixture
def said(month: Month) -> Statement:
    statement: Statement = month.bill(month.time_of_use).bundle.statement
    return statement


def test_periods_never_overlap(month: Month, said: Statement) -> None:
    first = replace(said, to_s=said.from_s + DAY_S)
    second = replace(said, from_s=first.to_s)
    with Ledger(month.ledger_file) as ledger:
        assert ledger.book([first, first]) == [(), ("this very bill was accepted before",)]
        lower = replace(first, amount=first.amount - 1)
        late = replace(said, from_s=first.to_s - 1)
        early = replace(first, from_s=first.from_s - DAY_S, to_s=first.from_s + 1)
        for other in (lower, said, late, early, replace(first, to_s=first.to_s - INTERVAL_S)):
            (refused,) = ledger.book([other])
            assert isinstance(refused, Refused) and refused.code == "period-overlap"
            assert " of 20" in refused.detail
        assert ledger.book([second]) == [()]
        (gap,) = ledger.book([replace(said, from_s=said.to_s + 60, to_s=said.to_s + DAY_S)])
        assert isinstance(gap, tuple) and gap[0].startswith("not billed: ")


def test_a_first_bill_that_begins_late_is_noted(month: Month, said: Statement) -> None:
    """A customer cannot leave out its meter's first days and nobody notice."""
    with Ledger(month.ledger_file) as ledger:
        (late,) = ledger.book([replace(said, from_s=said.from_s + DAY_S)])
        assert late == ("not billed: 2025-01-01T00:00:00Z to 2025-01-02T00:00:00Z",)
        (first,) = ledger.book([replace(said, to_s=said.from_s + DAY_S)])
        assert first == ()


def test_another_contract_only_knowingly(month: Month, said: Statement) -> None:
    first = replace(said, to_s=said.from_s + DAY_S)
    second = replace(said, from_s=first.to_s, contract=bytes(32))
    before = replace(said, from_s=said.from_s - DAY_S, to_s=said.from_s, contract=bytes(32))
    with Ledger(month.ledger_file) as ledger:
        assert ledger.book([first]) == [()]
        for other in (second, before):
            (refused,) = ledger.book([other])
            assert isinstance(refused, Refused) and refused.code == "contract-other"
        assert ledger.book([second], new_contract=True) == [()]
        # From then on the new one is the contract.
        third = replace(second, from_s=second.to_s, to_s=second.to_s + DAY_S)
        (refused,) = ledger.book([replace(third, contract=said.contract)])
        assert isinstance(refused, Refused) and refused.code == "contract-other"
        assert ledger.book([third]) == [()]


def test_the_command_books(month: Month, tmp_path: Path) -> None:
    options = ("--dir", month.office.directory, "--ledger", month.ledger_file)
    bills = tmp_path / "bills"
    bills.mkdir()
    one, other = (month.bill(papers) for papers in (month.time_of_use, month.half_hourly))
    (bills / "0.json").write_bytes(one.data)
    (bills / "1.bill").write_bytes(month.message(one))
    (bills / "2.bill").write_bytes(month.message(other))
    done = wattseal("provider", "verify", bills, *options)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert "0.json: accepted: " in lines[0] and "1.bill: accepted: " in lines[1]
    assert "accepted before" in lines[2] and "2.bill: refused: period-overlap" in lines[3]
    alone = wattseal("provider", "verify", bills / "2.bill", *options)
    assert alone.returncode == 1 and "hint: billed periods never overlap" in alone.stdout
    again = wattseal("provider", "verify", bills / "1.bill", *options)
    assert again.returncode == 0 and "note     this very bill" in again.stdout
