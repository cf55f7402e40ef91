"""A rig served to other machines: its control and its ports on TCP, and the rig made of them."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest
import serial
from wattseal_hil.appliances import Motor
from wattseal_hil.errors import BoardError
from wattseal_hil.meter import Meter
from wattseal_hil.port_server import PortServer, listen
from wattseal_hil.ports import Pty
from wattseal_hil.rig.emulated import EmulatedRig
from wattseal_hil.rig.remote import RemoteRig
from wattseal_hil.rig.spec import Served, open_rig, parse

COMMAND = [sys.executable, "-c", "from wattseal_host.cli.main import run; run()", "rig", "serve"]


@pytest.fixture(scope="module")
def served():
    """What `rig serve` says first."""
    command = [*COMMAND, "--speed", "max", "--watts", "0", "--listen", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    with process.stdout as out:
        yield json.loads(out.readline())
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0


@pytest.fixture(params=["tcp", "unix"])
def rig(request, served):
    spec = served["listen"] if request.param == "tcp" else f"unix:{served['control']}"
    with open_rig(parse(spec)) as rig:
        rig.start()
        yield rig


def test_a_served_rig_does_what_one_here_does(rig, served, tmp_path):
    assert isinstance(rig, RemoteRig)
    assert rig.features == EmulatedRig.features
    assert "micropython" in rig.identity()["vm"] and "main.py" in rig.identity()["files"]
    assert "boot 1" in rig.console
    meter = Meter(rig)
    begin_s, begin_wh, wear = rig.now_s, meter.register_wh, rig.wear()
    rig.plug(3600)
    rig.sleep(100)
    rig.plug({"kind": "motor", "watts": 360, "power_factor": 0.6})
    rig.sleep_until(begin_s + 200)
    rig.plug(0)
    assert rig.load_energy_wh(begin_s, begin_s + 200) == pytest.approx(110, abs=0.5)
    assert meter.register_wh - begin_wh == pytest.approx(110, abs=2)
    assert rig.wear()["programs"] > wear["programs"]
    boot = meter.boot
    rig.reset()
    rig.power_off()
    assert not rig.powered and rig.failure is None
    rig.power_on()
    assert meter.boot == boot + 2
    rig.drive_pin(4, 1)
    assert rig.pin(4) == 1 and rig.pin(5) == 0
    rig.drive_pin(4, 0)
    assert rig.heap_low_bytes() > 10_000
    rig.inject({"fault": "clamp-unplugged"})
    rig.clear()
    assert meter.telegram().startswith("/WSL5")
    ours, theirs = meter.records(), meter.utility_records()
    assert [record.sealed for record in ours] == [record.sealed for record in theirs]
    rig.press_button(0.1)
    assert meter.status()["pairing_open"]


def test_at_a_pace_telegrams_come_by_themselves(rig):
    rig.set_pace(20)
    with serial.serial_for_url(rig.customer_port, timeout=5) as port:
        assert port.read_until(b"/WSL5").endswith(b"/WSL5")
    rig.set_pace(None)
    now_s = rig.now_s
    assert rig.now_s == now_s


def test_a_tape_is_fetched(rig, tmp_path):
    rig.record(tmp_path / "one.tape")
    Meter(rig).status()
    rig.sleep(5)
    rig.stop_recording()
    rig.stop_recording()
    lines = (tmp_path / "one.tape").read_text().splitlines()
    assert "wattseal-tape" in lines[0] and len(lines) > 3


def test_what_is_refused_there_is_refused_here(rig):
    for act, code in [
        (lambda: rig.sleep_until(5), "time-backwards"),
        (lambda: rig.plug(-20_000), "load-range"),
        (lambda: rig.plug({"kind": "toaster"}), "load-request"),
        (lambda: rig.plug(Motor(100, 0.5)), "load-local"),
        (lambda: rig.set_pace(-1), "pace-range"),
        (lambda: rig.inject({"fault": "gremlin"}), "fault-malformed"),
        (lambda: rig.drive_pin(99, 1), "bad-request"),
    ]:
        with pytest.raises(BoardError) as caught:
            act()
        assert caught.value.code == code
    assert rig.powered


def test_ports_are_open_to_several(served):
    """Every client of a port hears everything; the control socket serves any number."""
    with (
        serial.serial_for_url(served["customer_url"], timeout=2) as one,
        serial.serial_for_url(served["customer_url"], timeout=2) as two,
        open_rig(parse(served["listen"])) as rig,
    ):
        one.write(b"\r\n?status\r\n")
        assert one.read_until(b"#status").endswith(b"#status")
        assert two.read_until(b"#status").endswith(b"#status")
        assert rig.now_s > 0


def test_what_cannot_be_reached(tmp_path):
    with listen(("127.0.0.1", 0)) as silent:
        closed = silent.getsockname()[1]
    for spec in (Served(("127.0.0.1", closed)), Served(str(tmp_path / "none"))):
        with pytest.raises(BoardError) as caught:
            open_rig(spec)
        assert caught.value.code == "rig-unreachable"


@pytest.mark.parametrize(
    ("answer", "code"),
    [(b"", "rig-gone"), (b"hello\n", "rig-gone"), (b'{"ok": true}\n', "rig-unreachable"),
     (b'{"ok": false, "code": "bad-request", "detail": "do: status"}\n', "bad-request")],
)  # fmt: skip
def test_what_is_no_rig(answer, code):
    with listen(("127.0.0.1", 0)) as listener:

        def talk() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(4096)
                client.sendall(answer)

        thread = threading.Thread(target=talk)
        thread.start()
        with pytest.raises(BoardError) as caught:
            open_rig(Served(listener.getsockname()))
        thread.join()
    assert caught.value.code == code


def test_a_port_server_loses_nothing_and_lets_go():
    """Both ways, more than any buffer holds; the line is closed with the last client."""
    pty = Pty()
    server = PortServer(pty.path, 115200, ("127.0.0.1", 0))
    try:
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.settimeout(5)
            client.sendall(b"up")
            heard = b""
            while len(heard) < 2:
                heard += pty.receive()
            pty.notice()
            assert heard == b"up" and pty.clients == 1
            sent = bytes(range(256)) * 4096
            got = bytearray()
            pty.send(sent, 0.0)
            while len(got) < len(sent):
                pty.push(0.0)
                got += client.recv(1 << 16)
            assert got == sent
        for _ in range(500):
            pty.notice()
            if pty.clients == 0:
                break
            threading.Event().wait(0.01)
        assert pty.clients == 0
    finally:
        server.close()
        pty.close()


@pytest.mark.parametrize("place", ["here", "127.0.0.1:", "127.0.0.1:70000", "192.0.2.1:0"])
def test_bad_places_to_listen(place):
    done = subprocess.run(
        [*COMMAND, "--watts", "0", "--listen", place], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("error: ")


def test_a_wait_that_nobody_waits_for_any_more_ends(served):
    """It shows how far it is, and gives the rig back when its command is interrupted."""
    rig = ["--rig", f"unix:{served['control']}"]
    ours, theirs = os.openpty()
    command = [*COMMAND[:-1], "wait", "1000000", *rig]
    waiting = subprocess.Popen(command, stdin=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while b"waiting" not in shown:
        shown += os.read(ours, 1000)
    waiting.send_signal(signal.SIGINT)
    threading.Thread(target=_drain, args=(ours,), daemon=True).start()
    assert waiting.wait(20) == 130
    done = subprocess.run([*COMMAND[:-1], "wait", "1", *rig], timeout=30)
    assert done.returncode == 0


def _drain(terminal):
    with contextlib.suppress(OSError):
        while os.read(terminal, 1000):
            pass
