"""The rows of a notice. Loaded to draw one only, see `once`."""

from micropython import const

_COLUMNS = const(16)
_ROWS = const(8)


def wrap(lines, part):
    """Return (rows, how many parts there are) of a notice: what is too long for a row goes on in
    the next, by words, and what is too long for a display is told in parts, each under the first
    row. part: 0, 1, …, of any size."""
    rows = []
    for line in lines:
        while len(line) > _COLUMNS:
            at = line.rfind(" ", 0, _COLUMNS + 1)
            if at <= 0:
                at = _COLUMNS
            rows.append(line[:at])
            line = line[at:].strip()
        rows.append(line)
    own = _ROWS - 1
    parts = max(1, -(-(len(rows) - 1) // own))
    at = 1 + part % parts * own
    return rows[:1] + rows[at : at + own], parts
