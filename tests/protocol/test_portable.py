"""The protocol package stays portable and imports nothing but hashlib and itself."""

import ast
from pathlib import Path

import pytest
from wattseal import labels

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
SOURCES = sorted((FIRMWARE / "wattseal").glob("*.py"))
TABLES = "comb_tables.py"  # opens the one file of the package
BUILT_IN_ANNOTATIONS = {"int", "bytes", "bool", "str", "list", "tuple", "dict", "None"}


def trees():
    assert len(SOURCES) > 10
    return [(path, ast.parse(path.read_text())) for path in SOURCES]


@pytest.mark.parametrize(("path", "tree"), trees(), ids=lambda value: getattr(value, "stem", ""))
class TestEachFile:
    def test_imports(self, path, tree):
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                raise AssertionError(f"{path.name}:{node.lineno} plain import")
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                outside = {"hashlib", "io"} if path.name == TABLES else {"hashlib"}
                assert node.module in outside or node.module.split(".")[0] == "wattseal"

    def test_calls(self, path, tree):
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            where = f"{path.name}:{node.lineno}"
            if isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec", "print", "__import__"), where
                assert node.func.id != "open" or path.name == TABLES, where
                if node.func.id == "pow" and len(node.args) > 1:
                    exponent = node.args[1]
                    assert not isinstance(exponent, ast.UnaryOp), f"{where}: pow(x, -1, m)"
            if isinstance(node.func, ast.Attribute):
                if node.func.attr in ("to_bytes", "from_bytes"):
                    assert not node.keywords, f"{where}: keywords"
                    assert len(node.args) == 2, f"{where}: no defaults"
                assert node.func.attr not in ("bit_length", "bit_count", "hexdigest"), where

    def test_no_dict_reaches_bytes(self, path, tree):
        """A dict is only ever looked up or copied into a list, whose order no byte depends on."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("keys", "values", "items"), f"{path.name}:{node.lineno}"

    def test_no_float_and_no_true_division(self, path, tree):
        for node in ast.walk(tree):
            where = f"{path.name}:{getattr(node, 'lineno', 0)}"
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), where
            assert not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)), where

    def test_no_syntax_the_vm_lacks(self, path, tree):
        for node in ast.walk(tree):
            where = f"{path.name}:{getattr(node, 'lineno', 0)}"
            assert not isinstance(node, (ast.Match, ast.AsyncFunctionDef, ast.NamedExpr)), where
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None, f"{where}: bare except"
            if isinstance(node, ast.arg) and node.annotation is not None:
                assert ast.unparse(node.annotation) in BUILT_IN_ANNOTATIONS, where

    def test_size(self, path, tree):
        assert len(path.read_text().splitlines()) <= 400


def domain_labels():
    return {name: value for name, value in vars(labels).items() if name.isupper()}


def test_labels_are_prefix_free_and_versioned():
    values = domain_labels()
    hashed = {k: v for k, v in values.items() if not k.startswith("GENERATOR_")}
    assert len(hashed) > 14
    for name, value in hashed.items():
        assert value.startswith(b"wattseal/1/"), name
        assert value.endswith(b"\0") and value.count(b"\0") == 1, name
    for first in hashed:
        for second in hashed:
            assert first == second or not hashed[first].startswith(hashed[second])


def test_labels_stand_in_one_file():
    for path, tree in trees():
        if path.name == "labels.py":
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, bytes):
                assert b"wattseal/" not in node.value, f"{path.name}:{node.lineno}"


def test_labels_are_those_of_the_specification():
    spec = (FIRMWARE / "wattseal" / "SPEC.md").read_text()
    for name, value in domain_labels().items():
        assert value.rstrip(b"\0").decode() in spec, name


def test_protocol_does_not_know_what_it_meters():
    for path in SOURCES:
        text = path.read_text().lower()
        for word in ("energy", "watt-hour", "kwh", "electric"):
            assert word not in text, f"{path.name}: {word}"
