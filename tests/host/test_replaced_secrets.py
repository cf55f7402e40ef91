"""The secrets of two meters in one file, and one list of what was released."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from replaced_house import Replaced, new_meter, old_meter
from test_joint_bill import values
from test_shaped_tariffs import FLAT, document
from wattseal.errors import Refused
from wattseal_host.collect.replies import Pairing
from wattseal_host.customer.over_meters import stretches_over
from wattseal_host.customer.releases import Releases
from wattseal_host.customer.store import Secrets
from wattseal_host.errors import Unusable
from wattseal_host.ledger import Ledger
from wattseal_host.tariff import Tariff


@pytest.fixture(scope="module")
def case() -> Replaced:
    old, new = values(11)
    return Replaced([old_meter(old), new_meter(new)], [Tariff.read(document(FLAT))])


def pairing(case: Replaced, at: int) -> Pairing:
    meter = case.meters[at]
    return Pairing(meter.meter, meter.key, 1, meter.secrets[1])


def test_a_meter_in_the_place_of_another(case: Replaced, tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    first = Secrets.paired(pairing(case, 0))
    first.save(path)
    assert json.loads(path.read_bytes())["format"] == "wattseal-customer/1"
    with pytest.raises(Refused, match="meter-pinned"):
        Secrets.paired(pairing(case, 1), first)
    both = Secrets.paired(pairing(case, 1), first, replace_meter=True)
    assert both.meters == (first, Secrets.paired(pairing(case, 1)))
    both.save(path)
    assert json.loads(path.read_bytes())["format"] == "wattseal-customer/2"
    assert Secrets.load(path) == both
    # A meter that was replaced is not one to come back, and a new epoch of this one is no other.
    with pytest.raises(Refused, match="meter-pinned"):
        Secrets.paired(pairing(case, 0), both, replace_meter=True)
    assert Secrets.paired(pairing(case, 1), both, replace_meter=True) == both


def test_files_that_are_none(case: Replaced, tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    case.secrets().save(path)
    good = json.loads(path.read_bytes())
    own = {name: good[name] for name in ("meter", "key", "epochs")}
    for bad in (
        {**good, "format": "wattseal-customer/1"},
        {**good, "replaced": []},
        {**good, "replaced": [own]},
        {**good, "replaced": good["replaced"] * 2},
        {**good, "replaced": [{**good["replaced"][0], "replaced": []}]},
        {"format": "wattseal-customer/2", **own},
    ):
        path.write_text(json.dumps(bad))
        with pytest.raises(Unusable, match="secrets-malformed"):
            Secrets.load(path)


def test_the_list_of_releases_goes_on(case: Replaced, tmp_path: Path) -> None:
    path = tmp_path / "secrets.releases.json"
    old, new = (meter.meter for meter in case.meters)
    Releases(old).save(path)
    assert Releases.load(path, new, [old]).meter == new
    with pytest.raises(Unusable, match="releases-malformed"):
        Releases.load(path, new)


def test_which_meters_a_period_is_over(case: Replaced, tmp_path: Path) -> None:
    from replaced_house import BEGIN_S, END_S, TO_S
    from sealed_house import INTERVAL_S, START_S

    both = case.secrets().meters
    with Ledger(case.ledger(tmp_path / "ledger.db")) as ledger:

        def over(from_s: int, to_s: int) -> list[tuple[bytes, int, int]]:
            found = stretches_over(ledger, both, {}, from_s, to_s)
            return [(h.meter, s.records[0].start_s, s.records[-1].end_s) for h, s in found]

        old, new = (meter.meter for meter in case.meters)
        assert over(START_S, TO_S) == [(old, START_S, END_S), (new, BEGIN_S, TO_S)]
        assert over(START_S, START_S + 9 * INTERVAL_S) == [(old, START_S, START_S + 9 * INTERVAL_S)]
        assert over(START_S, END_S) == [(old, START_S, END_S)]
        assert over(BEGIN_S, TO_S) == [(new, BEGIN_S, TO_S)]
        for from_s, to_s in ((END_S, TO_S), (START_S + 1, TO_S), (START_S, TO_S + 1),
                             (START_S, BEGIN_S)):  # fmt: skip
            with pytest.raises(Refused, match="period-incomplete"):
                over(from_s, to_s)
