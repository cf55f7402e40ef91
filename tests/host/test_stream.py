"""The customer port's bytes: telegrams with a good CRC and reply lines, whatever comes between."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st
from wattseal_host.collect.stream import CustomerStream, Telegram, crc16_arc

SEALED = bytes(range(175))


def telegram(*lines: str) -> bytes:
    body = "/WSL5\\demo\r\n\r\n" + "".join(f"{line}\r\n" for line in lines) + "!"
    return f"{body}{crc16_arc(body.encode()):04X}\r\n".encode()


GOOD = telegram("1-3:0.2.8(50)", f"0-0:96.128.0({SEALED.hex().upper()})", "1-0:1.7.0(00.500*kW)")


def feed(*pieces: bytes) -> list[Telegram | str]:
    stream = CustomerStream()
    return [item for piece in pieces for item in stream.feed(piece)]


def test_crc_is_the_catalogues() -> None:
    assert crc16_arc(b"123456789") == 0xBB3D


def test_a_telegram_and_its_sealed_record() -> None:
    (item,) = feed(GOOD)
    assert isinstance(item, Telegram)
    assert item.identification == "WSL5\\demo"
    assert item.lines[0] == "1-3:0.2.8(50)"
    assert item.sealed == SEALED


def test_a_telegram_without_a_record() -> None:
    (item,) = feed(telegram("0-0:96.128.0()"))
    assert isinstance(item, Telegram) and item.sealed is None


def test_replies_between_telegrams_and_joining_in_the_middle() -> None:
    items = feed(GOOD[40:], b"#record 1 ab\r\n", GOOD, b"noise\r\n#end 2\r\n", GOOD[:30], GOOD)
    assert [i if isinstance(i, str) else "telegram" for i in items] == [
        "record 1 ab", "telegram", "end 2", "telegram",
    ]  # fmt: skip


@given(st.lists(st.integers(0, 400), max_size=6))
def test_cuts_anywhere_change_nothing(cuts: list[int]) -> None:
    data = GOOD + b"#end 1\r\n" + GOOD
    at = sorted({0, len(data), *cuts})
    pieces = [data[a:b] for a, b in itertools.pairwise(at)]
    assert feed(*pieces) == feed(data)


def test_any_changed_byte_loses_the_telegram() -> None:
    for at in range(len(GOOD) - 2):
        changed = bytearray(GOOD)
        changed[at] ^= 0x04
        assert not [i for i in feed(bytes(changed), b"\r\n") if isinstance(i, Telegram)], at


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_any_bytes_are_survived_and_a_good_telegram_is_found_after(junk: list[bytes]) -> None:
    stream = CustomerStream()
    for piece in junk:
        stream.feed(piece)
    stream.feed(b"\r\n!0000\r\n#\r\n")
    assert any(isinstance(item, Telegram) for item in stream.feed(GOOD))


def test_endless_lines_do_not_pile_up() -> None:
    stream = CustomerStream()
    for start in (b"/", b"#", b""):
        stream.feed(start)
        for _ in range(100):
            stream.feed(b"x" * 1000)
        assert len(stream._buffer) < 20_000
