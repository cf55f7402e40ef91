"""Ten thousand frames of nonsense on each port of the emulated board.

Noise, other rates, broken and foreign frames, requests nobody should make. Every answer is the
right one to something that was asked, nothing else comes, and afterwards a true request is
answered as before. While the board stands still there is no silence between frames either: a
master that babbles.
"""

import os
import re
import select
import socket
import struct
import time

import pytest
from meter.crc16 import MODBUS, crc16
from meter.modbus import Server, frame
from meter_bench import START_S, Customer, board
from raw_line import UNIT, Line
from test_meter_lines import ask, free_port, request
from wattseal_hil.loads import ConstantLoad

FRAMES = 10_000
BATCH = 50
SETTINGS = {"interval_s": 60, "tcp_port": free_port()}
RATES = [1200, 2400, 4800, 9600, 38_400, 57_600, 115_200]
IDENTITY = bytes.fromhex("0300000020")
MOVING = range(64, 128)  # status: orders change it
CHALLENGE = 256


@pytest.fixture(scope="module")
def meter(tmp_path_factory):
    folder = tmp_path_factory.mktemp("babble")
    with board(folder, load=ConstantLoad(2000), start_s=START_S, settings=SETTINGS) as opened:
        opened.power_on()
        opened.run_until(START_S + 610)
        yield opened


def at_another_rate(data, sent, heard):
    """What a UART makes of bytes (8 bits, even parity) that were sent at another rate."""
    line = [1]
    for byte in data:
        bits = [byte >> i & 1 for i in range(8)]
        line += [0, *bits, sum(bits) % 2, 1]
    line += [1] * 12
    step = sent / heard
    at, result = 0.0, bytearray()
    while at < len(line) - 1:
        if line[int(at)]:
            at += step / 8
            continue
        cells = [min(int(at + (1.5 + i) * step), len(line) - 1) for i in range(8)]
        result.append(sum(line[cell] << i for i, cell in enumerate(cells)))
        at += 10.5 * step
    return bytes(result)


def test_another_rate_garbles():
    request = frame(UNIT, IDENTITY)
    assert at_another_rate(request, 19_200, 19_200) == request
    assert all(at_another_rate(request, 19_200, rate) != request for rate in RATES)


def mutated(data, rng):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5])):
        kind = rng.randrange(5)
        at = rng.randrange(len(data) + 1)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[at : at + rng.choice([1, 2, 8])]
        elif kind == 2:
            data[at:at] = rng.randbytes(rng.choice([1, 2, 30]))
        elif kind == 3:
            data[at:at] = data[at : at + rng.randrange(1, 12)]
        else:
            data[at : at + 1] = bytes([rng.choice([0, 1, 3, 16, 20, 127, 255])])
    return bytes(data)


def request_pdu(rng):
    """A request, mostly one that nobody should make."""
    places = [0, 31, 64, 76, 128, 247, 256, 272, 320, 40_000, 65_535, rng.randrange(1 << 16)]
    address = rng.choice(places)
    count = rng.choice([1, 2, 10, 32, 125, 126, 65_535])
    slot = [6, 0, rng.randrange(3), 0, rng.choice([0, 120, 240]), 0, rng.choice([1, 120])]
    place = address.to_bytes(2, "big") + count.to_bytes(2, "big")
    return rng.choice(
        [
            bytes([rng.choice([3, 4])]) + place,
            bytes([6]) + place,
            bytes([16]) + place + bytes([4]) + rng.randbytes(4),
            bytes([20, 7, *slot]),
            bytes([43, 14, rng.randrange(6), rng.randrange(8)]),
            b"\x11",
            rng.randbytes(rng.randrange(1, 30)),
        ]
    )


def nonsense(rng):
    """One frame for the utility port."""
    pdu = request_pdu(rng)
    whole = frame(UNIT, pdu)
    kind = rng.randrange(8)
    if kind == 0:
        return rng.randbytes(rng.randrange(1, 257))
    if kind == 1:
        return frame(rng.choice([0, 2, 17, 255]), pdu)
    if kind == 2:
        return at_another_rate(whole, rng.choice(RATES), 19_200)
    if kind == 3:
        return bytes([rng.choice([0, 1, 255])]) * rng.randrange(1, 80)
    return whole if kind == 4 else mutated(whole, rng)


class Known:
    """What the meter's registers and files hold, as they were read one by one before."""

    def __init__(self, line, records):
        self._blocks = {
            0: line.registers(0, 32), 64: line.registers(64, 13),
            128: line.registers(128, 120),
        }  # fmt: skip
        sunspec = b""
        while True:
            at = 40_000 + len(sunspec) // 2
            more = line.ask(b"\3" + at.to_bytes(2, "big") + b"\0\1")
            if more[0] != 3:
                break
            sunspec += more[2:]
        self._blocks[40_000] = sunspec
        self._records = records
        identity = line.ask(b"\x2b\x0e\x02\x00")
        self.identification, at = [], 7
        while at < len(identity):
            size = identity[at + 1]
            self.identification.append((identity[at], identity[at + 2 : at + 2 + size]))
            at += 2 + size

    def registers(self, address, count):
        if (address, count) == (CHALLENGE, 10):
            return bytes(20)
        for first, data in self._blocks.items():
            at = 2 * (address - first)
            if at >= 0 and at + 2 * count <= len(data):
                return data[at : at + 2 * count]
        return None

    def write(self, address, data):
        return (address, len(data)) in ((320, 4), (272, 74))

    def file_record(self, file, address, count):
        index, offset = divmod(address, 120)
        seq = (file - 1) * 80 + index
        if file == 0 or index >= 80 or not count or not 0 <= seq < len(self._records):
            return None
        slot = len(self._records[seq]).to_bytes(2, "big") + self._records[seq]
        slot += bytes(240 - len(slot))
        data = slot[2 * offset : 2 * (offset + count)]
        return data if len(data) == 2 * count else None


def requests(stream):
    """Every PDU that stands anywhere in a stream as a frame for this unit."""
    found = set()
    for start, byte in enumerate(stream):
        if byte == UNIT:
            crc = crc16(stream[start : start + 2], MODBUS)
            for end in range(start + 3, min(start + 257, len(stream) + 1)):
                crc = crc16(stream[end - 1 : end], crc)
                if not crc and end >= start + 4:
                    found.add(stream[start + 1 : end - 2])
    return found


def moves(pdu):
    """Whether the answer may differ between two askings: its length alone is known."""
    at = int.from_bytes(pdu[1:3], "big")
    return pdu[0] in (3, 4) and len(pdu) == 5 and (at in MOVING or at == CHALLENGE or at >= 40_000)


def take_apart(answers, asked, server):
    """Refuse any answer that is not one to what was asked."""
    allowed = [(frame(UNIT, server.answer(pdu)), moves(pdu)) for pdu in asked]
    at = 0
    while at < len(answers):
        for right, moving in allowed:
            piece = answers[at : at + len(right)]
            if piece == right or (moving and piece[:3] == right[:3] and not crc16(piece, MODBUS)):
                at += len(right)
                break
        else:
            raise AssertionError(f"an answer nobody asked for: {answers[at : at + 300].hex()}")


def until_service(line, identity):
    """Ask for the identity until it comes last. Return what came before."""
    answers = b""
    for patience_s in (0.02, 0.5, 5):
        # What follows a request before its answer is dropped: let the meter come to an end.
        while select.select([line.fileno()], [], [], patience_s)[0]:
            answers += os.read(line.fileno(), 65_536)
        line.send(frame(UNIT, IDENTITY))
        while not answers.endswith(identity) and select.select([line.fileno()], [], [], 1)[0]:
            answers += os.read(line.fileno(), 65_536)
        if answers.endswith(identity):
            return answers.removesuffix(identity)
    raise AssertionError(f"no service after {answers[-300:].hex()}")


def test_nonsense_on_the_utility_port(meter, rng):
    customer = Customer(meter)
    records = [record.sealed for record in customer.records()]
    customer.close()
    with Line(meter) as line:
        server = Server(Known(line, records))
        identity = frame(UNIT, line.ask(IDENTITY))
        answered = 0
        for _ in range(FRAMES // BATCH):
            stream = b"".join(nonsense(rng) for _ in range(BATCH))
            for at in range(0, len(stream), 1000):
                line.send(stream[at : at + 1000])
            answers = until_service(line, identity)
            take_apart(answers, requests(stream) | {IDENTITY}, server)
            answered += bool(answers)
    assert answered > FRAMES // BATCH // 2


@pytest.mark.slow
def test_nonsense_over_tcp(meter, rng):
    """Requests nobody should make are answered as on the serial line, each under its own number;
    what is no Modbus is hung up on, and a connection that breaks off in a frame harms nobody."""
    customer = Customer(meter)
    records = [record.sealed for record in customer.records()]
    customer.close()
    with Line(meter) as line:
        server = Server(Known(line, records))
    address = ("127.0.0.1", SETTINGS["tcp_port"])
    # Challenges take noise from the converter, and so a little of the board's time, which no
    # request over TCP lets go on. Slowly: nothing shall be sealed meanwhile.
    meter.set_pace(0.1)
    sent = hung_up = 0
    while sent < FRAMES:
        with socket.create_connection(address, timeout=10) as client:
            for _ in range(BATCH):
                sent += 1
                kind, pdu = rng.randrange(20), request_pdu(rng)
                if kind == 0:  # another protocol, or a length that cannot be
                    client.sendall(struct.pack(">HHHB", sent & 0xFFFF, *rng.choice(BROKEN), 1))
                    assert ask(client, b"", 1) == b""
                    hung_up += 1
                    break
                if kind == 1:
                    client.sendall(request(pdu)[: rng.randrange(1, 7 + len(pdu))])
                    break
                unit = rng.randrange(256)
                right = request(server.answer(pdu), sent & 0xFFFF, unit)
                answer = ask(client, request(pdu, sent & 0xFFFF, unit), len(right))
                if answer != right:
                    assert moves(pdu) and (len(answer), answer[:8]) == (len(right), right[:8])
    meter.set_pace(None)
    assert hung_up > 50
    with socket.create_connection(address, timeout=10) as client:
        assert ask(client, request(IDENTITY), 73) == request(server.answer(IDENTITY))


BROKEN = [(1, 6), (0, 0), (0, 1), (0, 255), (0xFFFF, 0xFFFF)]
COMMANDS = [
    b"?status", b"?measurement", b"?pair " + b"7a" * 65,
    b"?pair " + b"7a" * 32 + b" " + b"7a" * 32, b"?consent", b"?consent 1 " + b"00" * 32,
    b"?history 1 2", b"?history 99 3", b"?openings 2 1",
]  # fmt: skip


def expected(line, records):
    """Patterns of the answer to a line of at least one byte."""
    bad = [rb"#error bad-command"]
    if len(line) > 140:
        return bad
    words = line.split(b" ")
    numbers = [bool(re.fullmatch(rb"[0-9]{1,10}", word)) for word in words]
    hexes = [bool(re.fullmatch(rb"[0-9a-fA-F]{64}", word)) for word in words]
    if line in (b"?status", b"?measurement", b"?consent"):
        return [rb"#" + line[1:] + rb" \{.*\}"]
    if words[0] == b"?pair" and (
        re.fullmatch(rb"\?pair [0-9a-fA-F]{130}", line) or (len(words) == 3 and all(hexes[1:]))
    ):
        return [rb"#error pairing-closed"]
    if words[0] == b"?consent" and len(words) == 3 and numbers[1] and hexes[2]:
        return [rb"#error consent-proof"] if int(words[1]) in (1, 2) else bad
    if words[0] in (b"?history", b"?openings") and len(words) == 3 and all(numbers[1:]):
        first, end = int(words[1]), min(int(words[1]) + int(words[2]), len(records))
        lines = []
        for seq in range(first, end):
            if words[0] == b"?history":
                lines.append(b"#record %d %s" % (seq, records[seq].sealed.hex().encode()))
            elif records[seq].channels:
                lines.append(rb"#opening %d 0 .*" % seq)
        return [*lines, b"#end %d" % max(first, end)]
    return bad


def babble(rng):
    """One line for the customer port, without its end."""
    kind = rng.randrange(6)
    if kind == 0:
        return rng.randbytes(rng.randrange(1, 130))
    if kind == 1:
        return bytes(rng.choice(b"?#/! 0123456789abcdef") for _ in range(rng.randrange(1, 120)))
    command = rng.choice(COMMANDS)
    if kind == 2:
        return at_another_rate(command, rng.choice(RATES[3:6]), 115_200)
    return command if kind == 3 else mutated(command, rng)


def test_nonsense_on_the_customer_port(meter, rng):
    customer = Customer(meter)
    records = customer.records()
    for _ in range(FRAMES // BATCH):
        lines = [babble(rng) for _ in range(BATCH)]
        heard = [part for line in lines for part in re.split(rb"[\r\n]+", line) if part]
        patterns = [pattern for part in heard for pattern in expected(part, records)]
        begin = customer.received
        for line in lines:
            customer.send(line + b"\r\n")
        deadline_s = time.monotonic() + 20
        while customer.lines_since(begin) < len(patterns) and time.monotonic() < deadline_s:
            time.sleep(0.002)
        answers = customer.answers_since(begin)
        for pattern, answer in zip(patterns, answers, strict=True):
            assert pattern == answer or re.fullmatch(pattern, answer), (pattern, answer)
    assert customer.status()["next_seq"] == len(records)
    customer.close()


def test_noise_while_the_meter_works(meter, rng):
    """Both ports at once, time running: intervals are sealed, telegrams are whole."""
    customer = Customer(meter)
    before = len(customer.records())
    meter.set_pace(60)
    with Line(meter) as line:
        end_s = meter.now_s + 200
        while meter.now_s < end_s:
            line.send(nonsense(rng))
            customer.send(babble(rng) + rng.choice([b"", b"\r\n"]))
            time.sleep(0.005)
            line.drain()
    meter.set_pace(None)
    customer.send(b"\r\n")
    meter.run_until(meter.now_s + 60)
    records = customer.records()
    assert len(records) >= before + 3
    assert records[before].previous == records[before - 1].digest
    assert meter.failure is None
    customer.close()
