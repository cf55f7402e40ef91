"""The wall between the ports, as a rule about imports, and hardware in main.py alone."""

import ast
from pathlib import Path

import pytest

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
METER = sorted((FIRMWARE / "meter").glob("*.py"))
UTILITY_SIDE = (
    "utility_port", "tcp_port", "registers", "sunspec", "modbus", "public", "watchdog"
)
ALLOWED = {"meter.crc16", "meter.modbus", "meter.public", "meter.sunspec", "meter.watchdog"}


def imports(path):
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
    return names


@pytest.mark.parametrize("name", UTILITY_SIDE)
def test_the_utility_side_imports_nothing_that_knows_a_reading(name):
    inside = {n for n in imports(FIRMWARE / "meter" / f"{name}.py") if n.startswith("meter")}
    assert inside <= ALLOWED
    assert not {n for n in imports(FIRMWARE / "meter" / f"{name}.py") if n.startswith("wattseal")}


@pytest.mark.parametrize("path", METER, ids=lambda path: path.stem)
def test_hardware_is_built_in_main_alone(path):
    allowed = {"esp32"} if path.stem == "firmware" else set()  # the image it is itself
    assert not imports(path) & {"machine", "esp32", "network", "time", "select"} - allowed


def test_the_protocol_knows_no_meter():
    for path in (FIRMWARE / "wattseal").glob("*.py"):
        assert not any(name.startswith("meter") for name in imports(path))


def test_the_package_lists_every_file():
    import json

    package = json.loads((FIRMWARE / "package.json").read_text())
    listed = {destination for destination, source in package["urls"] if destination == source}
    present = {
        str(path.relative_to(FIRMWARE))
        for path in (*METER, *(FIRMWARE / "wattseal").glob("*.[pb][yi]*"))
    }
    assert listed == present | {"boot.py", "main.py", "wattseal/comb_tables.bin"}
    assert package["version"] == _constant("FIRMWARE_VERSION")


def _constant(name):
    for node in ast.walk(ast.parse((FIRMWARE / "meter" / "public.py").read_text())):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f"{name} is not defined")
