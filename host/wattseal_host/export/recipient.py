"""One export as its recipient goes through it, without I/O.

one = Export(origin, key, start_s, end_s, granularity_s)
send REQUEST one.request(applet); the meter shows a PIN
send SHARE one.share(pin); the meter answers
send CONFIRMATION one.answer(its share); the meter confirms
one.confirmed(its confirmation)
one.open(number, last, chunk) for each chunk in turn
items = one.finish(its signature)
"""

from __future__ import annotations

import secrets

from wattseal import export, spake2
from wattseal.ecdsa import verify
from wattseal.errors import Misuse, Refused
from wattseal.labels import EXPORT_PIN
from wattseal.p256 import N, decode_point
from wattseal.record import meter_id

from wattseal_host.export.items import Item

# Kinds of messages to the meter's mailbox.
MANIFEST, REQUEST, SHARE, CONFIRMATION = 1, 2, 3, 4


class Export:
    """origin: the recipient's; key: the meter's, 33 bytes; the period is start_s <= t < end_s;
    granularity_s: 0 for every reading; session: 16 bytes, fresh unless given."""

    def __init__(
        self,
        origin: str,
        key: bytes,
        start_s: int,
        end_s: int,
        granularity_s: int,
        session: bytes | None = None,
    ) -> None:
        self.origin, self.key = origin.encode("ascii"), key
        self.start_s, self.end_s, self.granularity_s = start_s, end_s, granularity_s
        self.session = session or secrets.token_bytes(export.SESSION_BYTES)
        self.opened = 0
        self._bound = export.binding(self.origin, start_s, end_s, granularity_s, key, self.session)
        self._w = self._ephemeral = 0
        self._shares = b"", b""
        self._keys: spake2.Keys | None = None
        self._cipher: export.Cipher | None = None
        self._running = bytes(32)
        self._items: list[Item] = []

    def request(self, applet: bytes) -> bytes:
        """applet: digest of the manifest under which it is asked for."""
        numbers = (self.start_s, self.end_s, self.granularity_s)
        return applet + self.session + b"".join(n.to_bytes(4, "big") for n in numbers)

    def share(self, pin: str) -> bytes:
        self._w = spake2.password_scalar(pin.encode("utf-8", "replace"), EXPORT_PIN)
        self._ephemeral = 1 + secrets.randbelow(N - 1)
        own: bytes = spake2.share(spake2.FIRST, self._w, self._ephemeral)
        self._shares = own, b""
        return self.session + own

    def answer(self, share: bytes) -> bytes:
        """Our confirmation. Malformed `spake2-share-…`, Refused `spake2-share`."""
        own = self._shares[0]
        names = (self.origin, meter_id(self.key))
        self._keys = spake2.finish(
            spake2.FIRST, self._w, self._ephemeral, own, share, names, self._bound
        )
        self._shares = own, share
        self._w = self._ephemeral = 0
        return self.session + self._keys.own

    def confirmed(self, confirmation: bytes) -> None:
        """Refused `spake2-confirmation`: not the meter whose display the PIN was read from."""
        if self._keys is None:
            raise Misuse("export-step")
        self._keys.check(confirmation)
        self._cipher = export.Cipher(self._keys.key, self._bound)
        self._keys = None

    def open(self, number: int, last: bool, chunk: bytes) -> None:
        """Raises Refused `export-chunk` for another chunk than the one it is said to be: it may be
        asked for again. Malformed `export-chunk-length`, `export-item`."""
        if self._cipher is None:
            raise Misuse("export-step")
        if number != self.opened:
            raise Refused("export-chunk")
        data = self._cipher.open(number, last, chunk)
        self._items += Item.all_of(data)
        self._running = export.absorb(self._running, chunk)
        self.opened += 1

    def finish(self, signature: bytes) -> list[Item]:
        """What was opened, after the meter signed for all of it. Refused `export-signature`."""
        signed = export.transcript(self._bound, *self._shares, self.opened, self._running)
        if not verify(decode_point(self.key), signed, signature):
            raise Refused("export-signature")
        items = self._items
        self.wipe()
        return items

    def wipe(self) -> None:
        """Forget keys and items."""
        self._w = self._ephemeral = 0
        self._keys = self._cipher = None
        self._items = []
