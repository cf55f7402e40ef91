"""`wattseal rig serve`: one JSON line, two ports, a control socket, a clean end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import serial

PROBE = Path(__file__).parent / "firmware_probe"
SERVE = """
import sys
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.loads import ConstantLoad
from wattseal_hil.rig.emulated import EmulatedRig
from wattseal_hil.serve import serve
firmware, speed, control = sys.argv[1:]
load = ConstantLoad(1000)
with EmulatedBoard(workdir=control + "-board", load=load, firmware=firmware) as board:
    serve(EmulatedRig.around(board), None if speed == "max" else float(speed), control, sys.stdout)
"""
COMMAND = [sys.executable, "-c", "from wattseal_host.cli.main import run; run()", "rig", "serve"]


class Rig:
    """A server as a process of its own, and a connection to its control socket."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.line = json.loads(self.process.stdout.readline())
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(self.line["control"])
        self._file = self._socket.makefile("rw")

    def raw(self, line: str) -> dict:
        self._file.write(line + "\n")
        self._file.flush()
        return json.loads(self._file.readline())

    def do(self, **request) -> dict:
        return self.raw(json.dumps(request))

    def end(self, number: int = signal.SIGTERM) -> int:
        self._file.close()
        self._socket.close()
        self.process.send_signal(number)
        status = self.process.wait(timeout=10)
        if self.process.stdout:
            self.process.stdout.close()
        return status


@pytest.fixture
def rig(tmp_path):
    def start(speed: str = "max") -> Rig:
        control = str(tmp_path / "control")
        rigs.append(Rig([sys.executable, "-c", SERVE, str(PROBE), speed, control]))
        return rigs[-1]

    rigs: list[Rig] = []
    yield start
    for rig in rigs:
        if rig.process.poll() is None:
            rig.end()


def test_the_line_names_the_ports_the_socket_and_the_vm(rig):
    line = rig().line
    assert set(line) == {"customer_port", "utility_port", "control", "vm"}
    assert line["customer_port"] != line["utility_port"]
    assert line["customer_port"].startswith("/dev/pts/")
    assert "micropython" in line["vm"]


def test_everything_the_control_socket_can_do(rig):
    served = rig()
    first = served.do(do="status")
    assert first["ok"] and first["powered"]
    ran = served.do(do="run-until", t=first["now_s"] + 3600)
    assert ran["now_s"] == pytest.approx(first["now_s"] + 3600)
    assert ran["programs"] > first["programs"]
    assert served.do(do="button")["now_s"] == pytest.approx(ran["now_s"] + 0.3)
    assert served.do(do="load", watts=20)["ok"]
    assert served.do(do="load", kind="motor", watts=-20, power_factor=0.5)["ok"]
    assert served.do(do="power", on=False)["powered"] is False
    assert served.do(do="power", on=True)["powered"] is True
    with serial.Serial(served.line["customer_port"], 115200, timeout=1) as port:
        port.write(b"?here\r\n")
        assert port.readline() == b"#?here\r\n"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("garbage", "bad-request"),
        ("[1]", "bad-request"),
        ("{}", "bad-request"),
        ('{"do": "explode"}', "bad-request"),
        ('{"do": "run-until"}', "bad-request"),
        ('{"do": "run-until", "t": "soon"}', "bad-request"),
        ('{"do": "run-until", "t": true}', "bad-request"),
        ('{"do": "run-until", "t": NaN}', "bad-request"),
        ('{"do": "run-until", "t": 1e300}', "bad-request"),
        ('{"do": "run-until", "t": 5}', "time-backwards"),
        ('{"do": "load", "watts": -20000}', "load-range"),
        ('{"do": "load"}', "load-request"),
        ('{"do": "sleep", "seconds": -1}', "bad-request"),
        ('{"do": "button", "seconds": -1}', "bad-request"),
        ('{"do": "energy", "from": 2, "to": 1}', "bad-request"),
        ('{"do": "load", "kind": "motor", "watts": 1}', "load-request"),
        ('{"do": "power", "on": 1}', "bad-request"),
        ("[" * 4000, "bad-request"),
    ],
)
def test_a_bad_request_is_refused_and_the_rig_serves_on(line, code, served_once):
    answer = served_once.raw(line)
    assert (answer["ok"], answer["code"]) == (False, code)
    assert served_once.do(do="status")["ok"]


@pytest.fixture(scope="module")
def served_once(tmp_path_factory):
    control = str(tmp_path_factory.mktemp("rig") / "control")
    served = Rig([sys.executable, "-c", SERVE, str(PROBE), "max", control])
    yield served
    assert served.end() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_leaves_nothing(rig, number):
    served = rig("1")
    assert served.end(number) == 0
    assert not os.path.exists(served.line["control"])


def test_a_killed_server_takes_its_vm_along(rig):
    served = rig()
    children = Path(f"/proc/{served.process.pid}/task").glob("*/children")
    (vm,) = [int(pid) for path in children for pid in path.read_text().split()]
    served.end(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while Path(f"/proc/{vm}/cmdline").exists() and time.monotonic() < deadline:
        if not Path(f"/proc/{vm}/cmdline").read_bytes():
            break  # ended, and waits to be reaped by whoever adopted it
        time.sleep(0.02)
    else:
        assert time.monotonic() < deadline


def test_a_socket_left_by_a_killed_server_is_replaced(rig):
    served = rig()
    served.end(signal.SIGKILL)
    assert os.path.exists(served.line["control"])
    assert rig().do(do="status")["ok"]


def test_two_rigs_are_not_served_at_one_socket(rig):
    first = rig()
    second = subprocess.run(
        [*COMMAND, "--speed", "max", "--control", first.line["control"]],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert second.returncode == 2 and second.stderr.startswith("error: control-unusable")
    assert first.do(do="status")["ok"] and os.path.exists(first.line["control"])


def test_at_a_pace_time_passes_by_itself(rig):
    served = rig("100")
    first = served.do(do="status")["now_s"]
    with serial.Serial(served.line["customer_port"], 115200, timeout=1) as port:
        assert port.readline().endswith(b"\r\n")
    assert served.do(do="status")["now_s"] > first


def test_the_command_serves_the_meter():
    served = Rig([*COMMAND, "--watts", "1000", "--speed", "max", "--interval", "900"])
    assert served.do(do="status")["ok"]
    assert served.end() == 0


@pytest.mark.parametrize(
    "options",
    [
        ["--load", "/nonexistent.csv"],
        ["--load", __file__],
        ["--load", "a", "--watts", "1"],
        ["--appliance", "{}", "--watts", "1"],
        ["--appliance", '{"kind": "toaster"}'],
        ["--calibration", "/nonexistent"],
        ["--calibration", __file__],
        ["--watts", "-20000"],
        ["--speed", "0"],
        ["--speed", "fast"],
        ["--speed", "nan"],
        ["--bits", "16"],
        ["--settings", "[]"],
        ["--settings", "{"],
        ["--interval", "0"],
        ["--interval", "7"],
        ["--settings", '{"unknown": 1}'],
        ["--start", "yesterday"],
        ["--flash", __file__],
        ["--flash", "/proc/none"],
        ["--control", "/nonexistent/control"],
    ],
)
def test_bad_options_end_in_one_line_and_exit_2(options):
    done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert done.stdout == ""
    errors = done.stderr.splitlines()
    assert len(errors) == 1 and errors[0].startswith("error: ")
