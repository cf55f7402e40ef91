"""Instruments for the meter's tests: a clock to move, mains to measure, clients for both ports."""

import json
import math
import random
import re
import threading
import time

import serial
from wattseal.record import decode_sealed
from wattseal_hil import pairing
from wattseal_hil.board import EmulatedBoard

START_S = 1_767_225_600  # 2026-01-01T00:00:00Z, a boundary of every interval


class Ticks:
    """A board's `time` with ticks that wrap at 2^30, as on ESP32; the test moves it."""

    def __init__(self, utc_s=1_767_225_600, epoch_year=2000, ticks_ms=2**30 - 5000):
        self.now_ms = 1000 * utc_s
        self.start_ms = self.now_ms - ticks_ms
        self.epoch_year = epoch_year

    def gmtime(self, _):
        return (self.epoch_year, 1, 1, 0, 0, 0, 0, 1)

    def time_ns(self):
        offset_ms = 946_684_800_000 if self.epoch_year == 2000 else 0
        return (self.now_ms - offset_ms) * 1_000_000

    def ticks_ms(self):
        return (self.now_ms - self.start_ms) % 2**30

    @staticmethod
    def ticks_diff(later, earlier):
        return (later - earlier + 2**29) % 2**30 - 2**29


class Mains:
    """What a sensor's two converters see, sample by sample: 100 us each, in turn.

    amps: RMS, out of phase by `angle` radians (positive: lagging). Codes of 12 bits, 0.805634 mV
    a step above 142 mV, with Gaussian noise of `noise` steps. It stands for `time` as well.
    """

    def __init__(self, amps, angle=0.0, hz=50.0, volts=230.0, noise=1.0, seed=1):
        self.amps, self.angle, self.hz, self.volts, self.noise = amps, angle, hz, volts, noise
        self.random = random.Random(seed)
        self.now_us = 2**30 - 30_000

    def ticks_us(self):
        return self.now_us % 2**30

    ticks_diff = staticmethod(Ticks.ticks_diff)

    def _convert(self, peak_uv, angle):
        uv = 1_300_000 + peak_uv * math.sin(2e-6 * math.pi * self.hz * self.now_us - angle)
        self.now_us += 100
        code = round((uv - 142_000) / 805.634 + self.random.gauss(0, self.noise))
        return min(max(code, 0), 4095)

    def read_voltage(self):
        return self._convert(self.volts * math.sqrt(2) * 600_000 / 230, 0)

    def read_voltage_uv(self):
        return round(self.read_voltage() * 0.805634 + 142) * 1000

    def read_current(self):
        return self._convert(self.amps * math.sqrt(2) * 11_000, self.angle)


def pair(board, customer):
    """Press the button and pair; the Pairing."""
    return pairing.pair(customer.ask, pairing.press_for_pin(board))


class Customer:
    """A customer at the port of an emulated board, who reads all the time: a thread collects."""

    def __init__(self, board):
        self._port = serial.Serial(board.customer_port, timeout=0.02)
        self._received = bytearray()
        self._open = True
        self._thread = threading.Thread(target=self._collect)
        self._thread.start()

    def _collect(self):
        while self._open:
            self._received += self._port.read(max(1, self._port.in_waiting))

    def close(self):
        self._open = False
        self._thread.join()
        self._port.close()

    def send(self, data):
        self._port.write(data)

    def ask(self, line, timeout_s=20):
        """Return the lines of the answer to a command."""
        begin = len(self._received)
        self._port.write(line.encode() + b"\r\n")
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            lines = re.findall(r"(?<=\n)#[^\r\n]*(?=\r\n)", "\n" + self._since(begin))
            if lines and re.match("#(end|error|status|pair|measurement|consent|bill) ", lines[-1]):
                return lines
            time.sleep(0.002)
        raise AssertionError(f"no answer to {line}, only {self._since(begin)!r}")

    @property
    def received(self):
        """How many bytes have come so far."""
        return len(self._received)

    def answers_since(self, begin):
        """Return the whole lines that came since then, without their ends."""
        return bytes(self._received[begin:]).split(b"\r\n")[:-1]

    def lines_since(self, begin):
        return self._received.count(b"\r\n", begin)

    def _since(self, begin):
        return self._received[begin:].decode("ascii")

    def status(self):
        return json.loads(self.ask("?status")[0].removeprefix("#status "))

    def records(self, first=0):
        """Return the whole log from a sequence number, decoded."""
        lines = self.ask(f"?history {first} 100000")
        return [decode_sealed(bytes.fromhex(line.split()[2])) for line in lines[:-1]]

    def telegrams(self):
        """Return the telegrams received so far, each from `/` to its CRC."""
        return re.findall(r"/[^!/]*![0-9A-F]{4}\r\n", self._since(0))

    def neither(self):
        """Return what came and is no part of a telegram nor a whole line of an answer."""
        rest = re.sub(r"/[^!/]*![0-9A-F]{4}\r\n", "", self._since(0))
        return re.sub(r"(?m)^#[^\r\n]*\r\n", "", rest)


def board(workdir, **options):
    """An emulated board with one burst a minute, unless told otherwise."""
    settings = {"burst_ms": 60_000, "telegram_ms": 60_000, **options.pop("settings", {})}
    return EmulatedBoard(workdir=workdir, settings=settings, **options)
