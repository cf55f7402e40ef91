"""Published price lists, imported: their bills by `decimal` from their own text; refusals."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from households import HOUSEHOLDS, household, sealed, utc_s
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from in_process import wattseal
from sealed_house import INTERVAL_S, START_S, House, SealingMeter
from wattseal.errors import Malformed, Misuse, WattsealError
from wattseal_host.documents import Enrolment
from wattseal_host.provider.tariff_import import bands, reading, tables, urdb
from wattseal_host.provider.tariffs import Draft
from wattseal_host.strict_json import loads
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.weights import prices_over
from wattseal_host.units import Unit

CENT = Decimal("0.01")
D = Decimal


@dataclass
class Offer:
    """A file with what the command is told, and its bill from the text by `decimal` alone:
    amount(wh of each half-hour, their UTC starts)."""

    file: str
    words: tuple[str, ...]
    from_s: int
    to_s: int
    amount: Callable[[Path, list[int], list[int]], Decimal]

    @property
    def starts(self) -> list[int]:
        return list(range(self.from_s, self.to_s, INTERVAL_S))


def ohio(path: Path, wh: list[int], starts: list[int]) -> Decimal:
    rate = json.loads(path.read_text(), parse_float=D)
    used: dict[int, Decimal] = {}
    for v, at_s in zip(wh, starts, strict=True):
        local = datetime.fromtimestamp(at_s, ZoneInfo("America/New_York"))
        weekend = local.weekday() >= 5
        hours = rate["energyweekendschedule" if weekend else "energyweekdayschedule"]
        period = hours[local.month - 1][local.hour]
        used[period] = used.get(period, D(0)) + D(v) / 1000
    total = D(rate["fixedchargefirstmeter"])
    for period, kwh in used.items():
        low = D(0)
        for tier in rate["energyratestructure"][period]:
            high = min(kwh, D(tier["max"])) if "max" in tier else kwh
            total += max(high - low, D(0)) * (tier["rate"] + tier["adj"])
            low = max(low, high)
    return total


def pge(path: Path, wh: list[int], starts: list[int]) -> Decimal:
    kwh, days = D(sum(wh)) / 1000, D(len(wh)) / 48
    with open(path, newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    total = D(0)
    for row in rows:
        low = D(row["from_pct_baseline"]) / 100 * D("9.8") * days
        end = row["to_pct_baseline"]
        high = min(kwh, D(end) / 100 * D("9.8") * days) if end else kwh
        total += max(high - low, D(0)) * D(row["usd_per_kwh"])
    return max(total, D("0.32854") * days)


def kseb(path: Path, wh: list[int], starts: list[int]) -> Decimal:
    kwh, months = D(sum(wh)) / 1000, 2
    with open(path, newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    energy = fixed = D(0)
    for row in rows:
        low = D(row["from_kwh"]) * months
        high = D(row["to_kwh"]) * months if row["to_kwh"] else D("1e9")
        price = D(row["inr_per_kwh"])
        telescopic = row["regime"] == "telescopic"
        if low < kwh <= high or low == kwh == 0:
            fixed = D(row["fixed"]) * months
            if not telescopic:
                energy = kwh * price
        if telescopic and kwh <= 250 * months:
            energy += max(min(kwh, high) - low, D(0)) * price
    return energy + fixed + D("14.16") + energy / 10


def edf(path: Path, wh: list[int], starts: list[int]) -> Decimal:
    offer = json.loads(path.read_text(), parse_float=D)["tariff"]
    rate = {band["id"]: band["rate"] for band in offer["import"]["bands"]}
    total = 31 * D(offer["supply"]["daily"])
    for v, at_s in zip(wh, starts, strict=True):
        hour = datetime.fromtimestamp(at_s, ZoneInfo("Europe/Paris")).hour
        total += D(v) / 1000 * rate["hp" if 6 <= hour < 22 else "hc"]
    return total


def lcl(path: Path, wh: list[int], starts: list[int]) -> Decimal:
    pence = {"H": D("67.20"), "N": D("11.76"), "L": D("3.99")}
    with open(path, newline="") as file:
        letters = {row["date"]: row["bands48"] for row in csv.DictReader(file)}
    total = D(0)
    for v, at_s in zip(wh, starts, strict=True):
        moment = datetime.fromtimestamp(at_s, UTC)
        slot = moment.hour * 2 + moment.minute // 30
        total += D(v) / 1000 * pence[letters[moment.date().isoformat()][slot]] / 100
    return total


NEW_YORK, KOLKATA, PARIS = "America/New_York", "Asia/Kolkata", "Europe/Paris"
YEAR_26 = ("--from", "2026-05-01T04:00", "--to", "2027-05-01T04:00")
OFFERS = {
    "ohio-june": Offer(
        "us_ohio_power_rs_tou_urdb.json",
        ("--zone", NEW_YORK, *YEAR_26),
        utc_s("2026-06-01", NEW_YORK),
        utc_s("2026-07-01", NEW_YORK),
        ohio,
    ),
    "ohio-november": Offer(
        "us_ohio_power_rs_tou_urdb.json",
        ("--zone", NEW_YORK, *YEAR_26),
        utc_s("2026-11-01", NEW_YORK),
        utc_s("2026-12-01", NEW_YORK),
        ohio,
    ),
    "pge": Offer(
        "tiered_us_pge_e1_2020-03.csv",
        ("--zone", "UTC", "--baseline", "9.8", "--minimum", "0.32854/day", *YEAR_26),
        utc_s("2026-06-01"),
        utc_s("2026-07-01"),
        pge,
    ),
    "kseb": Offer(
        "tiered_in_kseb_domestic_2022-02.csv",
        ("--zone", KOLKATA, "--currency", "INR", "--standing", "7.08/month", "--tax",
         "duty=10:energy", "--from", "2022-01-01", "--to", "2023-01-01"),
        utc_s("2022-03-01", KOLKATA),
        utc_s("2022-05-01", KOLKATA),
        kseb,
    ),
    "edf": Offer(
        "fr_edf_tarif_bleu_hphc_6kva.json",
        ("--zone", PARIS, "--currency", "EUR", "--from", "2026-02-01", "--to", "2027-02-01"),
        utc_s("2026-03-01", PARIS),
        utc_s("2026-04-01", PARIS),
        edf,
    ),
    "lcl": Offer(
        "lcl_dtou_2013_bands_by_day.csv",
        ("--currency", "GBP", "--price", "H=0.6720", "--price", "N=0.1176", "--price", "L=.0399",
         "--from", "2013-01-01", "--to", "2014-01-01"),
        utc_s("2013-06-01"),
        utc_s("2013-08-01"),
        lcl,
    ),
}  # fmt: skip


def imported(offer: Offer, data_dir: Path, scratch: Path) -> Tariff:
    out = scratch / "tariff.json"
    path = data_dir / "tariffs" / offer.file
    done = wattseal("provider", "tariff", "import", path, *offer.words, "--out", out)
    assert done.returncode == 0, done.stderr
    return Tariff.read(loads(out.read_bytes()))


def priced(tariff: Tariff, starts: list[int], wh: list[int]) -> int:
    """Minor units for readings, by the host's own reckoning."""
    spans = [(at_s, at_s + INTERVAL_S) for at_s in starts]
    enrolment = Enrolment(bytes(16), bytes(33), Unit("Wh", 0), INTERVAL_S, ("import",))
    scene = tariff.scene(enrolment, spans, 32, {"import": wh})
    weights = prices_over(tariff, ("import",), spans)
    fee = sum(w * v for (w,), v in zip(weights, wh, strict=True))
    return tariff.rounding.apply(tariff.exact_minor(fee, scene))


@pytest.mark.parametrize("name", OFFERS)
def test_every_household_by_every_file(data_dir: Path, tmp_path: Path, name: str) -> None:
    offer = OFFERS[name]
    tariff = imported(offer, data_dir, tmp_path)
    path = data_dir / "tariffs" / offer.file
    for house in HOUSEHOLDS:
        whole = household(data_dir, house)[: len(offer.starts)]
        assert len(whole) == len(offer.starts)
        # As it is, a tenth, nothing, and six times as much: so every tier is reached.
        for numerator, denominator in ((1, 1), (1, 10), (0, 1), (6, 1)):
            wh = [v * numerator // denominator for v in whole]
            wanted = offer.amount(path, wh, offer.starts).quantize(CENT, ROUND_HALF_EVEN)
            assert tariff.currency.major(priced(tariff, offer.starts, wh)) == str(wanted)


def test_slabs_at_their_very_ends(data_dir: Path, tmp_path: Path) -> None:
    """(from, to]: at an end, and a watt-hour beyond it."""
    offer = OFFERS["kseb"]
    tariff = imported(offer, data_dir, tmp_path)
    path = data_dir / "tariffs" / offer.file
    for end_kwh in (50, 100, 150, 200, 250, 300, 350, 400, 500):
        for more in (0, 1):
            wh = [0] * len(offer.starts)
            wh[7] = 2000 * end_kwh + more
            wanted = offer.amount(path, wh, offer.starts).quantize(CENT, ROUND_HALF_EVEN)
            assert tariff.currency.major(priced(tariff, offer.starts, wh)) == str(wanted)


PROVEN = [("ohio-november", HOUSEHOLDS[3]), ("pge", HOUSEHOLDS[0]), ("kseb", HOUSEHOLDS[3])]


@pytest.mark.parametrize(("name", "house_name"), PROVEN)
def test_sealed_and_proven(data_dir: Path, tmp_path: Path, name: str, house_name: str) -> None:
    offer = OFFERS[name]
    tariff = imported(offer, data_dir, tmp_path)
    wh = household(data_dir, house_name)[: len(offer.starts)]
    meter = sealed(house_name, wh, offer.from_s)
    bill = House(meter, tariff, from_s=offer.from_s, to_s=offer.to_s).bill(full=False)
    assert bill.verdict.accepted
    path = data_dir / "tariffs" / offer.file
    wanted = offer.amount(path, wh, offer.starts).quantize(CENT, ROUND_HALF_EVEN)
    assert bill.verdict.amount == str(wanted)


def month(cells: int = 0) -> list[list[int]]:
    return [[cells] * 24 for _ in range(12)]


def rate(**changes: Any) -> dict[str, Any]:
    evening = [[0] * 17 + [1] * 4 + [0] * 3 for _ in range(12)]
    value = {
        "name": "made up",
        "energyratestructure": [[{"rate": 0.1}], [{"rate": 0.2, "adj": 0.05}]],
        "energyweekdayschedule": evening,
        "energyweekendschedule": month(),
    }
    return {**value, **changes}


def draft() -> Draft:
    return Draft("made up", "USD", START_S, START_S + 365 * 86400)


def take(value: Any) -> Tariff:
    made = draft()
    urdb.add(made, reading.load(json.dumps(value).encode()), INTERVAL_S)
    return made.finish()


def test_a_rate_of_hours_alone_stays_linear() -> None:
    tariff = take(rate(fixedchargefirstmeter=5, fixedchargeunits="$/month"))
    assert tariff.is_linear
    (calendar,) = tariff.priced
    assert calendar.steps(tariff.zone, tariff.holidays, tariff.to_s).prices[:3] == (10, 25, 10)
    flat = take(rate(energyweekdayschedule=month(1), energyweekendschedule=month(1)))
    assert [part.price for part in flat.priced] == [25]
    assert take({"items": [rate()]}).is_linear


def test_demand_by_month_and_by_hour() -> None:
    summer = [0] * 5 + [1] * 4 + [0] * 3
    tariff = take(
        rate(
            flatdemandunit="kW",
            flatdemandmonths=summer,
            flatdemandstructure=[[{"rate": 2}], [{"rate": 9, "adj": 1}]],
            demandrateunit="kW",
            demandratestructure=[[{"rate": 0}], [{"rate": 4}]],
            demandweekdayschedule=[[0] * 17 + [1] * 4 + [0] * 3 if m in (0, 6) else [0] * 24
                                   for m in range(12)],
            demandweekendschedule=month(),
            demandwindow=30,
        )
    )  # fmt: skip
    january = list(range(START_S, START_S + 31 * 86400, INTERVAL_S))
    wh = [500] * len(january)
    wh[0], wh[48 + 40] = 2000, 1500  # 4 kW at midnight; 3 kW on Thursday at 20:00
    energy = D(0)
    for v, at_s in zip(wh, january, strict=True):
        moment = datetime.fromtimestamp(at_s, UTC)
        peak = moment.weekday() < 5 and 17 <= moment.hour < 21
        energy += D(v) / 1000 * (D("0.25") if peak else D("0.1"))
    wanted = (energy + 2 * 4 + 4 * 3).quantize(CENT, ROUND_HALF_EVEN)
    assert tariff.currency.major(priced(tariff, january, wh)) == str(wanted)
    march_s = START_S + 59 * 86400
    march = list(range(march_s, march_s + 31 * 86400, INTERVAL_S))
    none = priced(tariff, march, [0] * len(march))
    assert none == 0  # nothing in the hours of another season


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "sell": ({"energyratestructure": [[{"rate": 1, "sell": 0.1}], [{"rate": 1}]]}, "sell"),
    "max": ({"energyratestructure": [[{"rate": 1, "max": 10}], [{"rate": 1}]]}, "max"),
    "descends": (
        {"energyratestructure": [[{"rate": 1, "max": 9}, {"rate": 1, "max": 9}, {"rate": 2}], []]},
        "max",
    ),
    "per-kw": (
        {"energyratestructure": [[{"rate": 1, "max": 9, "unit": "kWh/kW"}, {"rate": 1}], []]},
        "unit",
    ),
    "kva": (
        {"flatdemandstructure": [[{"rate": 2}]], "flatdemandmonths": [0] * 12,
         "flatdemandunit": "kVA"},
        "flatdemandunit",
    ),
    "demand-tiers": (
        {"flatdemandstructure": [[{"rate": 2}, {"rate": 3}]], "flatdemandmonths": [0] * 12},
        "flatdemandstructure",
    ),
    "window": ({"demandwindow": 15}, "demandwindow"),
    "ratchet": ({"lookbackPercent": 50}, "lookbackPercent"),
    "reactive": ({"demandreactivepowercharge": 0.2}, "demandreactivepowercharge"),
    "net-metering": ({"dgrules": "Net Metering"}, "dgrules"),
    "fixed-units": ({"fixedchargefirstmeter": 1, "fixedchargeunits": "$/kW"}, "fixedchargeunits"),
    "schedule": ({"energyweekdayschedule": month(2)}, "energyweekdayschedule"),
    "hours": ({"energyweekdayschedule": [[0] * 23] * 12}, "energyweekdayschedule"),
    "months": ({"energyweekendschedule": month()[:11]}, "energyweekendschedule"),
    "text": ({"energyratestructure": [[{"rate": "1"}], []]}, "rate"),
    "unpaired": ({"flatdemandmonths": [0] * 12}, "flatdemandmonths"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_carried_is_refused_by_name(name: str) -> None:
    changes, field = REFUSED[name]
    with pytest.raises(Malformed) as caught:
        take(rate(**changes))
    assert caught.value.code == "import-field"
    assert field in caught.value.detail


def test_validity_currency_and_baseline(data_dir: Path) -> None:
    with pytest.raises(Misuse, match="import-validity"):
        take(rate(startdate=START_S + 1))
    with pytest.raises(Misuse, match="import-validity"):
        take(rate(enddate=START_S + 86400))
    table = (data_dir / "tariffs" / "tiered_us_pge_e1_2020-03.csv").read_bytes()
    with pytest.raises(Misuse, match="import-baseline"):
        tables.add(draft(), table, None, {})
    with pytest.raises(Misuse, match="import-validity"):
        tables.add(Draft("x", "EUR", 0, 86400), table, D(1), {})
    offer = reading.load((data_dir / "tariffs" / "fr_edf_tarif_bleu_hphc_6kva.json").read_bytes())
    for made in (Draft("x", "EUR", 0, 86400, PARIS), Draft("x", "EUR", START_S, START_S + 1)):
        with pytest.raises(Misuse, match="import-validity"):
            bands.add(made, offer)


BAD_TABLES = (
    "",
    "from_kwh,to_kwh,usd_per_kwh\n",
    "from_kwh,to_kwh,usd_per_kwh\n0,10,1\n11,,2\n",
    "from_kwh,to_kwh,usd_per_kwh\n0,10,1\n10,20,2\n",
    "from_kwh,to_kwh,usd_per_kwh\n0,0,1\n0,,2\n",
    "from_kwh,to_kwh,usd_per_kwh\n0,10\n10,,2\n",
    "from_kwh,to_kwh,usd_per_kwh,surcharge\n0,10,1,3\n10,,2,3\n",
    "from_kwh,to_kwh,usd_per_kwh,eur_per_kwh\n0,,1,3\n",
    "regime,from_kwh,to_kwh,usd_per_kwh\nnontelescopic,0,10,1\ntelescopic,10,,2\n",
    "regime,from_kwh,to_kwh,usd_per_kwh\nsliding,0,,1\n",
    "date,bands48\n2025-01-01,NN\n",
    "date,bands48\nsoon," + "N" * 48 + "\n",
)


@pytest.mark.parametrize("text", BAD_TABLES)
def test_bad_tables(text: str) -> None:
    with pytest.raises(Malformed, match="import-"):
        tables.add(draft(), text.encode(), D(1), {"N": D(1)})


def test_letters_need_prices() -> None:
    with pytest.raises(Misuse, match="import-price"):
        tables.add(draft(), b"date,bands48\n2025-01-01," + b"X" * 48 + b"\n", None, {})
    with pytest.raises(Misuse, match="prices-gap"):
        row = b"date,bands48\n2025-01-01," + b"X" * 48 + b"\n"
        tables.add(draft(), row, None, {"X": D(1)})


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 50) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
NAMES = st.sampled_from([
    "energyratestructure", "energyweekdayschedule", "energyweekendschedule", "flatdemandmonths",
    "flatdemandstructure", "demandratestructure", "demandweekdayschedule", "mincharge",
    "fixedchargefirstmeter", "demandwindow", "startdate", "fixedchargeunits", "items",
])  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(NAMES, JSON_VALUES)
def test_a_spoilt_rate_is_refused_or_read_whole(name: str, value: Any) -> None:
    with suppress(WattsealError):
        take(rate(**{name: value}))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.text("0123456789,.\n-#fromtkwhusd_per", max_size=120))
def test_rubbish_is_refused(data: bytes, text: str) -> None:
    for rubbish in (data, text.encode(), b"from_kwh,to_kwh,usd_per_kwh\n" + text.encode()):
        for read in (
            lambda it: bands.add(draft(), reading.load(it)),
            lambda it: urdb.add(draft(), reading.load(it), INTERVAL_S),
            lambda it: tables.add(draft(), it, D(1), {}),
        ):
            with suppress(WattsealError):
                read(rubbish)


def test_sign_and_show_what_was_imported(data_dir: Path, tmp_path: Path) -> None:
    offer = OFFERS["ohio-june"]
    imported(offer, data_dir, tmp_path)
    office = tmp_path / "office"
    assert wattseal("provider", "init", "--dir", office).returncode == 0
    unsigned, signed = tmp_path / "tariff.json", tmp_path / "tariff.jws"
    words = ("sign", "--dir", office, "--file", unsigned, "--out", signed)
    assert wattseal("provider", "tariff", *words).returncode == 0
    for file in (unsigned, signed):
        shown = wattseal("provider", "tariff", "show", file)
        for line in ("up to 2000 kWh a month: 0.1677638", "fixed charge: 18.38 a month",
                     "from 05-01, mon tue wed thu fri: 14:00 to 18:00"):  # fmt: skip
            assert line in shown.stdout, shown.stdout
        said = json.loads(wattseal("provider", "tariff", "show", file, "--json").stdout)
        assert said["tariff"]["name"] == "us_ohio_power_rs_tou_urdb"
        assert any("18.38" in line for line in said["text"])


def test_a_meter_is_billed_by_demand_of_another_season() -> None:
    """A winter's bill under a summer's demand price is made, and proven."""
    winter = [0] * 5 + [1] * 3 + [0] * 4
    tariff = take(rate(flatdemandmonths=winter, flatdemandstructure=[[{"rate": 0}], [{"rate": 9}]]))
    meter = SealingMeter("seasons").origin()
    for slot in range(48):
        meter.reading(100 + slot)
    bill = House(meter, tariff).bill(consent=True, full=False)
    wanted = priced(
        tariff, list(range(START_S, START_S + 86400, INTERVAL_S)), [100 + i for i in range(48)]
    )
    assert bill.verdict.amount == tariff.currency.major(wanted)
