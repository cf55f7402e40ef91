"""What a customer does with the meter's one button beside pressing it: hold it.

Errors: BoardError `button-unheard` where the meter does not ask what holding it asks.
"""

from __future__ import annotations

from typing import Protocol

from wattseal_hil.errors import BoardError

HELD_S = 5.5  # the firmware takes 5 s for held
_READ_S = 4.0  # a question is answered only once it could be read for 3 s
_QUESTION = "Withdraw"


class Hand(Protocol):
    """A bench whose meter's button can be pressed: a rig, or an emulated board."""

    @property
    def console(self) -> str: ...

    def display_text(self) -> str: ...

    def sleep(self, seconds: float) -> None: ...

    def press_button(self, seconds: float = 0.2) -> None: ...


def hold(bench: Hand, seconds: float = HELD_S) -> str:
    """Hold the button; what the meter says then, on its display or else the console."""
    heard = len(bench.console)
    bench.press_button(seconds)
    bench.sleep(0.5)
    try:
        shown = bench.display_text().strip()
    except BoardError:  # a bench without a display says so
        shown = ""
    said = bench.console[heard:].replace("notice: ", "").strip()
    return shown or said


def withdraw_exports(bench: Hand) -> None:
    """Withdraw every export at the meter. Raises BoardError `button-unheard`."""
    said = hold(bench)
    if not said.startswith(_QUESTION):
        raise BoardError("button-unheard", f"the meter says {said!r}")
    bench.sleep(_READ_S)
    bench.press_button()
