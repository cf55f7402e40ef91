"""Seals: from a reading to a signed record in the log, in steps that let the ports answer.

For each sequence number and boot exactly one body is ever signed. Its bytes are fixed before the
signature, and a failed flash write is repeated with the same bytes until it succeeds.
"""

import asyncio

from micropython import const
from wattseal.commitment import blinding_steps, commit_steps, mask_reading
from wattseal.ecdsa import sign, sign_steps
from wattseal.errors import Refused
from wattseal.keytree import epoch_id
from wattseal.p256 import encode_point
from wattseal.record import (
    INTERVAL,
    ORIGIN,
    OUTAGE,
    PAIRED,
    POWER_LOST,
    body_digest,
    decode_paired,
    decode_sealed,
    encode_event,
    encode_reading,
    genesis,
    origin_payload,
    paired_payload,
)

from meter.drive import drive

_RETRY_S = const(1)


def shape(start_s, end_s, interval_s, flags):
    """Return (record kind, quality flags) for the time from start_s to end_s.

    A record of an aligned interval's exact shape is an INTERVAL and may only say that power was
    lost. Any other is an OUTAGE and must say why; where no flag tells, the meter was out of
    service (its flash refused writes), which counts as power lost.
    """
    if end_s - start_s == interval_s and start_s % interval_s == 0:
        return INTERVAL, flags & POWER_LOST
    return OUTAGE, flags or POWER_LOST


class Sealer:
    """The end of the chain. One coroutine at a time may call its methods.

    end_s: the first second not sealed yet, None before ORIGIN. on_retry: called whenever the flash
    has refused a write that is to be repeated. Refused `keys-lost` if the log
    was written under an epoch the keys do not know.
    """

    def __init__(self, log, keys, openings, public, console):
        self._log = log
        self._keys = keys
        self._openings = openings
        self._public = public
        self._console = console
        self._previous = genesis(keys.public)
        self._prepared_for = (-1, -1)
        self._prepared = []
        self.end_s = None
        self.on_retry = lambda: None
        log.sign = lambda digest: sign(keys.secret, digest)
        if log.count:
            newest = decode_sealed(log.newest)
            self._previous = newest.digest
            self.end_s = newest.end_s
            epoch = newest.epoch
            if newest.event == PAIRED:
                epoch, name = decode_paired(newest.payload)
                if keys.pending and name == epoch_id(keys.pending, keys.meter, epoch):
                    # Power failed between the event and the change of keys.
                    keys.begin_epoch()
            if epoch != keys.epoch or newest.meter != keys.meter:
                raise Refused("keys-lost")
        public.epoch = keys.epoch

    async def prepare(self):
        """Compute what the next reading needs and no reading decides: blinding*H per channel."""
        place = (self._keys.epoch, self._log.count)
        if place == self._prepared_for:
            return
        prepared = []
        for channel in range(1 if self._public.channel_set == 1 else 2):
            scalar = self._openings.blinding(self._keys.boot, place[1], channel)
            prepared.append(await drive(blinding_steps(scalar)))
        self._prepared = prepared
        self._prepared_for = place

    async def origin(self, start_s):
        """Begin the chain: sealed time starts at start_s."""
        public = self._public
        payload = origin_payload(
            public.interval_s, public.exponent, public.channel_set, public.key
        )
        self.end_s = start_s
        await self.event(ORIGIN, payload)

    async def paired(self):
        """Begin the epoch that waits in the keys: the event, then the change of keys."""
        keys = self._keys
        keys.changing = True
        epoch = keys.epoch + 1
        await self.event(
            PAIRED, paired_payload(epoch, epoch_id(keys.pending, keys.meter, epoch))
        )
        await self.insist(f"epoch {epoch}", keys.begin_epoch)
        self._public.epoch = epoch

    async def event(self, event, payload):
        """Seal an event at the end of sealed time. Misuse `record-field` for a wrong payload."""
        public = self._public
        body = encode_event(
            public.meter, self._keys.epoch, public.boot, self._log.count, self.end_s,
            public.exponent, public.channel_set, event, payload, self._previous,
        )
        await self._finish(body)

    async def reading(self, end_s, flags, values, hidden_flags):
        """Seal the time up to end_s.

        flags: quality flags. values: one for each channel, 0 <= value < 2^32, in the chain's
        unit. hidden_flags: of all channels.
        """
        await self.prepare()
        public = self._public
        seq = self._log.count
        channels = []
        for channel, value in enumerate(values):
            point = await drive(commit_steps(value, self._prepared[channel]))
            pad = self._openings.pad(public.boot, seq, channel)
            channels.append((encode_point(point), mask_reading(value, hidden_flags, pad)))
        start_s = self.end_s
        kind, flags = shape(start_s, end_s, public.interval_s, flags)
        body = encode_reading(
            kind, public.meter, self._keys.epoch, public.boot, seq, start_s, end_s - start_s,
            flags, public.exponent, channels, self._previous,
        )
        await self._finish(body)
        self.end_s = end_s

    async def _finish(self, body):
        digest = body_digest(body)
        await self._write(body + await drive(sign_steps(self._keys.secret, digest)))
        self._previous = digest

    async def _write(self, sealed):
        """Append the record, however long the flash fails."""
        log = self._log
        seq = log.count
        tried = False

        def write():
            nonlocal tried
            if tried:
                log.recover()
            tried = True
            if log.count == seq:
                log.append(sealed)

        await self.insist(f"record {seq}", write)

    async def insist(self, what, write):
        """Call `write` until the flash takes it: until it raises no OSError."""
        failed = False
        while True:
            try:
                write()
                return
            except (OSError, Refused) as error:
                if not failed:
                    self._console(f"{what} is not written, trying again: {error}")
                failed = True
            self.on_retry()
            await asyncio.sleep(_RETRY_S)
            await self.tidy(True)

    async def tidy(self, urgent=False):
        """Make room in the log, and old segments of it compact (see `Log.tidy_steps`)."""
        log = self._log
        try:
            await drive(log.tidy_steps(self._public.interval_s, self._keys.secret, urgent))
        except OSError as error:
            if not urgent:
                self._console(f"the log is not tidied: {error}")
