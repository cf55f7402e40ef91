"""The site's parts held together: database, sessions, limits, tariffs, templates."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from wattseal.errors import Refused

from wattseal_host.portal.exports import Exports
from wattseal_host.portal.sessions import Session, Sessions
from wattseal_host.portal.tables import Accounts
from wattseal_host.portal.visitors import Visitors
from wattseal_host.tariff import Tariff
from wattseal_host.web import HERE as SHARED
from wattseal_host.web.limits import Limit, network

HERE = Path(__file__).parent
_templates = Environment(
    loader=FileSystemLoader([HERE / "templates", SHARED / "templates"]),
    autoescape=True,
    undefined=StrictUndefined,
)


@dataclass
class Site:
    """tls: cookies travel by TLS alone; tariffs: by the name the visitor chooses from; exports:
    None where no relay reaches the meters; hosts: the names it is asked for by, None for any."""

    accounts: Accounts
    tls: bool = False
    tariffs: Mapping[str, Tariff] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    exports: Exports | None = None
    hosts: frozenset[str] | None = None
    sessions: Sessions = field(init=False)

    def __post_init__(self) -> None:
        self.sessions = Sessions(self.clock)
        self.visitors = Visitors(self.clock)
        self.log_ons = Limit(10, 30, self.clock)
        self.guesses = Limit(5, 60, self.clock)
        # Refilled faster than one address may try: it takes several to keep somebody out.
        self.names = Limit(50, 20, self.clock)
        self.removals = Limit(5, 60, self.clock)
        self.sign_ups = Limit(10, 300, self.clock)
        self.files = Limit(6, 60, self.clock)

    @property
    def cookie(self) -> str:
        return "__Host-wattseal" if self.tls else "wattseal"

    def session(self, request: Request) -> Session | None:
        token = request.cookies.get(self.cookie)
        if not token:
            return None
        return self.sessions.find(token) or self.visitors.find(token)

    def may_guess(self, who: str, name: str) -> bool:
        """Whether a peer may try a password of this name now. Nobody's tries alone keep the name's
        owner out, who comes from elsewhere."""
        return (
            self.log_ons.take(who) and self.guesses.take(f"{name} {who}") and self.names.take(name)
        )

    def page(self, name: str, session: Session | None, status: int = 200, **what: Any) -> Response:
        html = _templates.get_template(name).render(
            session=session,
            account=session.account if session else None,
            asks=self.exports is not None,
            **what,
        )
        return HTMLResponse(html, status)

    def give(self, response: Response, token: str) -> Response:
        """Set the session's cookie; it ends with the browser's own session."""
        response.set_cookie(
            self.cookie, token, path="/", secure=self.tls, httponly=True, samesite="strict"
        )
        return response

    def take_back(self, response: Response) -> Response:
        response.delete_cookie(
            self.cookie, path="/", secure=self.tls, httponly=True, samesite="strict"
        )
        if self.tls:
            response.headers["clear-site-data"] = '"cache", "storage"'
        return response


def check_form(request: Request, session: Session | None, form: Mapping[str, Any]) -> Session:
    """The session a form belongs to; Refused `form` for one that is not of our own page."""
    told = form.get("csrf")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Refused("form")
    if session is None or not isinstance(told, str):
        raise Refused("form")
    if not hmac.compare_digest(told.encode(), session.csrf.encode()):
        raise Refused("form")
    return session


def peer(request: Request) -> str:
    return network(request.client.host if request.client else "")


def go(where: str) -> RedirectResponse:
    return RedirectResponse(where, 303)
