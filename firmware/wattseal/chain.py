"""Verification of a stretch of a meter's chain (SPEC.md section 5).

Links are hashes, so one signature, on the last record, speaks for every body of a stretch; and
neither sequence numbers nor time may leave a gap, so a stretch is complete or it is refused.
"""

from wattseal.ecdsa import verify
from wattseal.errors import Misuse, Refused
from wattseal.p256 import decode_point
from wattseal.record import (
    BOOT,
    CHANNEL_SETS,
    EVENT,
    INTERVAL,
    ORIGIN,
    PAIRED,
    check_signature_form,
    decode_body,
    decode_origin,
    decode_paired,
    genesis,
    meter_id,
)
from wattseal.standing import Standing


class Config:
    """What a meter's enrolment fixes: interval in seconds, unit exponent, channel set.

    Misuse `config-range` unless 1 <= interval_s < 2^32, -128 <= exponent < 128 and the channel
    set is one a record may have.
    """

    __slots__ = ("channel_set", "exponent", "interval_s")

    def __init__(self, interval_s, exponent, channel_set):
        if not 1 <= interval_s < 1 << 32 or not -128 <= exponent < 128:
            raise Misuse("config-range")
        if channel_set not in CHANNEL_SETS:
            raise Misuse("config-range")
        self.interval_s = interval_s
        self.exponent = exponent
        self.channel_set = channel_set

    def __eq__(self, other):
        return (
            isinstance(other, Config)
            and self.interval_s == other.interval_s
            and self.exponent == other.exponent
            and self.channel_set == other.channel_set
        )

    def __hash__(self):
        return hash((self.interval_s, self.exponent, self.channel_set))


class Chain:
    """The state between two records: what the next one must fit.

    public_key: 33 bytes. config: a Config, or None to take the ORIGIN event's. previous: digest
    of the record before, or None at the beginning of the chain. seq, start_s: what the next
    record must have; boot, epoch: what the record before had. Each may be None where the
    verifier does not know it: the first record then sets it (its own links and signature still
    hold it fast from there on). `standing` is what the events before have said: unknown but at
    the beginning, and the caller's to replay where it holds them.
    """

    def __init__(
        self, public_key, config=None, previous=None, seq=None, start_s=None, boot=None, epoch=None
    ):
        self.public_key = bytes(public_key)
        self.point = decode_point(self.public_key)
        self.meter = meter_id(self.public_key)
        self.config = config
        if previous is None:
            previous = genesis(self.public_key)
            seq = 0
            epoch = 0
        self.previous = previous
        self.seq = seq
        self.end_s = start_s
        self.boot = boot
        self.epoch = epoch
        self.standing = Standing(seq == 0)

    def append(self, record, digest):
        """Take the next record, given the digest of its body, or refuse it and stay as it was.

        Refused `chain-meter`, `chain-sequence`, `chain-link`, `chain-time`, `chain-boot`,
        `chain-epoch`, `chain-config`, or one of `Standing.take`, the first that applies in this
        order. The signature is not looked at: see `check_signature`.
        """
        if record.meter != self.meter:
            raise Refused("chain-meter", _at(record))
        if self.seq is not None and record.seq != self.seq:
            raise Refused("chain-sequence", f"{_at(record)} where {self.seq} was due")
        if record.previous != self.previous:
            raise Refused("chain-link", _at(record))
        if self.end_s is not None and record.start_s != self.end_s:
            raise Refused(
                "chain-time",
                f"{_at(record)} begins at {record.start_s} where {self.end_s} was due",
            )
        if not self._boot_fits(record):
            raise Refused("chain-boot", _at(record))
        if self.epoch is not None and record.epoch != self.epoch:
            raise Refused("chain-epoch", _at(record))
        epoch = record.epoch
        config = self.config
        if record.kind == EVENT:
            if record.event == ORIGIN:
                config = self._origin(record)
            elif record.event == PAIRED:
                epoch = decode_paired(record.payload)[0]
                if epoch != record.epoch + 1:
                    raise Refused("chain-epoch", _at(record))
        if config is None:
            raise Misuse("config-unknown")
        if record.event == PAIRED and record.start_s % config.interval_s:
            raise Refused("chain-epoch", _at(record))
        if record.exponent != config.exponent or record.channel_set != config.channel_set:
            raise Refused("chain-config", _at(record))
        regular = (
            record.length_s == config.interval_s and record.start_s % config.interval_s == 0
        )
        if record.kind != EVENT and regular != (record.kind == INTERVAL):
            raise Refused("chain-config", _at(record))
        self.standing.take(record)
        self.config = config
        self.previous = digest
        self.seq = record.seq + 1
        self.end_s = record.end_s
        self.boot = record.boot
        self.epoch = epoch

    def _boot_fits(self, record):
        """Tell whether the boot counter rises with a BOOT event, and else stays."""
        if self.boot is None:
            return True
        if record.event == BOOT:
            return record.boot > self.boot or (record.boot == self.boot and record.seq == 1)
        return record.boot == self.boot

    def _origin(self, record):
        interval_s, exponent, channel_set, public_key = decode_origin(record.payload)
        if public_key != self.public_key or interval_s == 0 or channel_set not in CHANNEL_SETS:
            raise Refused("chain-config", _at(record))
        config = Config(interval_s, exponent, channel_set)
        if self.config is not None and config != self.config:
            raise Refused("chain-config", _at(record))
        return config

    def check_signature(self, signature):
        """Refuse (`chain-signature`) a signature that is not this meter's on the last record.

        Malformed `signature-…` if it is not in the form of a sealed record's.
        """
        if not verify(self.point, self.previous, check_signature_form(signature)):
            raise Refused("chain-signature")


def _at(record):
    return f"record {record.seq}"


def verify_stretch(bodies, last_signature, chain):
    """Return the Records of a complete stretch, or refuse all of it.

    bodies: byte strings, oldest first, at least one (else Refused `chain-empty`). chain: the
    state before them; it has moved to the end on return, and must be thrown away on an error.
    Commitments are not decoded: who computes with them does.
    """
    if not bodies:
        raise Refused("chain-empty")
    records = []
    for body in bodies:
        record = decode_body(body)
        chain.append(record, record.digest)
        records.append(record)
    chain.check_signature(last_signature)
    records[-1].signature = bytes(last_signature)
    return records
