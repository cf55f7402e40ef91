"""How much energy a meter must have counted, by what was drawn and what went wrong, and no more.

The bench knows what the load drew, when the power was away, and when which fault was at work. What
that cannot explain is a fault of the firmware.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

GAIN = 0.01  # of a flawless front end, with noise
REST_WH = 1.5  # what fills no whole Wh, at both ends
SLACK_S = 1.0

Span = tuple[float, float]


@dataclass
class Account:
    """What happened to a meter, in board seconds.

    energy_wh: of the load, between two times. burst_s, checkpoint_s: as in its settings. off: spans
    without power. blind: spans in which a sensor was at fault. flash: spans in which the flash took
    no writes. changes: times at which the load changed.
    """

    energy_wh: Callable[[float, float], float]
    burst_s: float
    checkpoint_s: float
    off: list[Span] = field(default_factory=list)
    blind: list[Span] = field(default_factory=list)
    flash: list[Span] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)

    def durable_s(self, cut_s: float) -> float:
        """The latest time of which a checkpoint was certainly made before a cut."""
        sure_s = cut_s - self.checkpoint_s - SLACK_S
        for begin_s, end_s in sorted(self.flash, reverse=True):
            if begin_s < cut_s and end_s > sure_s:
                sure_s = min(sure_s, begin_s - self.checkpoint_s - SLACK_S)
        return sure_s

    def bounds_wh(self, begin_s: float, end_s: float) -> tuple[float, float]:
        """(least, most) a register may have counted in a span that begins with a boot.

        What came since the last burst is counted with the next.
        """
        drawn = self.energy_wh(begin_s, end_s)
        held_s = self.burst_s + SLACK_S
        missed: list[Span] = [(end_s - held_s, end_s)]
        for off_s, on_s in self.off:
            missed.append((self.durable_s(off_s) - held_s, on_s + held_s))
        missed += [(a - SLACK_S, b + held_s) for a, b in self.blind]
        missed += [(at_s, at_s + held_s) for at_s in self.changes]
        lost = sum(self.energy_wh(a, b) for a, b in _union(missed, begin_s, end_s))
        # Power held from before: a load that fell, a clamp that came off, until the next burst.
        held = sum(
            self.energy_wh(at_s - held_s, at_s)
            for at_s in (*self.changes, *(edge for span in self.blind for edge in span))
        )
        off = sum(self.energy_wh(a, b) for a, b in _union(self.off, begin_s, end_s))
        spread = GAIN * drawn + REST_WH
        return drawn - lost - spread, drawn - off + held + spread


def _union(spans: Sequence[Span], begin_s: float, end_s: float) -> list[Span]:
    """The spans within [begin_s, end_s), none of them overlapping another."""
    joined: list[Span] = []
    for a, b in sorted((max(a, begin_s), min(b, end_s)) for a, b in spans):
        if a >= b:
            continue
        if joined and a <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(b, joined[-1][1]))
        else:
            joined.append((a, b))
    return joined
