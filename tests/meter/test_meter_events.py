"""What the meter tells the chain beside readings, on the emulated board."""

import hashlib
import shutil
import struct
import textwrap
from pathlib import Path

import pytest
from meter_bench import START_S, Customer, board
from order_bench import desk
from wattseal.events import OPENED, POWER_ON, RESET, SHUT, WATCHDOG, decode_switch
from wattseal.record import BOOT, CALIBRATED, TAMPER

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
HOUR_S = 3600
CASE_PIN = 32
FREE = {"provider": ""}  # nobody to set the clock: the bench does


def digest_of(folder):
    """The firmware digest of SPEC.md 3.4, of a directory of sources."""
    state = hashlib.sha256(b"wattseal/1/firmware\0")
    for path in sorted(str(p.relative_to(folder)) for p in folder.rglob("*")):
        if Path(path).suffix not in (".py", ".bin") or path == "manifest.py":
            continue
        content = (folder / path).read_bytes()
        state.update(path.encode() + b"\0" + struct.pack(">I", len(content)) + content)
    return state.digest()


def test_each_boot_that_seals_says_why_and_what_it_runs(tmp_path):
    with desk(tmp_path, settings=FREE, rtc=True) as at:
        at.after(HOUR_S)
        for _ in range(3):  # boots that seal nothing leave nothing
            at.board.power_off()
            at.board.power_on()
        at.after(2 * HOUR_S + 5)
        causes = [(payload[0], payload[1:]) for payload in at.events(BOOT)]
        assert causes == [(POWER_ON, digest_of(FIRMWARE))] * 2
        assert [record.boot for record in at.records() if record.event == BOOT] == [1, 4]
        assert len(at.events(CALIBRATED)) == 1


@pytest.mark.parametrize(("act", "cause"), [("machine.reset()", RESET), ("hang()", WATCHDOG)])
def test_a_reset_keeps_the_clock_and_says_so(tmp_path, act, cause):
    """Once, an hour after power-on, a thing the firmware does not do by itself happens to it."""
    firmware = faulty(
        tmp_path,
        f"""
        def hang():
            import meter.watchdog
            meter.watchdog.Watchdog.feed = lambda self: None
        async def fault():
            await asyncio.sleep(3000)
            if machine.reset_cause() == machine.PWRON_RESET:
                {act}
        """,
    )
    with desk(tmp_path, firmware=firmware) as at:
        at.order()
        at.after(2 * HOUR_S + 5)
        assert at.customer.status()["clock_set"]
        assert [payload[0] for payload in at.events(BOOT)] == [POWER_ON, cause]
        lengths = [record.length_s for record in at.records()]
        assert sum(lengths) == pytest.approx(2 * HOUR_S, abs=2)
        at.order(by_s=30)  # within the budget
        with pytest.raises(Exception, match="order-budget"):
            at.order(by_s=95)


def faulty(tmp_path, source):
    """The firmware, with a task beside it that does what no firmware should."""
    firmware = tmp_path / "firmware"
    shutil.copytree(FIRMWARE, firmware, ignore=shutil.ignore_patterns("__pycache__"))
    (firmware / "main.py").rename(firmware / "meter_main.py")
    (firmware / "main.py").write_text(
        "import asyncio\nimport machine\n"
        + textwrap.dedent(source)
        + "asyncio.create_task(fault())\nimport meter_main\n"
    )
    return firmware


def test_one_stuck_task_does_not_keep_the_meter_alive(tmp_path):
    """The customer port's UART never again has room: its task waits, all the others run on."""
    firmware = faulty(
        tmp_path,
        """
        class Choked(machine.UART):
            full = False
            def ioctl(self, op, arg):
                return 0 if self.full and op == 3 else super().ioctl(op, arg)
            def write(self, data):
                return 0 if self.full else super().write(data)
        machine.UART = Choked
        async def fault():
            await asyncio.sleep(3000)
            Choked.full = machine.reset_cause() == machine.PWRON_RESET
        """,
    )
    settings = {"burst_ms": 10_000, **FREE}
    with desk(tmp_path, firmware=firmware, settings=settings, rtc=True) as at:
        at.after(HOUR_S)
        assert at.board.console.count("boot 2 ") == 1
        at.after(2 * HOUR_S)
        assert [payload[0] for payload in at.events(BOOT)] == [POWER_ON, WATCHDOG]
        assert at.customer.status()["boot"] == 2


def test_an_opened_case_is_told_even_if_power_was_off(tmp_path):
    with desk(tmp_path, settings={"tamper_pin": CASE_PIN, **FREE}, rtc=True) as at:
        at.after(HOUR_S)
        at.board.drive_pin(CASE_PIN, 1)
        at.after(HOUR_S + 120)
        at.board.drive_pin(CASE_PIN, 0)
        at.after(HOUR_S + 240)
        at.board.power_off()
        at.board.drive_pin(CASE_PIN, 1)
        at.board.power_on()
        at.after(2 * HOUR_S + 5)
        told = [decode_switch(payload) for payload in at.events(TAMPER)]
        assert [state for state, _ in told] == [OPENED, SHUT, OPENED]
        assert [at_s - START_S - HOUR_S for _, at_s in told] == pytest.approx(
            [60, 180, 240], abs=61
        )


def test_other_constants_are_told(tmp_path):
    with desk(tmp_path, settings=FREE, rtc=True) as at:
        at.after(1800)
    with desk(tmp_path / "x", settings=FREE, rtc=True) as other:
        other.after(1800)
        first = other.events(CALIBRATED)
    settings = {"start_mw": 5000}
    with board(tmp_path / "board", settings=settings, start_s=START_S + HOUR_S) as again:
        again.power_on()
        customer = Customer(again)
        again.run_until(START_S + 2 * HOUR_S + 5)
        told = [record.payload for record in customer.records() if record.event == CALIBRATED]
        customer.close()
    assert told[0] == first[0] and len(set(told)) == 2


def test_a_failed_self_test_seals_nothing(tmp_path):
    """One byte of the table of multiples has rotted in the flash."""
    firmware = tmp_path / "firmware"
    shutil.copytree(FIRMWARE, firmware, ignore=shutil.ignore_patterns("__pycache__"))
    tables = firmware / "wattseal" / "comb_tables.bin"
    data = bytearray(tables.read_bytes())
    for at in range(513 * 64 + 100, len(data), 64):
        data[at] ^= 1  # the second half: multiples of H, and of G by a reading
    tables.write_bytes(data)
    with desk(tmp_path, firmware=firmware, settings=FREE, rtc=True) as at:
        at.after(HOUR_S)
        status = at.customer.status()
        assert (status["next_seq"], status["status"] & 96) == (0, 64)
        assert status["register_wh"] == pytest.approx(1000, rel=0.01)
        assert "self-test passed 13 only" in at.board.console
