"""The integer square root."""

from micropython import const

_ABOVE = const(0x10000000)


def square_root(number):
    """Return the largest integer whose square is not above `number`, below 2^56 (Newton)."""
    if number <= 0:
        return 0
    root = _ABOVE
    while True:
        better = (root + number // root) >> 1
        if better >= root:
            return root
        root = better
