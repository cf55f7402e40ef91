"""From bursts to interval readings: the loop that measures, and the one that seals.

Bursts start at multiples of the burst period of UTC and intervals end at multiples of theirs.
At an instant that is both, the energy up to it belongs to the old interval and the burst to the
new one.
"""

import asyncio

from micropython import const
from wattseal.commitment import VALUE_LIMIT
from wattseal.record import (
    CLOCK_STEPPED,
    CLOCK_UNSET,
    LEAD_IN,
    POWER_LOST,
    SATURATED,
    decode_body,
)

from meter.energy import Energy, unit_uj
from meter.watchdog import SEALING

_SEALED_MS = const(600_000)
_STEP_MS = const(2000)  # the clock against the ticks, from one wake-up to the next


class Cut:
    """The registers at the end of an interval, and the flags gathered in it."""

    def __init__(self, end_s, registers_uj, hidden_flags, quality_flags):
        self.end_s = end_s
        self.registers_uj = registers_uj
        self.hidden_flags = hidden_flags
        self.quality_flags = quality_flags


class Metering:
    """Owns the registers and decides what is sealed when.

    `energy` and `sensor` are read by the customer port. state: loaded, and here brought up to
    the log. look: called at every wake-up. Registers go on from the checkpoint, or from the
    sealed total where that is higher.
    """

    def __init__(
        self, clock, sensor, log, keys, openings, sealer, state, public, settings, console,
        events, case_open, watchdog, look,
    ):
        self._clock = clock
        self._log = log
        self._keys = keys
        self._sealer = sealer
        self._state = state
        self._public = public
        self._burst_ms = settings.burst_ms
        self._checkpoint_ms = settings.checkpoint_ms
        self._console = console
        self._unit_uj = unit_uj(public.exponent)
        self._count_sealed_since_checkpoint(openings)
        for i in range(2):
            state.registers_uj[i] = max(
                state.registers_uj[i], state.sealed_units[i] * self._unit_uj
            )
        self.sensor = sensor
        self.energy = Energy(
            public.channel_set != 1, state.registers_uj[0], state.registers_uj[1]
        )
        self._hidden_flags = state.hidden_flags
        self._quality_flags = state.quality_flags | (POWER_LOST if log.count else 0)
        self._origin_s = None
        self._end_s = sealer.end_s  # where the newest cut ends, sealed or not
        self._due_s = 0  # when the next cut is due; 0 while that is to be settled
        self._waiting = None  # the newest cut the sealer has not taken
        self._sealing = None  # the cut it has taken and not finished
        self._events = events
        self._work = events.work
        self._case_open = case_open
        self._watchdog = watchdog
        self._look = look
        # Who tries again is not stuck; and a reset would lose what the flash has not taken.
        sealer.on_retry = lambda: watchdog.promise(SEALING, _SEALED_MS)
        self._unsaved = False
        self._closing = 0  # the counter of the order that ends the chain
        self._flushed_ms = clock.monotonic_ms()
        self._utc_ms = clock.utc_ms()
        self._burst = -1  # number of the newest burst period, counted from 1970
        self._checkpoint = self._utc_ms // self._checkpoint_ms

    def _count_sealed_since_checkpoint(self, openings):
        state = self._state
        epoch = self._keys.epoch
        for seq in range(max(state.next_seq, self._log.oldest), self._log.count):
            body = self._log.body(seq)  # a signature is not asked for, and may have to be computed
            record = decode_body(body) if body else None
            if record is None or (record.channels and record.epoch != epoch):
                # Only where flash is damaged: a checkpoint comes before the keys of an epoch go.
                self._console(f"register goes on without record {seq}, which cannot be opened")
                continue
            for channel in range(len(record.channels)):
                state.sealed_units[channel] += openings.reading(record, channel)[0]
                # What that record told is told.
                state.hidden_flags = state.quality_flags = 0
        state.next_seq = self._log.count
        if self._log.count:
            state.interval_s = self._public.interval_s

    async def measure_forever(self):
        """Measure, cut intervals, and make checkpoints."""
        while True:
            self.tick()
            self._watchdog.feed()
            clock = self._clock
            await asyncio.sleep_ms(
                min(
                    clock.ms_until_multiple(self._burst_ms),
                    clock.ms_until_multiple(1000 * self._public.interval_s),
                )
            )

    def tick(self):
        """Do what is due now. To be called when the clock was set, and at every wake-up."""
        clock = self._clock
        utc_ms = clock.utc_ms()
        self._flush(utc_ms)
        self._events.case(self._case_open())
        self._look()
        if clock.is_set():
            if not self._closing and not self._events.closed:
                self._follow(utc_ms // 1000)
        else:
            self._quality_flags |= CLOCK_UNSET
            self._due_s = 0
        burst = utc_ms // self._burst_ms
        if burst != self._burst:
            self._burst = burst
            self.sensor.measure()
            self._hidden_flags |= self.sensor.flags
            self.energy.hold(self.sensor.power_mw)
        checkpoint = utc_ms // self._checkpoint_ms
        if checkpoint != self._checkpoint:
            self._checkpoint = checkpoint
            self._save()

    def _flush(self, utc_ms):
        now_ms = self._clock.monotonic_ms()
        elapsed_ms = now_ms - self._flushed_ms
        self.energy.flush(elapsed_ms)
        if self._due_s and abs(utc_ms - self._utc_ms - elapsed_ms) > _STEP_MS:
            self._quality_flags |= CLOCK_STEPPED
            self._due_s = 0
        self._flushed_ms = now_ms
        self._utc_ms = utc_ms

    def _follow(self, now_s):
        """Follow a clock that is set: begin sealed time, and cut an interval that is over.

        After power-on, and after the clock was set or stepped, the record in hand goes on to the
        next boundary. Sealed time never goes back: then that is the first one after its end.
        """
        interval_s = self._public.interval_s
        if self._end_s is None:
            self._origin_s = self._end_s = now_s
            if now_s % interval_s:
                self._quality_flags |= LEAD_IN
            self._work.set()
        if not self._due_s:
            self._due_s = max(
                now_s + -now_s % interval_s, self._end_s - self._end_s % interval_s + interval_s
            )
        if now_s >= self._due_s:
            self._cut(self._due_s)
            self._due_s += interval_s

    def _cut(self, end_s):
        """Hand what the registers say now to the sealer, as the reading at `end_s`."""
        cut = Cut(end_s, self.energy.registers_uj(), self._hidden_flags, self._quality_flags)
        if self._waiting:
            # The flash has refused writes for an interval: one longer record takes both.
            cut.hidden_flags |= self._waiting.hidden_flags
            cut.quality_flags |= self._waiting.quality_flags
        self._waiting = cut
        self._end_s = end_s
        self._hidden_flags = self._quality_flags = 0
        self._work.set()

    def sealed_s(self):
        """Return the end of sealed time, UTC seconds; 0 before it has begun."""
        return self._end_s or 0

    def close(self, counter):
        """End the chain now, by the order with this counter.

        False where sealed time cannot end: the clock is not set, or it has ended. Where the clock
        is behind it, it ends where it stands.
        """
        self.tick()
        now_s = self._clock.utc_s()
        if self._closing or self._events.closed or self._end_s is None or not self._due_s:
            return False
        if now_s > self._end_s:
            self._quality_flags |= LEAD_IN
            self._cut(now_s)
        self._closing = counter
        self._work.set()
        return True

    def _save(self):
        """Make a checkpoint. Return whether the flash took it."""
        state = self._state
        state.registers_uj[0] = self.energy.import_uj
        state.registers_uj[1] = self.energy.export_uj
        state.hidden_flags = self._hidden_flags
        state.quality_flags = self._quality_flags
        for cut in (self._waiting, self._sealing):
            if cut:
                state.hidden_flags |= cut.hidden_flags
                state.quality_flags |= cut.quality_flags
        try:
            state.save()
        except OSError as error:
            if not self._unsaved:
                self._console(f"checkpoint is not written: {error}")
            self._unsaved = True
            return False
        self._unsaved = False
        return True

    def sealed_units(self):
        """Return the units sealed so far on each configured channel, import first."""
        units = self._state.sealed_units
        return units if self._public.channel_set != 1 else units[:1]

    async def seal_forever(self):
        """Seal what is cut and what is to be told; prepare the next record in the time between."""
        while True:
            await self._sealer.tidy()
            await self._sealer.prepare()
            self._watchdog.rest(SEALING)
            await self._work.wait()
            self._work.clear()
            self._watchdog.promise(SEALING, _SEALED_MS)
            if self._events.closed:
                continue
            if self._sealer.end_s is None:
                if self._origin_s is None:
                    continue
                await self._sealer.origin(self._origin_s)
                self._state.interval_s = self._public.interval_s
                self._sealed()
            if self._waiting or self._closing or self._events.due():
                await self._events.tell()
            cut = self._waiting
            if cut:
                self._waiting = None
                await self._seal(cut)
            if self._closing and not self._waiting:
                await self._events.close(self._closing)

    async def _seal(self, cut):
        self._sealing = cut
        values = []
        sealed_units = self._state.sealed_units
        hidden_flags = cut.hidden_flags
        for channel, register_uj in enumerate(cut.registers_uj):
            value = register_uj // self._unit_uj - sealed_units[channel]
            if value >= VALUE_LIMIT:
                # The rest follows in the next record.
                value = VALUE_LIMIT - 1
                hidden_flags |= SATURATED
            values.append(value)
        await self._sealer.reading(cut.end_s, cut.quality_flags, values, hidden_flags)
        for channel, value in enumerate(values):
            sealed_units[channel] += value
        self._sealing = None
        # The checkpoint comes first: it needs no key of the epoch that ends.
        if self._sealed() and self._keys.pending and not self._closing:
            await self._events.pair()
            self._sealed()

    def _sealed(self):
        self._state.next_seq = self._log.count
        return self._save()
