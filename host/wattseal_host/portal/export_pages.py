"""Asking the meter: the form, the page that follows the export, and what its script asks for."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from wattseal.errors import Malformed, Refused, WattsealError

from wattseal_host.portal import asking as phases
from wattseal_host.portal import forms, prices, serving, wanted, words
from wattseal_host.portal.answers import in_browser, refusal, whole
from wattseal_host.portal.asking import Asking
from wattseal_host.portal.exports import Exports
from wattseal_host.portal.handed import Handed
from wattseal_host.portal.sessions import Session
from wattseal_host.portal.site import Site, check_form, go
from wattseal_host.portal.tables import Consent
from wattseal_host.portal.turns import Turns
from wattseal_host.portal.wanted import BROWSER, DAY_S, GRANULARITIES, PURPOSES
from wattseal_host.relay.line import RECORDS_AT_ONCE
from wattseal_host.report.localtime import day_text

PAGES = ("/export", "/export/pin", "/export/end")
Handler = Callable[[Request, Exports, Session], Awaitable[Response]]


class ExportPages:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._turns = Turns()
        self._wait = self._turns.wait
        if site.exports is not None:
            site.exports.proves = site.accounts.prove

    def routes(self) -> list[Route]:
        """None of them is there where no relay is."""
        exports = self._site.exports
        if exports is None:
            return []

        def route(path: str, handler: Handler, method: str) -> Route:
            async def admitted(request: Request) -> Response:
                session = self._site.session(request)
                if session is None or session.account is None:
                    if method == "GET" and path == "/export":
                        return go("/log-on")
                    return JSONResponse({"phase": "gone"}, 401)
                try:
                    with self._turns.of(session.account):
                        return await handler(request, exports, session)
                except Refused as error:
                    if path in PAGES:
                        why = words.of(error)
                        return self._site.page("refused.html", session, 429, why=why)
                    return refusal(error)

            return Route(path, admitted, methods=[method])

        return [
            route("/export", self._page, "GET"),
            route("/export", self._ask, "POST"),
            route("/export/pin", self._pin, "POST"),
            route("/export/end", self._end, "POST"),
            route("/export/state", self._state, "GET"),
            route("/export/share", self._share, "POST"),
            route("/export/confirm", self._confirm, "POST"),
            route("/export/done", self._done, "POST"),
            route("/export/chunk/{number}", self._chunk, "GET"),
            route("/export/span", self._span, "GET"),
            route("/export/records/{first}/{count}", self._records, "GET"),
            route("/export/prices", self._prices, "GET"),
        ]

    async def _page(self, request: Request, exports: Exports, session: Session) -> Response:
        asking = session.asking
        if asking is None:
            return self._form(exports, session, "", {})
        await self._wait(exports.look, asking)
        return self._follow(exports, session, asking, "")

    def _form(
        self, exports: Exports, session: Session, why: str, told: dict[str, Any], status: int = 200
    ) -> Response:
        today = int(time.time()) // DAY_S
        filled = {
            "from": wanted.day(today - 7), "to": wanted.day(today),
            "granularity": "0", "mode": BROWSER,
            **{name: told[name] for name in ("from", "to", "granularity", "mode") if name in told},
        }  # fmt: skip
        return self._site.page(
            "export.html", session, status, why=why, told=filled, granularities=GRANULARITIES,
            origin=exports.origin,
        )  # fmt: skip

    def _follow(
        self, exports: Exports, session: Session, asking: Asking, why: str, status: int = 200
    ) -> Response:
        one = asking.one
        return self._site.page(
            "export_follow.html",
            session,
            status,
            why=why or (words.of_code(asking.why) if asking.why else ""),
            phase=asking.phase,
            said=words.PHASES[asking.phase],
            link=words.of_code(asking.link) if asking.link else "",
            in_browser=asking.in_browser,
            over=asking.phase in phases.OVER,
            origin=exports.origin,
            meter=asking.meter.hex(),
            first=day_text(one.start_s // DAY_S, year=True),
            last=day_text((one.end_s - 1) // DAY_S, year=True),
            granularity=GRANULARITIES[str(one.granularity_s)],
            done=asking.done,
            total=asking.total,
            tariffs=[(name, one.is_linear) for name, one in self._site.tariffs.items()],
            poll_ms=exports.poll_ms,
        )

    async def _ask(self, request: Request, exports: Exports, session: Session) -> Response:
        form: dict[str, Any] = {}
        account = session.account
        assert account is not None
        try:
            form = await forms.read(request)
            check_form(request, session, form)
            start_s, end_s, granularity_s, mode = wanted.read(form)
            if form.get("consent") != "yes":
                raise Refused("consent")
            proved = await self._wait(self._site.accounts.proved, account)
            asking = await self._wait(
                exports.begin, account, start_s, end_s, granularity_s, mode == BROWSER, proved
            )
            self._site.sessions.ask(session, asking)
            given = Consent(int(time.time()), start_s, end_s, PURPOSES[mode])
            await self._wait(self._site.accounts.consent, account, given)
        except WattsealError as error:
            if error.code == "session-over":
                return go("/log-on")
            status = {"too-often": 429, "form": 403}.get(error.code, 400)
            told = {name: value for name, value in form.items() if isinstance(value, str)}
            return self._form(exports, session, words.of(error), told, status)
        return go("/export")

    async def _pin(self, request: Request, exports: Exports, session: Session) -> Response:
        """The server's mode."""
        asking = session.asking
        if asking is None:
            return go("/export")
        try:
            form = await forms.read(request)
            check_form(request, session, form)
            if asking.in_browser:
                raise Refused("form")
            pin = forms.text(form, "pin").replace(" ", "")
            if not (len(pin) == 6 and pin.isascii() and pin.isdigit()):
                raise Malformed("pin")

            def keep(handed: Handed) -> None:
                self._site.sessions.hold(session, handed)

            await self._wait(serving.start, exports, asking, pin, keep)
        except WattsealError as error:
            return self._follow(exports, session, asking, words.of(error), 400)
        return go("/export")

    async def _end(self, request: Request, exports: Exports, session: Session) -> Response:
        try:
            check_form(request, session, await forms.read(request))
            self._site.sessions.ask(session, None)
        except WattsealError as error:
            return self._site.page("refused.html", session, 403, why=words.of(error))
        return go("/export")

    async def _state(self, request: Request, exports: Exports, session: Session) -> Response:
        asking = session.asking
        if asking is None:
            return JSONResponse({"phase": "none"})
        await self._wait(exports.look, asking)
        one, box = asking.one, asking.box
        value: dict[str, Any] = {
            "phase": asking.phase,
            "said": words.of_code(asking.why) if asking.why else words.PHASES[asking.phase],
            "link": words.of_code(asking.link) if asking.link else "",
            "done": asking.done,
            "total": asking.total,
        }
        if asking.in_browser:
            value["asked"] = {
                "origin": exports.origin, "start": one.start_s, "end": one.end_s,
                "granularity": one.granularity_s, "key": one.key.hex(),
                "session": one.session.hex(),
            }  # fmt: skip
            if box is not None and box.session == one.session:
                value["share"] = box.share.hex()
                value["confirmation"] = box.confirmation.hex()
                value["chunks"] = box.chunks
                value["signature"] = box.signature.hex()
        return JSONResponse(value)

    async def _share(self, request: Request, exports: Exports, session: Session) -> Response:
        return await self._send(request, session, exports.share, "share", 65)

    async def _confirm(self, request: Request, exports: Exports, session: Session) -> Response:
        return await self._send(request, session, exports.confirm, "confirmation", 32)

    async def _send(
        self,
        request: Request,
        session: Session,
        send: Callable[[Asking, bytes], None],
        name: str,
        length: int,
    ) -> Response:
        try:
            asking, form = await self._of_the_browser(request, session)
            data = forms.text(form, name)
            if len(data) != 2 * length or not all(c in "0123456789abcdef" for c in data):
                raise Malformed("form")
            # Named as the meter's mailbox wants it.
            message = asking.one.session + bytes.fromhex(data)
            await self._wait(send, asking, message)
        except WattsealError as error:
            return refusal(error)
        return JSONResponse({})

    async def _done(self, request: Request, exports: Exports, session: Session) -> Response:
        """What became of it in the browser."""
        try:
            asking, form = await self._of_the_browser(request, session)
            if asking.phase in phases.OVER:
                pass  # and why is known already
            elif forms.text(form, "good") == "yes":
                asking.move(phases.DONE, exports.clock())
            else:
                asking.fail("export-refused")
        except WattsealError as error:
            return refusal(error)
        return JSONResponse({})

    async def _of_the_browser(
        self, request: Request, session: Session
    ) -> tuple[Asking, dict[str, Any]]:
        form = await forms.read(request)
        check_form(request, session, form)
        asking = session.asking
        if asking is None or not asking.in_browser:
            raise Refused("export-over")
        return asking, form

    async def _chunk(self, request: Request, exports: Exports, session: Session) -> Response:
        try:
            asking = in_browser(session)
            number = whole(request, "number")
            chunk = await self._wait(exports.chunk, asking, number)
        except WattsealError as error:
            return refusal(error, session.asking)
        return Response(chunk, media_type="application/octet-stream")

    async def _span(self, request: Request, exports: Exports, session: Session) -> Response:
        try:
            asking = in_browser(session)
            one, relay = asking.one, exports.relay
            span = await self._wait(relay.span, asking.meter, one.start_s, one.end_s)
        except WattsealError as error:
            return refusal(error, session.asking)
        return JSONResponse({"first": span[0], "count": span[1]})

    async def _records(self, request: Request, exports: Exports, session: Session) -> Response:
        try:
            asking = in_browser(session)
            first, count = (whole(request, name) for name in ("first", "count"))
            if not (first < 2**32 and 0 < count <= RECORDS_AT_ONCE):
                raise Malformed("form")
            found = await self._wait(exports.records, asking, first, count)
        except WattsealError as error:
            return refusal(error, session.asking)
        return JSONResponse([one.hex() for one in found])

    async def _prices(self, request: Request, exports: Exports, session: Session) -> Response:
        try:
            asking, tariff = session.asking, request.query_params.get("tariff", "")
            if asking is None or tariff not in self._site.tariffs:
                raise Refused("export-over")
            spans, enrolment = dict(asking.spans), asking.enrolment
            told = await self._wait(prices.told, self._site.tariffs[tariff], enrolment, spans)
        except WattsealError as error:
            return refusal(error)
        return JSONResponse(told)
