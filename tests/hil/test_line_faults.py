"""Faults of the lines: each does what it says and no more, the same each time, and in order."""

import time

import pytest
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.line import Line
from wattseal_hil.line_faults import (
    BabblingMaster,
    BitErrors,
    CutLine,
    DelayedBytes,
    DoubledBytes,
    DroppedBytes,
    crc16,
    framed,
)
from wattseal_hil.loads import ConstantLoad
from wattseal_hil.talk import CUSTOMER, UTILITY, Talk

DATA = bytes(range(256)) * 8


def carried(fault, data=DATA, to_meter=True):
    (piece,) = fault.carry(to_meter, data, 0)
    assert piece[0] == 0
    return piece[1]


def test_bits_turn_over_at_the_rate():
    noisy = carried(BitErrors("utility", "both", 0.01, 1))
    turned = sum((a ^ b).bit_count() for a, b in zip(DATA, noisy, strict=True))
    assert 0.005 < turned / (8 * len(DATA)) < 0.015
    assert noisy == carried(BitErrors("utility", "both", 0.01, 1))
    assert noisy != carried(BitErrors("utility", "both", 0.01, 2))
    assert carried(BitErrors("utility", "both", 0.0, 1)) == DATA


def test_bytes_are_lost_or_doubled_at_the_rate():
    fewer = carried(DroppedBytes("customer", "both", 0.1, 1))
    more = carried(DoubledBytes("customer", "both", 0.1, 1))
    assert 0.85 < len(fewer) / len(DATA) < 0.95
    assert 1.05 < len(more) / len(DATA) < 1.15
    assert carried(DroppedBytes("customer", "both", 1.0, 1)) == b""
    assert carried(DoubledBytes("customer", "both", 1.0, 1), b"ab") == b"aabb"


@pytest.mark.parametrize("way", ["to-meter", "from-meter"])
def test_a_fault_one_way_leaves_the_other(way):
    fault = CutLine("utility", way)
    assert fault.carry(way == "to-meter", b"x", 0) == []
    assert fault.carry(way != "to-meter", b"x", 0) == [(0, b"x")]


def test_what_is_late_keeps_its_order():
    line = Line()
    line.add(DelayedBytes("utility", "both", 1.0, 1000, 1), 0)
    assert line.carry(True, b"abc", 0) == b""
    assert line.carry(False, b"z", 0) == b""
    assert (line.due_us, line.release(999)) == (1000, [])
    line.clear()
    # What comes after it waits behind it, though nothing delays it any more.
    assert line.carry(True, b"d", 500) == b""
    assert line.release(1000) == [(False, b"z"), (True, b"a")]
    assert b"".join(data for _, data in line.release(3000)) == b"bcd"
    assert (line.due_us, line.carry(True, b"e", 3000)) == (None, b"e")


def test_faults_of_a_line_follow_one_another():
    line = Line()
    line.add(DoubledBytes("utility", "both", 1.0, 1), 0)
    line.add(DelayedBytes("utility", "both", 1.0, 10, 1), 0)
    assert line.carry(True, b"ab", 0) == b""
    assert line.release(40) == [(True, b"a"), (True, b"a"), (True, b"b"), (True, b"b")]


@pytest.mark.parametrize("what", ["noise", "frames", "requests"])
def test_a_master_babbles_in_time(what):
    line = Line()
    line.add(BabblingMaster("utility", 100, what, 20, 1), 50)
    assert line.due_us == 150
    said = line.release(350)
    assert [to_meter for to_meter, _ in said] == [True] * 3
    assert line.due_us == 450
    for _, data in said:
        assert (crc16(data) == 0) == (what != "noise")
        assert len(data) == {"noise": 20, "frames": 24, "requests": 8}[what]


def test_check_sums():
    assert framed(bytes.fromhex("030000000a")) == bytes.fromhex("01030000000ac5cd")
    assert crc16(b"123456789") == 0x4B37
    assert crc16(b"123456789", 0) == 0xBB3D


@pytest.fixture(scope="module")
def meter():
    settings = {"interval_s": 60, "burst_ms": 5000, "telegram_ms": 1000}
    with EmulatedBoard(load=ConstantLoad(1000), settings=settings, form="romfs") as board:
        board.power_on()
        board.run_until(board.now_s + 65)
        yield board, Talk(board)


@pytest.mark.parametrize(
    ("fault", "port"),
    [
        ({"fault": "cut-line", "line": "utility", "way": "to-meter"}, UTILITY),
        ({"fault": "cut-line", "line": "customer"}, CUSTOMER),
        ({"fault": "dropped-bytes", "line": "utility", "rate": 1}, UTILITY),
        ({"fault": "bit-errors", "line": "customer", "rate": 0.3}, CUSTOMER),
        ({"fault": "delayed-bytes", "line": "utility", "delay_ms": 600}, UTILITY),
        ({"fault": "doubled-bytes", "line": "utility", "rate": 1}, UTILITY),
    ],
    ids=lambda value: value["fault"] if isinstance(value, dict) else str(value),
)
def test_a_port_is_out_of_reach_while_the_fault_lasts(meter, fault, port):
    board, talk = meter
    board.inject(fault)
    assert not talk.answers(port)
    assert talk.answers(1 - port)
    board.inject(None)
    board.run_until(board.now_s + 6)  # what is late still arrives
    assert talk.answers(port)


def test_a_request_in_eight_pieces_is_answered(meter):
    board, talk = meter
    board.inject({"fault": "delayed-bytes", "line": "utility", "way": "to-meter", "delay_ms": 50})
    before_s = board.now_s
    assert talk.answers(UTILITY)
    assert 0.399 <= board.now_s - before_s < 0.5
    board.inject(None)


def test_a_client_hears_what_the_line_leaves(meter):
    import serial

    board, _ = meter
    with serial.Serial(board.customer_port, timeout=5) as client:
        board.run_until(board.now_s + 2)
        assert client.read_until(b"!").endswith(b"!")
        board.inject({"fault": "cut-line", "line": "customer", "way": "from-meter"})
        time.sleep(0.2)  # a pseudo-terminal hands over in real time
        client.reset_input_buffer()
        board.run_until(board.now_s + 3)
        client.timeout = 0.2
        assert client.read(1) == b""
        board.inject(None)
        board.run_until(board.now_s + 2)
        client.timeout = 5
        assert client.read_until(b"!").endswith(b"!")


def test_time_goes_on_while_a_master_babbles_faster_than_the_bench_ticks(meter):
    board, _ = meter
    board.inject({"fault": "babbling-master", "period_ms": 2, "bytes": 3})
    before_s = board.now_s
    board.set_pace(5)
    time.sleep(0.3)
    board.set_pace(None)
    board.inject(None)
    assert board.now_s - before_s > 0.5
