"""A board on a cable as a rig: what it can do without being a board of any particular bench."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
import tty
from pathlib import Path

import pytest
from repl_peer import ReplPeer
from wattseal_hil.errors import BoardError
from wattseal_hil.meter import Meter
from wattseal_hil.real.console import Console
from wattseal_hil.real.deploying import deploy
from wattseal_hil.rig.interface import CONSOLE, CUSTOMER_PORT, RESET, SUPPLY, TAPE, UTILITY_PORT
from wattseal_hil.rig.real import RealRig
from wattseal_hil.rig.spec import Board, open_rig, parse
from wattseal_hil.tape import TapeReader

EXAMPLES = Path(__file__).resolve().parents[2] / "hil" / "examples"
ENVIRONMENT = """
targets:
  main:
    resources:
    - WattsealBoard: {{chip: esp32, device: {0.port}}}
    - RawSerialPort: {{name: customer, port: {0.customer_port}}}
    - RawSerialPort: {{name: utility, port: {0.utility_port}}}
"""


def run(module: str, *words: str) -> subprocess.CompletedProcess[str]:
    code = {
        "pytest": "import sys, pytest; sys.exit(pytest.main())",
        "wattseal_host.cli": "from wattseal_host.cli.main import run; run()",
    }[module]
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


class Lines:
    """Stands for a port's modem lines; what is done to them is noted."""

    def __init__(self, line):
        self.__dict__.update(line=line, done=[])

    def __getattr__(self, name):
        return False if name == "cts" else getattr(self.line, name)

    def __setattr__(self, name, value):
        self.done.append((name, value))


@pytest.fixture
def tty_port():
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(slave)
    os.close(master)


def wait_for(text: str, rig: RealRig) -> None:
    deadline_s = time.monotonic() + 5
    while text not in rig.console:
        assert time.monotonic() < deadline_s, rig.console
        time.sleep(0.02)


def test_the_console_is_kept_from_the_first_byte(tty_port):
    master, port = tty_port
    with open_rig(parse(f"esp32:{port}")) as rig:
        assert rig.features == {CONSOLE}
        os.write(master, b"rst:0x1\r\nmeter 00")
        wait_for("rst:0x1\nmeter 00", rig)
        assert rig.identity()["chip"] == "esp32"
        for refused in (rig.reset, rig.power_off, lambda: rig.customer_port, lambda: rig.plug(1)):
            with pytest.raises(BoardError) as caught:
                refused()
            assert caught.value.code == "feature-missing"


def test_reset_and_supply_are_the_enable_line(tty_port, monkeypatch):
    _, port = tty_port
    monkeypatch.setattr("wattseal_hil.rig.real.RESET_S", 0)
    with RealRig(Board("esp32", port)) as rig:
        rig.features |= {RESET, SUPPLY}
        lines = rig._line = Lines(rig._line)
        rig.reset()
        assert lines.done == [("dtr", False), ("rts", True), ("dtr", False), ("rts", False)]
        lines.done.clear()
        rig.power_off()
        assert lines.done == [("dtr", False), ("rts", True)]
        assert not rig.powered
    assert lines.done[-2:] == [("dtr", False), ("rts", False)]  # not left without power


def test_a_port_that_is_not_there():
    with pytest.raises(BoardError) as caught:
        open_rig(parse("esp32s3:/dev/ttyUSB99"))
    assert caught.value.code == "port-missing"


def test_its_ports_are_a_meters(tmp_path):
    """A deployed board by its console and both ports, with the tools of every other rig."""
    with ReplPeer(tmp_path) as peer:
        with Console(peer.port) as console:
            told = deploy(console)
        with RealRig(Board("esp32", peer.port, peer.customer_port, peer.utility_port)) as rig:
            assert rig.features == {CONSOLE, CUSTOMER_PORT, UTILITY_PORT, TAPE}
            meter = Meter(rig)
            assert meter.status()["meter"] == told["meter"]
            assert meter.boot == 1
            began_s = rig.now_s
            rig.sleep(0.05)
            assert rig.now_s >= began_s + 0.05
            rig.record(tmp_path / "real.tape")
            sealed = [record.sealed for record in meter.records()]
            assert [record.sealed for record in meter.utility_records()] == sealed
            rig.stop_recording()
        (tmp_path / "env.yaml").write_text(ENVIRONMENT.format(peer))
        options = ["--rig-env", str(tmp_path / "env.yaml"), "-p", "no:cacheprovider"]
        suite = run("pytest", str(EXAMPLES / "test_kettle.py"), *options)
        assert "1 passed, 3 skipped" in suite.stdout, suite.stdout + suite.stderr
        assert "feature missing, 3 tests skipped: load" in suite.stdout
    with TapeReader(tmp_path / "real.tape") as tape:
        passed = [event.fields for event in tape.events() if event.what == "bytes"]
        assert tape.whole and tape.header["rig"] == f"esp32:{peer.port}"
    assert {(one["port"], one["from"]) for one in passed} == {
        (port, end) for port in ("customer", "utility") for end in ("client", "meter")
    }
    done = run("wattseal_host.cli", "rig", "replay", str(tmp_path / "real.tape"))
    assert done.returncode == 0 and "verdict: accepted" in done.stdout, done.stdout + done.stderr


def test_a_port_elsewhere_is_opened_there_and_not_recorded(tty_port):
    _, port = tty_port
    with RealRig(Board("esp32", port, "socket://127.0.0.1:9", None)) as rig:
        assert rig.customer_port == "socket://127.0.0.1:9"
        assert rig.features == {CONSOLE, CUSTOMER_PORT}
