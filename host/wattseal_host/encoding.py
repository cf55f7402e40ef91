"""Text forms of bytes and integers, each with exactly one accepted spelling.

A decoder accepts a text only if encoding its result gives the same text back, so two
different documents never mean the same thing. All errors are Malformed `field-malformed`
with `where` as the detail.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence

from wattseal.errors import Malformed

DECIMAL = re.compile(r"0|-?[1-9][0-9]{0,79}")


def malformed(where: str) -> Malformed:
    return Malformed("field-malformed", where)


def to_base64url(data: bytes) -> str:
    """RFC 7515 base64url: no padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_base64url(text: str, where: str) -> bytes:
    """Strict inverse of `to_base64url`: alphabet, no padding, unused trailing bits zero."""
    try:
        data = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (UnicodeEncodeError, binascii.Error) as error:
        raise malformed(where) from error
    if to_base64url(data) != text:
        raise malformed(where)
    return data


def all_from_base64url(texts: Sequence[str], where: str) -> list[bytes]:
    """`from_base64url` of each, in one decoding of all; `where` gets the index of a bad one.

    Short of a multiple of four, a text is filled up by "A", the digit zero: then its spare bits
    are zero if and only if the bytes beyond its own are.
    """
    joined = "".join([text + "A" * (-len(text) % 4) for text in texts])
    try:
        data = base64.urlsafe_b64decode(joined.encode("ascii"))
        # Padding at the very end would come back as it was: there is none in what is strict.
        sound = "=" not in joined and base64.urlsafe_b64encode(data) == joined.encode("ascii")
    except (UnicodeEncodeError, binascii.Error):
        sound = False
    if sound:
        result, at = [], 0
        for text in texts:
            end = at + len(text) * 3 // 4
            result.append(data[at:end])
            at += (len(text) + 3) // 4 * 3
            sound = sound and len(text) % 4 != 1 and not any(data[end:at])
    if not sound:
        return [from_base64url(text, f"{where}[{i}]") for i, text in enumerate(texts)]
    return result


def from_hex(text: str, length: int, where: str) -> bytes:
    """`length` bytes from lower-case hexadecimal."""
    if len(text) != 2 * length:
        raise malformed(where)
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise malformed(where) from error
    if data.hex() != text:
        raise malformed(where)
    return data


def from_decimal(text: str, where: str) -> int:
    """An integer of at most 80 digits: no leading zero, no plus sign, no minus zero."""
    if not DECIMAL.fullmatch(text):
        raise malformed(where)
    return int(text)
