"""A flash that refuses, fills up or wears out: one line, a status bit, and on it goes."""

from itertools import pairwise

import pytest
from meter_bench import START_S, Customer, board
from wattseal.chain import Chain, verify_stretch
from wattseal.record import OUTAGE, decode_origin
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.faults import Refusal, WornBlock
from wattseal_hil.loads import ConstantLoad
from wattseal_hil.nor import ERASE_BYTES
from wattseal_hil.pairing import pair, read_pin

LOG_INTACT, FLASH_FAILS = 2, 256
SETTINGS = {"interval_s": 60, "checkpoint_ms": 30_000}


@pytest.fixture
def meter(tmp_path):
    with board(tmp_path, load=ConstantLoad(3600), start_s=START_S, settings=SETTINGS) as opened:
        yield opened


def verified(meter):
    customer = Customer(meter)
    records, status = customer.records(), customer.status()
    customer.close()
    verify_stretch(
        [record.body for record in records], records[-1].signature,
        Chain(decode_origin(records[0].payload)[3]),
    )  # fmt: skip
    return records, status


def verified_from(meter, first):
    customer = Customer(meter)
    records = customer.records(first)
    customer.close()
    assert [record.seq for record in records] == list(range(first, first + len(records)))
    for before, record in pairwise(records):
        assert record.previous == before.digest


def status_of(meter):
    customer = Customer(meter)
    status = customer.status()
    customer.close()
    return status


@pytest.mark.parametrize("moment", [1, 2, 5, 9, 14, 30])
def test_a_flash_that_refuses_for_minutes(meter, moment):
    meter.power_on()
    meter.run_until(START_S + 150)
    meter.inject(Refusal(first=moment))
    meter.run_until(START_S + 500)
    lines = meter.console.splitlines()
    assert sum("is not written" in line for line in lines) <= 2
    assert status_of(meter)["status"] & FLASH_FAILS
    meter.inject(None)
    meter.run_until(START_S + 800)
    assert meter.powered
    records, status = verified(meter)
    assert status["status"] & (FLASH_FAILS | LOG_INTACT) == LOG_INTACT
    assert records[-1].end_s == START_S + 780
    (longer,) = [record for record in records if record.kind == OUTAGE]
    assert longer.length_s >= 240
    assert status["sealed_units"][0] == pytest.approx(780, abs=5)
    meter.power_off()
    meter.power_on()
    meter.run_until(START_S + 1000)
    assert [record.sealed for record in verified(meter)[0]][: len(records)] == [
        record.sealed for record in records
    ]


def test_pairing_while_the_flash_refuses(meter):
    meter.power_on()
    meter.run_until(START_S + 90)
    meter.press_button()
    customer = Customer(meter)
    meter.inject(Refusal())
    lines = []

    def ask(command):
        answer = customer.ask(command)
        lines.append(answer[0])
        if answer == ["#error flash-failed"]:
            meter.inject(None)
            return ask(command)
        return answer

    assert pair(ask, read_pin(meter)).epoch == 1
    assert lines[1] == "#error flash-failed"
    customer.close()
    # From the record that ends the interval on: the event, and the change of keys.
    meter.run_until(START_S + 115)
    meter.inject(Refusal(first=40, count=60))
    meter.run_until(START_S + 400)
    records, status = verified(meter)
    assert (status["epoch"], records[-1].epoch) == (1, 1)


def test_a_boot_the_flash_refuses_is_tried_again(meter):
    meter.power_on()
    meter.run_until(START_S + 130)
    meter.power_off()
    before = len(meter.console)
    meter.inject(Refusal())
    meter.power_on()
    meter.run_until(START_S + 200)
    assert "flash fails, starting again" in meter.console[before:]
    meter.inject(None)
    meter.run_until(START_S + 400)
    records, status = verified(meter)
    assert records[-1].end_s == START_S + 360
    assert status["status"] & LOG_INTACT


def test_blocks_that_wear_out_are_gone_round(meter, rng):
    meter.power_on()
    meter.run_until(START_S + 90)
    for block in rng.sample(range(30), 6):
        meter.inject(WornBlock(block))
        meter.run_until(meter.now_s + 120)
    meter.inject(None)
    records, status = verified(meter)
    assert status["status"] & (FLASH_FAILS | LOG_INTACT) == LOG_INTACT
    assert records[-1].end_s >= START_S + 780


FILL = """
import time
with open("/filler", "wb") as file:
    for _ in range(%d):
        file.write(b"x" * 4000)
while True:
    time.sleep(60)
"""


@pytest.mark.parametrize("fill", [0, 5, 7])
def test_a_flash_that_other_files_fill(tmp_path, fill):
    """With no room for a segment the meter measures on, says so once, and answers."""
    flash = tmp_path / "tiny.bin"
    flash.write_bytes(b"\xff" * 18 * ERASE_BYTES)
    other = tmp_path / "other"
    other.mkdir()
    (other / "main.py").write_text(FILL % fill)
    with EmulatedBoard(workdir=tmp_path, flash=flash, firmware=other) as filler:
        filler.power_on()
    options = {"load": ConstantLoad(3600), "start_s": START_S, "settings": SETTINGS}
    with board(tmp_path, flash=flash, **options) as meter:
        meter.power_on()
        meter.run_until(START_S + 8000)
        status = status_of(meter)
        assert status["register_wh"] == pytest.approx(8000, abs=100)
        if fill:
            assert status["status"] & FLASH_FAILS
            assert meter.console.count("is not written") == 1
        else:
            assert (status["status"] & FLASH_FAILS, status["oldest_seq"]) == (0, 96)
            verified_from(meter, 96)
