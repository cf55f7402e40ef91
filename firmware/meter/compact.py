"""Making a segment of the log compact (see `archive`), in steps that let the ports answer."""

from wattseal.ecdsa import sign_steps
from wattseal.record import decode_sealed

from meter.archive import FORM, Thread, entry

_WORK = "live/compact"


def compact_steps(log, storage, first, count, path, interval_s, secret):
    """Generate None between records; return whether `path` now is the compact segment.

    Of the `count` records from `first` on. It stays as it is where one does not read back, or
    would not come back in the same bytes, signature included. OSError if the flash fails; then
    too it stays as it is.
    """
    same = False
    with storage.create(_WORK) as file:
        for seq in range(first, first + count):
            sealed = log.read(seq)
            if not sealed:
                break
            record = decode_sealed(sealed)
            if seq == first:
                head = _head(record, interval_s)
                file.write(head)
                thread = Thread(head)
                boot = record.boot
            data = entry(record, boot)
            boot = record.boot
            if thread.body(_Bytes(data).read) != record.body:
                break
            file.write(data)
            yield
        else:
            file.write(thread.previous)
            # One signature stands for all: they differ in nothing but the digest.
            same = (yield from sign_steps(secret, thread.previous)) == record.signature
    if same:
        storage.move(_WORK, path)
    else:
        storage.remove(_WORK)
    return same


class _Bytes:
    def __init__(self, data):
        self._data = data

    def read(self, count):
        data = self._data[:count]
        self._data = self._data[count:]
        return data


def _head(record, interval_s):
    head = bytes([FORM]) + record.meter + record.previous
    for number in (record.seq, record.start_s, record.epoch, record.boot, interval_s):
        head += number.to_bytes(4, "big")
    return head + record.body[39:41]
