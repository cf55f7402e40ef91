"""Compact segments: the same bytes come back, nothing else is ever signed, the oldest make room."""

import pytest
from meter import log as log_module
from meter.log import Log
from meter.storage import Storage
from wattseal.chain import Chain, verify_stretch
from wattseal.ecdsa import public_key, sign
from wattseal.p256 import encode_point
from wattseal.record import (
    BOOT,
    CALIBRATED,
    INTERVAL,
    ORIGIN,
    OUTAGE,
    PAIRED,
    POWER_LOST,
    body_digest,
    decode_sealed,
    encode_event,
    encode_reading,
    genesis,
    meter_id,
    origin_payload,
    paired_payload,
)

RECORDS = log_module.SEGMENT_RECORDS
SECRET = 0x1234567890ABCDEF1234567890ABCDEF
KEY = encode_point(public_key(SECRET))
START_S = 1_767_225_600
INTERVAL_S = 1800


def chain(rng, count, channel_set, eventful=True):
    """Generate sealed records of a meter's life; the commitments are no points, as nobody looks.

    An uneventful one has signatures where they are looked at when a segment is made compact.
    """
    previous = genesis(KEY)
    epoch, boot, at_s = 0, 1, START_S
    for seq in range(count):
        luck = rng.random() if eventful else 1
        place = (meter_id(KEY), epoch, boot, seq, at_s)
        unit = (0, channel_set)
        if seq == 0:
            payload = origin_payload(INTERVAL_S, 0, channel_set, KEY)
            body = encode_event(*place, *unit, ORIGIN, payload, previous)
        elif luck < 0.03:
            boot += rng.randrange(1, 5)
            place = (meter_id(KEY), epoch, boot, seq, at_s)
            payload = b"\1" + rng.randbytes(32)
            body = encode_event(*place, *unit, BOOT, payload, previous)
        elif luck < 0.05:
            body = encode_event(*place, *unit, CALIBRATED, rng.randbytes(32), previous)
        elif luck < 0.07 and at_s % INTERVAL_S == 0:
            payload = paired_payload(epoch + 1, rng.randbytes(32))
            body = encode_event(*place, *unit, PAIRED, payload, previous)
            epoch += 1
        else:
            kind, length_s, flags = INTERVAL, INTERVAL_S, rng.choice([0, 0, POWER_LOST])
            if luck < 0.15:
                kind, length_s, flags = OUTAGE, 2 * INTERVAL_S, rng.randrange(1, 16)
            channels = [
                (bytes([rng.choice([2, 3])]) + rng.randbytes(32), rng.randbytes(5))
                for _ in range(1 if channel_set == 1 else 2)
            ]
            body = encode_reading(kind, *place, length_s, flags, 0, channels, previous)
            at_s += length_s
        previous = body_digest(body)
        looked_at = eventful or seq % RECORDS == RECORDS - 1
        yield body + (sign(SECRET, previous) if looked_at else b"\1" * 64)


def collect(log, count):
    """The utility says it has so many, and the log is tidied."""
    log.sign = lambda digest: sign(SECRET, digest)
    log.collected = count
    for _ in log.tidy_steps(INTERVAL_S, SECRET):
        pass


@pytest.mark.parametrize("channel_set", [1, 3])
def test_the_same_bytes_come_back(storage, tmp_path, rng, channel_set):
    sealed = list(chain(rng, 3 * RECORDS + 5, channel_set))
    log = Log(storage)
    for record in sealed:
        log.append(record)
    collect(log, 2 * RECORDS + 50)
    sizes = [(tmp_path / "log" / f"{segment:05d}").stat().st_size for segment in range(4)]
    assert max(sizes[:2]) <= 90 * RECORDS
    assert sizes[2:] == [220 * RECORDS, 220 * 5]
    again = Log(storage)
    for reader in (log, again):
        reader.sign = lambda digest: sign(SECRET, digest)
        assert (reader.count, reader.intact, reader.damaged) == (len(sealed), True, False)
        assert [reader.read(seq) for seq in range(len(sealed))] == sealed
        for seq in rng.sample(range(len(sealed)), 40):
            assert reader.read(seq) == sealed[seq]
            assert reader.body(seq) == sealed[seq][:-64]
        assert reader.intact
    records = [decode_sealed(again.read(seq)) for seq in range(len(sealed))]
    verify_stretch([record.body for record in records], records[-1].signature, Chain(KEY))


def test_before_the_keys_are_there_bodies_can_be_read(storage, rng):
    sealed = list(chain(rng, RECORDS + 2, 1))
    log = Log(storage)
    for record in sealed:
        log.append(record)
    collect(log, RECORDS)
    again = Log(storage)
    assert again.body(0) == sealed[0][:-64]
    assert again.read(0) == b""
    assert again.intact


def test_a_lying_utility_loses_nothing(storage, rng):
    """It says to have what is not even sealed: the newest segment stays, all can be read."""
    sealed = list(chain(rng, 2 * RECORDS, 1))
    log = Log(storage)
    for record in sealed:
        log.append(record)
    collect(log, 0xFFFFFFFF)
    assert storage.size("log/00001") == 220 * RECORDS
    assert [log.read(seq) for seq in range(2 * RECORDS)] == sealed
    collect(log, 0)
    assert log.read(0) == sealed[0]


def test_nothing_is_signed_out_of_a_spoilt_segment(storage, tmp_path, rng):
    """A signature on another body than the one before would be a fork."""
    sealed = list(chain(rng, RECORDS + 1, 1))
    log = Log(storage)
    for record in sealed:
        log.append(record)
    collect(log, RECORDS)
    segment = tmp_path / "log" / "00000"
    whole = segment.read_bytes()
    harmless = 0
    signed = []

    def note(digest):
        signed.append(digest)
        return sign(SECRET, digest)

    for _ in range(200):
        bit = rng.randrange(8 * len(whole))
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        if rng.random() < 0.2:
            data = data[: rng.randrange(len(data))]
        segment.write_bytes(data)
        signed.clear()
        log = Log(storage)
        log.sign = note
        seq = rng.randrange(RECORDS)
        if log.read(seq) == sealed[seq]:
            harmless += 1  # a bit that means nothing
        else:
            assert not signed
            assert (log.read(seq), log.intact) == (b"", False)
    assert harmless < 20
    segment.write_bytes(whole)
    log = Log(storage)
    log.sign = note
    assert log.read(7) == sealed[7]


@pytest.mark.parametrize("spoil", ["slot", "key"])
def test_what_would_not_come_back_the_same_stays_whole(storage, tmp_path, rng, spoil):
    sealed = list(chain(rng, 2 * RECORDS + 1, 1))
    log = Log(storage)
    for record in sealed:
        log.append(record)
    segment = tmp_path / "log" / "00000"
    if spoil == "slot":
        data = bytearray(segment.read_bytes())
        data[5 * 220 + 60] ^= 1
        segment.write_bytes(data)
    before = segment.read_bytes()
    log.collected = 2 * RECORDS
    for _ in log.tidy_steps(INTERVAL_S, SECRET + (spoil == "key")):
        pass
    assert segment.read_bytes() == before
    if spoil == "slot":
        assert (tmp_path / "log" / "00001").stat().st_size < 90 * RECORDS
    assert not (tmp_path / "live" / "compact").exists()


class SmallFlash(Storage):
    """As many blocks of 4 KiB as LittleFS would have free: 60 in all, some for everything else."""

    blocks = 60

    def free_blocks(self):
        used = sum((length + 4095) // 4096 for _, length in self.sizes("log"))
        return self.blocks - 10 - used


@pytest.mark.slow
def test_when_the_flash_is_full_the_oldest_compact_segments_go(tmp_path, rng):
    """Nobody collects. Whole segments become compact before anything is dropped."""
    storage = SmallFlash(str(tmp_path))
    log = Log(storage)
    log.sign = lambda digest: sign(SECRET, digest)
    sealed = []
    dropped_at = None
    for record in chain(rng, 24 * RECORDS, 1, eventful=False):
        log.append(record)
        sealed.append(record)
        for _ in log.tidy_steps(INTERVAL_S, SECRET):
            pass
        assert storage.free_blocks() >= 24 - 7
        if log.oldest and dropped_at is None:
            dropped_at = log.count
            whole = [length for _, length in storage.sizes("log") if length > 20_000]
            assert len(whole) == 1  # only the newest, and the one that begins
    assert dropped_at > 15 * RECORDS
    assert log.oldest % RECORDS == 0
    again = Log(storage)
    again.sign = log.sign
    assert (again.oldest, again.count, again.intact) == (log.oldest, len(sealed), True)
    assert again.read(again.oldest - 1) == b""
    for seq in rng.sample(range(again.oldest, again.count), 20):
        assert again.body(seq) == sealed[seq][:-64]


def test_a_flash_that_refuses_leaves_the_segment_as_it_was(storage, tmp_path, rng):
    sealed = list(chain(rng, RECORDS + 1, 1))
    log = Log(storage)
    for record in sealed:
        log.append(record)
    log.collected = RECORDS

    def refuse(name, target):
        raise OSError(28)

    move, storage.move = storage.move, refuse
    with pytest.raises(OSError):
        list(log.tidy_steps(INTERVAL_S, SECRET))
    assert storage.size("log/00000") == 220 * RECORDS
    storage.move = move
    collect(log, RECORDS)
    assert log.read(9) == sealed[9]
    assert storage.size("log/00000") < 90 * RECORDS
