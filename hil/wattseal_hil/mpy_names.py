"""The names a bytecode file makes MicroPython know, and a module that mentions them all."""

import keyword
from collections.abc import Iterable, Iterator

_IN_A_ROW = 40


def names_in(code: bytes) -> list[str]:
    """The names in the table of a .mpy file (version 6), but for those every MicroPython has."""
    numbers = _Numbers(code, 4)
    count = numbers.take()
    numbers.take()  # of other constants
    found = []
    for _ in range(count):
        length = numbers.take()
        if length & 1:
            continue  # one of MicroPython's own, by its number
        begin = numbers.at
        numbers.at += (length >> 1) + 1
        found.append(code[begin : numbers.at - 1].decode())
    return found


def mentioning(source: str, names: Iterable[str]) -> str:
    """A module and, after it, a function that mentions the names and is never called."""
    return "\n".join((source, "def _():", *_statements(sorted(set(names))), "    pass", ""))


def _statements(names: list[str]) -> Iterator[str]:
    plain = [name for name in names if name.isidentifier() and not keyword.iskeyword(name)]
    for begin in range(0, len(plain), _IN_A_ROW):
        yield "    _." + ".".join(plain[begin : begin + _IN_A_ROW])
    for name in names:
        if name in plain:
            continue
        if all(part.isidentifier() for part in name.split(".")) and "." in name:
            yield f"    import {name}"  # no other statement knows a name with points
        else:
            yield f"    _[{name!r}]"


class _Numbers:
    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self.at = at

    def take(self) -> int:
        """The next number: 7 bits a byte, the high ones first."""
        value = 0
        while True:
            byte = self._data[self.at]
            self.at += 1
            value = value << 7 | byte & 127
            if not byte & 128:
                return value
