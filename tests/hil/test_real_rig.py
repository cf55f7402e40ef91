"""A board on a cable as a rig: what it can do without being a board of any particular bench."""

from __future__ import annotations

import os
import pty
import time
import tty

import pytest
from repl_peer import ReplPeer
from wattseal_hil.errors import BoardError
from wattseal_hil.meter import Meter
from wattseal_hil.real.console import Console
from wattseal_hil.real.deploying import deploy
from wattseal_hil.rig.interface import CONSOLE, CUSTOMER_PORT, RESET, SUPPLY, UTILITY_PORT
from wattseal_hil.rig.real import RealRig
from wattseal_hil.rig.spec import Board, open_rig, parse


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
        with RealRig(
            Board("esp32", peer.port, peer.customer_port, peer.utility_port)
        ) as rig:
            assert rig.features == {CONSOLE, CUSTOMER_PORT, UTILITY_PORT}
            meter = Meter(rig)
            assert meter.status()["meter"] == told["meter"]
            assert meter.boot == 1
            began_s = rig.now_s
            rig.sleep(0.05)
            assert rig.now_s >= began_s + 0.05
