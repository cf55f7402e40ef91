"""The bench around the VM: same bytes in every run, requests answered, nobody made to hang."""

import hashlib
import os
import threading
import time

import pytest
import serial
from wattseal_hil.board import START_S, EmulatedBoard
from wattseal_hil.errors import BoardError
from wattseal_hil.loads import ConstantLoad, SlotLoad


class Listener:
    """A client that has the port open and takes down whatever comes."""

    def __init__(self, path: str) -> None:
        self._port = serial.Serial(path, 115200, timeout=0.05)
        self.heard = bytearray()
        self._stop = False
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while (data := self._port.read(max(1, self._port.in_waiting))) or not self._stop:
            self.heard += data

    def end(self) -> bytes:
        self._stop = True
        self._thread.join()
        self._port.close()
        return bytes(self.heard)


def digest(board: EmulatedBoard) -> str:
    return hashlib.sha256((board.workdir / "flash.bin").read_bytes()).hexdigest()


def ask_in_two_pieces(port: serial.Serial, number: int, gap_s: float) -> bool:
    """Whether a frame sent in two pieces comes back reversed."""
    body = bytes([number, 1, 2, 3, 4, 5])
    port.write(b"\x06" + body[:2])
    time.sleep(gap_s)
    port.write(body[2:])
    return port.read(7) == b"\x06" + body[::-1]


def an_eventful_day(board: EmulatedBoard) -> tuple[bytes, str, str]:
    """Power cuts, buttons and changing load; what was heard, printed and kept on flash."""
    board.power_on()
    listener = Listener(board.customer_port)
    board.run_until(START_S + 400)
    board.press_button()
    board.plug(2500)
    board.run_until(START_S + 700.123)
    board.power_off()
    board.run_until(START_S + 800)
    board.power_on()
    board.run_until(START_S + 1200)
    return listener.end(), board.console, digest(board)


def test_same_seed_same_bytes_on_both_vms_and_in_every_run(vm64, vm32, make_board):
    runs = [an_eventful_day(make_board(vm)) for vm in (vm64, vm64, vm32)]
    assert runs[0] == runs[1]
    assert runs[0] == runs[2]
    assert runs[0][0].count(b"\r\n") == 700 + 401
    assert runs[0][1].count("button") == 1


def test_another_seed_gives_other_noise_randomness_and_identity(vm64, make_board):
    first, second = (an_eventful_day(make_board(vm64, seed=seed)) for seed in (1, 2))
    assert all(a != b for a, b in zip(first, second, strict=True))


def test_every_start_draws_new_randomness_from_a_seed(vm64, make_board):
    board = make_board(vm64)
    for _ in range(3):
        board.power_on()
        board.power_off()
    directory = board.workdir
    board.close()
    again = make_board(vm64, workdir=directory)
    again.power_on()
    lines = (board.console + again.console).splitlines()
    assert len({line.split()[1] for line in lines}) == 4


def test_how_time_is_sliced_changes_nothing(vm64, make_board):
    whole, sliced = make_board(vm64), make_board(vm64)
    for board in (whole, sliced):
        board.power_on()
    whole.run_until(START_S + 300)
    for tenth in range(1, 3001):
        sliced.run_until(START_S + tenth / 10 + 0.0000123)
    sliced.run_until(START_S + 300)
    assert digest(whole) == digest(sliced)


def test_requests_in_two_pieces_are_answered_with_the_clock_standing_still(vm, make_board):
    board = make_board(vm)
    board.power_on()
    then = board.now_s
    with serial.Serial(board.utility_port, 19200, timeout=1) as port:
        assert sum(ask_in_two_pieces(port, i, 0.003) for i in range(100)) == 100
    assert board.now_s == then


def test_requests_in_two_pieces_are_answered_while_time_flies(vm64, make_board):
    board = make_board(vm64)
    board.power_on()
    done = threading.Event()

    def fly() -> None:
        while not done.is_set():
            board.run_until(board.now_s + 60)

    flight = threading.Thread(target=fly)
    flight.start()
    with serial.Serial(board.utility_port, 19200, timeout=1) as port:
        asked = answered = 0
        while asked < 100 or (board.now_s < START_S + 600 and asked < 2000):
            answered += ask_in_two_pieces(port, asked % 100, 0.002)
            asked += 1
            time.sleep(0.004)
    done.set()
    flight.join()
    assert answered == asked
    assert board.now_s > START_S + 600


def test_a_reader_loses_nothing_however_fast_time_goes(vm64, make_board):
    board = make_board(vm64)
    board.power_on()
    listener = Listener(board.customer_port)
    board.run_until(START_S + 1000)
    lines = listener.end().splitlines()
    times = [int(line.split()[0][1:]) for line in lines if line.startswith(b"/")]
    assert times == list(range(times[0], times[0] + len(times)))
    assert len(times) >= 999
    assert {len(line.rsplit(b" ", 1)[1]) for line in lines} == {850}


def test_bytes_nobody_listens_to_neither_stop_time_nor_wait_for_the_next_client(vm64, make_board):
    board = make_board(vm64)
    board.power_on()
    start = time.monotonic()
    board.run_until(START_S + 1000)
    assert time.monotonic() - start < 5
    with serial.Serial(board.customer_port, 115200, timeout=0.05) as port:
        assert port.read(1) == b""


def test_a_client_that_never_reads_stops_time_only_briefly(vm64, make_board):
    board = make_board(vm64)
    board.power_on()
    with serial.Serial(board.customer_port, 115200, timeout=0.05) as port:
        start = time.monotonic()
        board.run_until(START_S + 1000)
        assert time.monotonic() - start < 6
        assert port.in_waiting > 0


def test_ports_are_eight_bits_wide_and_echo_nothing(vm64, make_board):
    board = make_board(vm64, settings={"telegram_ms": 100_000})
    board.power_on()
    body = bytes(range(250))
    for _ in range(3):
        with serial.Serial(board.utility_port, 19200, parity="E", timeout=0.1) as port:
            port.write(bytes([len(body)]) + body)
            assert port.read(252) == bytes([len(body)]) + body[::-1]
        time.sleep(0.05)  # see Pty: the next client asks for parity anew
    with serial.Serial(board.customer_port, 115200, timeout=1) as port:
        port.write(b"?hello\r\n")
        assert port.readline() == b"#?hello\r\n"


def test_settings_are_written_when_they_differ(vm64, make_board):
    board = make_board(vm64, settings={"telegram_ms": 250})
    board.power_on()
    directory = board.workdir
    with serial.Serial(board.customer_port, 115200, timeout=0.2) as port:
        board.run_until(START_S + 2)
        assert len(port.readlines()) == 8
    board.close()
    kept = make_board(vm64, workdir=directory)  # without settings the file is left alone
    kept.power_on()
    with serial.Serial(kept.customer_port, 115200, timeout=0.2) as port:
        kept.run_until(START_S + 2)
        assert len(port.readlines()) == 8


def test_real_time_passes_at_its_pace(vm64, make_board):
    board = make_board(vm64)
    board.power_on()
    board.set_pace(10)
    time.sleep(1)
    board.set_pace(None)
    passed_s = board.now_s - START_S
    assert 9 <= passed_s <= 13
    time.sleep(0.1)
    stood_s = board.now_s - START_S
    assert stood_s - passed_s < 0.2  # what was under way
    time.sleep(0.1)
    assert board.now_s - START_S == stood_s


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        ("import nothing\n", "firmware-stopped", "ImportError"),
        ("print('first words')\n1/0\n", "firmware-stopped", "first words"),
        ("print('done')\n", "firmware-ended", "done"),
        ("def f(): return f()\nf()\n", "firmware-stopped", "recursion"),
        ("b = bytearray(10 ** 7)\n", "firmware-stopped", "MemoryError"),
    ],
)
def test_a_firmware_that_stops_is_one_clear_error(
    source, code, words, vm64, make_board, firmware
):
    board = make_board(vm64, firmware=firmware(source))
    with pytest.raises(BoardError) as stopped:
        board.power_on()
    assert stopped.value.code == code
    assert words in stopped.value.detail
    assert words in board.console


def test_a_vm_that_dies_while_time_runs_is_an_error_and_can_be_started_again(vm64, make_board):
    board = make_board(vm64)
    board.power_on()
    os.kill(board._bench.vm.process.pid, 9)
    with pytest.raises(BoardError) as stopped:
        board.run_until(START_S + 10)
    assert stopped.value.code == "firmware-stopped"
    assert board.failure is stopped.value
    board.power_on()
    board.run_until(START_S + 10)
    assert board.failure is None


def test_a_load_that_raises_is_an_error_and_not_a_hang(vm64, make_board):
    class Broken(ConstantLoad):
        def power_w(self, t_s: float) -> float:
            return 1 / max(0, START_S + 5 - t_s)

    board = make_board(vm64, load=Broken(1))
    board.power_on()
    with pytest.raises(BoardError) as failed:
        board.run_until(START_S + 10)
    assert failed.value.code == "bench-failed"


def test_time_does_not_run_backwards(vm64, make_board):
    board = make_board(vm64)
    with pytest.raises(BoardError) as refused:
        board.run_until(START_S - 5)
    assert refused.value.code == "time-backwards"


def test_the_load_accounts_for_what_was_plugged_in(vm64, make_board):
    board = make_board(vm64, load=SlotLoad(int(START_S), 1800, [100.0, 300.0]))
    board.run_until(START_S + 1800)
    board.plug(1200)
    board.run_until(START_S + 3600)
    assert board.load_energy_wh(START_S, START_S + 3600) == pytest.approx(100 + 600)


def test_nothing_is_left_behind(vm64):
    before = set(os.listdir("/proc/self/fd"))
    with EmulatedBoard(vm64, firmware=os.path.dirname(__file__) + "/firmware_probe") as board:
        board.power_on()
        process = board._bench.vm.process
        directory = board.workdir
    assert process.returncode is not None
    assert not directory.exists()
    assert set(os.listdir("/proc/self/fd")) <= before  # what a test before left may be gone now
    with pytest.raises(BoardError) as refused:
        board.power_on()
    assert refused.value.code == "board-closed"
    board.close()
