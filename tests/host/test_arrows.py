"""Who may import whom, read from the sources: the walls between the parties hold in the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOST = "wattseal_host"


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_under(folder: str) -> set[tuple[str, str]]:
    paths = list((ROOT / folder).rglob("*.py"))
    assert paths, folder
    return {(str(path.relative_to(ROOT)), name) for path in paths for name in imports_of(path)}


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("firmware", HOST),
        ("firmware", "wattseal_hil"),
        ("firmware/wattseal", "meter"),
        ("hil", HOST),
        ("host/wattseal_host/provider", f"{HOST}.customer"),
        ("host/wattseal_host/customer", f"{HOST}.provider"),
        ("host/wattseal_host/ledger", f"{HOST}.customer"),
        ("host/wattseal_host/collect", f"{HOST}.customer"),
        ("host/wattseal_host/tariff", f"{HOST}.customer"),
        ("host", "meter"),
    ],
)
def test_no_arrow_points_back(folder: str, forbidden: str) -> None:
    for path, name in imported_under(folder):
        assert name != forbidden and not name.startswith(f"{forbidden}."), path


def test_the_host_knows_the_board_in_its_commands_only() -> None:
    users = {path for path, name in imported_under("host") if name.startswith("wattseal_hil")}
    assert users and all(path.startswith("host/wattseal_host/cli/") for path in users)


def test_what_the_verifier_needs_knows_neither_party() -> None:
    for name in ("verify", "bundle", "statement", "linear", "jws", "documents", "trust", "engine"):
        path = ROOT / "host" / HOST / f"{name}.py"
        assert not any("customer" in used or "provider" in used for used in imports_of(path))
