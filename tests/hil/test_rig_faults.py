"""`wattseal rig faults`, `inject`, `clear`, `run` and `soak`, as a user calls them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from wattseal_hil.fault_kinds import KINDS
from wattseal_hil.rig.emulated import EmulatedRig

SCENARIOS = Path(__file__).parents[2] / "hil" / "scenarios"
COMMAND = [sys.executable, "-c", "from wattseal_host.cli.main import run; run()", "rig"]
SERVE = ["serve", "--watts", "1000", "--speed", "max", "--settings", '{"tamper_pin": 27}']


def wattseal(*words, status=0, cwd=None):
    done = subprocess.run(
        [*COMMAND, *map(str, words)], capture_output=True, text=True, cwd=cwd, check=False
    )
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout if status < 2 else done.stderr


def test_every_kind_is_listed():
    listed = json.loads(wattseal("faults", "--json"))["faults"]
    assert [kind["fault"] for kind in listed] == list(KINDS)
    assert all(kind["meaning"] and kind["feature"] for kind in listed)
    text = wattseal("faults")
    for kind in KINDS.values():
        assert f"{kind.name} " in text
        assert all(f"    {parameter.name} " in text for parameter in kind.parameters)


def test_a_fault_on_a_rig_that_is_served(tmp_path):
    control = tmp_path / "control"
    server = subprocess.Popen(
        [*COMMAND, *SERVE, "--control", str(control)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout
        server.stdout.readline()
        rig = ("--rig", f"unix:{control}")
        told = wattseal("inject", *rig, "case-opened", "pin=27", "--json")
        assert json.loads(told) == {"fault": "case-opened", "pin": 27}
        assert "at work" in wattseal(
            "inject", *rig, '{"fault": "bit-errors", "line": "utility", "rate": 0.5}'
        )
        assert "rate" in wattseal(
            "inject", *rig, "bit-errors", "line=utility", "rate=lots", status=2
        )
        assert "usage" in wattseal("inject", *rig, "bit-errors", "utility", status=2)
        wattseal("clear", *rig)
    finally:
        server.terminate()
        server.wait(timeout=10)
        server.stdout.close()


@pytest.mark.slow
def test_a_scenario_says_what_came_of_it(tmp_path):
    outcome = json.loads(wattseal("run", SCENARIOS / "clock-jumps.yaml", "--json", cwd=tmp_path))
    assert outcome["good"]
    assert outcome["tape"] == "clock-jumps.tape"
    assert (tmp_path / outcome["tape"]).stat().st_size > 10_000
    bad = tmp_path / "bad.json"
    steps = [{"power": True}, {"at": 1, "expect": {"power_w": 5}}]
    bad.write_text(json.dumps({"wattseal-scenario": 1, "name": "bad", "steps": steps}))
    text = wattseal("run", bad, "--tape", tmp_path / "other.tape", status=1)
    assert "FAILED" in text
    assert f"tape {tmp_path / 'other.tape'}" in text
    bad.write_text("{}")
    assert "scenario-malformed" in wattseal("run", bad, status=2)


def test_soak_says_its_seed_and_what_it_did(tmp_path):
    words = ("soak", "--scenarios", 2, "--seed", 11, "--first", 3, "--json")
    first, second = (json.loads(wattseal(*words, cwd=tmp_path)) for _ in range(2))
    assert first == second
    assert (first["seed"], first["scenarios"], first["failures"]) == (11, 2, [])
    assert wattseal("soak", "--seconds", 0, cwd=tmp_path).startswith("seed ")


@pytest.mark.slow
def test_soak_of_a_firmware_that_ends(tmp_path):
    firmware = tmp_path / "firmware"
    firmware.mkdir()
    (firmware / "main.py").write_text("print('bye')\n")
    text = wattseal(
        "soak", "--seconds", 5, "--seed", 1, "--firmware", firmware, cwd=tmp_path, status=1
    )
    assert "shrunk to 1 steps" in text
    again = text.split("again: wattseal rig ")[1].splitlines()[0].split()
    assert "firmware-ended" in wattseal(*again, "--firmware", firmware, cwd=tmp_path, status=1)


@pytest.mark.parametrize("fault", [{"fault": "clamp-unplugged"}, {"fault": "flash-full"}])
def test_by_the_rig(fault):
    with EmulatedRig() as rig:
        rig.inject(fault)
        rig.clear()
