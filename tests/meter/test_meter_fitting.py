"""The memory gate: the whole meter in the heap of a chip, as bytecode files and from ROMFS.

The 32-bit VM allocates what 32-bit chips do. Its heap is 128 KiB and what the emulation below the
firmware takes of it. Figures and how they came about: docs/fitting.md.
"""

import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from export_bench import APPROVED, MANIFEST, Service, applet
from meter_bench import START_S, Customer, pair
from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient
from pymodbus.pdu.file_message import FileRecord
from wattseal.chain import Chain, verify_stretch
from wattseal.record import PAIRED, decode_origin, decode_sealed
from wattseal_hil.board import FIRMWARE, EmulatedBoard
from wattseal_hil.errors import BoardError
from wattseal_hil.vm import Vm

HEAP_BYTES = 128 << 10
SHIM_BYTES = 8 << 10  # at most
# What must be free after a collection, at the worst moment: the garbage between two collections
# lives there (boot.py), in pieces.
FREE_BYTES = {"mpy": 10 << 10, "romfs": 46 << 10}
EXPORTING_BYTES = {"mpy": 6 << 10, "romfs": 44 << 10}
MONTH_S = 30 * 86_400
HOUR_S = 3600
# Both channels, sealed every hour, and little else: so a month takes seconds.
SETTINGS = {
    "interval_s": HOUR_S, "channel_set": 3,
    "burst_ms": 3_600_000, "telegram_ms": 3_600_000, "checkpoint_ms": 3_600_000,
}  # fmt: skip

# Heap in use, and names that fit into what is allocated for names already.
_PROBE = """
import gc
def used():
    gc.collect()
    return gc.mem_alloc()
first = last = now = used()
names = 0
while now < last + 512:
    getattr(gc, "spare%d" % names, None)
    names += 1
    last = now
    now = used()
print("heap", first, names)
"""
_EMPTY = """
import gc, vfs
gc.collect()
print("heap", gc.mem_alloc())
class Ram:
    def __init__(self):
        self.data = bytearray(16384)
    def readblocks(self, block, buf, offset=0):
        at = 4096 * block + offset
        buf[:] = memoryview(self.data)[at : at + len(buf)]
    def writeblocks(self, block, buf, offset=0):
        at = 4096 * block + offset
        self.data[at : at + len(buf)] = buf
    def ioctl(self, op, arg):
        return {4: 4, 5: 4096}.get(op, 0)
ram = Ram()
vfs.VfsLfs2.mkfs(ram)
vfs.umount("/")
gc.collect()
before = gc.mem_alloc()
vfs.mount(vfs.VfsLfs2(ram, mtime=False), "/")
gc.collect()
print("heap", gc.mem_alloc() - before)
"""
_NAME_BYTES = 7  # of a new name in MicroPython's table: hash, length, pointer


def numbers(console: str) -> list[int]:
    return [int(word) for line in console.splitlines() for word in line.split()[1:]
            if line.startswith("heap ")]  # fmt: skip


@pytest.fixture(scope="module")
def shim_bytes(vm32, tmp_path_factory) -> int:
    """Heap of the emulation alone: a chip has the interpreter and its file system as well."""
    folder = tmp_path_factory.mktemp("probe")
    (folder / "main.py").write_text(_PROBE)
    with EmulatedBoard(vm32, folder / "board", firmware=folder, form="romfs") as board:
        with pytest.raises(BoardError):  # it ends
            board.power_on()
        used, spare_names = numbers(board.console)[:2]
    command = [*vm32.argv, "-X", "heapsize=200k", "-c", _EMPTY]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    interpreter, file_system = numbers(done.stdout)
    shim = used - interpreter - file_system - spare_names * _NAME_BYTES
    print(f"the emulation takes {shim} bytes of heap")
    assert 0 < shim <= SHIM_BYTES
    return shim


def meter(vm: Vm, workdir: Path, heap_bytes: int, form: str, **options) -> EmulatedBoard:
    return EmulatedBoard(
        vm, workdir, form=form, settings=SETTINGS, heap_bytes=heap_bytes, **options
    )


def both_ports_busy(board: EmulatedBoard, customer: Customer, seconds: float) -> None:
    """Read the log on both ports, again and again, while time flies and records are sealed."""
    over = threading.Event()
    read, refused = [], []

    def read_files() -> None:
        client = ModbusSerialClient(
            board.utility_port, framer=FramerType.RTU, baudrate=19200, timeout=5
        )
        assert client.connect()
        while not over.is_set():
            for seq in range(min(40, first)):
                record = FileRecord(file_number=1, record_number=seq * 120, record_length=240)
                answer = client.read_file_record([record], device_id=1)
                if answer.isError():
                    refused.append(str(answer))
                    continue
                data = answer.records[0].record_data
                read.append(decode_sealed(data[2 : 2 + int.from_bytes(data[:2], "big")]))
        client.close()

    first = customer.status()["next_seq"]
    assert first > 20
    thread = threading.Thread(target=read_files)
    thread.start()
    board.set_pace(2 * HOUR_S)
    try:
        while customer.status()["next_seq"] < first + 2 * seconds:
            assert len(customer.ask(f"?openings {first} 30")) >= 1
            assert len(customer.records(first - 20)) >= 20
    finally:
        over.set()
        thread.join()
        board.set_pace(None)
    assert read and not refused


def worst_case(board: EmulatedBoard, vm: Vm, form: str) -> int:
    """Pair, with the display awake, seal and serve both ports; the free heap's low-water mark."""
    board.watch_heap()
    board.power_on()
    customer = Customer(board)
    try:
        pair(board, customer)
        for _ in range(5):
            board.run_until(board.now_s + 5)
            assert board.display_text().strip()
        board.run_until(board.now_s + 2 * HOUR_S)
        both_ports_busy(board, customer, 2)
    finally:
        customer.close()
    print(f"{form}: at least {board.heap_low_bytes} bytes of heap were free")
    return board.heap_low_bytes


@pytest.fixture(scope="module")
def month(vm32, shim_bytes, tmp_path_factory):
    """A month sealed by a meter deployed as bytecode files; its board, without power."""
    workdir = tmp_path_factory.mktemp("month")
    with meter(vm32, workdir, HEAP_BYTES + shim_bytes, "mpy", start_s=START_S) as board:
        board.power_on()
        customer = Customer(board)
        try:
            pair(board, customer)
            board.run_until(START_S + MONTH_S)
            whole_history(customer)
        finally:
            customer.close()
    return workdir


def whole_history(customer: Customer) -> None:
    records = customer.records()
    assert len(records) >= MONTH_S / HOUR_S
    assert [record.event for record in records].count(PAIRED) >= 1
    chain = Chain(decode_origin(records[0].payload)[3])
    verify_stretch([record.body for record in records], records[-1].signature, chain)


@pytest.mark.parametrize("form", ["mpy", "romfs"])
def test_an_export_fits(form, month, vm32, shim_bytes):
    """By a PIN, of a month: keys of blocks, then sums of days, with records sealed meanwhile."""
    options = {"start_s": START_S + MONTH_S + 24 * HOUR_S * (1 + (form == "romfs"))}
    with meter(vm32, month, HEAP_BYTES + shim_bytes, form, **options) as board:
        board.watch_heap()
        board.power_on()
        board.sleep(HOUR_S)
        service = Service(board)
        try:
            name, data = applet(reads=3)
            if service.mail(MANIFEST, data)[1] != APPROVED:
                assert service.press() == (0, APPROVED)
            for granularity_s in (0, 24 * HOUR_S):
                begin_s = START_S + 2 * HOUR_S
                board.sleep(HOUR_S - 300 - board.now_s % HOUR_S % (HOUR_S - 300))
                one = service.export(begin_s, begin_s + 29 * 24 * HOUR_S, granularity_s)
                service.agree(one, name)
                board.sleep(HOUR_S - board.now_s % HOUR_S + 1 if granularity_s else 1)
                assert service.fetch(one)
        finally:
            service.close()
        print(f"{form}: at least {board.heap_low_bytes} bytes of heap were free")
        assert board.heap_low_bytes >= EXPORTING_BYTES[form]


@pytest.mark.parametrize("form", ["mpy", "romfs"])
def test_the_whole_meter_fits_128_kib(form, month, vm32, shim_bytes):
    options = {"start_s": START_S + MONTH_S + 24 * HOUR_S * (3 + (form == "romfs"))}
    with meter(vm32, month, HEAP_BYTES + shim_bytes, form, **options) as board:
        assert worst_case(board, vm32, form) >= FREE_BYTES[form]
        customer = Customer(board)
        try:
            whole_history(customer)
        finally:
            customer.close()


@pytest.mark.parametrize("form", ["mpy", "romfs"])
def test_twelve_kib_more_do_not_pass(form, vm32, shim_bytes, tmp_path):
    firmware = tmp_path / "firmware"
    shutil.copytree(FIRMWARE, firmware, ignore=shutil.ignore_patterns("__pycache__"))
    main = firmware / "main.py"
    main.write_text("ballast = bytearray(12 << 10)\n" + main.read_text())
    board = meter(vm32, tmp_path / "board", HEAP_BYTES + shim_bytes, form, firmware=firmware)
    with board:
        try:
            low_bytes = worst_case(board, vm32, form)
        except (AssertionError, BoardError):  # the firmware ran out of it, and stopped
            low_bytes = 0
        assert low_bytes < FREE_BYTES[form]
