"""Events: what the meter has to tell beside readings, in the order the chain admits."""

import asyncio

from micropython import const
from wattseal.events import (
    GIVEN,
    OPENED,
    POWER_ON,
    SHUT,
    WITHDRAWN,
    applet_payload,
    boot_payload,
    clock_set_payload,
    follow_applet,
    switch_payload,
    u32,
)
from wattseal.record import (
    APPLET,
    BOOT,
    CALIBRATED,
    CLOCK_SET,
    CLOSED,
    CONSENT,
    ROTATED,
    TAMPER,
    decode_sealed,
)

# Nobody shall drive readings out of the log by consents or with the switch of the case:
_CALM_MS = const(60_000)  # between consents, and between approvals
_SWITCH_MS = const(900_000)  # between news of the case, in the long run
_SWITCHES = const(8)  # and so many at once


class Events:
    """Compares what is with what the chain told, and seals the difference.

    cause: of this boot, as in BOOT. firmware: the firmware's digest. calibration: that of the
    constants in use. `work` wakes whoever calls `tell`. `closed`: nothing more may be sealed.
    """

    def __init__(self, log, told, sealer, clock, cause, firmware, calibration):
        self._log = log
        self._told = told
        self._sealer = sealer
        self._clock = clock
        self._cause = cause
        self._firmware = firmware
        self._calibration = calibration
        self._booted = False
        self._case = (told.case, 0)  # as it is, and since when
        self._opening = None  # the first one not told yet
        self._switches = _SWITCHES
        self._switched_ms = 0
        self._consent = (told.consent, 0)
        self._consented_ms = -_CALM_MS
        self._applet = b""  # the payload of an approval or withdrawal to come
        self._approved_ms = -_CALM_MS
        self._decided = asyncio.Event()
        self.work = asyncio.Event()
        self.closed = bool(log.count) and decode_sealed(log.newest).event == CLOSED
        if told.leaving:
            self.work.set()  # the power failed meanwhile
        if cause == POWER_ON:
            told.counter = 0  # a setting nothing was sealed under went with the power

    def case(self, opened):
        """Take notice of the case; to be called often.

        Of a switch that chatters every state is not told, but that it was opened is, and how it
        stands in the end.
        """
        state = OPENED if opened else SHUT
        if state != self._case[0]:
            self._case = (state, self._now_s())
            if state == OPENED and not self._opening:
                self._opening = self._case
        now_ms = self._clock.monotonic_ms()
        if now_ms - self._switched_ms >= _SWITCH_MS:
            self._switched_ms = now_ms
            self._switches = min(self._switches + 1, _SWITCHES)
        if self._switch():
            self.work.set()

    def _switch(self):
        """Return the news of the case as TAMPER has it, None if there is none to tell now."""
        told = self._told.case
        if not self._switches:
            return None
        if told == SHUT and self._opening:
            return self._opening
        return self._case if told != self._case[0] else None

    async def consent(self, state):
        """Give or withdraw consent; in the log on return. False if it is too soon for a change."""
        told = self._told
        if state == told.consent:
            return True
        if state == GIVEN:
            now_ms = self._clock.monotonic_ms()
            if now_ms - self._consented_ms < _CALM_MS or self._sealer.end_s is None or self.closed:
                return False
            self._consented_ms = now_ms
        self._consent = (state, self._now_s())
        if not self.closed:
            self.work.set()
            while told.consent != state == self._consent[0] and not self.closed:
                self._decided.clear()
                await self._decided.wait()
        if self.closed and state == WITHDRAWN != told.consent:
            # The chain takes no event any more: the withdrawal stands in the file alone.
            told.consent = state
            await self._keep(True)
        return told.consent == state

    async def applet(self, state, digest):
        """Approve or withdraw an applet; in the log on return. False if none is taken now."""
        told = self._told
        if told.leaving:
            while told.leaving and not self.closed:
                self._decided.clear()
                await self._decided.wait()
            return state == WITHDRAWN
        if (digest in told.applets) == (state == GIVEN):
            return True
        payload = applet_payload(state, digest)
        if self._applet or follow_applet(told.applets, payload) is None:
            return False
        if state == GIVEN:
            now_ms = self._clock.monotonic_ms()
            calm = now_ms - self._approved_ms >= _CALM_MS
            if not calm or self._sealer.end_s is None or self.closed:
                return False
            self._approved_ms = now_ms
        if self.closed:
            told.follow(payload)
            await self._keep(True)
            return True
        self._applet = payload
        self.work.set()
        while self._applet == payload:
            self._decided.clear()
            await self._decided.wait()
        return (digest in told.applets) == (state == GIVEN)

    def withdraw_all(self):
        """Withdraw every applet: none may export from now on. Return whether the chain has told of
        each, and the file holds it; what a power cut leaves of that is done after it."""
        told = self._told
        if told.applets and self.closed:
            told.forget_applets()  # the withdrawal stands in the file alone
            told.unsaved = True
        elif told.applets and not told.leaving:
            told.leaving = 1
            told.unsaved = True
            self.work.set()
        if told.unsaved:
            told.save()  # failing that, it is tried again, and before the next record
        return not (told.leaving or told.unsaved)

    def approved(self, digest):
        """Tell whether an applet may export, and is not about to be withdrawn."""
        return digest in self.applets() and self._applet[1:] != digest

    def applets(self):
        """Return the digests of the approved applets, but for those about to be withdrawn at the
        meter."""
        return () if self._told.leaving else self._told.applets

    def exported_s(self, digest):
        """Return up to when an applet may have begun an export, UTC seconds; 0 if never."""
        return self._told.served.get(digest, 0)

    def note_export(self, digest, until_s):
        """Take note, for later boots, that it may begin one up to then. OSError."""
        self._told.served[digest] = until_s
        if not self._told.save():
            raise OSError("told")

    def consented(self):
        """Tell whether consumption may be shown on the utility port."""
        return self._told.consent == GIVEN and self._consent[0] == GIVEN

    def _now_s(self):
        return self._clock.utc_s() if self._clock.is_set() else 0

    def due(self):
        """Tell whether there is anything to tell beside the boot."""
        return self._next() is not None

    def _next(self):
        """Return (event, payload) of what is due first, None if nothing is."""
        told = self._told
        if told.counter:
            return CLOCK_SET, clock_set_payload(told.counter, told.before_s, told.after_s)
        if told.oldest != self._log.oldest:
            return ROTATED, u32(self._log.oldest)
        if told.calibration != self._calibration:
            return CALIBRATED, self._calibration
        switch = self._switch()
        if switch:
            return TAMPER, switch_payload(*switch)
        if self._applet:
            return APPLET, self._applet
        if told.leaving and told.applets:
            return APPLET, applet_payload(WITHDRAWN, told.applets[0])
        if told.consent != self._consent[0]:
            return CONSENT, switch_payload(*self._consent)
        return None

    async def tell(self):
        """Seal all that is due, this boot first. To be called before any other record."""
        told = self._told
        await self._keep()
        if not self._booted:
            self._booted = True
            await self._sealer.event(BOOT, boot_payload(self._cause, self._firmware))
        while True:
            due = self._next()
            if due is None:
                return
            event, payload = due
            if event == TAMPER:
                self._opening = None  # one that comes while this is being sealed is another
            await self._sealer.event(event, payload)
            if event == CLOCK_SET:
                told.counter = 0
            elif event == ROTATED:
                told.oldest = int.from_bytes(payload, "big")
            elif event == CALIBRATED:
                told.calibration = payload
            elif event == TAMPER:
                told.case = payload[0]
                self._switches -= 1
            elif event == APPLET:
                told.follow(payload)
                self._applet = b""
                self._decided.set()
            else:
                told.consent = payload[0]
                self._decided.set()
            await self._keep(True)

    async def _keep(self, news=False):
        """Make what was told durable, however long the flash fails: the next boot finds in the
        newest record what the file lacks, and looks no further back."""

        def write():
            if not self._told.save():
                raise OSError("told")

        if news or self._told.unsaved:
            await self._sealer.insist("what was told", write)

    async def pair(self):
        """Begin the epoch that waits, which withdraws consent and every applet."""
        self._consent = (WITHDRAWN, 0)
        await self._sealer.paired()
        # Again: whoever knew the old secret may have asked while the event was being sealed.
        self._consent = (WITHDRAWN, 0)
        self._told.consent = WITHDRAWN
        self._told.forget_applets()
        self._applet = b""
        self._decided.set()
        await self._keep(True)

    async def close(self, counter):
        """End the chain, by the order with this counter."""
        await self._sealer.event(CLOSED, u32(counter))
        self.closed = True
        self._applet = b""
        self._decided.set()

