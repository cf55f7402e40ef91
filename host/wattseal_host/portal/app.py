"""The portal's ASGI application: its pages by address, and its end, when all data are wiped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from wattseal_host.portal import protocol, words
from wattseal_host.portal.account_pages import AccountPages
from wattseal_host.portal.data_pages import DataPages
from wattseal_host.portal.export_pages import ExportPages
from wattseal_host.portal.site import HERE, Site
from wattseal_host.web import STATIC
from wattseal_host.web.guard import Guard

SWEEP_EVERY_S = 5
FILE_PATH = "/hand-over"


def make_app(site: Site) -> ASGIApp:
    """The whole site behind its guard."""
    people, data, asked = AccountPages(site), DataPages(site), ExportPages(site)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(_sweep(site))
        yield
        sweeping.cancel()
        site.sessions.close_all()
        site.accounts.close()
        if site.exports is not None:
            site.exports.relay.close()

    async def lost(_: Request, error: Exception) -> Response:
        # Its own words may hold the password, or what was asked for.
        logging.getLogger(__name__).error("error: database: %s", type(error).__name__)
        return site.page("refused.html", None, 503, why=words.of_code("database"))

    async def missing(request: Request, _: Exception) -> Response:
        return site.page(
            "refused.html", site.session(request), 404, why="There is no such page here."
        )

    app = Starlette(
        routes=[
            Route("/", people.home),
            Route("/sign-up", people.sign_up, methods=["GET", "POST"]),
            Route("/log-on", people.log_on, methods=["GET", "POST"]),
            Route("/log-off", people.log_off, methods=["POST"]),
            Route("/account", people.account),
            Route("/account/remove", people.remove, methods=["POST"]),
            Route(FILE_PATH, data.hand_over, methods=["GET", "POST"]),
            Route("/in-browser", data.in_browser),
            Route("/results", data.results),
            Route("/forget", data.forget, methods=["POST"]),
            Route("/consents", data.consents),
            *asked.routes(),
            Route("/protocol.js", _protocol),
            Mount("/static", StaticFiles(directory=HERE / "static", packages=[STATIC])),
        ],
        lifespan=lifespan,
        exception_handlers={SQLAlchemyError: lost, 404: missing, Exception: _failed},
    )
    app.router.redirect_slashes = False  # it believes the Host it is told
    return Guard(app, site.tls, FILE_PATH, site.hosts)


async def _sweep(site: Site) -> None:
    """What has expired is wiped within seconds, even if its owner never comes back."""
    while True:
        await asyncio.sleep(SWEEP_EVERY_S)
        site.sessions.sweep()


async def _protocol(_: Request) -> Response:
    return Response(protocol.module(), media_type="text/javascript")


async def _failed(_: Request, error: Exception) -> Response:
    return PlainTextResponse("something went wrong on our side", 500)
