"""The meter's firmware, unmodified, on the emulated board: both VMs agree, and it measures."""

import hashlib
import json

import pytest
import serial
from wattseal_hil.board import FIRMWARE, START_S, EmulatedBoard
from wattseal_hil.frontend import bench
from wattseal_hil.loads import ConstantLoad, ProfileLoad

MINUTELY = {"burst_ms": 60_000, "telegram_ms": 60_000}


def status(board: EmulatedBoard) -> dict:
    """What the meter says of itself."""
    with serial.Serial(board.customer_port, 115200, timeout=2) as port:
        port.write(b"?status\r\n")
        while line := port.readline():
            if line.startswith(b"#status "):
                return json.loads(line[8:])
    pytest.fail("no answer to ?status")


def a_power_cut_and_a_button(board: EmulatedBoard) -> tuple[str, dict]:
    board.power_on()
    board.run_until(START_S + 5000)
    board.power_off()
    board.run_until(START_S + 6000)
    board.power_on()
    board.press_button()
    board.run_until(START_S + 12_000)
    image = (board.workdir / "flash.bin").read_bytes()
    return hashlib.sha256(image).hexdigest(), status(board)


def test_both_vms_leave_the_same_flash(vm64, vm32, make_board):
    options = {
        "firmware": FIRMWARE,
        "settings": MINUTELY,
        "load": ProfileLoad(),
        "front_end": bench(1),
        "calibration": {"voltage_uv_per_step": 309_105, "current_points": [[250, 73_558, 1293]]},
    }
    first, second = (a_power_cut_and_a_button(make_board(vm, **options)) for vm in (vm64, vm32))
    assert first == second
    assert first[1]["boot"] == 2


@pytest.mark.parametrize("watts", [20, 250, 3000, 11_000])
def test_metered_energy_is_within_half_a_percent(watts, vm64, make_board):
    board = make_board(
        vm64, firmware=FIRMWARE, settings=MINUTELY, load=ConstantLoad(watts), start_s=START_S
    )
    board.power_on()
    board.run_until(START_S + 86_400)
    true_wh = board.load_energy_wh(START_S, START_S + 86_400)
    assert status(board)["register_wh"] == pytest.approx(true_wh, rel=0.005, abs=2)


def test_the_32_bit_vm_runs_it_in_the_heap_of_a_chip(vm32, make_board):
    options = {"firmware": FIRMWARE, "settings": MINUTELY, "heap_bytes": 160 << 10}
    board = make_board(vm32, **options)
    board.power_on()
    board.run_until(START_S + 7200)
    assert status(board)["next_seq"] >= 4
