"""Arguments of functions under names that all functions share: nobody calls them by name."""

import ast
from collections.abc import Container, Iterator, Sequence

_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def rename_arguments(
    source: str, tree: ast.Module, names: Sequence[str], kept: Container[str]
) -> str:
    """The same module, line by line. names: to give. kept: arguments that keep theirs, as those
    whose name somebody spells."""
    lines = [line.encode() for line in source.splitlines(keepends=True)]
    edits: list[tuple[int, int, bytes, bytes]] = []
    for function in _outermost(tree):
        new = _chosen(function, names, kept)
        for node in ast.walk(function):
            old = node.id if isinstance(node, ast.Name) else getattr(node, "arg", None)
            if isinstance(node, ast.Name | ast.arg) and old in new:
                place = (node.lineno - 1, node.col_offset)
                edits.append((*place, str(old).encode(), new[str(old)].encode()))
    for row, begin, was, now in sorted(edits, reverse=True):
        line = lines[row]
        assert line[begin : begin + len(was)] == was
        lines[row] = line[:begin] + now + line[begin + len(was) :]
    return b"".join(lines).decode()


def _outermost(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _FUNCTIONS):
            yield child
        else:
            yield from _outermost(child)


def _chosen(function: ast.AST, names: Sequence[str], kept: Container[str]) -> dict[str, str]:
    """New names for the arguments of a function and of those inside it."""
    arguments: dict[str, None] = {}
    used, fixed = set(), {"self"}
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            arguments[node.arg] = None
        elif isinstance(node, ast.Name):
            used.add(node.id)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            fixed.update(node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            fixed.add(node.name)
        elif isinstance(node, ast.alias):
            fixed.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.ClassDef):
            return {}
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            fixed.add(node.name)
        if isinstance(node, _FUNCTIONS):
            outside = (*node.args.defaults, *node.args.kw_defaults)
            outside += tuple(getattr(node, "decorator_list", ()))
            fixed.update(
                part.id for begin in outside if begin for part in ast.walk(begin)
                if isinstance(part, ast.Name)
            )  # fmt: skip
    wanted = [name for name in arguments if name not in fixed and name not in kept]
    free = (name for name in names if name not in used)
    return dict(zip(wanted, free, strict=False))
