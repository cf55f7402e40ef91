"""The meter's secrets: device key, epoch secrets, and the boot counter.

Files: keys/device (32 bytes, the scalar), keys/boot (u32), keys/epochs (current epoch u32, its
secret, and once a pairing waits for its interval boundary the next epoch's secret), and
keys/provider (33 bytes, public: whose orders the meter obeys; written once).
"""

from wattseal.ecdsa import public_key
from wattseal.errors import Malformed, Refused
from wattseal.hashing import hmac_sha256
from wattseal.keytree import SECRET_BYTES
from wattseal.labels import METER_DEVICE_KEY, METER_OWNER_SECRET
from wattseal.p256 import N, decode_point, encode_point, encode_scalar
from wattseal.record import meter_id

_FOLDER = "keys"
_DEVICE = "keys/device"
_BOOT = "keys/boot"
_EPOCHS = "keys/epochs"
_PROVIDER = "keys/provider"


class Keys:
    """The secrets on a storage, made at first boot; opening them counts the boot.

    entropy     function of a byte count, as os.urandom
    noise       function without arguments: bytes of another source, mixed into all that is made
    last_boot   the highest boot counter known from elsewhere (the log), 0 if none
    must_exist  True where records were signed before: Refused `keys-lost` rather than new keys

    After it: `secret` (scalar in [1, N)), `public` (33 bytes), `meter` (16 bytes), `boot`,
    `epoch`, `epoch_secret`, and `pending`, the next epoch's secret or b"". While `changing` is
    set the event that names `pending` is on its way into the log, and `pending` stands.
    """

    def __init__(self, storage, entropy, noise, last_boot=0, must_exist=False):
        self._storage = storage
        self._entropy = entropy
        self._noise = noise
        storage.folder(_FOLDER)
        device = storage.read(_DEVICE)
        epochs = storage.read(_EPOCHS)
        if must_exist and not (device and epochs):
            raise Refused("keys-lost")
        if not device:
            wide = self.random(METER_DEVICE_KEY) + self.random(METER_DEVICE_KEY)
            device = encode_scalar(int.from_bytes(wide, "big") % (N - 1) + 1)
            storage.replace(_DEVICE, device)
        self.secret = int.from_bytes(device, "big")
        self.public = encode_point(public_key(self.secret))
        self.meter = meter_id(self.public)
        if not epochs:
            epochs = bytes(4) + self.random(METER_OWNER_SECRET)
            storage.replace(_EPOCHS, epochs)
        self.epoch = int.from_bytes(epochs[:4], "big")
        self.epoch_secret = epochs[4 : 4 + SECRET_BYTES]
        self.pending = epochs[4 + SECRET_BYTES :]
        self.changing = False
        # Durable before anything can be sealed in this boot.
        self.boot = max(last_boot, int.from_bytes(storage.read(_BOOT), "big")) + 1
        storage.replace(_BOOT, self.boot.to_bytes(4, "big"))

    def random(self, label):
        """Return 32 random bytes of both sources, for one use that the label names."""
        return hmac_sha256(self._entropy(SECRET_BYTES), label, self._noise())

    def provider(self, wanted):
        """Return (the provider's 33-byte key or b"", whether `wanted` was refused).

        wanted: its hexadecimal, "" for none. The first one stays.
        """
        known = self._storage.read(_PROVIDER)
        if wanted and not known:
            try:
                known = bytes.fromhex(wanted)
                decode_point(known)
            except (ValueError, Malformed):
                return b"", True
            self._storage.replace(_PROVIDER, known)
        return known, bool(wanted) and wanted.lower() != known.hex()

    def prepare_epoch(self, secret):
        """Take the next epoch's secret (32 bytes), durable on return.

        It replaces one that still waits. OSError leaves the one before. Refused `pairing-busy`
        while the epoch changes.
        """
        if self.changing:
            raise Refused("pairing-busy")
        self._store(self.epoch, self.epoch_secret + secret)
        self.pending = secret

    def begin_epoch(self):
        """Make the waiting secret the current one and forget the old one, durable on return."""
        self._store(self.epoch + 1, self.pending)
        self.epoch += 1
        self.epoch_secret = self.pending
        self.pending = b""
        self.changing = False

    def _store(self, epoch, secrets):
        self._storage.replace(_EPOCHS, epoch.to_bytes(4, "big") + secrets)
