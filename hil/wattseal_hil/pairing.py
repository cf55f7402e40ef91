"""Pairing with the meter under test: by the PIN its notice shows, through any of its ports.

Errors: BoardError `pin-unseen` where no PIN has been shown, `meter-answer`; what the protocol
refuses is `spake2-…`.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
from collections.abc import Callable
from typing import NamedTuple, Protocol

from wattseal import p256
from wattseal.pairing_customer import Customer

from wattseal_hil.errors import BoardError

_PIN = re.compile(r"\bPIN (\d{6})\b")


class Pairing(NamedTuple):
    """What a pairing gave: the secret opens every record of `epoch` and nothing else."""

    meter: str
    key: str
    epoch: int
    secret: bytes


class Seen(Protocol):
    """A bench whose meter can be looked at: a rig, or an emulated board."""

    @property
    def console(self) -> str: ...

    @property
    def now_s(self) -> float: ...

    def display_text(self) -> str: ...

    def sleep(self, seconds: float) -> None: ...

    def press_button(self) -> None: ...


def read_pin(bench: Seen, seconds: float = 10.0) -> str:
    """The PIN on the meter's display, or, without a display, the last one on its console.

    Lets board time pass until there is one. Raises BoardError `pin-unseen`.
    """
    deadline_s = bench.now_s + seconds
    while True:
        with contextlib.suppress(BoardError):  # a bench without a display says so
            if shown := _PIN.search(bench.display_text()):
                return shown[1]
        if said := _PIN.findall(bench.console):
            return str(said[-1])
        if bench.now_s >= deadline_s:
            raise BoardError("pin-unseen", "neither display nor console has one")
        bench.sleep(0.25)


def press_for_pin(bench: Seen) -> str:
    """Press the meter's button, and again where that took a PIN away; the PIN it shows then."""
    for _ in range(2):
        bench.press_button()
        with contextlib.suppress(BoardError):
            return read_pin(bench, 1.0)
    raise BoardError("pin-unseen", "two presses of the button show none")


def pair(
    ask: Callable[[str], list[str]],
    pin: str,
    draw: Callable[[int], bytes] = secrets.token_bytes,
) -> Pairing:
    """Exchange a PIN for the next epoch's secret.

    ask: sends a line to the customer's port, returns the answer's lines. draw: random bytes.
    """
    customer = Customer(pin.encode("ascii"), scalar(draw), draw(32))
    first = _object(ask, f"?pair {customer.share.hex()}")
    key = bytes.fromhex(first["key"])
    confirmation = customer.confirm(key, bytes.fromhex(first["share"]))
    second = _object(ask, f"?pair {confirmation.hex()} {customer.random.hex()}")
    secret = customer.secret(
        bytes.fromhex(second["confirmation"]), bytes.fromhex(second["random"])
    )
    return Pairing(first["meter"], first["key"], int(second["epoch"]), secret)


def scalar(draw: Callable[[int], bytes]) -> int:
    """A scalar in [1, N), with a bias below 2^-128."""
    return int.from_bytes(draw(48), "big") % (p256.N - 1) + 1


def _object(ask: Callable[[str], list[str]], command: str) -> dict[str, str]:
    line = ask(command)[-1].lstrip("#")
    name, _, text = line.partition(" ")
    if name == "error":
        raise BoardError("meter-refused", text)
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if name != "pair" or not isinstance(answer, dict):
        raise BoardError("meter-answer", f"to {command.split()[0]}")
    return answer
