"""Where the points of the combs are: comb_tables.bin beside this file (SPEC.md 2.4).

They stay in flash: 96 KiB would not fit the heap of a chip. A frozen image has no files, and
freezes the same bytes as a module (manifest.py).
"""

_PATH = __file__.rsplit("/", 1)[0] + "/comb_tables.bin"
_held = []  # type: list


def hold():
    """Keep the points in memory from now on: for machines that have it to spare."""
    with open_tables() as file:
        _held.append(file.read())


def open_tables():
    """Return a binary file of points, x || y of 32 bytes each; the caller closes it."""
    if _held:
        return _in_memory(_held[0])
    try:
        return open(_PATH, "rb")
    except OSError:
        from wattseal.comb_data import DATA  # type: ignore  # made when freezing

        return _in_memory(DATA)


def _in_memory(data):
    from io import BytesIO

    return BytesIO(data)
