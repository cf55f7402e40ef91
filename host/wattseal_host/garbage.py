"""How often a process of ours looks for cycles of garbage."""

from __future__ import annotations

import gc

_YOUNG = 20_000  # objects; about what one bill makes


def collect_rarely() -> None:
    """For a process that is ours alone: the command line's, a worker's.

    Points, records and prices are tuples of numbers, by the thousand and never in a cycle; at
    the interpreter's own 700 objects the search for cycles is a twentieth of a verification.
    """
    gc.set_threshold(_YOUNG)
