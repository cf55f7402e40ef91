"""Handing data over, looking at what was made of it, forgetting it."""

from __future__ import annotations

import asyncio
import time

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from wattseal.errors import Refused, WattsealError

from wattseal_host.portal import analysis, forms, handed, words
from wattseal_host.portal.sessions import Session
from wattseal_host.portal.site import Site, check_form, go
from wattseal_host.portal.tables import Account, Consent
from wattseal_host.report.localtime import LocalTime, day_text
from wattseal_host.web import charts

PURPOSE = "shown to me until I log off"
CHECKED_AT_ONCE = 2  # a file is megabytes and seconds of work
WAITING = 6  # for that, each with its megabytes; one of an account
_UTC = LocalTime(())


class DataPages:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._checking = asyncio.Semaphore(CHECKED_AT_ONCE)
        self._in_hand: set[int] = set()  # accounts, by number

    async def in_browser(self, request: Request) -> Response:
        session = self._site.session(request)
        if session is None or session.account is None:
            return go("/log-on")
        return self._site.page("in_browser.html", session, meter=session.account.meter.hex())

    async def hand_over(self, request: Request) -> Response:
        site = self._site
        session = site.session(request)
        if session is None or session.account is None:
            return go("/log-on")
        if request.method == "GET":
            return site.page("hand_over.html", session, why="")
        try:
            await self._take_file(request, session, session.account)
        except WattsealError as error:
            if error.code == "session-over":
                return go("/log-on")
            status = {"too-often": 429, "portal-full": 503}.get(error.code, 400)
            return site.page("hand_over.html", session, status, why=words.of(error))
        return go("/results")

    async def _take_file(self, request: Request, session: Session, account: Account) -> None:
        """Whether there is room is looked at before the file is read."""
        site = self._site
        if account.number in self._in_hand or not site.files.take(account.name):
            raise Refused("too-often")
        if len(self._in_hand) >= CHECKED_AT_ONCE + WAITING:
            raise Refused("portal-full")
        self._in_hand.add(account.number)
        try:
            form = await forms.read(request)
            check_form(request, session, form)
            if form.get("consent") != "yes":
                raise Refused("consent")
            file = form.get("file")
            if isinstance(file, str):
                file = file.encode()
            async with self._checking:
                data = await run_in_threadpool(handed.read, file or b"", account.meter)
            given = Consent(int(time.time()), data.from_s, data.to_s, PURPOSE)
            site.sessions.hold(session, data)
            await run_in_threadpool(site.accounts.consent, account, given)
        finally:
            self._in_hand.discard(account.number)

    async def results(self, request: Request) -> Response:
        site = self._site
        session = site.session(request)
        if session is None or session.account is None:
            return go("/log-on")
        data = session.held
        if data is None:
            return site.page("nothing.html", session)
        chosen = site.tariffs.get(request.query_params.get("tariff", ""))
        local = LocalTime(chosen.zone.offsets) if chosen else _UTC
        cost, why = None, ""
        span = data.from_s, data.to_s
        count = len(data.spans)
        try:
            found = await run_in_threadpool(analysis.analyse, data, local)
            if chosen is not None:
                try:
                    cost = await run_in_threadpool(analysis.cost, data, chosen)
                except WattsealError as error:
                    why = words.of(error)
        except (ValueError, LookupError, ArithmeticError):
            if session.held is data:
                raise
        if session.held is not data:  # wiped in the middle, in another tab or at its end
            return site.page("nothing.html", session)
        return site.page(
            "results.html",
            session,
            found=found,
            zone=chosen.zone.name if chosen else "UTC",
            first=day_text(local.day(span[0]), year=True),
            last=day_text(local.day(span[1] - 1), year=True),
            count=count,
            curve=charts.load_curve(found.curve, found.peak_w, found.base_w, local),
            bars=charts.daily([(day.name, day.energy_wh) for day in found.days]),
            tariffs=list(site.tariffs),
            chosen=request.query_params.get("tariff", ""),
            cost=cost,
            why=why,
        )

    async def forget(self, request: Request) -> Response:
        site = self._site
        session = site.session(request)
        try:
            check_form(request, session, await forms.read(request)).end()
        except WattsealError as error:
            return site.page("refused.html", session, 403, why=words.of(error))
        return go("/results")

    async def consents(self, request: Request) -> Response:
        site = self._site
        session = site.session(request)
        if session is None or session.account is None:
            return go("/log-on")
        given = await run_in_threadpool(site.accounts.consents, session.account)
        rows = [
            (
                day_text(one.given_s // 86400, year=True),
                day_text(one.from_s // 86400, year=True),
                day_text((one.to_s - 1) // 86400, year=True),
                one.purpose,
            )
            for one in given
        ]
        return site.page("consents.html", session, rows=rows)
