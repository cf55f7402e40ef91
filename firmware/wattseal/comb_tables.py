"""Where the points of the combs are: comb_tables.bin beside this file (SPEC.md 2.4).

They stay in flash: 96 KiB would not fit the heap of a chip. A frozen image has no files, and
freezes the same bytes as a module (manifest.py).
"""

_PATH = __file__.rsplit("/", 1)[0] + "/comb_tables.bin"


def open_tables():
    """Return a binary file of points, x || y of 32 bytes each; the caller closes it."""
    try:
        return open(_PATH, "rb")
    except OSError:
        from io import BytesIO

        from wattseal.comb_data import DATA  # type: ignore  # made when freezing

        return BytesIO(DATA)
