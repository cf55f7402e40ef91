"""Faults by description: read strictly, printed back, and each at work on a board."""

import pytest
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.errors import BoardError
from wattseal_hil.fault_kinds import KINDS, feature_of, parse
from wattseal_hil.loads import ConstantLoad
from wattseal_hil.rig.interface import FEATURES
from wattseal_hil.talk import Talk

TAMPER = 27
FLASH_FAILS, LOG_INTACT = 256, 2
SETTINGS = {
    "interval_s": 10, "burst_ms": 1000, "checkpoint_ms": 2000, "telegram_ms": 1000,
    "tamper_pin": TAMPER,
}  # fmt: skip
# With every required parameter, and no other.
LEAST = [
    {"fault": kind.name, **{p.name: _value for p in kind.parameters if p.required
     for _value in [p.choices[0] if p.choices else 1]}}
    for kind in KINDS.values()
]  # fmt: skip


@pytest.mark.parametrize("description", LEAST, ids=lambda d: d["fault"])
def test_a_description_is_printed_back_whole(description):
    described = parse(description)
    assert set(described.description) == {"fault"} | {
        parameter.name for parameter in KINDS[described.kind].parameters
    }
    assert parse(described.description).description == described.description
    assert feature_of(description) in FEATURES


@pytest.mark.parametrize(
    ("description", "named"),
    [
        ([], "object"),
        ({}, "fault is one of"),
        ({"fault": "rain"}, "rain"),
        ({"fault": ["bit-errors"]}, "fault is one of"),
        ({"fault": "bit-errors", "line": "gas", "rate": 0.1}, "line"),
        ({"fault": "bit-errors", "line": "utility"}, "rate is missing"),
        ({"fault": "bit-errors", "line": "utility", "rate": 1.5}, "rate"),
        ({"fault": "bit-errors", "line": "utility", "rate": float("nan")}, "rate"),
        ({"fault": "bit-errors", "line": "utility", "rate": True}, "rate"),
        ({"fault": "bit-errors", "line": "utility", "rate": "0.1"}, "rate"),
        ({"fault": "power-cut", "at": 0}, "at"),
        ({"fault": "power-cut", "at": 1.0}, "at"),
        ({"fault": "power-cut", "tear": "sideways"}, "tear"),
        ({"fault": "adc-stuck", "input": "voltage", "code": 4096}, "code"),
        ({"fault": "clamp-unplugged", "depth": 3}, "depth"),
    ],
)
def test_what_is_wrong_is_named(description, named):
    with pytest.raises(BoardError) as refused:
        parse(description)
    assert refused.value.code == "fault-malformed"
    assert named in refused.value.detail


@pytest.fixture
def meter():
    with EmulatedBoard(load=ConstantLoad(3600), settings=SETTINGS, form="romfs") as board:
        talk = Talk(board)
        board.power_on()
        board.run_until(board.now_s + 25)
        yield board, talk


def passed(board, seconds):
    board.run_until(board.now_s + seconds)


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "clamp-unplugged"},
        {"fault": "voltage-unplugged"},
        {"fault": "adc-stuck", "input": "current", "code": 4095},
        {"fault": "adc-stuck", "input": "voltage", "code": 0},
    ],
    ids=lambda fault: f"{fault['fault']} {fault.get('input', '')}",
)
def test_a_sensor_at_fault_is_seen_and_comes_back(meter, fault):
    board, talk = meter
    assert talk.status()["power_w"] == pytest.approx(3600, rel=0.01)
    board.inject(fault)
    passed(board, 2)
    assert abs(talk.status()["power_w"]) <= 2  # noise
    board.inject(None)
    passed(board, 2)
    assert talk.status()["power_w"] == pytest.approx(3600, rel=0.01)


def test_the_clock_jumps_and_survives_a_reset(meter):
    board, talk = meter
    before_s = talk.status()["clock_s"] - board.now_s
    for by_s in (40, -100):
        board.inject({"fault": "clock-jump", "by_s": by_s})
        before_s += by_s
        assert talk.status()["clock_s"] - board.now_s == pytest.approx(before_s, abs=1.1)
    board.inject({"fault": "clock-jump", "by_s": -(2**31)})
    assert not talk.status()["clock_set"]
    board.power_off()
    board.inject({"fault": "clock-jump", "by_s": 40})  # there is no clock to jump
    board.power_on()
    assert talk.status()["clock_s"] == pytest.approx(board.now_s, abs=1.1)


def test_a_case_that_is_opened_is_told(meter):
    board, talk = meter
    board.inject({"fault": "case-opened"})
    passed(board, 15)
    assert board.pin(TAMPER) == 1
    board.inject(None)
    passed(board, 15)
    assert board.pin(TAMPER) == 0
    events = [data[41] for data in talk.history(0) if data[1] == 3]
    assert events.count(5) == 2


def test_a_case_without_a_switch_cannot_be_opened(make_board, vm64):
    with pytest.raises(BoardError) as refused:
        make_board(vm64).inject({"fault": "case-opened"})
    assert refused.value.code == "fault-malformed"


def test_a_full_flash_is_told_and_waits(meter):
    board, talk = meter
    board.inject({"fault": "flash-full"})
    passed(board, 250)  # what is begun of a block has room for some records
    status = talk.status()
    assert status["status"] & FLASH_FAILS
    assert status["register_wh"] == pytest.approx(board.now_s - 1_767_225_600, abs=3)
    board.inject(None)
    passed(board, 30)
    assert talk.status()["status"] & (FLASH_FAILS | LOG_INTACT) == LOG_INTACT
    assert talk.status()["next_seq"] > status["next_seq"]


@pytest.mark.parametrize("tear", ["before", "bits", "after"])
@pytest.mark.parametrize("at", [1, 6])
def test_the_power_dips_in_mid_seal(meter, at, tear):
    """At an interval's end, while a record is on its way to the flash; then it is back."""
    board, talk = meter
    power = []
    board.tap(lambda *_: None, lambda on, at_us: power.append((on, at_us / 1e6)))
    count = talk.status()["next_seq"]
    board.inject({"fault": "brown-out", "at": at, "tear": tear, "off_ms": 400})
    passed(board, 12)
    (off, off_s), (on, on_s) = power
    assert (off, on, board.powered) == (False, True, True)
    assert off_s % 10 < 0.2
    assert on_s - off_s == pytest.approx(0.4, abs=0.001)
    board.inject(None)
    passed(board, 20)
    records = talk.history(0)
    assert len(records) > count
    assert len({data[30:34] for data in records if data[1] != 3}) == len(
        [data for data in records if data[1] != 3]
    )


def test_the_power_fails_and_comes_back_by_itself(meter):
    board, talk = meter
    board.inject({"fault": "power-cut", "at": 5, "tear": "prefix", "off_ms": 2500})
    passed(board, 30)
    assert board.powered
    assert talk.status()["boot"] == 2
    board.inject({"fault": "power-cut", "at": 5})
    passed(board, 30)
    assert not board.powered


def test_several_are_at_work_until_all_end(meter):
    board, talk = meter
    board.inject({"fault": "clamp-unplugged"})
    board.inject({"fault": "cut-line", "line": "utility"})
    board.inject({"fault": "flash-refuses"})
    passed(board, 13)
    assert not talk.answers(1)
    status = talk.status()
    assert abs(status["power_w"]) <= 2
    assert status["status"] & FLASH_FAILS
    board.inject(None)
    passed(board, 13)
    assert talk.answers(1)
    assert talk.status()["status"] & FLASH_FAILS == 0
