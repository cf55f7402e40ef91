"""Rates of the OpenEI Utility Rate Database (URDB, versions 7 and 8), one item.

Energy: `energyratestructure[period][tier]` priced rate + adj, the period of an hour by two
matrices of month and hour. Each period's tiers are on that period's own total of the month.
Demand: flat by month, or by period with matrices of its own. URDB knows no holidays: on days given
as such the weekend's hours hold. Prices of a month hold for bills of whole calendar months.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby, pairwise
from typing import Any

from wattseal.errors import Malformed, Misuse

from wattseal_host.provider.tariff_import.reading import Object, refuse, whole_thresholds
from wattseal_host.provider.tariffs import Draft

KILO = 3
MONTHS, HOURS = 12, 24
WEEK = ["mon", "tue", "wed", "thu", "fri"]
REST = ["sat", "sun", "holiday"]
# What names or describes a rate and changes no bill.
_SILENT = (
    "_comment label uri eiaid country utility name sector servicetype approved is_default "
    "latest_update supersedes description source sourceparent basicinformationcomments "
    "energycomments demandcomments voltagecategory voltageminimum voltagemaximum phasewiring "
    "peakkwcapacitymin peakkwcapacitymax peakkwcapacityhistory peakkwhusagemin "
    "peakkwhusagemax peakkwhusagehistory revisions createdby effectivedate"
)
SILENT = frozenset(_SILENT.split())
SPAN_OF = {"kWh": "month", "kWh daily": "day"}
PER_OF = {"$/month": "month", "$/day": "day", "$/year": "year"}
Matrix = list[list[int]]


def item_of(value: Any) -> Any:
    """The one item of an answer of the service, or the item itself."""
    if type(value) is dict and set(value) == {"items"}:
        items = value["items"]
        if type(items) is not list or len(items) != 1:
            raise refuse("items", "exactly one rate is imported at a time")
        return items[0]
    return value


def add(draft: Draft, value: Any, interval_s: int) -> None:
    """Add a rate's parts to a draft. interval_s: the meters' interval, which demand is read by.

    Raises Malformed `import-field`, Misuse `import-validity` where the draft is valid beyond the
    rate's own dates.
    """
    rate = Object(item_of(value), "", SILENT)
    _check_dates(rate, draft)
    _energy(rate, draft)
    _flat_demand(rate, draft)
    _demand_by_period(rate, draft)
    window = rate.number("demandwindow") if rate.has("demandwindow") else None
    if window is not None and window * 60 != interval_s:
        raise refuse("demandwindow", f"{window} minutes, meters are read every {interval_s} s")
    if rate.has("fixedchargefirstmeter"):
        amount = rate.number("fixedchargefirstmeter")
        draft.standing("fixed charge", amount, _per(rate, "fixedchargeunits"))
    if rate.has("mincharge"):
        least = {"amount": rate.number("mincharge"), "span": _per(rate, "minchargeunits")}
        draft.parts.append({"type": "minimum", "name": "minimum charge", **least})
    for units in ("fixedchargeunits", "minchargeunits", "flatdemandunit", "demandrateunit"):
        rate.take(units)  # of a charge that is not there
    rate.done()


def _check_dates(rate: Object, draft: Draft) -> None:
    start, end = rate.take("startdate"), rate.take("enddate")
    for name, date in (("startdate", start), ("enddate", end)):
        if date is not None and (type(date) is not Decimal or date != int(date)):
            raise refuse(name, "seconds since 1970 are needed")
    if (start is not None and draft.from_s < start) or (end is not None and draft.to_s > end):
        raise Misuse("import-validity", f"the rate holds from {start} to {end or 'now on'}")


def _per(rate: Object, name: str) -> str:
    units = rate.text(name, "$/month")
    if units not in PER_OF:
        raise refuse(name, f"{units[:20]} is none of {', '.join(PER_OF)}")
    return PER_OF[units]


def _energy(rate: Object, draft: Draft) -> None:
    periods = [_tiers(tiers, f"energyratestructure[{i}]") for i, tiers in
               enumerate(rate.list("energyratestructure"))]  # fmt: skip
    weekday = _matrix(rate, "energyweekdayschedule", len(periods))
    weekend = _matrix(rate, "energyweekendschedule", len(periods))
    used = _used(weekday, weekend)
    if all(len(periods[i][1]) == 1 for i in used):
        if len(used) == 1:
            draft.flat("energy", periods[used[0]][1][0][1])
        else:
            names = {i: f"period {i}" for i in used}
            draft.parts.append(
                {
                    "type": "time-of-use",
                    "name": "energy",
                    "channel": "import",
                    "bands": [{"name": names[i], "price": periods[i][1][0][1]} for i in used],
                    "seasons": _seasons(weekday, weekend, names),
                }
            )
        return
    for i in used:
        span, tiers = periods[i]
        exponent, uppers = whole_thresholds([end for end, _ in tiers if end is not None], KILO)
        steps: list[dict[str, Any]] = [
            {"up_to": upper, "price": price}
            for upper, (_, price) in zip(uppers, tiers, strict=False)
        ]
        part: dict[str, Any] = {
            "type": "tiers",
            "name": f"energy in period {i}",
            "channel": "import",
            "mode": "cumulative",
            "unit_exponent": exponent,
            "tiers": [*steps, {"price": tiers[-1][1]}],
            "span": span,
        }
        if len(used) > 1:
            part["when"] = {"seasons": _chosen(weekday, weekend, i)}
        draft.parts.append(part)


def _tiers(value: Any, where: str) -> tuple[str, list[tuple[Decimal | None, Decimal]]]:
    """(span of the thresholds, (up to so many kWh, price) of each tier)."""
    if type(value) is not list or not value:
        raise refuse(where, "a list of tiers is needed")
    units, tiers = set(), []
    for at, one in enumerate(value):
        tier = Object(one, f"{where}[{at}]")
        unit = tier.text("unit", "kWh")
        if unit not in SPAN_OF:
            raise refuse(tier.path("unit"), f"{unit[:20]} is none of {', '.join(SPAN_OF)}")
        units.add(unit)
        price = tier.number("rate", Decimal(0)) + tier.number("adj", Decimal(0))
        tiers.append((tier.number("max") if tier.has("max") else None, price))
        tier.done()
    if len(units) > 1:
        raise refuse(where, "tiers of different units")
    ends = [end for end, _ in tiers[:-1]]
    if tiers[-1][0] is not None or None in ends:
        raise refuse(f"{where}.max", "each tier but the last needs one, the last has none")
    known = [Decimal(0), *(end for end in ends if end is not None)]
    if any(low >= high for low, high in pairwise(known)):
        raise refuse(f"{where}.max", "must ascend")
    return SPAN_OF[units.pop()], tiers


def _flat_demand(rate: Object, draft: Draft) -> None:
    if not rate.has("flatdemandstructure"):
        if rate.take("flatdemandmonths") is not None:
            raise refuse("flatdemandmonths", "without flatdemandstructure")
        return
    _kilowatts(rate, "flatdemandunit")
    prices = _demand_prices(rate, "flatdemandstructure")
    months = rate.list("flatdemandmonths")
    row = _row(months, MONTHS, "flatdemandmonths", len(prices))
    matrix = [[i] * HOURS for i in row]
    _add_demand(draft, "demand", prices, matrix, matrix)


def _demand_by_period(rate: Object, draft: Draft) -> None:
    if not rate.has("demandratestructure"):
        for name in ("demandweekdayschedule", "demandweekendschedule"):
            if rate.has(name) and any(any(row) for row in _matrix(rate, name, 1)):
                raise refuse(name, "without demandratestructure")
        return
    _kilowatts(rate, "demandrateunit")
    prices = _demand_prices(rate, "demandratestructure")
    weekday = _matrix(rate, "demandweekdayschedule", len(prices))
    weekend = _matrix(rate, "demandweekendschedule", len(prices))
    _add_demand(draft, "demand in period", prices, weekday, weekend)


def _kilowatts(rate: Object, name: str) -> None:
    unit = rate.text(name, "kW")
    if unit != "kW":
        raise refuse(name, f"{unit[:20]}: demand is in kW only")


def _demand_prices(rate: Object, name: str) -> list[Decimal]:
    prices = []
    for i, tiers in enumerate(rate.list(name)):
        if type(tiers) is not list or len(tiers) != 1:
            raise refuse(f"{name}[{i}]", "demand in tiers")
        tier = Object(tiers[0], f"{name}[{i}][0]")
        if tier.text("unit", "kW") != "kW":
            raise refuse(tier.path("unit"), "demand is in kW only")
        prices.append(tier.number("rate", Decimal(0)) + tier.number("adj", Decimal(0)))
        tier.done()
    return prices


def _add_demand(
    draft: Draft, name: str, prices: list[Decimal], weekday: Matrix, weekend: Matrix
) -> None:
    used = _used(weekday, weekend)
    for i in used:
        if not prices[i]:
            continue
        part: dict[str, Any] = {
            "type": "demand",
            "name": f"{name} {i}" if len(used) > 1 else name,
            "channel": "import",
            "price": prices[i],
            "highest": 1,
            "per_s": 3600,
        }
        if len(used) > 1:
            part["when"] = {"seasons": _chosen(weekday, weekend, i)}
        draft.parts.append(part)


def _matrix(rate: Object, name: str, periods: int) -> Matrix:
    rows = rate.list(name)
    if len(rows) != MONTHS:
        raise refuse(name, "twelve months are needed")
    return [_row(row, HOURS, f"{name}[{at}]", periods) for at, row in enumerate(rows)]


def _row(values: Any, count: int, where: str, periods: int) -> list[int]:
    if type(values) is not list or len(values) != count:
        raise refuse(where, f"{count} numbers are needed")
    for value in values:
        if type(value) is not Decimal or value != int(value) or not 0 <= value < periods:
            raise refuse(where, "a number of a period is needed")
    return [int(value) for value in values]


def _used(weekday: Matrix, weekend: Matrix) -> list[int]:
    return sorted({i for matrix in (weekday, weekend) for row in matrix for i in row})


def _chosen(weekday: Matrix, weekend: Matrix, period: int) -> list[dict[str, Any]]:
    return _seasons(
        [[int(i == period) for i in row] for row in weekday],
        [[int(i == period) for i in row] for row in weekend],
        {0: "out", 1: "in"},
    )


def _seasons(weekday: Matrix, weekend: Matrix, names: dict[int, str]) -> list[dict[str, Any]]:
    """The tariff language's seasons: months that are alike together."""
    seasons = []
    both = list(zip(weekday, weekend, strict=True))
    for month in range(MONTHS):
        if month and both[month] == both[month - 1]:
            continue
        week, rest = (_switches(row, names) for row in both[month])
        if week == rest:
            days = [{"on": WEEK + REST, "switches": week}]
        else:
            days = [{"on": WEEK, "switches": week}, {"on": REST, "switches": rest}]
        seasons.append({"begins": f"{month + 1:02d}-01", "days": days})
    return seasons


def _switches(row: list[int], names: dict[int, str]) -> list[dict[str, str]]:
    switches, hour = [], 0
    for period, run in groupby(row):
        if period not in names:
            raise Malformed("import-field", f"period {period}")
        switches.append({"at": f"{hour:02d}:00", "band": names[period]})
        hour += sum(1 for _ in run)
    return switches
