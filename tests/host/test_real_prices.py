"""Every linear price file bills every household, to the last minor unit as `decimal` says."""

from __future__ import annotations

from pathlib import Path

import pytest
from households import CASES, HOUSEHOLDS, Case, household, sealed
from sealed_house import INTERVAL_S, House, SealingMeter
from wattseal_host.customer.spy import FUSE_KW, Limit
from wattseal_host.customer.tariff_check import check_tariff
from wattseal_host.tariff.weights import prices_over
from wattseal_host.units import Unit


@pytest.fixture(scope="module")
def cases(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    scratch = tmp_path_factory.mktemp("prices")
    return {name: make(data_dir, scratch) for name, make in CASES.items()}


@pytest.fixture(scope="module")
def chains(data_dir: Path) -> dict[tuple[str, int], SealingMeter]:
    """Chains of whole households, sealed once for all cases of one period."""
    return {}


@pytest.mark.parametrize("house_name", HOUSEHOLDS)
@pytest.mark.parametrize("name", CASES)
def test_every_price_file_prices_every_household(
    data_dir: Path, cases: dict[str, Case], name: str, house_name: str
) -> None:
    case, readings = cases[name], household(data_dir, house_name)
    starts = range(case.from_s, case.to_s, INTERVAL_S)
    spans = [(at_s, at_s + INTERVAL_S) for at_s in starts]
    weights = prices_over(case.tariff, ("import",), spans)
    fee = sum(w * v for (w,), v in zip(weights, readings[: case.slots], strict=True))
    amount = case.tariff.amount(fee, Unit("Wh", 0), case.from_s, case.to_s)
    assert case.tariff.currency.major(amount) == case.amount(readings)


# Sealing a household whole takes a second or two: every file and every household comes at least
# once, and the two files of one period share their chain.
PROVEN = [
    ("lcl_dtou_2013-06_07_halfhourly", HOUSEHOLDS[0]),
    ("lcl_dtou_2013_bands_by_day", HOUSEHOLDS[0]),
    ("lcl_dtou_2013-06_07_halfhourly", HOUSEHOLDS[3]),
    ("be_dayahead_2023-07_hourly", HOUSEHOLDS[1]),
    ("be_dayahead_2023-07_hourly", HOUSEHOLDS[2]),
    ("fr_edf_tarif_bleu_hphc_6kva", HOUSEHOLDS[2]),
]


@pytest.mark.parametrize(("name", "house_name"), PROVEN)
def test_sealed_billed_proven_and_no_spy(
    data_dir: Path,
    cases: dict[str, Case],
    chains: dict[tuple[str, int], SealingMeter],
    name: str,
    house_name: str,
) -> None:
    case, readings = cases[name], household(data_dir, house_name)
    place = house_name, case.from_s
    if place not in chains:
        chains[place] = sealed(house_name, readings[: case.slots], case.from_s)
    house = House(chains[place], case.tariff, from_s=case.from_s, to_s=case.to_s)
    bill = house.bill()
    assert bill.verdict.amount == case.amount(readings)
    assert bill.verdict.records == case.slots + 1
    assert [release.consent for release in bill.releases.made] == [()]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("period_days", [2, 7, 30, 400])
def test_real_tariffs_are_no_spies(cases: dict[str, Case], name: str, period_days: int) -> None:
    tariff = cases[name].tariff
    limit = Limit.of_fuse(FUSE_KW, 0)
    assert not check_tariff(tariff, ("import",), INTERVAL_S, period_days * 86400, limit)
