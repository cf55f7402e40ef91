"""A master at the utility port that may say anything: bytes as they are, no library between."""

import os
import select
import time

import serial
from meter.crc16 import MODBUS, crc16
from meter.modbus import frame
from wattseal.ecdsa import sign
from wattseal.labels import CLOCK_ORDER, CLOSE_ORDER
from wattseal.orders import order_digest

UNIT = 1


class Line:
    """The utility port of an emulated board. Use as a context manager."""

    def __init__(self, board):
        self._port = serial.Serial(board.utility_port, timeout=0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._port.close()

    def fileno(self):
        return self._port.fd

    def drain(self):
        """Throw away what has come."""
        self._port.reset_input_buffer()

    def send(self, data):
        os.write(self._port.fd, data)

    def receive(self, timeout_s=5.0):
        """Return what comes until a whole answer is there or nothing has come for so long."""
        data = b""
        deadline_s = time.monotonic() + timeout_s
        while (left_s := deadline_s - time.monotonic()) > 0:
            if select.select([self._port.fd], [], [], left_s)[0]:
                data += os.read(self._port.fd, 4096)
                if len(data) > 4 and not crc16(data, MODBUS):
                    break
        return data

    def ask(self, pdu, timeout_s=5.0):
        """Return the answer to a request, both without unit and CRC; b"" if there is none."""
        self.send(frame(UNIT, pdu))
        answer = self.receive(timeout_s)
        if not answer:
            return b""
        assert answer[0] == UNIT
        assert not crc16(answer, MODBUS)
        return answer[1:-2]

    def registers(self, address, count):
        answer = self.ask(bytes([3]) + address.to_bytes(2, "big") + count.to_bytes(2, "big"))
        assert answer[:2] == bytes([3, 2 * count]), answer
        return answer[2:]

    def write(self, address, data):
        """Write registers; return whether the meter took them."""
        head = address.to_bytes(2, "big") + (len(data) // 2).to_bytes(2, "big")
        return self.ask(bytes([16]) + head + bytes([len(data)]) + data) == bytes([16]) + head

    def set_clock(self, board, secret, by_s=0):
        """Order the meter to set its clock to the board's time; return the result's number.

        secret: the provider's key, a scalar.
        """
        return self._order(1, CLOCK_ORDER, secret, round(board.now_s) + by_s)

    def close_chain(self, board, secret):
        """Order the meter to end its chain; return the result's number."""
        return self._order(2, CLOSE_ORDER, secret, round(board.now_s))

    def _order(self, kind, label, secret, time_s):
        meter = self.registers(3, 8)
        answer = self.registers(256, 10)
        challenge, counter = answer[:16], int.from_bytes(answer[16:], "big") + 1
        digest = order_digest(label, meter, challenge, counter, time_s)
        order = kind.to_bytes(2, "big") + counter.to_bytes(4, "big") + time_s.to_bytes(4, "big")
        assert self.write(272, order + sign(secret, digest))
        while (result := int.from_bytes(self.registers(75, 1), "big")) == 2:
            time.sleep(0.002)
        return result
