"""The rows of a notice. Loaded to draw one only, see `once`."""

from micropython import const

_COLUMNS = const(16)


def wrap(lines):
    """Return the lines of a notice as rows: what is too long goes on in the next, by words."""
    rows = []
    for line in lines:
        while len(line) > _COLUMNS:
            at = line.rfind(" ", 0, _COLUMNS + 1)
            if at <= 0:
                at = _COLUMNS
            rows.append(line[:at])
            line = line[at:].strip()
        rows.append(line)
    return rows
