"""Passwords by Argon2id; a name that does not exist takes as long as one that does."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

LEAST_CHARACTERS, MOST_CHARACTERS = 10, 200
_hasher = PasswordHasher()
_nobody = _hasher.hash(secrets.token_hex())


def seal(password: str) -> str:
    return _hasher.hash(password)


def matches(password: str, sealed: str | None) -> bool:
    """sealed: None for a name nobody has: refused after the same work."""
    try:
        return _hasher.verify(sealed or _nobody, password) and sealed is not None
    except (VerifyMismatchError, InvalidHashError):
        return False
