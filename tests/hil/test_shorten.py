"""Names made cheap: the firmware is the same, and MicroPython has fewer names to keep."""

import ast
import asyncio
import binascii
import builtins
import gc
import hashlib
import io
import itertools
import json
import os
import re
import subprocess
import sys
import time
import tokenize

import pytest
from wattseal_hil.board import FIRMWARE
from wattseal_hil.deploy import STARTED, deployed
from wattseal_hil.foreign_names import FOREIGN
from wattseal_hil.mpy_names import names_in
from wattseal_hil.shorten import shorten
from wattseal_hil.spare_names import ARGUMENTS, PUBLIC
from wattseal_hil.vm import find_vm

PATHS = sorted([*(FIRMWARE / "meter").glob("*.py"), *(FIRMWARE / "wattseal").glob("*.py")])
MODULES = {f"{path.parent.name}.{path.stem}": path.read_text() for path in PATHS}
MAIN = [(FIRMWARE / name).read_text() for name in STARTED]
BOX = '''"""About _value."""
from meter.tray import Tray, WIDE
_TABLE = (1, 2)


class Box(Tray):
    def __init__(self, _a, contents, *, lid=None):
        self._value = _a
        self.stock = contents
        self._other = {"_value: ": 1}  # _value
        self.sealed_by = lid

    def listed(self):
        return f"{self._inside()} {_TABLE}", self._value + self.stock, self.spelt

    def _inside(self):
        return self._other

    def weigh(self, contents):
        def heavier(contents):
            return contents + self.stock
        return [heavier(contents) for contents in range(contents)] + [WIDE]
'''
TRAY = '''
WIDE = 7
class Tray:
    spelt = 3
    def append(self, name):
        return getattr(self, "spelt") + len(name)
'''
USE = "box = Box(4, 5, lid=1)\nfound = box.listed(), box.weigh(2), box.append([1]), box.sealed_by"


def test_what_is_renamed_and_what_is_not():
    made = shorten({"meter.box": BOX, "meter.tray": TRAY}, [USE])
    box = made["meter.box"]
    assert box.count("\n") == BOX.count("\n")
    assert box.startswith('"""About _value."""\nfrom meter.tray import ')
    for kept in ("class Box", "__init__", "listed", '"_value: "', "# _value", "_TABLE", "weigh"):
        assert kept in box
    assert "_inside()" in box and "def _inside" in box  # an f-string has it
    assert ".spelt" in box and "spelt = 3" in made["meter.tray"]  # a string spells it
    assert "lid=None" in box  # somebody names it in a call
    for gone in ("._value", "._other", ".stock", "contents", "Tray", "WIDE"):
        assert gone not in box, gone

    def run(tray, box):
        space = {}
        exec(tray, space)
        exec(re.sub("from meter.tray import .*", "", box), space)
        exec(USE, space)
        return space["found"]

    assert run(made["meter.tray"], box) == run(TRAY, BOX)
    assert run(TRAY, BOX)[0] == ("{'_value: ': 1} (1, 2)", 9, 3)


def public(modules):
    return {name for name in attributes(modules) if not name.startswith("_")}


def test_the_same_sources_give_the_same_bytes():
    assert shorten(MODULES, MAIN) == shorten(dict(reversed(MODULES.items())), MAIN)


def test_each_module_is_the_same_but_for_names():
    made = shorten(MODULES, MAIN)
    assert made.keys() == MODULES.keys()

    def shape(text):
        """All but names, comments and blanks."""
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        return [
            (token.type, "" if token.type == tokenize.NAME else token.string, token.start[0])
            for token in tokens
        ]

    for module, text in MODULES.items():
        assert shape(made[module]) == shape(text), module
    # One name for another: none that were two has become one, but for private ones.
    assert len(public(MODULES)) == len(public(made))


def attributes(modules):
    nodes = (node for text in modules.values() for node in ast.walk(ast.parse(text)))
    return {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def outside():
    """Attributes of what the firmware uses of Python's own."""
    types = (
        str, bytes, bytearray, int, list, dict, set, tuple, memoryview, io.FileIO, io.TextIOWrapper,
        type, object, OSError, StopIteration, range, slice, type(i for i in ()), asyncio.Event,
        asyncio.Lock, asyncio.StreamReader, asyncio.StreamWriter, asyncio.Task, hashlib.sha256(),
        asyncio, time, os, sys, gc, json, binascii, hashlib, builtins,
    )  # fmt: skip
    return {name for one in types for name in dir(one)}


def test_no_name_of_others_is_renamed():
    """What a class of the firmware calls as a file or a list does, it goes on calling so."""
    before, after = public(MODULES), public(shorten(MODULES, MAIN))
    gone = before - after
    assert not gone & outside(), sorted(gone & outside())
    # Whatever is defined some day: what is used of others is known to be theirs.
    assert not before & outside() - FOREIGN, sorted(before & outside() - FOREIGN)
    assert len(gone) > 100 and not gone & FOREIGN


def test_spare_names_are_spare_and_free():
    """None is used by the firmware for what it is; MicroPython has them in ROM."""
    spare = [*ARGUMENTS, *PUBLIC]
    assert len(spare) == len(set(spare))
    words = set(re.findall(r"[A-Za-z_]\w*", "\n".join([*MODULES.values(), *MAIN])))
    assert not words & set(spare)
    asked = (
        f"import micropython\nclass O: pass\nfor name in {' '.join(spare)!r}.split():\n"
        "    micropython.qstr_info()\n    setattr(O, name, 0)\nmicropython.qstr_info()\n"
    )
    command = [*find_vm().argv, "-X", "heapsize=2m", "-c", asked]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    known = [int(count) for count in re.findall(r"n_qstr=(\d+)", told)]
    kept = sum(after > before for before, after in itertools.pairwise(known))
    assert len(known) == len(spare) + 1 and kept < len(spare) // 10


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return deployed(FIRMWARE, "mpy", tmp_path_factory.mktemp("names"))


def test_names_are_few_and_all_known_from_the_beginning(tree):
    tables = {path.stem: set(names_in(path.read_bytes())) for path in tree.rglob("*.mpy")}
    known = tables.pop("names")
    assert set().union(*tables.values()) <= known
    letters = sum(len(name) for name in known - set(ARGUMENTS) - set(PUBLIC))
    print(f"{len(known)} names, {letters} letters that are not in ROM")
    assert letters < 5500
