"""The log: durable order, random access, and recovery from whatever a power cut leaves."""

import pytest
from meter import log as log_module
from meter.log import Log
from meter.storage import Storage
from wattseal.errors import Misuse, Refused

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
@pytest.mark.parametrize("length", range(0, SLOT, 31))
def test_an_append_that_stopped_anywhere_is_completed(storage, tmp_path, standing, length):
    """The copy was written before: the record of that number is the one that was signed."""
    filled(storage, standing + 1)
    segment = tmp_path / "log" / f"{standing // RECORDS:05d}"
    whole = segment.read_bytes()
    segment.write_bytes(whole[: standing % RECORDS * SLOT + length])
    log = Log(storage)
    assert (log.count, log.intact, log.damaged) == (standing + 1, True, False)
    assert log.newest == log.read(standing) == sealed(standing)
    assert segment.read_bytes() == whole


def test_an_append_that_stopped_in_the_copy_never_was(storage, tmp_path):
    """LittleFS has the old copy then; were it gone, nothing would be lost."""
    filled(storage, 3)
    copy = tmp_path / "live" / "newest"
    for content in (copy.read_bytes(), b"", b"torn"):
        copy.write_bytes(content)
        log = Log(storage)
        assert (log.count, log.newest, log.damaged) == (3, sealed(2), False)


@pytest.mark.parametrize("count", [1, 3, RECORDS, RECORDS + 1])
def test_a_newest_slot_that_rots_is_made_good(storage, tmp_path, count, rng):
    filled(storage, count)
    segment = tmp_path / "log" / f"{(count - 1) // RECORDS:05d}"
    whole = segment.read_bytes()
    for _ in range(20):
        bit = rng.randrange(8 * SLOT)
        data = bytearray(whole)
        data[(count - 1) % RECORDS * SLOT + bit // 8] ^= 1 << bit % 8
        segment.write_bytes(data)
        log = Log(storage)
        assert (log.count, log.newest, log.intact) == (count, sealed(count - 1), True)
        assert segment.read_bytes() == whole


def lose_copy(tmp_path):
    (tmp_path / "live" / "newest").write_bytes(b"")


def lose_slots(tmp_path):
    segment = tmp_path / "log" / "00000"
    segment.write_bytes(segment.read_bytes()[: 3 * SLOT])


def spoil(*slots):
    def change(tmp_path):
        segment = tmp_path / "log" / "00000"
        data = bytearray(segment.read_bytes())
        for slot in slots:
            data[slot * SLOT + 50] ^= 1
        segment.write_bytes(data)

    return change


def lose_log(tmp_path):
    (tmp_path / "log" / "00000").unlink()


@pytest.mark.parametrize(
    ("changes", "standing"),
    [
        ([spoil(4), lose_copy], 4),
        ([spoil(3, 4), lose_copy], 3),
        ([lose_slots], 3),
        ([lose_log], 0),
    ],
)
def test_a_log_whose_end_is_lost_takes_no_record_again(storage, tmp_path, changes, standing):
    """What stood under those numbers may have been shown: another record would be a fork."""
    filled(storage, 5)
    for change in changes:
        change(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    log = Log(storage)
    assert (log.damaged, log.intact, log.count) == (True, False, standing)
    assert log.newest == (sealed(standing - 1) if standing else b"")
    with pytest.raises(Refused) as refusal:
        log.append(sealed(standing))
    assert refusal.value.code == "log-damaged"
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_a_spoilt_slot_behind_the_copy_is_a_hole_and_no_end(storage, tmp_path):
    """The newest record was cut on its way into the log, and the one before has rotted."""
    filled(storage, 5)
    segment = tmp_path / "log" / "00000"
    segment.write_bytes(segment.read_bytes()[: 4 * SLOT])
    spoil(3)(tmp_path)
    log = Log(storage)
    assert (log.count, log.newest, log.damaged) == (5, sealed(4), False)
    assert log.read(3) == b""
    assert not log.intact


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
    assert log.count == 3
    assert [Log(storage).read(seq) for seq in range(3)] == [sealed(seq) for seq in range(3)]


def test_a_record_no_slot_can_hold_is_refused(storage):
    with pytest.raises(Misuse) as refusal:
        Log(storage).append(bytes(214))
    assert refusal.value.code == "record-length"
