"""A standing export as its recipient opens it: no PIN, but the key its applet names."""

from __future__ import annotations

from wattseal import export, p256
from wattseal.spake2 import decode_share, encode_share

from wattseal_host.export.recipient import Export


class Standing(Export):
    """secret: the recipient's key, a scalar. `agreed` takes the place of PIN and confirmations."""

    def __init__(
        self,
        secret: int,
        origin: str,
        key: bytes,
        start_s: int,
        end_s: int,
        granularity_s: int,
        session: bytes | None = None,
    ) -> None:
        super().__init__(origin, key, start_s, end_s, granularity_s, session)
        self._secret = secret

    def agreed(self, ephemeral: bytes) -> None:
        """ephemeral: the meter's share. Raises Malformed `spake2-share-…`."""
        point = p256.multiply(self._secret, decode_share(ephemeral))
        recipient = p256.encode_point(p256.multiply(self._secret, p256.G))
        key = export.standing_key(encode_share(point), ephemeral, recipient, self._bound)
        self._shares = recipient, ephemeral
        self._cipher = export.Cipher(key, self._bound)
