"""pysunspec2's `suns.py`, the command people look at a SunSpec device with: by RTU and by TCP."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from house import WATTS

MODELS = Path(__file__).resolve().parents[2] / "host" / "wattseal_host" / "sunspec"
SUNS = Path(sys.executable).parent / "suns.py"
HEAD = ("ID", "L")


@pytest.fixture(params=["rtu", "tcp"])
def suns(request, home, tmp_path):
    """The tool on one of the two ways to the meter: {model number: {point: value and unit}}."""
    if not SUNS.exists():
        pytest.skip("no suns.py: pip install pysunspec2")
    ways = {
        "rtu": ["-p", home.board.utility_port, "-b", "19200"],
        "tcp": ["-i", "127.0.0.1", "-P", str(home.tcp_port)],
    }
    command = [sys.executable, str(SUNS), "-t", request.param, *ways[request.param], "-a", "1"]

    def read() -> dict[int, dict[str, str]]:
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
        assert done.returncode == 0, done.stderr
        parts = re.split(r"(?m)^Model: \S+ \((\d+)\)$", done.stdout)[1:]
        return {
            int(number): dict(re.findall(r"(?m)^ +(\w+) +(\S.*?) *$", text))
            for number, text in zip(parts[::2], parts[1::2], strict=True)
        }

    return read


def number(text: str) -> int:
    return int(text.split()[0])


def test_model_1_names_the_meter(suns, home):
    common = suns()[1]
    assert (common["Mn"], common["Md"], common["DA"]) == ("wattseal", "WS1", "1")
    assert common["SN"] in home.board.console


def test_model_201_before_and_after_consent(suns, home):
    hidden = suns()[201]
    assert {hidden[point].split()[0] for point in hidden if point not in HEAD} == {"None"}
    home.consent(True)
    shown = suns()[201]
    home.consent(False)
    assert number(shown["W"]) == pytest.approx(WATTS, rel=0.01) and shown["W_SF"] == "0"
    assert number(shown["PhVphA"]) == pytest.approx(2300, rel=0.01) and shown["V_SF"] == "-1"
    assert number(shown["A"]) == pytest.approx(100 * WATTS / 230, rel=0.01)
    assert number(shown["Hz"]) == pytest.approx(5000, abs=5) and shown["Hz_SF"] == "-2"
    drawn_wh = WATTS * (home.board.now_s % 86_400) / 3600
    assert number(shown["TotWhImp"]) == pytest.approx(drawn_wh, rel=0.03)
    assert suns()[201] == hidden


def test_our_own_model_needs_its_json_file_beside_the_tool(suns, home, tmp_path):
    assert sorted(suns()) == [1, 201]
    shutil.copytree(MODELS, tmp_path / "json")
    own = suns()[64900]
    assert own["Intvl"] == "1800 Secs" and own["Map"] == "1"
    assert own["NextSeq"] == str(len(home.records()))
    assert (own["Boot"], own["Epoch"]) == ("1", "1")
    assert number(own["UTC"]) == int(home.board.now_s)
