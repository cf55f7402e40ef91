"""The portal's applet: the signed manifest by which a meter knows what this website may ask."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from joserfc.jwk import ECKey
from wattseal import manifest
from wattseal.errors import Malformed, Misuse
from wattseal.record import EXPORT, IMPORT

from wattseal_host.keys import generate_key, load_key, public_bytes, save_key, sign_digest

NAME, VERSION = "Load curve and cost", 1
_ORIGIN = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


@dataclass(frozen=True)
class Applet:
    """body: the manifest's bytes; signature: its publisher's."""

    body: bytes
    signature: bytes

    @classmethod
    def make(
        cls, key: ECKey, origin: str, publisher: str, granularity_s: int = 0, name: str = NAME
    ) -> Applet:
        """One that may ask for all channels, each export by a one-time PIN.

        origin: the website's, as browsers have it; publisher: who runs it; granularity_s: the
        finest it may ask for. Raises Misuse `applet-field`: name and publisher have up to 24
        characters of ASCII, an origin up to 40.
        """
        made = manifest.Manifest()
        made.kind, made.version = manifest.ONE_TIME, VERSION
        made.publisher_key, made.recipient_key = public_bytes(key), bytes(33)
        made.reads = IMPORT | EXPORT
        made.granularity_s, made.reach_s, made.every_s = granularity_s, 0, 0
        try:
            made.name, made.publisher, made.origin = (
                text.encode("ascii") for text in (name, publisher, origin)
            )
        except UnicodeEncodeError as error:
            raise Misuse("applet-field", "texts of an applet are ASCII") from error
        body = made.encode()
        return cls(body, sign_digest(key, manifest.digest(body)))

    @property
    def digest(self) -> bytes:
        digest: bytes = manifest.digest(self.body)
        return digest

    @property
    def told(self) -> manifest.Manifest:
        return manifest.decode(self.body)

    @property
    def message(self) -> bytes:
        """What the meter's mailbox takes."""
        return self.body + self.signature


def publisher_key(path: Path) -> ECKey:
    """The operator's signing key, made (mode 0600) where there is none."""
    if not path.exists():
        save_key(path, generate_key())
    return load_key(path)


def check_origin(origin: str) -> str:
    """Raises Malformed `origin` unless it is a website's origin: scheme, host, port."""
    if not _ORIGIN.fullmatch(origin):
        raise Malformed("origin", origin)
    return origin
