"""Tapes: what is on them, that one life gives one tape, and what the reader refuses."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import serial
from wattseal_hil.appliances import Motor
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.errors import BoardError
from wattseal_hil.loads import ConstantLoad, ProfileLoad, SlotLoad, described
from wattseal_hil.tape import FORMAT, TapeReader, TapeWriter

HEADER = {"at_us": 5, "board": {}, "firmware": {}, "rig": "test", "vm": ""}


def events(path):
    with TapeReader(path) as tape:
        return list(tape.events()), tape.whole


def short_life(folder):
    """Boot, load, power cut, fault, button: an emulated board's tape of it."""
    with EmulatedBoard(load=ConstantLoad(500), workdir=folder) as board:
        board.record(folder / "life.tape")
        board.power_on()
        board.run_until(board.now_s + 3)
        board.plug(2000)
        board.power_off()
        board.run_until(board.now_s + 2)
        board.power_on()
        board.inject({"fault": "clamp-unplugged"})
        board.inject(None)
        board.send(0, b"?status\r\n")
        time.sleep(0.3)  # it is answered while the board's clock stands still
        board.run_until(board.now_s + 3)
        board.press_button()
        board.stop_recording()
        board.record(folder / "next.tape")
        board.run_until(board.now_s + 2)
    return folder / "life.tape"


def test_everything_is_on_it(tmp_path):
    path = short_life(tmp_path)
    with TapeReader(path) as tape:
        assert tape.header["format"] == FORMAT and tape.header["rig"] == "emulated"
        assert "micropython" in tape.header["vm"] and "main.py" in tape.header["firmware"]["files"]
        found = list(tape.events())
        assert tape.whole
    assert path.stat().st_mode & 0o777 == 0o600
    assert [e.fields["on"] for e in found if e.what == "power"] == [True, False, True]
    assert [e.fields["load"].get("watts") for e in found if e.what == "load"] == [500, 2000]
    assert [e.what for e in found if e.what in ("fault", "clear")] == ["fault", "clear"]
    assert next(e for e in found if e.what == "fault").fields["fault"]["fault"] == "clamp-unplugged"
    assert [e.fields["level"] for e in found if e.what == "pin"] == [0, 1]
    assert "boot 1" in "".join(e.fields["text"] for e in found if e.what == "console")
    said = b"".join(e.data for e in found if e.what == "bytes" and e.fields["from"] == "client")
    heard = b"".join(e.data for e in found if e.what == "bytes" and e.fields["from"] == "meter")
    assert said == b"?status\r\n" and heard.count(b"/WSL5") == 6 and b"#status" in heard
    assert found[-1].what == "end"
    next_found, whole = events(tmp_path / "next.tape")  # a tape ends with its board, too
    assert whole and {e.what for e in next_found} >= {"load", "bytes", "end"}


def test_one_life_gives_one_tape(tmp_path):
    lives = [tmp_path / "a", tmp_path / "b"]
    for folder in lives:
        folder.mkdir()
    one, two = (
        [(e.at_us, e.what, e.fields) for e in events(short_life(folder))[0] if e.what != "console"]
        for folder in lives
    )
    assert one == two


KILLED = """
import os, signal, sys
from wattseal_hil.board import EmulatedBoard
with EmulatedBoard(workdir=sys.argv[1]) as board:
    board.record(sys.argv[1] + "/tape")
    board.power_on()
    board.run_until(board.now_s + 5)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_leaves_a_tape_that_reads(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    found, whole = events(tmp_path / "tape")
    assert not whole and len([e for e in found if e.what == "bytes"]) >= 5
    torn = (tmp_path / "tape").read_bytes()[:-3]
    (tmp_path / "torn").write_bytes(torn)
    assert len(events(tmp_path / "torn")[0]) == len(found) - 1


def test_a_client_of_a_port_is_on_it(tmp_path):
    with EmulatedBoard(load=ConstantLoad(0)) as board:
        board.power_on()
        board.record(tmp_path / "tape")
        with serial.Serial(board.customer_port, timeout=2) as port:
            port.write(b"?status\r\n")
            port.read_until(b"\r\n")
    assert "client" in {e.fields.get("from") for e in events(tmp_path / "tape")[0]}


def test_no_tape_is_overwritten(tmp_path):
    TapeWriter(tmp_path / "tape", HEADER).close(6)
    with pytest.raises(BoardError) as caught:
        TapeWriter(tmp_path / "tape", HEADER)
    assert caught.value.code == "tape-unusable"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
def test_a_full_disk_is_told_at_the_end(tmp_path):
    tape = TapeWriter(tmp_path / "tape", HEADER)
    with open("/dev/full", "wb", buffering=0) as full:
        os.dup2(full.fileno(), tape._file.fileno())
        tape.write(6, "clear")
        with pytest.raises(BoardError) as caught:
            tape.close(7)
    assert caught.value.code == "tape-unusable"


def line(**fields):
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n"


FIRST = line(**HEADER, format=FORMAT)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "tape-format"),
        (b"\x00\xff\n", "tape-format"),
        (b"[]\n", "tape-format"),
        (line(**HEADER, format="wattseal-tape/2"), "tape-format"),
        (line(format=FORMAT), "tape-malformed"),
        (line(**HEADER, format=FORMAT, more=1), "tape-malformed"),
        (FIRST + b"{}\n", "tape-malformed"),
        (FIRST + b"garbage\n", "tape-malformed"),
        (FIRST + b'{"at_us": 6,"what":"clear"}\n', "tape-malformed"),
        (FIRST + line(at_us=6, what="dream"), "tape-malformed"),
        (FIRST + b'{"at_us":6,"load":{"watts":NaN},"what":"load"}\n', "tape-malformed"),
        (FIRST + line(at_us=4, what="clear"), "tape-malformed"),
        (FIRST + line(at_us=6.5, what="clear"), "tape-malformed"),
        (FIRST + line(at_us=True, what="clear"), "tape-malformed"),
        (FIRST + line(at_us=6, what="end") + line(at_us=6, what="clear"), "tape-malformed"),
        (FIRST + line(at_us=6, what="bytes", port="third", hex="00", **{"from": "meter"}),
         "tape-malformed"),
        (FIRST + line(at_us=6, what="bytes", port="utility", hex="0", **{"from": "meter"}),
         "tape-malformed"),
        (FIRST + line(at_us=6, what="bytes", port="utility", hex="", **{"from": "meter"}),
         "tape-malformed"),
        (FIRST + line(at_us=6, what="pin", pin=3, level=2), "tape-malformed"),
        (FIRST + b"[" * (1 << 20) + b"\n", "tape-malformed"),
    ],
)  # fmt: skip
def test_what_is_no_tape(tmp_path, data, code):
    (tmp_path / "tape").write_bytes(data)
    with pytest.raises(BoardError) as caught:
        events(tmp_path / "tape")
    assert caught.value.code == code


def test_loads_can_be_told_apart_on_it(tmp_path):
    loads = [
        ConstantLoad(500), Motor(500, 0.7), Motor(500, 0.7, leading=True), ProfileLoad(),
        ProfileLoad(2000), SlotLoad(0, 900, [1.0, 2.0]), SlotLoad(0, 900, [2.0, 1.0]),
        SlotLoad(900, 900, [2.0, 1.0]),
    ]  # fmt: skip
    said = [json.dumps(described(load), sort_keys=True) for load in loads]
    assert len(set(said)) == len(loads)
    assert described(SlotLoad(0, 900, [1.0, 2.0])) == described(SlotLoad(0, 900, [1.0, 2.0]))
    assert described(loads[0]) == {"kind": "ConstantLoad", "watts": 500.0}
