"""Modbus as a server: framing on a serial line, and the functions 3, 4, 6, 16, 17, 20, 43/14.

Pure functions of bytes (Modbus application protocol V1.1b3, serial line V1.02); the register
image and the file records come from an object given to `Server`.
"""

from micropython import const

from meter.crc16 import MODBUS, crc16

_READ_HOLDING_REGISTERS = const(3)
_READ_INPUT_REGISTERS = const(4)
_WRITE_REGISTER = const(6)
_WRITE_REGISTERS = const(16)
_REPORT_SERVER_ID = const(17)
_READ_FILE_RECORD = const(20)
_ENCAPSULATED = const(43)
_READ_DEVICE_IDENTIFICATION = const(14)

_ILLEGAL_FUNCTION = const(1)
_ILLEGAL_ADDRESS = const(2)
_ILLEGAL_VALUE = const(3)
_BUSY = const(6)

_LONGEST_FILE_ANSWER = const(245)
_LONGEST_FRAME = const(256)
_LONGEST_READ = const(125)  # registers
_LONGEST_WRITE = const(123)
_REFERENCE_TYPE = const(6)
_SUB_REQUEST_BYTES = const(7)
_REGULAR_AND_INDIVIDUAL = const(0x82)  # conformity level

# Bytes of a whole request frame by function; the negative ones add the byte count that stands
# at the offset given.
_FRAME_BYTES = {
    1: 8, 2: 8, 3: 8, 4: 8, 5: 8, 6: 8, 7: 4, 8: 8, 11: 4, 12: 4, 17: 4, 22: 10, 24: 6, 43: 7,
}
_COUNT_AT = {15: 6, 16: 6, 20: 2, 21: 2, 23: 10}


def frame_length(data, start):
    """Return the bytes of the request frame that begins at `start`.

    0 while too little is there to tell, -1 where the function's requests have no known length.
    """
    if len(data) - start < 2:
        return 0
    function = data[start + 1]
    if function in _FRAME_BYTES:
        return _FRAME_BYTES[function]
    if function not in _COUNT_AT:
        return -1
    at = _COUNT_AT[function]
    if len(data) - start <= at:
        return 0
    return at + 1 + data[start + at] + 2


class Framer:
    """Finds request frames for one unit in a stream of bytes.

    A frame is told by its length and CRC rather than by silence alone, because a read may bring
    it in pieces or with noise before it. `silence` throws away what never became one.
    """

    def __init__(self, unit):
        self._unit = unit
        self.silence()

    def silence(self):
        """The line has been silent: what came is no frame."""
        self._buffer = b""
        self._begun = []  # places where a frame may have begun, whose end has not come
        self._all = True  # nothing since the silence has been dropped
        self._crc = MODBUS  # of all since then

    def feed(self, data):
        """Take bytes; return the PDU of the first request found for this unit, or None.

        What follows a request is dropped: a master waits for the answer. Each place where a frame
        may begin is judged once, when its end is there, so that noise costs little however it
        comes. A function of no known length is expected right after a silence only: nothing but
        the next silence ends it.
        """
        at = len(self._buffer)
        buffer = self._buffer + data
        self._crc = crc16(data, self._crc)
        waiting = []
        for start in self._begun + [i for i in range(at, len(buffer)) if buffer[i] == self._unit]:
            length = frame_length(buffer, start)
            end = start + length
            if length < 0:
                if start or not self._all:
                    continue
                if len(buffer) < 4 or self._crc:
                    waiting.append(start)
                    continue
                end = len(buffer)
            elif not length or end > len(buffer):
                if length <= _LONGEST_FRAME:
                    waiting.append(start)
                continue
            elif crc16(buffer[start:end], MODBUS):
                continue
            self.silence()
            return buffer[start + 1 : end - 2]
        dropped = max(0, len(buffer) - _LONGEST_FRAME)
        if dropped:
            self._all = False
        self._buffer = buffer[dropped:]
        self._begun = [start - dropped for start in waiting if start >= dropped]
        return None


def frame(unit, pdu):
    """Return the RTU frame of a PDU."""
    data = bytes([unit]) + pdu
    return data + crc16(data, MODBUS).to_bytes(2, "little")


class Server:
    """Answers request PDUs.

    image: `registers(address, count)` and `file_record(file, address, count)`, both returning
    2*count bytes or None where something is not there; `write(address, data)`, telling whether
    the registers may be written so; `identification`, a tuple of (object id, bytes) in ascending
    order. Holding and input registers are the same.
    """

    def __init__(self, image):
        self._image = image

    def answer(self, pdu):
        """Return the answer PDU (normal or exception) to a request PDU of at least one byte."""
        function = pdu[0]
        if function in (_READ_HOLDING_REGISTERS, _READ_INPUT_REGISTERS):
            answer = self._read_registers(pdu)
        elif function == _READ_FILE_RECORD:
            answer = self._read_file_records(pdu)
        elif function in (_WRITE_REGISTER, _WRITE_REGISTERS):
            answer = self._write_registers(pdu)
        elif function == _REPORT_SERVER_ID:
            answer = self._report()
        elif function == _ENCAPSULATED:
            answer = self._identify(pdu)
        else:
            answer = _ILLEGAL_FUNCTION
        if isinstance(answer, int):
            return bytes([function | 0x80, answer])
        return answer

    def _read_registers(self, pdu):
        count = _u16(pdu, 3)
        if len(pdu) != 5 or not 1 <= count <= _LONGEST_READ:
            return _ILLEGAL_VALUE
        data = self._image.registers(_u16(pdu, 1), count)
        if data is None:
            return _ILLEGAL_ADDRESS
        return bytes([pdu[0], len(data)]) + data

    def _write_registers(self, pdu):
        data = pdu[3:]
        if pdu[0] == _WRITE_REGISTERS:
            data = pdu[6:]
            count = _u16(pdu, 3)
            if not 1 <= count <= _LONGEST_WRITE or len(data) != 2 * count or pdu[5] != 2 * count:
                return _ILLEGAL_VALUE
        elif len(pdu) != 5:
            return _ILLEGAL_VALUE
        taken = self._image.write(_u16(pdu, 1), data)
        if not taken:
            return _BUSY if taken is None else _ILLEGAL_ADDRESS
        return pdu[:5]

    def _report(self):
        # Readers differ on where the run indicator stands: after the id, and last.
        text = b" ".join([text for number, text in self._image.identification if number <= 2])
        return bytes([_REPORT_SERVER_ID, len(text) + 3, 1, 0xFF]) + text + b"\xff"

    def _read_file_records(self, pdu):
        length = len(pdu) - 2
        if length < _SUB_REQUEST_BYTES or length % _SUB_REQUEST_BYTES or pdu[1] != length:
            return _ILLEGAL_VALUE
        answer = b""
        for at in range(2, len(pdu), _SUB_REQUEST_BYTES):
            count = _u16(pdu, at + 5)
            if len(answer) + 2 + 2 * count > _LONGEST_FILE_ANSWER:
                return _ILLEGAL_VALUE
            if pdu[at] != _REFERENCE_TYPE:
                return _ILLEGAL_ADDRESS
            data = self._image.file_record(_u16(pdu, at + 1), _u16(pdu, at + 3), count)
            if not data:
                return _ILLEGAL_ADDRESS if data is None else _BUSY
            answer += bytes([1 + len(data), _REFERENCE_TYPE]) + data
        return bytes([_READ_FILE_RECORD, len(answer)]) + answer

    def _identify(self, pdu):
        if len(pdu) < 2 or pdu[1] != _READ_DEVICE_IDENTIFICATION:
            return _ILLEGAL_FUNCTION
        if len(pdu) != 4 or not 1 <= pdu[2] <= 4:
            return _ILLEGAL_VALUE
        code, wanted = pdu[2], pdu[3]
        objects = self._image.identification
        if code == 4:
            chosen = [entry for entry in objects if entry[0] == wanted]
            if not chosen:
                return _ILLEGAL_ADDRESS
        else:
            # Basic is the objects 0 to 2; regular, and extended, of which there is none, all.
            offered = [entry for entry in objects if entry[0] <= 2 or code > 1]
            # A stream that asks for an unknown object begins anew (V1.1b3, 6.21).
            known = wanted in [entry[0] for entry in offered]
            chosen = [entry for entry in offered if not known or entry[0] >= wanted]
        answer = bytes(
            [_ENCAPSULATED, _READ_DEVICE_IDENTIFICATION, code, _REGULAR_AND_INDIVIDUAL, 0, 0]
        ) + bytes([len(chosen)])
        for number, text in chosen:
            answer += bytes([number, len(text)]) + text
        return answer


def _u16(data, at):
    return int.from_bytes(data[at : at + 2], "big")
