"""Private names made short before a module is compiled: each one that a VM gets to know stays.

MicroPython keeps every name it has met for ever, in tables that double: the firmware's fill one of
640, and the next takes 10 KiB of heap in one piece. Names that begin with one underscore are a
module's own, so all modules can share a handful of short ones.
"""

import io
import itertools
import re
import string
import tokenize
from collections.abc import Iterator

_PRIVATE = re.compile(r"_[a-z][a-z0-9_]*\Z")
_FORMATTED = re.compile(r"\bf(?:\"[^\"\n]*\"|'[^'\n]*')")


def shorten(source: str) -> str:
    """The same module, line by line, with other private names. Names in f-strings are left alone,
    which Python's tokenizer takes apart or not, by its version."""
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    words = [token.string for token in tokens if token.type == tokenize.NAME]
    formatted = re.findall(r"\w+", " ".join(_FORMATTED.findall(source)))
    private = {word for word in words if _PRIVATE.match(word)} - set(formatted)
    counts = {word: words.count(word) for word in private}
    fresh = (name for name in _names() if name not in words and name not in formatted)
    # In a fixed order, so that the same source gives the same bytes.
    new = dict(zip(sorted(counts, key=lambda word: (-counts[word], word)), fresh, strict=False))
    lines = source.splitlines(keepends=True)
    for token in reversed(tokens):
        if token.type == tokenize.NAME and token.string in new:
            row, begin = token.start
            line = lines[row - 1]
            lines[row - 1] = line[:begin] + new[token.string] + line[token.end[1] :]
    return "".join(lines)


def _names() -> Iterator[str]:
    for length in (1, 2):
        for letters in itertools.product(string.ascii_lowercase, repeat=length):
            yield "_" + "".join(letters)
