"""What a court is told: the claim, the checks in order, which failed first, what follows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from in_process import wattseal
from sealed_house import House, SealingMeter
from test_joint_bill import replaced
from test_shaped_tariffs import FLAT
from wattseal_host import account
from wattseal_host.bundle import Bundle
from wattseal_host.disclosure.check import Certificate
from wattseal_host.evidence import Evidence, judge
from wattseal_host.trust import Trust
from wattseal_host.verdict import Verdict
from wattseal_host.verify import verify_bundle


@pytest.fixture(scope="module")
def bundle(house: House) -> Bundle:
    made = house.bill().bundle
    assert isinstance(made, Bundle)
    return made


def results(told: account.Account) -> list[str]:
    return [step.result for step in told.steps]


def test_an_accepted_bill(house: House, bundle: Bundle) -> None:
    verdict = verify_bundle(bundle.write(), house.trust)
    told = account.of_bill(verdict)
    assert results(told) == ["held"] * 6
    assert [step.name for step in told.steps] == [name for name, _ in verdict.checks]
    said = bundle.statement
    assert f"{verdict.amount} GBP are payable" in told.claimed[0]
    assert said.meter.hex() in told.claimed[1] and said.contract.hex() in told.claimed[1]
    assert "second set of records" in told.follows[-1]


def test_each_check_that_may_fail_first(house: House, bundle: Bundle) -> None:
    said = bundle.statement
    early = replace(house.contract, tariffs=(replace(house.contract.tariffs[0], from_s=9),))
    early = replace(early, tariffs=(replace(early.tariffs[0], to_s=said.from_s),))
    cases = [
        (replace(bundle, signature=bytes(3)), house.trust, "form"),
        (bundle, Trust(), "documents"),
        (replace(bundle, bodies=bundle.bodies[1:]), house.trust, "records"),
        (replace(bundle, contract=early.sign(house.provider).token), house.trust, "tariff"),
        (replace(bundle, proof=replace(bundle.proof, blinding=1)), house.trust, "proof"),
        (replace(bundle, statement=replace(said, amount=1)), house.trust, "statement"),
    ]
    for at, (forged, trust, name) in enumerate(cases):
        verdict = verify_bundle(forged.write(), trust)
        told = account.of_bill(verdict)
        assert results(told) == ["held"] * at + ["failed"] + ["not made"] * (5 - at), name
        assert told.steps[at].name == name and not verdict.accepted
        assert told.follows[0].startswith("The first check that failed ended it: ")
        assert (told.claimed == account._UNREAD) == (name == "form")
    assert "0.01 GBP are payable" in told.claimed[0]


def test_a_bill_the_ledger_does_not_bear_out(house: House, bundle: Bundle) -> None:
    verdict = verify_bundle(bundle.write(), house.trust).refused("ledger-differs")
    told = account.of_bill(verdict)
    assert results(told) == ["held"] * 6 + ["failed"]
    assert "two histories" in told.follows[0]


def test_a_bill_over_two_meters() -> None:
    case = replaced(FLAT)
    verdict = verify_bundle(case.bill(full=True).data, case.trust)
    told = account.of_bill(verdict)
    assert all(any(m.meter.hex() in line for line in told.claimed) for m in case.meters)


def test_forks() -> None:
    one, other = (SealingMeter("forked").origin().paired().reading(n) for n in (1, 2))
    evidence = Evidence.of(one.key, one.sealed[-1], other.sealed[-1])
    stranger = SealingMeter("stranger").origin().paired().reading(3)
    trust = Trust((), (one.key,))
    told = account.of_fork(judge(evidence.write(), trust))
    assert results(told) == ["held"] * 5 and one.meter.hex() in told.claimed[0]
    first, second = evidence.first, evidence.second
    for data, failing, trusted in (
        (evidence.write() + b" ", 0, trust),
        (evidence.write(), 1, Trust()),
        (Evidence(one.key, *sorted((first[:-1], second))).write(), 2, trust),
        (Evidence(one.key, first, first).write(), 3, trust),
        (Evidence(one.key, *sorted((first, stranger.sealed[-1]))).write(), 3, trust),
        (Evidence(one.key, *sorted((first, second[:-64] + first[-64:]))).write(), 4, trust),
    ):
        told = account.of_fork(judge(data, trusted))
        assert results(told) == ["held"] * failing + ["failed"] + ["not made"] * (4 - failing)
        assert "does not follow" in told.follows[-1]


def test_answers_that_are_refused() -> None:
    made = Certificate(code="chain-link", checks=["form", "documents"])
    told = account.of_answers(made)
    assert results(told) == ["held", "held", "failed", "not made", "not made"]
    assert told.claimed == account._UNREAD
    assert account.of_bill(Verdict(code="json-syntax")).steps[0].result == "failed"


def test_by_command(house: House, bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "trust.json").write_bytes(house.trust.write())
    forged = replace(bundle, statement=replace(bundle.statement, amount=1))
    for name, one, status in (("good", bundle, 0), ("bad", forged, 1)):
        (tmp_path / f"{name}.json").write_bytes(one.write())
        line = ["verify", tmp_path / f"{name}.json", "--trust", tmp_path / "trust.json"]
        done = wattseal(*line, "--explain")
        assert done.returncode == status
        assert "What was claimed" in done.stdout and "6. " in done.stdout
        assert "What was claimed" not in wattseal(*line).stdout
        value = json.loads(wattseal(*line, "--json").stdout)["account"]
        assert value["checks"][0]["name"] == "form"
        assert value["checks"][5]["result"] == ("failed" if status else "held")
        assert value["claimed"] and value["follows"]
