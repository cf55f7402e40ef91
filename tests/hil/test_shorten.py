"""Private names made short: the module is the same, and all modules share the names."""

import ast
import re

import pytest
from wattseal_hil.board import FIRMWARE
from wattseal_hil.shorten import shorten

MODULES = sorted([*(FIRMWARE / "meter").glob("*.py"), *(FIRMWARE / "wattseal").glob("*.py")])
SOURCE = '''"""About _value."""
_TABLE = (1, 2)


class Box:
    def __init__(self, _a):
        self._value = _a
        self._other = {"_value": 1}  # _value

    def told(self):
        return f"{self._inside()} {_TABLE}", self._value + self._value

    def _inside(self):
        return self._other
'''


def test_what_is_renamed_and_what_is_not():
    short = shorten(SOURCE)
    assert short.count("\n") == SOURCE.count("\n")
    assert short.startswith('"""About _value."""\n_TABLE = (1, 2)\n')
    for kept in ("class Box", "__init__", "told", "_TABLE", '{"_value": 1}', "# _value"):
        assert kept in short
    assert "_inside()" in short and "def _inside" in short  # an f-string has it
    assert "._value" not in short and "._other" not in short
    space = {}
    exec(short, space)
    assert space["Box"](4).told() == ("{'_value': 1} (1, 2)", 8)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_each_module_is_the_same_but_for_names(path):
    source = path.read_text()
    short = shorten(source)

    def shape(text):
        return re.sub(r"(?<![\w])_[a-z][a-z0-9_]*\b", "_", ast.dump(ast.parse(text)))

    assert shape(short) == shape(source)


def test_they_are_few():
    def private(texts):
        return {word for text in texts for word in re.findall(r"\b_[a-z][a-z0-9_]*\b", text)}

    sources = [path.read_text() for path in MODULES]
    assert len(private(map(shorten, sources))) * 3 < len(private(sources))
