"""The fields of the portal's forms, one by one."""

from __future__ import annotations

import re
from typing import Any

from wattseal.errors import Malformed

from wattseal_host.portal import passwords
from wattseal_host.web.forms import read, text

__all__ = ["meter", "password", "read", "text", "user_name"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,39}")
_METER = re.compile(r"[0-9a-f]{32}")


def user_name(form: dict[str, Any]) -> str:
    """Raises Malformed `user-name`."""
    value = text(form, "name").strip()
    if not _NAME.fullmatch(value):
        raise Malformed("user-name")
    return value.lower()


def meter(form: dict[str, Any]) -> bytes:
    """Raises Malformed `meter-id`."""
    value = re.sub(r"[\s:-]", "", text(form, "meter")).lower()
    if not _METER.fullmatch(value):
        raise Malformed("meter-id")
    return bytes.fromhex(value)


def password(form: dict[str, Any]) -> str:
    """Raises Malformed `password-length`."""
    value = text(form, "password")
    if not passwords.LEAST_CHARACTERS <= len(value) <= passwords.MOST_CHARACTERS:
        raise Malformed("password-length")
    return value
