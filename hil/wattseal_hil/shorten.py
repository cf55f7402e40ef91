"""Names made cheap before modules are compiled: each one that a VM gets to know stays.

MicroPython keeps every name it has met for ever, its letters and 7 bytes in tables that double: the
firmware's took 21 KiB of a chip's heap. So a deployed firmware has other names, in three steps:

- arguments, which a function could call anything: the same few for all functions;
- what modules know of each other (functions, classes, methods, attributes, constants): the same
  new name everywhere, one that MicroPython has in ROM for a module of its own while there are any;
- private names, which begin with one underscore: the same few for all modules.

What is spelt in a string as a whole (`once("desk", "Desk")`), what an f-string holds (Python's
tokenizer takes those apart or not, by its version), and what the files started by MicroPython
itself mention stays as it is.
"""

import ast
import io
import itertools
import re
import string
import tokenize
from collections.abc import Iterable, Iterator, Mapping

from wattseal_hil.foreign_names import FOREIGN
from wattseal_hil.rename_arguments import rename_arguments
from wattseal_hil.spare_names import ARGUMENTS, PUBLIC

_PRIVATE = re.compile(r"_[A-Za-z][A-Za-z0-9_]*\Z")
_WHOLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
_OURS = ("meter", "wattseal")
_ASKED_FOR = ("parse",)  # by name, from outside: `rig deploy` has the board read its settings


def shorten(sources: Mapping[str, str], started: Iterable[str]) -> dict[str, str]:
    """The same modules, line by line, under other names.

    sources: by module, "meter.desk". started: the files that stay as they are.
    """
    trees = {module: ast.parse(text) for module, text in sources.items()}
    others = [ast.parse(text) for text in started]
    told = {name for tree in (*trees.values(), *others) for name in _spelt(tree)}
    told.update(_ASKED_FOR, FOREIGN, *(module.split(".") for module in sources))
    for tree in others:
        told.update(_mentioned(tree))
    made = {}
    for module, tree in trees.items():
        made[module] = rename_arguments(sources[module], tree, ARGUMENTS, told)
    used = {word for text in made.values() for word in _words(text)} | told
    known = {name for tree in trees.values() for name in _public(tree)} - told
    fresh = (name for name in (*PUBLIC, *_letters("")) if name not in used)
    # In a fixed order, so that the same sources give the same bytes: the longest first.
    new = dict(zip(sorted(known, key=lambda name: (-len(name), name)), fresh, strict=False))
    return {module: _private(_renamed(text, new), told) for module, text in made.items()}


def _spelt(tree: ast.AST) -> Iterator[str]:
    """Names that are spelt somewhere: in keywords, in strings as a whole, in f-strings at all."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if _WHOLE.match(node.value):
                yield from node.value.split(".")
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.JoinedStr):
            yield from _mentioned(node)
    yield from _foreign(tree)


def _foreign(tree: ast.AST) -> Iterator[str]:
    """Names of modules that are not the firmware's, and what is used of them."""
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not (node.module or "").startswith(_OURS):
            yield from (alias.name for alias in node.names)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in modules
        ):
            yield node.attr


def _mentioned(tree: ast.AST) -> Iterator[str]:
    """Names that somebody else uses, or gives to what the firmware uses."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield from node.name.split(".")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name


def _public(tree: ast.AST) -> Iterator[str]:
    """Names that a module gives to what others may know of."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found = [node.name]
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found = [node.attr]
        else:
            found = []
        if isinstance(node, ast.Module | ast.ClassDef):
            for step in node.body:
                if isinstance(step, ast.Assign | ast.AnnAssign):
                    inside = ast.walk(step)
                    found += [
                        part.id for part in inside
                        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
                    ]  # fmt: skip
        yield from (name for name in found if not name.startswith("_"))


def _private(source: str, told: set[str]) -> str:
    words = _words(source)
    private = {word for word in words if _PRIVATE.match(word)} - told
    fresh = (name for name in _letters("_") if name not in words and name not in told)
    order = sorted(private, key=lambda word: (-words.count(word), word))
    return _renamed(source, dict(zip(order, fresh, strict=False)))


def _renamed(source: str, new: Mapping[str, str]) -> str:
    lines = source.splitlines(keepends=True)
    for token in reversed(_tokens(source)):
        if token.type == tokenize.NAME and token.string in new:
            row, begin = token.start
            line = lines[row - 1]
            lines[row - 1] = line[:begin] + new[token.string] + line[token.end[1] :]
    return "".join(lines)


def _words(source: str) -> list[str]:
    return [token.string for token in _tokens(source) if token.type == tokenize.NAME]


def _tokens(source: str) -> list[tokenize.TokenInfo]:
    return list(tokenize.generate_tokens(io.StringIO(source).readline))


def _letters(begin: str) -> Iterator[str]:
    for length in (1, 2, 3):
        for letters in itertools.product(string.ascii_lowercase, repeat=length):
            yield begin + "".join(letters)
