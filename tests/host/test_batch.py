"""Many bills at once: the codes of the bills one by one, in the order of the files."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from bench.month import Month
from hypothesis import given
from hypothesis import strategies as st
from test_cli import wattseal
from wattseal.errors import Misuse
from wattseal.p256 import N
from wattseal_host.bill_message import BillMessage
from wattseal_host.engine import commitment_to
from wattseal_host.linear import Equation, settle_many
from wattseal_host.provider import batch
from wattseal_host.provider.batch import FEW, Checker, Desk, check_all

SLOTS = 96


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Month:
    return Month(tmp_path_factory.mktemp("month"), SLOTS)


@pytest.fixture(scope="module")
def desk(month: Month) -> Desk:
    office = month.office
    return Desk(office.directory, office.public, month.trust, month.ledger_file)


@pytest.fixture(scope="module")
def good(month: Month) -> BillMessage:
    bundle = month.bill(month.half_hourly).bundle
    return BillMessage(bundle.statement, bundle.proof)


def moved(bill: BillMessage, month: Month, fee: int, blinding: int) -> BillMessage:
    """A bill whose proof is false by exactly fee*G + blinding*H, and whose statement fits it."""
    proof = replace(
        bill.proof, fee=bill.proof.fee + fee, blinding=(bill.proof.blinding + blinding) % N
    )
    said = bill.statement
    tariff = month.tariffs["half-hourly"]
    amount = tariff.amount(proof.fee, month.enrolment.unit, said.from_s, said.to_s)
    return BillMessage(replace(said, amount=amount), proof)


def write(folder: Path, bills: list[bytes]) -> list[Path]:
    paths = [folder / f"{number:03}.bill" for number in range(len(bills))]
    for path, data in zip(paths, bills, strict=True):
        path.write_bytes(data)
    return paths


def codes(paths: list[Path], desk: Desk, workers: int = 1) -> list[str]:
    outcomes = check_all(paths, desk, workers)
    assert [outcome.path for outcome in outcomes] == paths
    with Checker(desk) as checker:
        for outcome in outcomes:
            if not outcome.unusable:
                alone = checker.check(outcome.path.read_bytes())
                verdict = outcome.verdict
                assert (alone.code, alone.statement) == (verdict.code, verdict.statement)
                assert [n for n, _ in alone.checks] == [n for n, _ in verdict.checks]
    return [outcome.verdict.code for outcome in outcomes]


def test_no_bill_and_one_bill(month: Month, desk: Desk, good: BillMessage, tmp_path: Path) -> None:
    assert check_all([], desk) == []
    bad = moved(good, month, 1, 0)
    assert codes(write(tmp_path, [good.write()]), desk) == ["accepted"]
    assert codes(write(tmp_path, [bad.write()]), desk) == ["proof-false"]


def test_a_bad_bill_among_good_ones(
    month: Month, desk: Desk, good: BillMessage, tmp_path: Path
) -> None:
    bills = [good.write()] * 40
    bills[23] = moved(good, month, -1, 0).write()
    expected = ["proof-false" if at == 23 else "accepted" for at in range(40)]
    paths = write(tmp_path, bills)
    assert codes(paths, desk, workers=2) == expected
    seen: list[tuple[int, int]] = []
    check_all(paths, desk, 2, lambda done, of_all: seen.append((done, of_all)))
    assert seen == sorted(set(seen)) and len(seen) == 3 and seen[-1] == (40, 40)


def test_errors_that_cancel_are_found_all_the_same(
    month: Month, desk: Desk, good: BillMessage, tmp_path: Path
) -> None:
    bills = [good, moved(good, month, 5, 7), good, moved(good, month, -5, -7)]
    assert codes(write(tmp_path, [bill.write() for bill in bills]), desk) == [
        "accepted", "proof-false", "accepted", "proof-false",
    ]  # fmt: skip


def test_each_bill_keeps_its_own_code(
    month: Month, desk: Desk, good: BillMessage, tmp_path: Path
) -> None:
    bad = moved(good, month, 1, 0)
    bundle = month.bill(month.time_of_use)
    cheap = replace(bundle.bundle, statement=replace(bundle.bundle.statement, amount=1))
    cases = [
        (bundle.data, "accepted"),
        (good.write(), "accepted"),
        (replace(good, statement=replace(good.statement, amount=1)).write(), "statement-amount"),
        # Two faults: the first in the order of the stages is named.
        (replace(bad, statement=replace(bad.statement, last=bytes(32))).write(), "proof-false"),
        (cheap.write(), "statement-amount"),
        (good.write()[:-1], "bill-length"),
        (b"nothing of the kind", "json-syntax"),
        (b"", "json-empty"),
    ]
    paths = write(tmp_path, [data for data, _ in cases])
    assert codes(paths, desk) == [code for _, code in cases]
    missing = check_all([*paths[:1], tmp_path / "missing"], desk)
    assert [outcome.unusable for outcome in missing] == [False, True]


def test_a_ledger_that_is_none_is_said_in_one_line(
    desk: Desk, good: BillMessage, tmp_path: Path
) -> None:
    write(tmp_path, [good.write()] * (FEW + 1))
    other = tmp_path / "ledger"
    for ledger, code in ((tmp_path / "000.bill", "ledger-file"), (other, "file-missing")):
        for bills in (tmp_path, tmp_path / "000.bill"):
            done = wattseal(
                "provider", "verify", bills, "--dir", desk.directory, "--ledger", ledger
            )
            assert done.returncode == 2 and done.stderr.startswith(f"error: {code}")
            assert done.stderr.count("\n") == 1 and not done.stdout
    assert not other.exists()


def _end_at_once(_: Desk) -> None:
    os._exit(3)


def test_a_process_that_dies_is_said(
    desk: Desk, good: BillMessage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write(tmp_path, [good.write()] * 20)
    monkeypatch.setattr(batch, "_open", _end_at_once)
    with pytest.raises(Misuse, match="workers"):
        check_all(paths, desk, 2)


def test_the_command_names_the_bad_bill(
    month: Month, desk: Desk, good: BillMessage, tmp_path: Path
) -> None:
    write(tmp_path, [good.write(), moved(good, month, 2, 0).write(), good.write()])
    options = ("--dir", desk.directory, "--ledger", desk.ledger)
    done = wattseal("provider", "verify", tmp_path, *options)
    assert done.returncode == 1
    assert done.stdout.splitlines()[1].endswith("001.bill: refused: proof-false")
    done = wattseal("provider", "verify", tmp_path, *options, "--json")
    value = json.loads(done.stdout)
    assert (value["accepted"], value["refused"]) == (2, 1)
    assert [bill["code"] for bill in value["bills"]] == ["accepted", "proof-false", "accepted"]
    assert "sums of points" in value["bills"][0]["on_ledger"]
    (tmp_path / "004.json").write_text("{}")
    assert wattseal("provider", "verify", tmp_path, *options).returncode == 2
    one = wattseal("provider", "verify", tmp_path / "000.bill", *options)
    assert one.returncode == 0 and "checked on arrival: " in one.stdout
    empty = tmp_path / "empty"
    empty.mkdir()
    done = wattseal("provider", "verify", empty, *options)
    assert done.returncode == 2 and done.stderr.startswith("error: no-bills")


@given(errors=st.lists(st.sampled_from([0, 0, 0, 1, -1, N - 1, 1 << 128]), max_size=12))
def test_settling_many_is_settling_each(errors: list[int]) -> None:
    equations = [
        Equation(commitment_to(7 * at + error, 11 + at), 7 * at, 11 + at)
        for at, error in enumerate(errors)
    ]
    assert settle_many(equations) == [error == 0 for error in errors]
