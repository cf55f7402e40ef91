"""What the script on an export's page is answered."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response
from wattseal.errors import Refused, WattsealError

from wattseal_host.portal import asking as phases
from wattseal_host.portal import words
from wattseal_host.portal.asking import Asking
from wattseal_host.portal.sessions import Session


def in_browser(session: Session) -> Asking:
    """The export that the session's browser opens. Raises Refused `export-over`."""
    asking = session.asking
    if asking is None or not asking.in_browser or asking.phase != phases.SERVING:
        raise Refused("export-over")
    return asking


def refusal(error: WattsealError) -> Response:
    status = {
        "form": 403,
        "export-over": 410,
        "export-taken": 409,
        "tariff-browser": 410,
        "tariff-period": 410,
    }.get(error.code, 503)
    return JSONResponse({"code": error.code, "said": words.of(error)}, status)
