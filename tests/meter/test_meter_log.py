"""The log: durable order, random access, and recovery from whatever a power cut leaves."""

import pytest
from meter import log as log_module
from meter.log import Log
from meter.storage import Storage
from wattseal.errors import Misuse

SLOT = log_module._SLOT_BYTES
RECORDS = log_module.SEGMENT_RECORDS


def sealed(seq):
    """Bytes that stand for the record `seq`; lengths as real ones have."""
    return seq.to_bytes(4, "big") * (44 + seq % 9)


def filled(storage, count, **options):
    log = Log(storage, **options)
    for seq in range(log.count, count):
        log.append(sealed(seq))
    return log


def test_every_record_reads_back_now_and_after_boot(storage):
    count = 3 * RECORDS + 5
    for log in (filled(storage, count), Log(storage)):
        assert (log.count, log.oldest, log.intact) == (count, 0, True)
        assert log.newest == sealed(count - 1)
        assert all(log.read(seq) == sealed(seq) for seq in range(count))
        assert log.read(count) == log.read(-1) == b""


def test_empty(storage):
    log = Log(storage)
    assert (log.count, log.oldest, log.newest, log.intact) == (0, 0, b"", True)


@pytest.mark.parametrize("standing", [0, 1, RECORDS - 1, RECORDS, RECORDS + 1])
def test_a_torn_tail_of_any_length_is_cut_off(storage, tmp_path, standing):
    """As if the last append had stopped after each of its bytes."""
    filled(storage, standing + 1)
    segment = tmp_path / "log" / f"{standing // RECORDS:05d}"
    whole = segment.read_bytes()
    begin = standing % RECORDS * SLOT
    for length in range(0, SLOT, 7):
        segment.write_bytes(whole[: begin + length])
        log = Log(storage)
        assert log.count == standing
        assert log.intact
        log.append(sealed(standing))
        assert segment.read_bytes() == whole
        assert Log(storage).count == standing + 1


def test_a_tail_of_the_right_length_and_wrong_bytes_is_cut_off(storage, tmp_path):
    filled(storage, 3)
    segment = tmp_path / "log" / "00000"
    data = bytearray(segment.read_bytes())
    data[2 * SLOT + 9] ^= 1
    segment.write_bytes(data)
    log = Log(storage)
    assert log.count == 2
    assert len(segment.read_bytes()) == 2 * SLOT


def test_damage_amid_the_log_is_told_and_nothing_is_cut(storage, tmp_path):
    filled(storage, 40)
    segment = tmp_path / "log" / "00000"
    data = bytearray(segment.read_bytes())
    data[5 * SLOT + 9] ^= 1
    segment.write_bytes(data)
    log = Log(storage)
    assert log.count == 40
    assert log.read(5) == b""
    assert not log.intact
    assert log.read(6) == sealed(6)


def test_a_missing_segment_is_told(storage, tmp_path):
    filled(storage, 3 * RECORDS)
    (tmp_path / "log" / "00001").unlink()
    log = Log(storage)
    assert not log.intact
    assert log.count == 3 * RECORDS
    assert log.read(RECORDS) == b""


def test_the_oldest_segments_make_room(storage):
    log = filled(storage, 5 * RECORDS + 1, keep_segments=3)
    for same in (log, Log(storage)):
        assert same.oldest == 3 * RECORDS
        assert same.intact
        assert same.read(3 * RECORDS - 1) == b""
        assert same.read(3 * RECORDS) == sealed(3 * RECORDS)


class FailingStorage(Storage):
    """A flash whose next append stops after `stop_after` bytes with an error."""

    stop_after = None

    def append(self, name, data):
        if self.stop_after is None:
            super().append(name, data)
            return
        super().append(name, data[: self.stop_after])
        self.stop_after = None
        raise OSError(5)


@pytest.mark.parametrize("stop_after", [0, 1, SLOT - 1, SLOT])
def test_after_a_failed_append_the_log_knows_what_stands(tmp_path, stop_after):
    storage = FailingStorage(str(tmp_path))
    log = filled(storage, 2)
    storage.stop_after = stop_after
    with pytest.raises(OSError):
        log.append(sealed(2))
    assert (log.count, log.newest) == (2, sealed(1))
    log.recover()
    assert log.count == (3 if stop_after == SLOT else 2)
    if log.count == 2:
        log.append(sealed(2))
    assert [Log(storage).read(seq) for seq in range(3)] == [sealed(seq) for seq in range(3)]


def test_a_record_no_slot_can_hold_is_refused(storage):
    with pytest.raises(Misuse) as refusal:
        Log(storage).append(bytes(214))
    assert refusal.value.code == "record-length"
