"""Who may use the relay: a file of names and tokens, mode 0600."""

from __future__ import annotations

import hashlib
import re
import secrets
from pathlib import Path

from wattseal_host.errors import Unusable
from wattseal_host.files import read_secret, write_secret

_LINE = re.compile(r"([A-Za-z0-9._-]{1,40}) ([A-Za-z0-9_-]{32,100})")
MAX_BYTES = 64 * 1024


class Tokens:
    """Only hashes are kept, so that comparing tells nothing by its time."""

    def __init__(self, tokens: dict[str, str]) -> None:
        self._names = {_hash(token): name for name, token in tokens.items()}

    @classmethod
    def of(cls, path: Path) -> Tokens:
        """From lines `NAME TOKEN`; the file is made, with a token for `portal`, where there is
        none. Raises Unusable `relay-tokens`, Misuse `secret-exposed`."""
        if not path.exists():
            write_secret(path, f"portal {secrets.token_urlsafe(32)}\n".encode())
        return cls(read(path))

    def name(self, authorization: str) -> str | None:
        """Whose the header `Bearer TOKEN` is."""
        kind, _, token = authorization.partition(" ")
        return self._names.get(_hash(token)) if kind.lower() == "bearer" else None


def read(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in read_secret(path, MAX_BYTES).decode("ascii", "replace").splitlines():
        parts = _LINE.fullmatch(line.strip())
        if parts is None or parts[1] in found:
            raise Unusable("relay-tokens", f"{path} is no list of names and tokens")
        found[parts[1]] = parts[2]
    if not found:
        raise Unusable("relay-tokens", f"{path} names nobody")
    return found


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
