"""What a meter says of itself on either port, as the host understands it."""

from __future__ import annotations

from dataclasses import dataclass

from wattseal_host.documents import Enrolment


@dataclass(frozen=True)
class MeterSelf:
    """configuration: with an id that is its key's; next_seq: records in the log; oldest_seq: the
    first still kept; boot: the boot counter, None where the port does not tell it."""

    configuration: Enrolment
    next_seq: int
    oldest_seq: int = 0
    boot: int | None = None

    @property
    def meter(self) -> bytes:
        return self.configuration.meter
