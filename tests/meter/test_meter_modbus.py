"""Modbus RTU: framing of what a line brings, and the three functions, byte for byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meter import modbus
from meter.modbus import Framer, Server, frame
from pymodbus.framer import FramerRTU

UNIT = 1
READ = bytes.fromhex("0300000002")


class Image:
    """Registers 0 to 199 hold their own address; file 1 has 240 bytes at addresses 0 to 119."""

    def write(self, address, data):
        return address == 100 and len(data) == 4

    identification = ((0, b"v"), (1, b"p"), (2, b"r"), (4, b"n"))

    def registers(self, address, count):
        if address + count > 200:
            return None
        return b"".join(register.to_bytes(2, "big") for register in range(address, address + count))

    def file_record(self, file, address, count):
        return self.registers(address, count) if file == 1 and address + count <= 120 else None


def answer(pdu):
    return Server(Image()).answer(bytes.fromhex(pdu)).hex()


@pytest.mark.parametrize(
    ("request_pdu", "expected"),
    [
        ("0300050002", "030400050006"),
        ("0300c60002", "030400c600c7"),
        ("0300c70002", "8302"),
        ("03ffff0001", "8302"),
        ("0300000000", "8303"),
        ("030000007e", "8303"),
        ("03000000", "8303"),
        ("030000000100", "8303"),
        ("0400050002", "040400050006"),
        ("0600000001", "8602"),
        ("06000001", "8603"),
        ("100000000102ffff", "9002"),
        ("100064000204ffff0000", "1000640002"),
        ("100064000204ffff", "9003"),
        ("100064000202ffff0000", "9003"),
        ("1000640000", "9003"),
        ("11", "110801ff" + "762070207 2".replace(" ", "") + "ff"),
        ("00", "8001"),
        ("2b", "ab01"),
        ("2b0d0000", "ab01"),
        ("2b0e0500", "ab03"),
        ("2b0e0000", "ab03"),
        ("2b0e01", "ab03"),
        ("2b0e0100", "2b0e018200000300017601017002" + "0172"),
        ("2b0e0101", "2b0e01820000020101700201" + "72"),
        ("2b0e0200", "2b0e01820000040001760101700201720401" + "6e"),
        ("2b0e0207", "2b0e01820000040001760101700201720401" + "6e"),
        ("2b0e0404", "2b0e0482000001040" + "16e"),
        ("2b0e0403", "ab02"),
    ],
)
def test_answers(request_pdu, expected):
    # The read code asked for comes back in the answer.
    if expected.startswith("2b0e01"):
        expected = "2b0e" + request_pdu[4:6] + expected[6:]
    assert answer(request_pdu) == expected


@pytest.mark.parametrize(
    ("subs", "expected"),
    [
        ("06000100000002", "1406050600000001"),
        ("0600010000000206000100760001", "140a050600000001" + "03060076"),
        ("06000100000078", None),
        ("06000100760003", "9402"),
        ("06000200000001", "9402"),
        ("05000100000001", "9402"),
        ("06000100000079", "9402"),
        ("0600010000007806000100000001", "9403"),
        ("", "9403"),
        ("060001000000", "9403"),
    ],
)
def test_file_records(subs, expected):
    result = answer(f"14{len(subs) // 2:02x}{subs}")
    if expected is None:
        data = Image().registers(0, 120).hex()
        expected = "14f2f106" + data
    assert result == expected


def test_a_byte_count_that_lies():
    assert answer("140806000100000001") == "9403"


def test_frames_are_those_of_pymodbus():
    for pdu in (READ, bytes(1), bytes(range(253))):
        crc = FramerRTU.compute_CRC(bytes([UNIT]) + pdu)
        assert frame(UNIT, pdu) == bytes([UNIT]) + pdu + crc.to_bytes(2, "big")


def feed(*pieces):
    framer = Framer(UNIT)
    return [pdu for pdu in map(framer.feed, pieces) if pdu is not None]


@pytest.mark.parametrize("cut", range(1, 8))
def test_a_request_in_two_pieces(cut):
    request = frame(UNIT, READ)
    assert feed(request[:cut], request[cut:]) == [READ]


def test_one_byte_at_a_time():
    request = frame(UNIT, bytes.fromhex("140e0600010000000206000100760001"))
    assert feed(*[bytes([byte]) for byte in request]) == [request[1:-2]]


@pytest.mark.parametrize(
    "noise",
    [b"\0", b"\1", b"\1\3", b"\1\3\0\0\0\2\xff\xff", b"\1\x10\0\0\0\1\xff", b"\1\x14", bytes(300)],
)
def test_service_after_noise_without_a_pause(noise):
    assert feed(noise, frame(UNIT, READ)) == [READ]
    assert feed(noise + frame(UNIT, READ)) == [READ]


def test_silence_clears_the_line():
    framer = Framer(UNIT)
    request = frame(UNIT, READ)
    assert framer.feed(request[:5]) is None
    framer.silence()
    assert framer.feed(request[5:]) is None
    framer.silence()
    assert framer.feed(request) == READ


def test_noise_costs_little_however_it_comes(monkeypatch):
    """CRCs are of frames whose end is there, each once."""
    summed = []
    real = modbus.crc16

    def count(data, crc):
        summed.append(len(data))
        return real(data, crc)

    monkeypatch.setattr(modbus, "crc16", count)
    begun = [b"\1\x09", b"\1", b"\1\3", b"\1\x10\1\1\1\1\xf7", b"\1\x14\xfb"]
    for noise in (*begun, bytes(range(256))):
        for step in (1, 7, 64, 256):
            summed.clear()
            framer = Framer(UNIT)
            data = noise * (2048 // len(noise))
            for at in range(0, len(data), step):
                framer.feed(data[at : at + step])
            assert sum(summed) < 90 * len(data)
            assert framer.feed(frame(UNIT, READ)) == READ


def test_a_function_of_no_known_length_is_heard_after_a_silence_only():
    request = frame(UNIT, b"\x41\1\2\3")
    assert feed(request) == feed(*[bytes([byte]) for byte in request]) == [request[1:-2]]
    assert feed(b"\0" + request) == []
    framer = Framer(UNIT)
    assert framer.feed(b"\0" * 300 + request) is None
    framer.silence()
    assert framer.feed(request) == request[1:-2]


def test_other_units_broadcasts_and_bad_crc_get_silence():
    good = frame(UNIT, READ)
    assert feed(frame(2, READ)) == feed(frame(0, READ)) == []
    for at in range(len(good)):
        assert feed(good[:at] + bytes([good[at] ^ 4]) + good[at + 1 :]) == []


@pytest.mark.parametrize("pdu", ["41", "41010203", "64", "3f000000"])
def test_functions_without_a_known_length_are_framed_by_their_crc(pdu):
    pdu = bytes.fromhex(pdu)
    assert feed(frame(UNIT, pdu)) == [pdu]


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_no_bytes_break_the_service(pieces):
    framer = Framer(UNIT)
    server = Server(Image())
    for piece in pieces:
        pdu = framer.feed(piece)
        if pdu is not None:
            server.answer(pdu)
    framer.silence()
    assert framer.feed(frame(UNIT, READ)) == READ


@given(st.binary(min_size=1, max_size=253))
def test_every_request_gets_an_answer_that_fits(pdu):
    result = Server(Image()).answer(pdu)
    assert 2 <= len(result) <= 253
    assert result[0] in (pdu[0], pdu[0] | 0x80)
