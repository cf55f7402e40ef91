"""Forms as they come: read in memory alone, and their fields one by one."""

from __future__ import annotations

from typing import Any

from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request
from wattseal.errors import Malformed

from wattseal_host.web.guard import FILE_BYTES


class _InMemory(MultiPartParser):
    """A larger file would be put on disk, in a temporary folder: here, none may be."""

    spool_max_size = FILE_BYTES + 1


async def read(request: Request) -> dict[str, Any]:
    """Fields: text, or bytes of a file. Raises Malformed `form`."""
    kind = request.headers.get("content-type", "")
    try:
        if kind.startswith("multipart/form-data"):
            form = await _InMemory(request.headers, request.stream(), max_fields=20).parse()
        else:
            form = await FormParser(request.headers, request.stream(), max_fields=20).parse()
    except (MultiPartException, ValueError, KeyError) as error:
        raise Malformed("form") from error
    found: dict[str, Any] = {}
    for name, value in form.multi_items():
        found[name] = value if isinstance(value, str) else await value.read()
    await form.close()
    return found


def text(form: dict[str, Any], name: str) -> str:
    """Raises Malformed `form` unless the field is text of a sane length."""
    value = form.get(name)
    if not isinstance(value, str) or len(value) > 1000:
        raise Malformed("form", name)
    return value
