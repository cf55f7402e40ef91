"""`wattseal rig top` and what it looks at: passing bytes, a served rig, a meter's bare ports."""

import json
import os
import pty
import random
import re
import signal
import subprocess
import sys
import time
from itertools import pairwise

import pytest
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.line_faults import framed
from wattseal_hil.loads import ConstantLoad
from wattseal_hil.telegrams import TelegramStream
from wattseal_hil.watch import CUSTOMER, UTILITY, BoardWatch, PortsWatch, Traffic

START_S = 1_767_225_600
_CONTROLS = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]")
CODE = "from wattseal_host.cli.main import run; run()"


@pytest.fixture(scope="module")
def heard(tmp_path_factory):
    """(bytes of half an hour at the customer's port, what a watch of it says)."""
    folder = tmp_path_factory.mktemp("watch")
    sent = bytearray()
    settings = {"telegram_ms": 60_000}
    load = ConstantLoad(1000)
    with EmulatedBoard(workdir=folder, load=load, start_s=START_S, settings=settings) as board:
        watch = BoardWatch(board)
        board.tap(lambda port, to_meter, data, at_us: sent.extend(b"" if to_meter else data))
        board.power_on()
        board.run_until(START_S + 1870)
        yield bytes(sent), watch.snapshot()


def test_a_board_is_watched_from_within(heard):
    _, seen = heard
    told = seen["telegram"]
    assert told["power_w"] == pytest.approx(1000, rel=0.01)
    assert told["register_wh"] == pytest.approx(500, rel=0.04)
    assert (told["newest"]["kind"], told["newest"]["end_s"]) == ("interval", START_S + 1800)
    assert seen["ports"]["customer"]["good"] == 31 and seen["ports"]["customer"]["bad"] == 0
    assert seen["flash"]["programs"] > 50 and seen["heap_low_bytes"] > 10_000
    assert seen["powered"] is True and seen["failure"] is None
    json.dumps(seen)


def test_telegrams_in_any_pieces_and_among_noise(heard):
    sent, _ = heard
    rng = random.Random(4)
    stream = TelegramStream()
    at = 0
    while at < len(sent):
        size = rng.choice([1, 7, 300])
        stream.feed(sent[at : at + size])
        at += size
    assert (stream.good, stream.bad) == (31, 0)
    last = stream.newest
    noisy = TelegramStream()
    for piece in re.split(rb"(?<=\r\n)(?=/)", sent):
        damaged = bytearray(piece)
        if rng.random() < 0.5:
            damaged[rng.randrange(len(damaged))] ^= 4
        noisy.feed(rng.randbytes(rng.randrange(40)) + b"\r\n" + bytes(damaged))
    assert noisy.good >= 10 and noisy.good + noisy.bad <= 31
    assert noisy.newest.keys() == last.keys()
    for size in (10, 5000, 100_000):  # never more than one telegram is kept
        noisy.feed(b"/" * size)
        noisy.feed(rng.randbytes(size))
    assert len(noisy._rest) <= 4096
    noisy.feed(b"\r\n" + sent)
    assert noisy.newest == last


def test_frames_of_the_utility_port_are_counted():
    traffic = Traffic()
    answer = framed(b"\x03\x02\x00\x01")
    for data in (answer[:3], answer[3:], answer):
        traffic.tap(UTILITY, True, b"?" * 8, 0)
        traffic.tap(UTILITY, False, data, 0)
    traffic.tap(CUSTOMER, True, b"?status\r\n", 0)
    ports = traffic.snapshot()["ports"]
    # An answer that a request breaks off is none, and neither is the rest of it.
    assert ports["utility"] == {"to_meter": 24, "from_meter": 14, "good": 1, "bad": 2}
    assert ports["customer"] == {"to_meter": 9, "from_meter": 0, "good": 0, "bad": 0}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    control = tmp_path_factory.mktemp("served") / "control"
    words = ["rig", "serve", "--watts", "1500", "--speed", "30", "--listen", "0"]
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, *words, "--control", str(control)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    yield json.loads(process.stdout.readline())
    process.terminate()
    assert process.wait(10) == 0


def top(*words):
    command = [sys.executable, "-c", CODE, "rig", "top", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_top_of_a_served_rig(served):
    time.sleep(0.5)
    for where in (f"unix:{served['control']}", served["listen"]):
        done = top("--rig", where, "--once")
        assert done.returncode == 0, done.stderr
        assert re.search(r"power +1,[45]\d\d W at 2\d\d\.\d V", done.stdout), done.stdout
        assert re.search(r"flash +\d+ programs", done.stdout)
    done = top("--rig", served["listen"], "--once", "--json")
    assert json.loads(done.stdout)["telegram"]["power_w"] == pytest.approx(1500, rel=0.02)


def test_top_of_bare_ports(served):
    ports = ("--customer", served["customer_url"], "--utility", served["utility_url"])
    done = top(*ports, "--once", "--json")
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["status"]["records"] >= 2 and seen["status"]["bits"] & 1
    assert seen["ports"]["customer"]["good"] >= 1 and seen["flash"] is None


def test_top_lives_in_a_terminal_until_it_is_interrupted(served):
    leader, follower = pty.openpty()
    command = [sys.executable, "-c", CODE, "rig", "top", "--interval", "0.2"]
    process = subprocess.Popen(
        [*command, "--rig", f"unix:{served['control']}"],
        stdin=follower, stdout=follower, stderr=follower,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"},
    )  # fmt: skip
    os.close(follower)
    text = b""
    while len(registers := re.findall(rb"register\s+([\d,]+) Wh", _CONTROLS.sub(b"", text))) < 8:
        text += os.read(leader, 4096)
    process.send_signal(signal.SIGINT)
    while True:
        try:
            text += os.read(leader, 4096)
        except OSError:
            break
    assert process.wait(10) == 130
    values = [int(value.replace(b",", b"")) for value in registers]
    assert all(b >= a for a, b in pairwise(values)) and values[-1] > values[0]
    assert b"bytes/s" in _CONTROLS.sub(b"", text) and b"Traceback" not in text
    os.close(leader)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), "usage"), (("--rig", "emulated"), "usage"), (("--rig", "x"), "rig-spec"),
        (("--rig", "unix:/nowhere/at/all"), "rig-unreachable"),
        (("--customer", "/dev/nowhere"), "meter-silent"),
        (("--rig", "unix:/x", "--customer", "/dev/x"), "usage"),
        (("--rig", "unix:/x", "--interval", "0"), "usage"),
    ],
)  # fmt: skip
def test_what_cannot_be_watched_is_said_in_a_line(words, code):
    done = top(*words, "--once")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"error: {code}") and done.stderr.count("\n") == 1


def test_a_port_that_is_no_meter_shows_nothing():
    leader, follower = pty.openpty()
    watch = PortsWatch(os.ttyname(follower), None)
    os.write(leader, b"hello\r\n/no telegram!0000\r\n")
    seen = watch.snapshot()
    assert seen["telegram"] is None and seen["ports"]["customer"]["bad"] == 1
    watch.close()
    for handle in (leader, follower):
        os.close(handle)


def hand(*words):
    command = [sys.executable, "-c", CODE, "rig", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.slow
def test_a_hand_at_a_served_rig(tmp_path):
    words = ["rig", "serve", "--watts", "100", "--speed", "max", "--links", str(tmp_path / "at")]
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, *words], stdout=subprocess.PIPE, text=True
    )
    said = json.loads(process.stdout.readline())
    rig = f"unix:{tmp_path / 'at' / 'control'}"
    assert said["control"] == rig[5:]
    for name in ("customer", "utility"):
        assert os.readlink(tmp_path / "at" / name) == said[f"{name}_port"]

    def look():
        return json.loads(top("--rig", rig, "--once", "--json").stdout)

    before = look()["now_s"]
    for command in (["plug", "2500"], ["wait", "10"], ["power", "cycle"], ["wait", "5"]):
        done = hand(*command, "--rig", rig)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
    seen = look()
    assert seen["telegram"]["power_w"] == pytest.approx(2500, rel=0.02) and seen["powered"]
    assert 15 <= seen["now_s"] - before < 20
    assert hand("power", "off", "--rig", rig).returncode == 0 and look()["powered"] is False
    assert hand("power", "on", "--rig", rig).returncode == 0
    assert re.fullmatch(r"\d{6}\n", hand("button", "--rig", rig).stdout)
    held = hand("button", "--hold", "6", "--rig", rig)
    assert (held.returncode, held.stdout) == (0, "No exports are\nallowed.\n"), held.stderr
    for command, code in (
        (["plug", "much"], "usage"), (["plug", "1e999"], "load"), (["plug", '{"kind": 1}'], "load"),
        (["power", "maybe"], "usage"), (["wait", "-1"], "usage"),
        (["button", "--seconds", "x"], "usage"), (["button", "--hold", "0"], "usage"),
    ):  # fmt: skip
        done = hand(*command, "--rig", rig)
        assert done.returncode == 2 and done.stderr.startswith(f"error: {code}"), done.stderr
    process.terminate()
    assert process.wait(10) == 0
    assert os.listdir(tmp_path / "at") == []


def test_a_folder_for_links_that_cannot_be(tmp_path):
    (tmp_path / "at").mkdir()
    (tmp_path / "at" / "utility").write_text("mine")
    done = hand("serve", "--links", str(tmp_path / "at"))
    assert done.returncode == 2 and done.stderr.startswith("error: links-unusable")
    assert os.listdir(tmp_path / "at") == ["utility"]
    assert (tmp_path / "at" / "utility").read_text() == "mine"
