"""A member's own file, `wattseal-group-member/1`, mode 0600: keys, and what was ever shared.

It is kept beside the secret file as NAME.group.json. Who loses it joins anew and cannot tell any
more which intervals were shared: the release of a second share is what it is there to prevent.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wattseal.errors import Malformed, Refused
from wattseal.p256 import SCALAR_BYTES, N
from wattseal.record import DIGEST_BYTES, METER_ID_BYTES

from wattseal_host.encoding import malformed
from wattseal_host.errors import Unusable
from wattseal_host.fields import Fields
from wattseal_host.files import read_secret, write_secret
from wattseal_host.group.masks import fresh_scalar
from wattseal_host.strict_json import dumps, loads
from wattseal_host.units import CHANNELS

FORMAT = "wattseal-group-member/1"
MAX_RUNS = 20_000


@dataclass(frozen=True)
class Run:
    """One run: its plan's digest, time and channel, the secrets of its masks, the deal as it was
    signed; roster, closing: digests of what was answered, b"" before."""

    plan: bytes
    channel: str
    from_s: int
    to_s: int
    mask_secret: int
    self_secret: int
    deal: str
    roster: bytes = b""
    closing: bytes = b""


@dataclass(frozen=True)
class Member:
    """meter: 16 bytes; key, channel_key: secret scalars; runs: in the order they were entered."""

    meter: bytes
    key: int
    channel_key: int
    runs: tuple[Run, ...] = field(default=())

    def __repr__(self) -> str:
        return f"Member(meter={self.meter.hex()}, runs={len(self.runs)})"

    @staticmethod
    def path_for(secrets: str | os.PathLike[str]) -> Path:
        """customer.group.json beside customer.json."""
        return Path(secrets).with_suffix(".group.json")

    @classmethod
    def fresh(cls, meter: bytes) -> Member:
        return cls(meter, fresh_scalar(), fresh_scalar())

    @classmethod
    def load(cls, path: str | os.PathLike[str], meter: bytes) -> Member:
        """Raises Unusable `group-malformed` (another meter's is one), Misuse `secret-exposed`."""
        try:
            value = loads(read_secret(path, 64 * 1024 * 1024))
            names = {"format", "meter", "key", "channel_key", "runs"}
            fields = Fields(value, "member", names)
            fields.choice("format", (FORMAT,))
            if fields.hexadecimal("meter", METER_ID_BYTES) != meter:
                raise malformed(fields.where("meter"))
            runs = tuple(fields.each("runs", MAX_RUNS, _read_run))
            return cls(meter, _scalar(fields, "key"), _scalar(fields, "channel_key"), runs)
        except Unusable:
            raise
        except Malformed as error:
            raise Unusable("group-malformed", str(error)) from error

    def save(self, path: str | os.PathLike[str]) -> None:
        value = {
            "format": FORMAT,
            "meter": self.meter.hex(),
            "key": _hex(self.key),
            "channel_key": _hex(self.channel_key),
            "runs": [_write_run(run) for run in self.runs],
        }
        write_secret(path, dumps(value) + b"\n")

    def run(self, plan: bytes) -> Run | None:
        return next((run for run in self.runs if run.plan == plan), None)

    def with_run(self, new: Run) -> Member:
        kept = tuple(run for run in self.runs if run.plan != new.plan)
        return replace(self, runs=(*kept, new))

    def check_unshared(self, run: Run) -> None:
        """Refused `group-share-again` if some interval of the run was ever shared elsewhere."""
        for other in self.runs:
            elsewhere = other.plan != run.plan and other.roster and other.channel == run.channel
            if elsewhere and other.from_s < run.to_s and run.from_s < other.to_s:
                raise Refused("group-share-again", f"shared before: {other.from_s}..{other.to_s}")


def _hex(secret: int) -> str:
    return secret.to_bytes(SCALAR_BYTES, "big").hex()


def _scalar(fields: Fields, name: str) -> int:
    secret = int.from_bytes(fields.hexadecimal(name, SCALAR_BYTES), "big")
    if not 0 < secret < N:
        raise malformed(fields.where(name))
    return secret


def _write_run(run: Run) -> dict[str, Any]:
    return {
        "plan": run.plan.hex(),
        "channel": run.channel,
        "from_s": run.from_s,
        "to_s": run.to_s,
        "mask_secret": _hex(run.mask_secret),
        "self_secret": _hex(run.self_secret),
        "deal": run.deal,
        "roster": run.roster.hex(),
        "closing": run.closing.hex(),
    }


def _read_run(value: Any, where: str) -> Run:
    names = {"plan", "channel", "from_s", "to_s", "mask_secret", "self_secret", "deal"}
    fields = Fields(value, where, names | {"roster", "closing"})
    deal = fields.raw("deal")
    if type(deal) is not str or not deal.isascii():
        raise malformed(fields.where("deal"))
    return Run(
        fields.hexadecimal("plan", DIGEST_BYTES),
        fields.choice("channel", CHANNELS),
        fields.time_s("from_s"),
        fields.time_s("to_s"),
        _scalar(fields, "mask_secret"),
        _scalar(fields, "self_secret"),
        deal,
        _digest(fields, "roster"),
        _digest(fields, "closing"),
    )


def _digest(fields: Fields, name: str) -> bytes:
    return b"" if fields.raw(name) == "" else fields.hexadecimal(name, DIGEST_BYTES)
