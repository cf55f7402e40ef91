"""The sealed record: one byte string each, and no change of a byte goes unnoticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vectors import reference
from wattseal import ecdsa, record
from wattseal.errors import Malformed, Misuse, WattsealError

U32 = st.integers(0, 2**32 - 1)
BYTES = st.binary(max_size=260)


def meter():
    """Return a reference meter with one body of every kind."""
    made = reference.Meter("record tests", exponent=-3, channel_set=3)
    made.origin()
    made.outage(-made.time_s % 1800, (1, 2), flags=8)
    made.reading(values=(3, 4), flags=1)
    made.pair()
    made.reading(values=(5, 6))
    return made


def again(decoded):
    """Return the body that the encoder makes of a decoded record's fields."""
    r = decoded
    if r.kind == record.EVENT:
        return record.encode_event(
            r.meter, r.epoch, r.boot, r.seq, r.start_s, r.exponent, r.channel_set, r.event,
            r.payload, r.previous,
        )  # fmt: skip
    return record.encode_reading(
        r.kind, r.meter, r.epoch, r.boot, r.seq, r.start_s, r.length_s, r.flags, r.exponent,
        r.channels, r.previous,
    )  # fmt: skip


@st.composite
def readings(draw):
    """Return arguments for `encode_reading` that a record may have."""
    kind = draw(st.sampled_from([record.INTERVAL, record.OUTAGE]))
    start_s = draw(U32.filter(lambda s: s < 2**32 - 1))
    length_s = draw(st.integers(1, 2**32 - 1 - start_s))
    flags = draw(st.integers(0, 1) if kind == record.INTERVAL else st.integers(1, 15))
    channel = st.tuples(
        st.binary(min_size=33, max_size=33), st.binary(min_size=5, max_size=5)
    )
    return (
        kind, draw(st.binary(min_size=16, max_size=16)), draw(U32), draw(U32), draw(U32), start_s,
        length_s, flags, draw(st.integers(-128, 127)),
        tuple(draw(st.lists(channel, min_size=1, max_size=2))),
        draw(st.binary(min_size=32, max_size=32)),
    )  # fmt: skip


@given(arguments=readings())
def test_readings_round_trip(arguments):
    body = record.encode_reading(*arguments)
    r = record.decode_body(body)
    got = (r.kind, r.meter, r.epoch, r.boot, r.seq, r.start_s, r.length_s, r.flags, r.exponent,
           r.channels, r.previous)  # fmt: skip
    assert got == arguments
    assert len(body) <= record.MAX_BODY_BYTES
    assert r.body == body and r.digest == reference.record_digest(body)
    assert r.end_s == arguments[5] + arguments[6]
    assert (r.event, r.payload, r.signature) == (0, b"", None)


def test_sizes_are_the_specified_ones():
    made = meter()
    sizes = [len(body) + 64 for body in made.bodies]
    assert sizes == [41 + 2 + 39 + 32 + 64, 213, 213, 41 + 2 + 36 + 32 + 64, 213]
    one = reference.Meter("one")
    one.seq = 1
    assert len(one.reading()) + 64 == 175
    assert record.MAX_SEALED_BYTES == max(sizes) == 213


@given(data=st.one_of(BYTES, st.sampled_from(meter().bodies)), at=st.integers(0, 260), new=BYTES)
def test_what_decodes_encodes_to_the_same_bytes(data, at, new):
    """Random splices of good bodies: refused, or exactly one record's bytes."""
    for candidate in (data, data[:at] + new, data[:at] + new + data[at + len(new) :]):
        try:
            decoded = record.decode_body(candidate)
        except Malformed:
            continue
        assert again(decoded) == candidate


@pytest.mark.parametrize("index", range(5))
def test_every_changed_byte_is_refused_or_is_another_record(index):
    body = meter().bodies[index]
    original = record.decode_body(body)
    refused = 0
    for at in range(len(body)):
        for bits in (1, 2, 4, 8, 16, 32, 64, 128, 255):
            changed = body[:at] + bytes([body[at] ^ bits]) + body[at + 1 :]
            try:
                other = record.decode_body(changed)
            except Malformed:
                refused += 1
                continue
            assert other.digest != original.digest
            assert again(other) == changed
    assert refused > 20


@pytest.mark.parametrize("index", range(5))
def test_truncated_and_extended_records_are_refused(index):
    made = meter()
    body = made.bodies[index]
    sealed = body + made.device.sign(body)
    assert record.decode_sealed(sealed).sealed == sealed
    for length in range(len(sealed)):
        with pytest.raises(Malformed):
            record.decode_sealed(sealed[:length])
        with pytest.raises(Malformed):
            record.decode_sealed(sealed[length + 1 :])
        if length != len(body):
            with pytest.raises(Malformed):
                record.decode_body(sealed[:length])
    for tail in (b"\0", b"\xff", bytes(38), bytes(64), sealed):
        for data in (sealed + tail, tail + sealed):
            with pytest.raises(Malformed):
                record.decode_sealed(data)


@given(data=BYTES)
def test_decoders_raise_nothing_but_malformed(data):
    for decode in (record.decode_body, record.decode_sealed):
        try:
            decode(data)
        except Malformed as error:
            assert error.code.startswith(("record-", "signature-"))


def test_every_type_of_bytes_is_taken():
    body = meter().bodies[2]
    for kind in (bytes, bytearray, memoryview):
        decoded = record.decode_body(kind(body))
        assert decoded.body == body and type(decoded.previous) is bytes


def test_the_package_writes_what_the_reference_writes():
    for body in meter().bodies:
        assert again(record.decode_body(body)) == body


def test_payloads_round_trip():
    device = reference.Device("payloads")
    payload = record.origin_payload(1800, -3, 3, device.public)
    assert bytes([1, len(payload)]) + payload == reference.origin(device, 1800, -3, 3)
    assert record.decode_origin(payload) == (1800, -3, 3, device.public)
    payload = record.paired_payload(7, bytes(32))
    assert bytes([2, len(payload)]) + payload == reference.paired(7, bytes(32))
    assert record.decode_paired(payload) == (7, bytes(32))


GOOD = (1, bytes(16), 0, 1, 5, 1800, 1800, 0, 0, ((b"\2" * 33, b"\0" * 5),), bytes(32))
CHANNEL = (b"\2" * 33, b"\0" * 5)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (0, 0), (0, 3), (0, 4), (1, bytes(15)), (1, bytes(17)),
        (2, -1), (2, 2**32), (3, 2**32), (4, -1), (4, 2**32), (5, -1), (5, 2**32 - 1800),
        (6, 0), (6, -1), (6, 2**32), (7, 2), (7, 16), (7, 256), (7, -1), (8, -129), (8, 128),
        (9, ()), (9, (CHANNEL,) * 3), (9, ((b"\2" * 32, b"\0" * 6),)),
        (9, ((b"\2" * 34, b"\0" * 4),)), (9, ((b"\2" * 33, b"\0" * 6),)),
        (10, bytes(31)), (10, bytes(33)),
    ],
)  # fmt: skip
def test_the_encoder_refuses_what_the_decoder_would(field, value):
    arguments = list(GOOD)
    arguments[field] = value
    with pytest.raises(Misuse) as caught:
        record.encode_reading(*arguments)
    assert caught.value.code == "record-field"


def test_parts_of_wrong_length_cannot_make_up_for_each_other():
    arguments = list(GOOD)
    arguments[9] = ((b"\2" * 33, b"\0" * 6),)
    arguments[10] = bytes(31)
    with pytest.raises(Misuse):
        record.encode_reading(*arguments)


@pytest.mark.parametrize(
    ("seq", "event", "payload", "previous"),
    [
        (1, 1, bytes(39), bytes(32)), (0, 2, bytes(36), bytes(32)), (1, 2, bytes(35), bytes(32)),
        (1, 2, bytes(36), bytes(31)), (1, 3, b"", bytes(32)), (1, 258, bytes(36), bytes(32)),
        (1, 2, bytes(292), bytes(32)),
    ],
)  # fmt: skip
def test_the_encoder_refuses_events_the_decoder_would(seq, event, payload, previous):
    with pytest.raises(Misuse) as caught:
        record.encode_event(bytes(16), 0, 1, seq, 0, 0, 1, event, payload, previous)
    assert caught.value.code == "record-field"


def test_a_body_alone_is_not_sealed():
    decoded = record.decode_body(meter().bodies[2])
    with pytest.raises(Misuse) as caught:
        _ = decoded.sealed
    assert caught.value.code == "unsigned-record"


def test_decode_refuses_what_is_not_low_s_yet_verifies():
    made = meter()
    body = made.bodies[2]
    signature = made.device.sign(body)
    s = int.from_bytes(signature[32:], "big")
    high = signature[:32] + (ecdsa.N - s).to_bytes(32, "big")
    public = ecdsa.public_key(made.device.secret)
    assert ecdsa.verify(public, reference.record_digest(body), high)
    with pytest.raises(WattsealError) as caught:
        record.decode_sealed(body + high)
    assert caught.value.code == "signature-high-s"
