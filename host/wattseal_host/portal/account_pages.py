"""Signing up, logging on and off, the account."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from wattseal.errors import Refused, WattsealError

from wattseal_host.portal import forms, passwords, words
from wattseal_host.portal.sessions import Session
from wattseal_host.portal.site import Site, check_form, go, peer
from wattseal_host.portal.tables import Account

Enter = Callable[[Request, dict[str, Any]], Awaitable[Account]]


class AccountPages:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def home(self, request: Request) -> Response:
        session = self._site.session(request)
        return self._site.page("home.html", session)

    async def sign_up(self, request: Request) -> Response:
        return await self._entry(request, "sign_up.html", self._signed_up)

    async def log_on(self, request: Request) -> Response:
        return await self._entry(request, "log_on.html", self._known)

    async def _entry(self, request: Request, page: str, enter: Enter) -> Response:
        """A form by which a visitor comes in; `enter` gives the account."""
        if request.method == "GET":
            return self._form(request, page)
        session = self._site.session(request)
        form = {}
        try:
            form = await forms.read(request)
            check_form(request, session, form)
            account = await enter(request, form)
        except WattsealError as error:
            return self._again(request, page, error, form)
        return await self._enter(session, account)

    async def _signed_up(self, request: Request, form: dict[str, Any]) -> Account:
        site = self._site
        if not site.sign_ups.take(peer(request)):
            raise Refused("too-often")
        name, meter = forms.user_name(form), forms.meter(form)
        sealed = await run_in_threadpool(passwords.seal, forms.password(form))
        return await run_in_threadpool(site.accounts.add, name, sealed, meter)

    async def _known(self, request: Request, form: dict[str, Any]) -> Account:
        site = self._site
        name, password = forms.text(form, "name").strip().lower(), forms.text(form, "password")
        if not site.may_guess(peer(request), name):
            raise Refused("too-often")
        # A NUL or a lone surrogate is no name, and PostgreSQL takes neither.
        known = name.isascii() and name.isprintable()
        account = await run_in_threadpool(site.accounts.named, name) if known else None
        sealed = account.password if account else None
        if not await run_in_threadpool(passwords.matches, password, sealed):
            raise Refused("log-on")
        assert account is not None
        return account

    async def log_off(self, request: Request) -> Response:
        """Wipes what the session holds."""
        site = self._site
        session = site.session(request)
        try:
            check_form(request, session, await forms.read(request))
        except WattsealError as error:
            return site.page("refused.html", session, 403, why=words.of(error))
        if session is not None:
            site.sessions.close(session)
        return site.take_back(go("/"))

    async def account(self, request: Request) -> Response:
        session = self._site.session(request)
        if session is None or session.account is None:
            return go("/log-on")
        return self._site.page("account.html", session, why="")

    async def remove(self, request: Request) -> Response:
        """The account, its consents and every session of it; the password is asked again."""
        site = self._site
        session = site.session(request)
        if session is None or session.account is None:
            return go("/log-on")
        account = session.account
        try:
            form = await forms.read(request)
            check_form(request, session, form)
            if not site.removals.take(account.name):
                raise Refused("too-often")
            told = forms.text(form, "password")
            if not await run_in_threadpool(passwords.matches, told, account.password):
                raise Refused("log-on")
        except WattsealError as error:
            return site.page("account.html", session, 403, why=words.of(error))
        await run_in_threadpool(site.accounts.remove, account)
        site.sessions.close_all(account)
        return site.take_back(go("/"))

    def _form(self, request: Request, page: str) -> Response:
        """A form before log-on has a token too, which must be somebody's."""
        before = self._site.session(request)
        if before is not None and before.account:
            return go("/")
        token, session = self._site.visitors.open(before)
        return self._site.give(self._site.page(page, session, why="", told={}), token)

    def _again(
        self, request: Request, page: str, error: WattsealError, form: dict[str, object]
    ) -> Response:
        token, session = None, self._site.session(request)
        if session is None or session.account is None:
            token, session = self._site.visitors.open(session)
        status = 429 if error.code == "too-often" else 403 if error.code == "form" else 400
        told = {name: form[name] for name in ("name", "meter") if isinstance(form.get(name), str)}
        answer = self._site.page(page, session, status, why=words.of(error), told=told)
        return self._site.give(answer, token) if token else answer

    async def _enter(self, before: Session | None, account: Account) -> Response:
        """A new session: the cookie from before log-on is worth nothing afterwards."""
        site = self._site
        if before is not None:
            site.sessions.close(before)
        token, session = site.sessions.open(account)
        # It may have been removed while its password was checked: looked at only now, since a
        # removal ends the sessions that are open when the account is gone.
        if await run_in_threadpool(site.accounts.named, account.name) != account:
            site.sessions.close(session)
            return site.take_back(go("/log-on"))
        return site.give(go("/"), token)
