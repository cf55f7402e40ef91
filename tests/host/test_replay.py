"""Captures of both ports go through the harness again and give the same ledger and verdict."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from in_process import wattseal
from scripted_meter import ScriptedMeter, wire
from sealed_house import House, SealingMeter
from wattseal.errors import Malformed
from wattseal_host.collect import many
from wattseal_host.collect.capture import CaptureWriter
from wattseal_host.collect.customer import CustomerPort
from wattseal_host.collect.many import collect_all
from wattseal_host.collect.place import CUSTOMER, Place
from wattseal_host.collect.stream import crc16_arc
from wattseal_host.errors import Unusable
from wattseal_host.ledger import Ledger
from wattseal_host.replay import Outcome, replay

METER = SealingMeter("replayed").origin().paired()
for _value in range(9):
    METER.reading(_value)


PLACE = Place(CUSTOMER, "/dev/meter")


class FixedPort(CustomerPort):
    """A port that goes by one name, whatever pty the meter is at."""

    def __enter__(self) -> CustomerPort:
        super().__enter__()
        self.place = PLACE
        return self


def captured(tmp_path: Path, *meters: ScriptedMeter, name: str = "run") -> tuple[Path, list[str]]:
    """Collect from one port, at which one meter after the other answers, into one ledger."""
    capture = tmp_path / f"{name}.capture"
    codes = []
    with CaptureWriter(capture, [PLACE]) as writer:
        for meter in meters:
            with wire(meter.answer) as path, pytest.MonkeyPatch.context() as patch:
                patch.setattr(
                    many, "CustomerPort", lambda port, tap, at=path: FixedPort(at, 1, tap)
                )
                (outcome,) = collect_all(tmp_path / f"{name}.db", [PLACE], taps=[writer.tap(0)])
            codes.append(outcome.code)
    return capture, codes


def contents(path: Path) -> dict[str, Any]:
    """Everything a ledger holds, but the times at which it was noted."""
    with Ledger(path) as ledger:
        return {
            meter.meter.hex(): (
                ledger.sealed(meter.meter),
                ledger.forks(meter.meter),
                [(r.code, r.source, r.sealed) for r in ledger.rejects(meter.meter)],
            )
            for meter in ledger.meters()
        }


def same_again(capture: Path, ledger: Path, tmp_path: Path) -> Outcome:
    """Replay twice; both give the ledger that collecting gave."""
    outcomes = []
    for number in range(2):
        path = tmp_path / f"again{number}-{capture.name}.db"
        outcomes.append(replay(capture, path))
        assert contents(path) == contents(ledger)
    assert outcomes[0] == outcomes[1]
    return outcomes[0]


def test_a_captured_run_gives_the_same_ledger(tmp_path: Path) -> None:
    capture, codes = captured(tmp_path, ScriptedMeter(METER), ScriptedMeter(METER))
    assert capture.stat().st_mode & 0o777 == 0o600
    outcome = same_again(capture, tmp_path / "run.db", tmp_path)
    assert codes == ["", ""] and outcome.verdict == "accepted"
    assert outcome.meters == {METER.meter: len(METER.sealed)}


def test_a_bad_record_is_turned_away_again(tmp_path: Path) -> None:
    meter = ScriptedMeter(METER)
    meter.told[5] = meter.told[5][:76] + b"\0" + meter.told[5][77:]
    capture, codes = captured(tmp_path, meter, ScriptedMeter(METER))
    outcome = same_again(capture, tmp_path / "run.db", tmp_path)
    assert codes[0] == outcome.verdict == "chain-signature"


def test_a_fork_is_found_again(tmp_path: Path) -> None:
    forked = SealingMeter("replayed").origin().paired().reading(0)
    for value in range(7):
        forked.reading(100 + value)
    capture, codes = captured(tmp_path, ScriptedMeter(METER), ScriptedMeter(forked))
    outcome = same_again(capture, tmp_path / "run.db", tmp_path)
    assert codes == ["", "meter-forked"] and outcome.verdict == "meter-forked"


def test_wiped_rewound_and_replaced_meters_are_found_again(tmp_path: Path) -> None:
    back = ScriptedMeter(METER)
    back.told = METER.sealed[:4]
    wiped = ScriptedMeter(SealingMeter("replayed").origin(METER.end_s).reading(1))
    stranger = ScriptedMeter(SealingMeter("stranger").origin().reading(1))
    for name, second in (("back", back), ("wiped", wiped), ("new", stranger)):
        capture, codes = captured(tmp_path, ScriptedMeter(METER), second, name=name)
        outcome = same_again(capture, tmp_path / f"{name}.db", tmp_path)
        assert codes[1] == outcome.verdict
        assert outcome.verdict == {
            "back": "log-rewound", "wiped": "meter-wiped", "new": "meter-replaced"
        }[name]  # fmt: skip


def telegram(sealed: bytes | None) -> bytes:
    line = b"0-0:96.128.0(%s)\r\n" % sealed.hex().upper().encode() if sealed else b""
    body = b"/WSL5\\wattseal\r\n\r\n1-3:0.2.8(50)\r\n" + line + b"!"
    return body + b"%04X\r\n" % crc16_arc(body)


def raw(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "sniffed.bin"
    path.write_bytes(data)
    return path


def test_raw_telegrams_replay_by_themselves(tmp_path: Path) -> None:
    """Each record is told many times, some telegrams are damaged, and the sniffer joined late;
    the first record holds the meter's key."""
    shown = [sealed for sealed in METER.sealed for _ in range(3)]
    stream = b"ed\r\n!1234\r\n" + b"".join(map(telegram, [None, *shown]))
    damaged = bytearray(stream)
    for at in range(100, len(stream), 1500):
        damaged[at] ^= 4
    for data in (stream, bytes(damaged)):
        outcome = replay(raw(tmp_path, data), tmp_path / f"{len(outcome_files(tmp_path))}.db")
        assert outcome.verdict == "accepted"
        assert outcome.meters == {METER.meter: len(METER.sealed)}
    assert outcome.places[0][1]["bad_telegrams"] > 0


def outcome_files(tmp_path: Path) -> list[Path]:
    return list(tmp_path.glob("*.db"))


def test_raw_captures_of_two_meters_go_into_one_ledger(tmp_path: Path) -> None:
    other = SealingMeter("next door").origin().reading(1)
    for meter in (METER, other):
        path = raw(tmp_path, b"".join(map(telegram, meter.sealed)))
        assert replay(path, tmp_path / "l.db").verdict == "accepted"
    assert list(contents(tmp_path / "l.db")) == [METER.meter.hex(), other.meter.hex()]


def test_telegrams_from_the_middle_connect_to_a_ledger_or_stay_apart(tmp_path: Path) -> None:
    late = raw(tmp_path, b"".join(map(telegram, METER.sealed[4:])))
    with Ledger(tmp_path / "known.db") as ledger:
        ledger.add_meter(House(METER).enrolment)
        ledger.append(METER.meter, METER.sealed[:4], "utility")
    outcome = replay(late, tmp_path / "known.db")
    assert (outcome.verdict, outcome.meters[METER.meter]) == ("accepted", len(METER.sealed) - 4)
    # Without what is before: by the trusted key each record is verified, and none is stored.
    outcome = replay(late, tmp_path / "new.db", trust=House(METER).trust)
    assert outcome.verdict == "log-gap" and outcome.meters == {METER.meter: 0}
    assert outcome.apart == {METER.meter: len(METER.sealed) - 4}
    # And without a key nothing can be said.
    outcome = replay(late, tmp_path / "nobody.db")
    assert outcome.verdict == "meter-unknown" and not outcome.meters


def test_two_places_that_share_a_meter_fill_each_others_gaps(tmp_path: Path) -> None:
    """Each has what the other left, and neither has stored yet what the other needs."""
    places = [PLACE, Place(CUSTOMER, "/dev/the-other")]
    with CaptureWriter(tmp_path / "both.capture", places) as writer:
        for seq, sealed in enumerate(METER.sealed):
            writer.tap(seq // 3 % 2)("host", telegram(sealed))
    outcome = replay(tmp_path / "both.capture", tmp_path / "l.db", trust=House(METER).trust)
    assert outcome.verdict == "accepted"
    assert outcome.meters == {METER.meter: len(METER.sealed)}


def test_both_directions_of_the_customer_port_in_one_raw_stream(tmp_path: Path) -> None:
    meter = ScriptedMeter(METER)
    asked = [b"?status\r\n", b"?history 0 6\r\n", b"?history 6 64\r\n"]
    stream = b"".join(telegram(None) + line + meter.answer(line) for line in asked)
    outcome = replay(raw(tmp_path, stream), tmp_path / "l.db")
    assert outcome.verdict == "accepted" and outcome.meters[METER.meter] == len(METER.sealed)


@pytest.mark.parametrize(
    ("data", "error", "code"),
    [
        (b"", Unusable, "capture-empty"),
        (b"nothing that any meter says", Unusable, "capture-empty"),
        (b'{"format":"wattseal-capture/2","ports":[]}\n', Unusable, "capture-version"),
        (b'{"format":"wattseal-capture/1"}\n', Malformed, "field-missing"),
        (b'{"format":"wattseal-capture/1","ports":[]}\n', Malformed, "field-malformed"),
        (b'{"format":"wattseal-capture/1","ports":[{"kind":"x","port":"y"}]}\n', Malformed,
         "field-malformed"),
    ],
)  # fmt: skip
def test_what_is_no_capture(tmp_path: Path, data: bytes, error: type, code: str) -> None:
    with pytest.raises(error, match=code):
        replay(raw(tmp_path, data), tmp_path / "l.db")


HEAD = b'{"format":"wattseal-capture/1","ports":[{"kind":"customer","port":"a"}]}\n'


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b'{"at_us":1,"data":"AA","port":1,"to":"host"}',
        b'{"at_us":-1,"data":"AA","port":0,"to":"host"}',
        b'{"at_us":1.5,"data":"AA","port":0,"to":"host"}',
        b'{"at_us":1,"data":"AB","port":0,"to":"host"}',
        b'{"at_us":1,"data":"AA","port":0,"to":"both"}',
        b"x" * 200_000,
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: bytes) -> None:
    whole = b'{"at_us":1,"data":"AA","port":0,"to":"host"}\n'
    with pytest.raises(Malformed, match="line 3"):
        replay(raw(tmp_path, HEAD + whole + line + b"\n"), tmp_path / "l.db")
    # The same without its end is what a power cut leaves, and is no line at all.
    if len(line) < 100_000:
        assert (
            replay(raw(tmp_path, HEAD + whole + line), tmp_path / "l.db").verdict == "nothing-heard"
        )


def test_replay_by_command(tmp_path: Path) -> None:
    capture, _ = captured(tmp_path, ScriptedMeter(METER))
    done = wattseal("replay", capture, "--json")
    value = json.loads(done.stdout)
    assert (done.returncode, value["verdict"]) == (0, "accepted")
    assert value["meters"][0]["records"] == len(METER.sealed)
    ledger = tmp_path / "kept.db"
    assert wattseal("replay", capture, "--ledger", ledger).stdout.startswith("verdict: accepted")
    assert contents(ledger) == contents(tmp_path / "run.db")
    late = raw(tmp_path, b"".join(map(telegram, METER.sealed[4:])))
    assert wattseal("replay", late).returncode == 1
    assert wattseal("replay", tmp_path / "missing").returncode == 2
    assert wattseal("replay", tmp_path).returncode == 2
    assert wattseal("replay", late, "--port", "both").returncode == 2


@pytest.mark.parametrize("port", ["utility", "customer"])
def test_noise_alone_is_no_success(tmp_path: Path, port: str) -> None:
    path = tmp_path / "noise"
    path.write_bytes(random.Random(port).randbytes(20_000))
    done = wattseal("replay", path, "--port", port)
    assert done.returncode == 1 and done.stdout.startswith("verdict: nothing-heard")
