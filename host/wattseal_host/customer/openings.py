"""Openings from the sealed records and the epoch secrets alone; checked before they are used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from wattseal import keytree
from wattseal.commitment import unmask_reading
from wattseal.errors import Refused
from wattseal.record import PAIRED, Record, decode_paired

from wattseal_host.engine import Point, check_openings, keyed_hmac
from wattseal_host.stretch import Stretch


class Opening(NamedTuple):
    """One channel of one record. value: in the record's unit; hidden_flags: 1 saturated,
    2 sensor missing; blinding: scalar below n. start_s, length_s: as in the record."""

    seq: int
    channel: int
    start_s: int
    length_s: int
    value: int
    hidden_flags: int
    blinding: int


class Opener:
    """Derives openings for one meter. epoch_secrets: epoch -> 32 bytes."""

    def __init__(self, meter: bytes, epoch_secrets: Mapping[int, bytes]) -> None:
        self._meter = meter
        self._secrets = epoch_secrets
        self._block_macs: dict[tuple[int, int], Callable[..., bytes]] = {}

    def open_stretch(self, stretch: Stretch) -> list[Opening]:
        """Every opening of a stretch, in the order of `Stretch.commitments`.

        Raises Refused `epoch-unknown` (no secret for a record's epoch), `epoch-secret` (it is
        another than the one the epoch began with) or `opening-false` (some ciphertext does not
        say what its commitment holds); then nothing may be used.
        """
        openings: list[Opening] = []
        for record in stretch.records:
            if record.event == PAIRED:
                self._check_pairing(record)
            openings.extend(self._open(record))
        check_all(stretch, openings)
        return openings

    def _open(self, record: Record) -> Sequence[Opening]:
        if not record.channels:
            return ()
        if record.meter != self._meter:
            raise Refused("chain-meter", f"record {record.seq}")
        mac = self._block_mac(record)
        openings = []
        for channel, (_, ciphertext) in enumerate(record.channels):
            place = (record.meter, record.boot, record.seq, channel)
            blinding, pad = keytree.leaves(mac, *place)
            value, hidden_flags = unmask_reading(ciphertext, pad)
            openings.append(
                Opening(
                    record.seq,
                    channel,
                    record.start_s,
                    record.length_s,
                    value,
                    hidden_flags,
                    blinding,
                )
            )
        return openings

    def _block_mac(self, record: Record) -> Callable[..., bytes]:
        block = record.seq // keytree.BLOCK_RECORDS
        at = (record.epoch, block)
        mac = self._block_macs.get(at)
        if mac is None:
            secret = self._secrets.get(record.epoch)
            if secret is None:
                raise Refused("epoch-unknown", f"record {record.seq} is of epoch {record.epoch}")
            key = keytree.block_key(secret, self._meter, record.epoch, block)
            mac = self._block_macs[at] = keyed_hmac(key)
        return mac

    def _check_pairing(self, record: Record) -> None:
        """The epoch that begins is the one this secret was made for."""
        epoch, name = decode_paired(record.payload)
        secret = self._secrets.get(epoch)
        if secret is not None and keytree.epoch_id(secret, self._meter, epoch) != name:
            raise Refused("epoch-secret", f"epoch {epoch} began with another secret")


def check_all(stretch: Stretch, openings: Sequence[Opening]) -> None:
    """Check openings, however come by, against the commitments in one batch.

    Raises Refused `opening-false` and names one that is.
    """
    points = stretch.commitments()
    if not _all_open(points, openings):
        low, high = 0, len(openings)
        while high - low > 1:
            middle = (low + high) // 2
            if _all_open(points[low:middle], openings[low:middle]):
                low = middle
            else:
                high = middle
        false = openings[low]
        raise Refused("opening-false", f"record {false.seq}, channel {false.channel}")


def _all_open(points: Sequence[Point], openings: Sequence[Opening]) -> bool:
    try:
        check_openings(
            points,
            [opening.value for opening in openings],
            [opening.blinding for opening in openings],
        )
    except Refused:
        return False
    return True
