"""`wattseal rig` record and replay: a tape through the host's harness, the same every time."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from wattseal_hil.tape import FORMAT, TapeReader

TAPES = Path(__file__).resolve().parents[1] / "tapes"
KEPT = sorted(TAPES.glob("*.tape"))


def rig(*words, status=0):
    """A command of `wattseal rig`; its JSON object, or what it complains of."""
    command = [sys.executable, "-c", "from wattseal_host.cli.main import run; run()", "rig"]
    done = subprocess.run(
        [*command, *map(str, words), "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout) if done.stdout else done.stderr


def test_there_is_a_tape_of_every_version():
    formats = set()
    for path in KEPT:
        with TapeReader(path) as tape:
            formats.add(tape.header["format"])
    assert formats == {FORMAT}


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_kept_tape_validates_for_ever(path):
    expected = json.loads(path.with_suffix(".json").read_text())
    replayed = rig("replay", path)
    assert replayed["tape"]["whole"]
    assert {name: replayed[name] for name in expected} == expected


@pytest.mark.slow
def test_recorded_now_and_replayed(tmp_path):
    recorded = rig("record", tmp_path / "one.tape", "--watts", 2000, "--seconds", 30)
    assert recorded["records"] == 3
    first = rig("replay", tmp_path / "one.tape")
    assert first["verdict"] == "accepted" and first["meters"][0]["records"] == 3
    assert first == rig("replay", tmp_path / "one.tape")
    again = rig("record", tmp_path / "one.tape", status=2)
    assert again.startswith("error: tape-unusable") and len(again.splitlines()) <= 2


def altered(path, folder, change):
    """A copy of a tape in which `change` (a function of the bytes of the meter) was at work."""
    copy = folder / "altered.tape"
    lines = []
    for line in path.read_bytes().splitlines(keepends=True):
        event = json.loads(line)
        if event.get("what") == "bytes" and event["from"] == "meter":
            event["hex"] = change(bytes.fromhex(event["hex"])).hex()
        lines.append(json.dumps(event, sort_keys=True, separators=(",", ":")).encode() + b"\n")
    copy.write_bytes(b"".join(lines))
    return copy


def test_a_reply_that_was_altered_is_refused(tmp_path):
    """One bit of the signature of a record that the customer's port gave by its number."""

    def change(data: bytes) -> bytes:
        found = re.search(rb"#record 6 [0-9a-f]+", data)
        if not found:
            return data
        at = found.end() - 1
        return data[:at] + (b"0" if data[at : at + 1] != b"0" else b"1") + data[at + 1 :]

    copy = altered(TAPES / "record-1.tape", tmp_path, change)
    assert copy.read_bytes() != (TAPES / "record-1.tape").read_bytes()
    assert rig("replay", copy, status=1)["verdict"] not in ("accepted", "incomplete")


def test_a_tape_that_was_cut_off_says_so(tmp_path):
    data = (TAPES / "record-1.tape").read_bytes()
    (tmp_path / "cut.tape").write_bytes(data[: len(data) * 2 // 3])
    replayed = rig("replay", tmp_path / "cut.tape")
    assert not replayed["tape"]["whole"] and replayed["verdict"] in ("accepted", "incomplete")


def test_a_silent_tape_is_no_success(tmp_path):
    header = (TAPES / "record-1.tape").read_bytes().splitlines(keepends=True)[0]
    (tmp_path / "silent.tape").write_bytes(header)
    assert rig("replay", tmp_path / "silent.tape", status=1)["verdict"] == "nothing-heard"


@pytest.mark.parametrize("content", [None, b"", b"nothing\n", b'{"format":"wattseal-tape/9"}\n'])
def test_what_is_no_tape_is_one_line(tmp_path, content):
    if content is not None:
        (tmp_path / "no.tape").write_bytes(content)
    complaint = rig("replay", tmp_path / "no.tape", status=2)
    assert complaint.startswith("error: tape-") and len(complaint.splitlines()) == 1
