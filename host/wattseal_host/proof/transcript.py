"""The Fiat-Shamir transcript: labelled, length-prefixed SHA-256 (PROOF.md section 3).

    state  <- 32 zero bytes
    absorb(label, data):  state <- SHA-256(ABSORB || state || len(label), 1 byte || label
                                           || len(data), 8 bytes || data)
    challenge(label):     wide  <- first 48 bytes of B_0 || B_1 with
                          B_i = SHA-256(CHALLENGE || state || len(label), 1 byte || label || i, 4)
                          c     <- wide mod n; while c = 0 go on with B_2 || B_3, …
                          absorb(label, wide)

Every challenge so depends on all that was absorbed before it, with its label, length and order.
"""

from __future__ import annotations

from itertools import count

from wattseal.errors import Misuse
from wattseal.hashing import sha256

from wattseal_host.proof.labels import ABSORB, CHALLENGE

WIDE_BYTES = 48  # reduced mod a 256-bit order: a bias below 2^-128


class Transcript:
    """One conversation of prover and verifier; `order` is the prime the challenges are below."""

    def __init__(self, order: int) -> None:
        self._order = order
        self._state = bytes(32)

    def absorb(self, label: bytes, data: bytes) -> None:
        """Take in a message of either side. label: 1 to 255 bytes."""
        self._state = sha256(
            ABSORB, self._state, _prefixed(label), len(data).to_bytes(8, "big"), data
        )

    def challenge(self, label: bytes) -> int:
        """The verifier's next message: 0 < c < order."""
        for index in count(0, 2):
            blocks = (self._block(label, index), self._block(label, index + 1))
            wide = b"".join(blocks)[:WIDE_BYTES]
            value = int.from_bytes(wide, "big") % self._order
            if value:
                break
        self.absorb(label, wide)
        return value

    def _block(self, label: bytes, index: int) -> bytes:
        return bytes(sha256(CHALLENGE, self._state, _prefixed(label), index.to_bytes(4, "big")))

    @property
    def state(self) -> bytes:
        """32 bytes that stand for everything absorbed so far."""
        return self._state


def _prefixed(label: bytes) -> bytes:
    if not 1 <= len(label) <= 255:
        raise Misuse("transcript-label")
    return bytes([len(label)]) + label
