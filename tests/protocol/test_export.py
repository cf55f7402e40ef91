"""The portable part of an export: what binds it, and what its chunks refuse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattseal import export, spake2
from wattseal.errors import Malformed, Misuse, Refused

REQUEST = (b"https://example.org", 0, 86_400, 1800, b"\x02" + bytes(32), bytes(16))
KEY = bytes(range(16))


def code(error, call, *arguments):
    with pytest.raises(error) as caught:
        call(*arguments)
    return caught.value.code


def test_every_field_of_the_request_is_bound():
    others = (b"https://example.com", 1, 86_401, 3600, b"\x03" + bytes(32), b"\x01" * 16)
    digests = {export.binding(*REQUEST)}
    for i, other in enumerate(others):
        digests.add(export.binding(*REQUEST[:i], other, *REQUEST[i + 1 :]))
    assert len(digests) == 7


@pytest.mark.parametrize(
    ("field", "value"),
    [(0, b""), (0, bytes(256)), (1, -1), (1, 86_400), (2, 1 << 32), (3, -1), (4, b""), (5, b"")],
)
def test_requests_out_of_range(field, value):
    assert code(Misuse, export.binding, *REQUEST[:field], value, *REQUEST[field + 1 :]) == (
        "export-request"
    )


@given(
    data=st.binary(min_size=1, max_size=192), number=st.integers(0, 2**32 - 1), last=st.booleans()
)
def test_chunks_open_as_they_were(data, number, last):
    cipher = export.Cipher(KEY, export.binding(*REQUEST))
    chunk = cipher.seal(number, last, data)
    assert chunk == cipher.seal(number, last, data)
    assert len(chunk) == len(data) + export.TAG_BYTES
    assert cipher.open(number, last, chunk) == data


@given(data=st.binary(min_size=1, max_size=99), at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_changed_moved_or_cut_chunk_is_refused(data, at, bit):
    cipher = export.Cipher(KEY, export.binding(*REQUEST))
    chunk = cipher.seal(3, False, data)
    changed = bytearray(chunk)
    changed[at % len(chunk)] ^= 1 << bit
    other = export.Cipher(KEY, export.binding(b"https://example.com", *REQUEST[1:]))
    for opener, number, last, text in [
        (cipher, 3, False, bytes(changed)),
        (cipher, 4, False, chunk),
        (cipher, 3, True, chunk),
        (cipher, 3, False, chunk + b"\0"),
        (other, 3, False, chunk),
        (export.Cipher(bytes(16), export.binding(*REQUEST)), 3, False, chunk),
    ]:
        assert code(Refused, opener.open, number, last, text) == "export-chunk"


def test_lengths():
    cipher = export.Cipher(KEY, export.binding(*REQUEST))
    for length in (0, export.TAG_BYTES, export.CHUNK_BYTES + export.TAG_BYTES + 1):
        assert code(Malformed, cipher.open, 0, True, bytes(length)) == "export-chunk-length"
    for length in (0, export.CHUNK_BYTES + 1):
        assert code(Misuse, cipher.seal, 0, True, bytes(length)) == "export-chunk-length"


def test_streams_of_chunks_and_blocks_differ():
    cipher = export.Cipher(KEY, export.binding(*REQUEST))
    blocks = set()
    for number in range(3):
        hidden = cipher.seal(number, False, bytes(192))[: -export.TAG_BYTES]
        blocks.update(hidden[i : i + 32] for i in range(0, 192, 32))
    assert len(blocks) == 3 * 6


def test_the_transcript_names_every_chunk_in_order():
    bound = export.binding(*REQUEST)
    chunks = (b"a", b"b")
    ends = set()
    for order in (chunks, chunks[::-1], chunks[:1], (b"ab",)):
        running = bytes(32)
        for chunk in order:
            running = export.absorb(running, chunk)
        ends.add(export.transcript(bound, b"x", b"y", len(order), running))
    assert len(ends) == 4


def test_a_relay_that_swaps_the_recipient_leaves_no_common_key():
    w = spake2.password_scalar(b"123456", b"export")
    first, second = spake2.share(0, w, 5), spake2.share(1, w, 7)
    asked = export.binding(*REQUEST)
    shown = export.binding(b"https://evil.example", *REQUEST[1:])
    names = (b"recipient", b"meter")
    recipient = spake2.finish(0, w, 5, first, second, names, asked)
    meter = spake2.finish(1, w, 7, second, first, names, shown)
    assert code(Refused, meter.check, recipient.own) == "spake2-confirmation"
