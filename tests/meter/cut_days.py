"""Three recorded days of a meter, and what its ports had shown before every flash operation.

The first: an empty flash, the first boot, the provider sets the clock, sealing, a pairing, the
clock put back, a boot. The second, on a small flash that is nearly full: old segments made
compact and dropped, sealing, a pairing, a boot. The third: the case opened and shut, consent given
and withdrawn, a boot, the end of the chain.
"""

import json
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime

from meter_bench import Customer, pair
from raw_line import Line
from wattseal.ecdsa import public_key
from wattseal.events import GIVEN, WITHDRAWN
from wattseal.orders import consent_proof
from wattseal.p256 import encode_point
from wattseal.record import (
    BOOT,
    CLOCK_SET,
    CLOSED,
    CONSENT,
    PAIRED,
    ROTATED,
    TAMPER,
    decode_sealed,
)
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.faults import Recorder
from wattseal_hil.loads import ConstantLoad
from wattseal_hil.nor import ERASE_BYTES

START_S = 1_767_225_600
INTERVAL_S = 60
CHECKPOINT_S = 30
TELEGRAM_S = 10
WATTS = 3000
PROVIDER = 0xC0FFEE
CASE_PIN = 13
SETTINGS = {
    "interval_s": INTERVAL_S, "burst_ms": 10_000, "telegram_ms": 1000 * TELEGRAM_S,
    "checkpoint_ms": 1000 * CHECKPOINT_S, "tamper_pin": CASE_PIN,
    "provider": encode_point(public_key(PROVIDER)).hex(),
}  # fmt: skip
SMALL_BLOCKS = 42
OBEYED = 1

_TELEGRAM = re.compile(
    rb"/[^!/]*?0-0:96\.1\.1\(([0-9A-F]+)\)(?:[^!/]*?0-0:96\.128\.0\(([0-9A-F]+)\))?"
    rb"[^!/]*?1-0:1\.8\.1\((\d+)\.(\d+)\*kWh\)[^!/]*![0-9A-F]{4}\r\n"
)
_STAMP = re.compile(rb"0-0:1\.0\.0\((\d+)[SW]\)")


def open_board(folder, flash=None, start_s=START_S):
    """A board of these days, without a clock at power-on."""
    return EmulatedBoard(
        workdir=folder, flash=flash, start_s=start_s, rtc=False, settings=SETTINGS,
        load=ConstantLoad(WATTS), form="romfs",
    )  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """What the ports had shown at some moment. register_wh: (when it was sent, what it said)."""

    records: int
    register_wh: tuple[int, int] | None
    earlier_wh: int
    secret: bytes | None


@dataclass
class Day:
    """A recorded day.

    truth: all records it came to. times_s: of each operation. before: the records that were
    collected before the recording began.
    """

    name: str
    recorder: Recorder
    truth: list[bytes]
    times_s: list[float]
    before: int
    _marks: list[tuple[int, int, int]] = field(default_factory=list)
    _secrets: list[tuple[int, bytes]] = field(default_factory=list)
    _sent_s: list[float] = field(default_factory=list)

    def __post_init__(self):
        sent = bytes(self.recorder.sent[0])
        for match in _TELEGRAM.finditer(sent):
            newest = bytes.fromhex(match[2].decode()) if match[2] else b""
            seq = decode_sealed(newest).seq + 1 if newest else 0
            assert not newest or newest == self.truth[seq - 1]
            self._marks.append((match.end(), seq, int(match[3] + match[4])))
            stamp = _STAMP.search(match[0])[1].decode()
            self._sent_s.append(datetime.strptime(stamp, "%y%m%d%H%M%S").timestamp())
        ends = [match.end() for match in re.finditer(rb'#pair \{"epoch":[^\r]*\r\n', sent)]
        self._secrets = list(zip(ends, self.recorder.secrets, strict=True))

    def _kept(self, count):
        """How many of the first telegrams a checkpoint was certainly made after.

        Each has one after it by more than the time of a checkpoint, and the meter was on all the
        while: what was shown shortly before the day's own loss of power may be lost with it.
        """
        begin = 0
        kept = 0
        for at in range(1, count):
            if not 0 <= self._sent_s[at] - self._sent_s[at - 1] <= TELEGRAM_S:
                begin = at
            while begin < at and self._sent_s[at] - self._sent_s[begin] > CHECKPOINT_S:
                begin += 1
                kept = begin
        return kept

    def shown(self, operation):
        """What had been shown before an operation (or, past the last, at the end)."""
        ends = [*(shown[0] for shown in self.recorder.shown), len(self.recorder.sent[0])]
        at = ends[operation]
        marks = self._marks[: bisect_right(self._marks, (at, 1 << 32, 0))]
        secrets = [secret for end, secret in self._secrets if end <= at]
        old = marks[: self._kept(len(marks))]
        return Shown(
            max((mark[1] for mark in marks), default=self.before),
            marks[-1][1:] if marks else None,
            old[-1][2] if old else 0,
            secrets[-1] if secrets else None,
        )


class _Timed(Recorder):
    def __init__(self, image, board):
        super().__init__(image)
        self._board = board
        self.times_s = []
        self.secrets = []  # of the epochs paired

    def judge(self, operation, image):
        self.times_s.append(self._board.now_s)
        return super().judge(operation, image)


def record_first_day(folder):
    """Record the first day."""
    with open_board(folder) as board:
        recorder = _Timed((folder / "flash.bin").read_bytes(), board)
        board.inject(recorder)
        _boot(board)
        _pass(board, 4)
        _pair(board, recorder)
        _pass(board, 4)
        with Line(board) as line:
            assert line.set_clock(board, PROVIDER, by_s=-10) == OBEYED
        _pass(board, 3)
        _boot_again(board)
        _pass(board, 3)
        return _day("first", board, recorder, [])


def record_full_day(folder):
    """Record the day on a small flash, after a past long enough to fill it."""
    folder.mkdir(parents=True, exist_ok=True)
    flash = folder / "small.bin"
    flash.write_bytes(b"\xff" * ERASE_BYTES * SMALL_BLOCKS)
    with open_board(folder, flash) as board:
        _boot(board)
        past = []
        for intervals in (90, 90, 90):
            _pass(board, intervals)
            past += _collect(board, len(past))
        _boot_again(board)
        _pass(board, 4)
        board.power_off()
        recorder = _Timed(flash.read_bytes(), board)
        board.inject(recorder)
        _boot(board)
        _pass(board, 3)
        _pair(board, recorder)
        with Line(board) as line:
            assert line.write(320, (192).to_bytes(4, "big"))
        _pass(board, 9)
        _boot_again(board)
        _pass(board, 2)
        day = _day("full", board, recorder, past)
    events = {decode_sealed(sealed).event for sealed in day.truth[day.before :]}
    assert {PAIRED, BOOT, CLOCK_SET, ROTATED} <= events
    assert any(operation.data[:1] == b"\xc1" for operation in recorder.operations)
    return day


def record_event_day(folder):
    """Record the third day."""
    with open_board(folder) as board:
        recorder = _Timed((folder / "flash.bin").read_bytes(), board)
        board.inject(recorder)
        _boot(board)
        _pass(board, 2)
        meter, secret = _pair(board, recorder)
        _pass(board, 2)
        board.drive_pin(CASE_PIN, 1)
        _pass(board, 1)
        _consent(board, meter, secret, GIVEN)
        board.drive_pin(CASE_PIN, 0)
        _pass(board, 2)
        _consent(board, meter, secret, WITHDRAWN)
        _boot_again(board)
        _pass(board, 2)
        with Line(board) as line:
            assert line.close_chain(board, PROVIDER) == OBEYED
        _pass(board, 1)
        day = _day("event", board, recorder, [])
    events = {decode_sealed(sealed).event for sealed in day.truth}
    assert {TAMPER, CONSENT, CLOSED} <= events
    return day


def _consent(board, meter, secret, state):
    customer = Customer(board)
    (line,) = customer.ask("?consent")
    challenge = bytes.fromhex(json.loads(line.split(" ", 1)[1])["challenge"])
    proof = consent_proof(secret, meter, 1, challenge, state)
    (line,) = customer.ask(f"?consent {state} {proof.hex()}")
    assert line.startswith("#consent "), line
    customer.close()


def _boot(board):
    board.power_on()
    with Line(board) as line:
        assert line.set_clock(board, PROVIDER) == OBEYED


def _boot_again(board):
    board.power_off()
    board.run_until(board.now_s + 25)
    _boot(board)


def _pass(board, intervals):
    board.run_until(board.now_s + intervals * INTERVAL_S)


def _pair(board, recorder):
    """Return (meter's id, the secret of the epoch to come)."""
    customer = Customer(board)
    paired = pair(board, customer)
    customer.close()
    recorder.secrets.append(paired.secret)
    return bytes.fromhex(paired.meter), paired.secret


def _collect(board, first):
    customer = Customer(board)
    records = [record.sealed for record in customer.records(first)]
    customer.close()
    return records


def _day(name, board, recorder, past):
    board.inject(None)
    truth = past + _collect(board, len(past))
    return Day(name, recorder, truth, recorder.times_s, len(past))
