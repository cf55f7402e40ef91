"""`wattseal rig calibrate` as at a real bench: loads by hand, the reference's readings typed in."""

import json
import subprocess

import pytest
from test_rig import COMMAND, Rig

CALIBRATE = [*COMMAND[:-2], "rig", "calibrate"]
LOADS = [(1.0, 230.0), (10.0, 2300.0)]
SETTINGS = {"burst_ms": 200, "telegram_ms": 3_600_000}


def serve(*options):
    arguments = ["--speed", "100", "--faulty", "--seed", "2", "--settings", json.dumps(SETTINGS)]
    return Rig([*COMMAND, *arguments, *options])


def calibrate(rig, *options):
    """Run the command at the rig's port, and do by hand what it asks for; its JSON."""
    command = [*CALIBRATE, "--port", rig.line["customer_port"], "--seconds", "1.5", "--json"]
    process = subprocess.Popen(
        [*command, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    loads = iter(LOADS)
    for line in process.stderr:
        if line.startswith("switch every load off"):
            assert rig.do(do="load", kind="phantom", volts=230, amps=0)["ok"]
            answer = ""
        elif line.startswith("put the next load"):
            amps, watts = next(loads, (None, None))
            answer = "end" if amps is None else ""
            if amps is not None:
                assert rig.do(do="load", kind="phantom", volts=230, amps=amps)["ok"]
        elif line.startswith("what the reference"):
            answer = f"230 {amps} {watts}"
        else:
            continue
        process.stdin.write(answer + "\n")
        process.stdin.flush()
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0, line
    return json.loads(out)


@pytest.mark.slow
def test_a_board_is_calibrated_and_checked_by_hand(tmp_path):
    file = tmp_path / "calibration.json"
    rig = serve()
    done = calibrate(rig, "--out", str(file))
    assert rig.end() == 0
    assert json.loads(file.read_text()) == done["constants"]
    assert max(abs(load["error_percent"]) for load in done["loads"]) > 2
    rig = serve("--calibration", str(file))
    checked = calibrate(rig, "--check")
    refused = subprocess.run(
        [*CALIBRATE, "--port", rig.line["customer_port"]],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert rig.end() == 0
    assert "constants" not in checked
    assert max(abs(load["error_percent"]) for load in checked["loads"]) < 1
    assert refused.returncode == 2 and refused.stderr.startswith("error: calibrated")


@pytest.mark.parametrize(
    "options",
    [["--port", "/nonexistent"], ["--seconds", "0"], ["--burst-ms", "1"], ["--seed", "x"]],
)
def test_bad_options(options):
    done = subprocess.run(
        [*CALIBRATE, *options], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 2 and done.stderr.startswith("error: ") and not done.stdout
