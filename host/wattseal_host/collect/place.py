"""Where a meter is reached."""

from __future__ import annotations

from dataclasses import dataclass

UTILITY, CUSTOMER = "utility", "customer"


@dataclass(frozen=True)
class Place:
    """kind: UTILITY or CUSTOMER; port: its name, as pyserial opens it."""

    kind: str
    port: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.port}"
