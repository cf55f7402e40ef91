"""What the script on an export's page is answered."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from wattseal.errors import Malformed, Refused, WattsealError

from wattseal_host.portal import asking as phases
from wattseal_host.portal import words
from wattseal_host.portal.asking import Asking
from wattseal_host.portal.sessions import Session


def in_browser(session: Session) -> Asking:
    """The export that the session's browser opens. Raises Refused with why it failed, or
    `export-over`."""
    asking = session.asking
    if asking is None or not asking.in_browser or asking.phase != phases.SERVING:
        why = asking.why if asking is not None and asking.in_browser else ""
        raise Refused(why or "export-over")
    return asking


def refusal(error: WattsealError, asking: Asking | None = None) -> Response:
    """asking: what was asked for; once it is over, so is the script's trying again."""
    over = 410 if asking is not None and asking.phase in phases.OVER else 503
    status = {
        "form": 403,
        "export-over": 410,
        "export-taken": 409,
        "tariff-browser": 410,
        "tariff-period": 410,
    }.get(error.code, over)
    return JSONResponse({"code": error.code, "said": words.of(error)}, status)


def whole(request: Request, name: str) -> int:
    """A number of the path. Raises Malformed `form`; int() has an error of its own for thousands
    of digits."""
    text: str = request.path_params[name]
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise Malformed("form", name)
    return int(text)
