"""Who may import whom, in the whole repository."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = {"wattseal", "meter", "wattseal_host", "wattseal_hil"}
ALLOWED = {
    "firmware/wattseal": {"wattseal"},
    "firmware/meter": {"wattseal", "meter"},
    "host/wattseal_host": {"wattseal", "wattseal_host"},
    "host/wattseal_host/cli": {"wattseal", "wattseal_host", "wattseal_hil"},
    "hil/wattseal_hil": {"wattseal", "wattseal_hil"},
}


def imports(path: Path) -> list[tuple[int, str]]:
    """Return (line, module) of all imports of a file, wherever they stand in it."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} relative import"
            found.append((node.lineno, node.module or ""))
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


@pytest.mark.parametrize("folder", ALLOWED)
def test_arrows(folder):
    for path in sorted((ROOT / folder).rglob("*.py")):
        if folder == "host/wattseal_host" and "cli" in path.parts:
            continue
        # They run inside of the VM: below the firmware, in place of modules, and beside it.
        if "shim" in path.parts or "on_chip" in path.parts:
            continue
        for line, module in imports(path):
            package = module.split(".")[0]
            assert package not in OURS or package in ALLOWED[folder], f"{path}:{line} {module}"


@pytest.mark.parametrize(("one", "other"), [("provider", "customer"), ("customer", "provider")])
def test_provider_and_customer_do_not_know_each_other(one, other):
    for path in sorted((ROOT / "host" / "wattseal_host" / one).rglob("*.py")):
        for line, module in imports(path):
            assert f"wattseal_host.{other}" not in module, f"{path}:{line}"


def test_shared_parts_of_the_host_know_neither_side():
    """Only the two sides themselves and the command line import from `customer` and `provider`."""
    host = ROOT / "host" / "wattseal_host"
    for path in sorted(host.rglob("*.py")):
        if path.relative_to(host).parts[0] in ("cli", "customer", "provider"):
            continue
        for line, module in imports(path):
            for side in ("customer", "provider"):
                assert not module.startswith(f"wattseal_host.{side}"), f"{path}:{line}"


def test_firmware_imports_only_what_stock_micropython_has():
    """struct is absent from the protocol by choice, the rest from the VM by nature."""
    banned = {"typing", "dataclasses", "enum", "hmac", "pathlib", "functools", "threading"}
    for path in sorted((ROOT / "firmware").rglob("*.py")):
        for line, module in imports(path):
            assert module.split(".")[0] not in banned, f"{path}:{line} {module}"
