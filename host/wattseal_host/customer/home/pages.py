"""The pages: each reads the files anew, away from the event loop, and says what it could not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from wattseal.errors import Malformed, WattsealError

from wattseal_host.collect.customer import CustomerPort
from wattseal_host.customer import applets, compare
from wattseal_host.customer.home import HERE, use, words
from wattseal_host.customer.home.entry import Entry
from wattseal_host.customer.home.house import House
from wattseal_host.customer.home.papers import Papers
from wattseal_host.customer.releases import Releases, described
from wattseal_host.errors import PortError
from wattseal_host.ledger import Ledger
from wattseal_host.portal.analysis import analyse
from wattseal_host.web import HERE as SHARED
from wattseal_host.web import charts, forms

MONTHS = 12
MOST_TEXT = 100
T = TypeVar("T")
_templates = Environment(
    loader=FileSystemLoader([HERE / "templates", SHARED / "templates"]),
    autoescape=True,
    undefined=StrictUndefined,
)


class Pages:
    def __init__(self, house: House, entry: Entry) -> None:
        self._house, self._entry = house, entry
        self._papers = Papers(house.papers, house.trust)
        # Months take a second each to open: kept while the ledger ends where it did.
        self._kept: tuple[Any, dict[str, Any]] = (None, {})

    async def now(self, request: Request) -> Response:
        told = await run_in_threadpool(self._now)
        month, cost, why = await _tried(self._month)
        return self._page("now.html", live=told, month=month, cost=cost, why=why)

    async def live(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self._now))

    async def used(self, request: Request) -> Response:
        query = request.query_params
        first, last = (query.get(name, "")[:MOST_TEXT] for name in ("from", "to"))
        found, why = await _tried_one(lambda: self._used(first, last))
        return self._page("use.html", found=found, why=why, zone=self._house.zone)

    async def bills(self, request: Request) -> Response:
        rows = await run_in_threadpool(self._papers.read)
        house = self._house
        trusted = bool(house.trust.providers)
        return self._page("bills.html", rows=rows, folder=str(house.papers), trusted=trusted)

    async def released(self, request: Request) -> Response:
        rows, why = await _tried_one(self._released)
        allowed, unasked = await _tried_one(self._allowed)
        return self._page(
            "released.html", rows=rows or [], why=why, allowed=allowed, unasked=unasked
        )

    async def tariffs(self, request: Request) -> Response:
        found, why = await _tried_one(self._compared) if self._house.tariffs else (None, "")
        return self._page("tariffs.html", found=found, why=why, known=bool(self._house.tariffs))

    async def enter(self, request: Request) -> Response:
        told = request.query_params.get("key")
        if request.method == "POST":
            try:
                told = forms.text(await forms.read(request), "key")
            except Malformed:
                told = ""
        if told is None:
            return self._page("enter.html", why="")
        if not await self._entry.opens(told[:1000]):
            return self._page("enter.html", 403, why=words.NO_KEY)
        return self._entry.admit(RedirectResponse("/", 303))

    async def leave(self, request: Request) -> Response:
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return RedirectResponse("/", 303)  # another website's form
        return self._entry.forget(request, RedirectResponse("/enter", 303))

    def _page(self, name: str, status: int = 200, **what: Any) -> Response:
        def clock(at_s: int) -> str:
            return use.clock(self._house, at_s)

        return HTMLResponse(_templates.get_template(name).render(clock=clock, **what), status)

    def _now(self) -> dict[str, Any]:
        state, collector = self._house.live(), self._house.collector
        progress = collector.progress if collector else None
        live = state.live
        log = ""
        if progress is not None and progress.code not in ("", "port-missing", "port-silent"):
            log = f"{progress.code}: {words.of(progress.code)}"
        elif progress is not None and progress.done < progress.of:
            log = f"Reading the meter's log: {progress.done} of {progress.of} records."
        return {
            "trouble": words.of(state.trouble) if state.trouble else "",
            "log": log,
            "import_w": live.import_w if live else None,
            "export_w": live.export_w if live else None,
            "voltage": f"{live.voltage_mv / 1000:.1f} V" if live else "",
            "import_kwh": f"{live.import_wh / 1000:.3f} kWh" if live else "",
            "export_kwh": f"{live.export_wh / 1000:.3f} kWh" if live else "",
        }

    def _month(self) -> tuple[dict[str, str] | None, use.Cost | None]:
        """Of the calendar month the newest record is in."""
        house = self._house
        span = house.span()
        if span is None:
            return None, None
        from_s = use.month_of(house, span[1] - 1)
        found = use.used(house, from_s, span[1])
        unit_kwh = 10.0 ** (found.enrolment.unit.exponent - 3)
        begin_s, end_s = found.spans[0][0], found.spans[-1][1]
        month = {
            "energy": f"{sum(found.column()) * unit_kwh:.2f} kWh",
            "from": use.clock(house, begin_s),
            "to": use.clock(house, end_s),
        }
        return month, use.cost(house, from_s, span[1]) if house.tariffs else None

    def _used(self, first: str, last: str) -> dict[str, Any] | None:
        house = self._house
        span = house.span()
        if span is None:
            return None
        from_s, to_s = use.days_of(house, first, last, span)
        told: dict[str, Any] = {
            "first": use.day_name(house, from_s),
            "last": use.day_name(house, to_s - 1),
            "least": use.day_name(house, span[0]),
            "most": use.day_name(house, span[1] - 1),
            "made": None,
        }
        try:
            found = use.used(house, from_s, to_s)
            local = house.local(from_s, to_s)
            made = analyse(found, local)
        except WattsealError as error:
            return {**told, "why": words.of(error.code)}
        told.update(made=made, unknown=found.unknown, count=len(found.records), why="", cost=None)
        told["curve"] = charts.load_curve(made.curve, made.peak_w, made.base_w, local)
        told["bars"] = charts.daily([(day.name, day.energy_wh) for day in made.days])
        if "export" in found.enrolment.channels:
            unit_wh = 10.0**found.enrolment.unit.exponent
            told["exported"] = sum(found.column("export")) * unit_wh
        if house.tariffs:
            try:
                told["cost"] = use.cost(house, from_s, to_s)
            except WattsealError as error:
                told["why"] = words.of(error.code)
        return told

    def _released(self) -> list[dict[str, Any]]:
        house = self._house
        held = house.held()
        listed = Releases.load(Releases.path_for(house.secrets), held.meter, held.earlier)
        return [described(release) for release in reversed(listed.made)]

    def _allowed(self) -> dict[str, Any]:
        """Who may ask the meter for more, as it says itself."""
        house = self._house
        if house.live().trouble or house.keeper is None:
            raise PortError("meter-unasked")

        def ask(port: CustomerPort) -> dict[str, Any]:
            listed = [applet.describe() for applet in applets.listed(port)]
            return {"live": port.consent()[0], "applets": listed}

        return house.keeper.ask(ask)

    def _compared(self) -> dict[str, Any]:
        house = self._house
        state = house.span(), house.held()
        if state[0] is not None and self._kept[0] == state:
            return self._kept[1]
        with Ledger.existing(house.ledger) as ledger:
            months = compare.compare(ledger, house.held(), house.tariffs, MONTHS)
        self._kept = (
            state,
            {
                "names": [tariff.name for tariff in house.tariffs],
                "rows": [
                    (month.name, compare.cells(month.amounts, house.tariffs)) for month in months
                ],
                "sums": compare.cells(compare.totals(months), house.tariffs),
                # It escapes the names it draws.
                "plot": Markup(compare.plot(months, house.tariffs)),
            },
        )
        return self._kept[1]


async def _tried_one(work: Callable[[], T]) -> tuple[T | None, str]:
    """What it gives, or why not, in words."""
    try:
        return await run_in_threadpool(work), ""
    except WattsealError as error:
        return None, words.of(error.code)
    except OSError:
        return None, words.of("system")


async def _tried(work: Callable[[], tuple[Any, Any]]) -> tuple[Any, Any, str]:
    found, why = await _tried_one(work)
    return (None, None, why) if found is None else (*found, why)
