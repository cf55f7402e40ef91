"""What the meter and its customer can tell of a record: values, flags and blindings."""

from wattseal.commitment import unmask_reading
from wattseal.keytree import BLOCK_RECORDS, blinding, block_key, pad


class Openings:
    """Opens records of the current epoch; `keys` are the meter's. Block keys are kept for one."""

    def __init__(self, keys):
        self._keys = keys
        self._block = (-1, -1)
        self._block_key = b""

    def _key(self, seq):
        keys = self._keys
        block = (keys.epoch, seq // BLOCK_RECORDS)
        if block != self._block:
            self._block_key = block_key(keys.epoch_secret, keys.meter, block[0], block[1])
            self._block = block
        return self._block_key

    def blinding(self, boot, seq, channel):
        """Return the blinding of a channel of a record sealed in this epoch, in [0, N)."""
        return blinding(self._key(seq), self._keys.meter, boot, seq, channel)

    def pad(self, boot, seq, channel):
        """Return the 5-byte pad of a channel of a record sealed in this epoch."""
        return pad(self._key(seq), self._keys.meter, boot, seq, channel)

    def reading(self, record, channel):
        """Return (value in the record's unit, hidden flags) of a Record of this epoch."""
        ciphertext = record.channels[channel][1]
        return unmask_reading(ciphertext, self.pad(record.boot, record.seq, channel))
