"""The website's ASGI application: who has no key sees the form for it and nothing else."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from wattseal_host.customer.home import HERE
from wattseal_host.customer.home.entry import Entry
from wattseal_host.customer.home.house import House
from wattseal_host.customer.home.pages import Pages
from wattseal_host.web import STATIC
from wattseal_host.web.guard import Guard

OPEN = ("/enter", "/static/")


def make_app(house: House, entry: Entry, hosts: frozenset[str], tls: bool = False) -> ASGIApp:
    """hosts: the names a request may ask for."""
    pages = Pages(house, entry)
    app = Starlette(
        routes=[
            Route("/", pages.now),
            Route("/live.json", pages.live),
            Route("/use", pages.used),
            Route("/bills", pages.bills),
            Route("/released", pages.released),
            Route("/tariffs", pages.tariffs),
            Route("/enter", pages.enter, methods=["GET", "POST"]),
            Route("/leave", pages.leave, methods=["POST"]),
            Mount("/static", StaticFiles(directory=HERE / "static", packages=[STATIC])),
        ],
        exception_handlers={Exception: _failed},
    )
    app.router.redirect_slashes = False
    return Guard(_Door(app, entry), tls, hosts=hosts)


class _Door:
    """Lets nobody further than the form who has no key."""

    def __init__(self, app: ASGIApp, entry: Entry) -> None:
        self._app, self._entry = app, entry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(OPEN):
            request = Request(scope)
            if not self._entry.inside(request):
                answer: Response = RedirectResponse("/enter", 303)
                if scope["path"] == "/live.json":
                    answer = JSONResponse({}, 401)
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _failed(_: Request, error: Exception) -> Response:
    return PlainTextResponse("something went wrong on our side", 500)
