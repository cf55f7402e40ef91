"""What a chain's events have said so far, and which event may follow (SPEC.md section 5.3)."""

from wattseal.errors import Refused
from wattseal.events import (
    POWER_ON,
    SHUT,
    WITHDRAWN,
    decode_clock_set,
    decode_switch,
    follow_applet,
    spend,
)
from wattseal.record import (
    APPLET,
    BOOT,
    CALIBRATED,
    CLOCK_SET,
    CLOSED,
    CONSENT,
    PAIRED,
    ROTATED,
    TAMPER,
)


class Standing:
    """The state of a chain's events.

    known: True at the beginning of a chain, False for a verifier that begins in its middle. There
    each is None until an event tells: `clock_lost` (whether the next setting is free), `case`
    (OPENED or SHUT), `consent` (GIVEN or WITHDRAWN), `applets` (the digests of those approved).
    `calibration` is b"" until the first digest. `order`: the newest counter of the provider's
    orders. `oldest`: the first record kept.
    """

    __slots__ = (
        "applets", "calibration", "case", "clock_lost", "closed", "consent", "day", "oldest",
        "order", "spent_s",
    )

    def __init__(self, known):
        self.closed = False
        self.clock_lost = True if known else None
        self.case = SHUT if known else None
        self.consent = WITHDRAWN if known else None
        self.applets = () if known else None
        self.calibration = b""
        self.oldest = 0
        self.order = 0
        self.day = 0
        self.spent_s = 0

    def take(self, record):
        """Take the next record of the chain, or refuse it and stay as it was.

        Refused `chain-closed` for anything after CLOSED, `chain-clock` for a clock setting that
        is neither free nor within the day's budget, or whose counter does not rise, `chain-event`
        for any other event that cannot follow those before it.
        """
        if self.closed:
            raise Refused("chain-closed", _at(record))
        event = record.event
        payload = record.payload
        if event == PAIRED:
            self.consent = WITHDRAWN
            self.applets = ()
        elif event == BOOT:
            if payload[0] == POWER_ON:
                self.clock_lost = True
        elif event == CLOCK_SET:
            self._set_clock(record)
        elif event == TAMPER:
            self.case = _switched(record, self.case)
        elif event == CONSENT:
            self.consent = _switched(record, self.consent)
        elif event == APPLET:
            if self.applets is not None:
                applets = follow_applet(self.applets, payload)
                if applets is None:
                    raise Refused("chain-event", _at(record))
                self.applets = applets
        elif event == CALIBRATED:
            if payload == self.calibration:
                raise Refused("chain-event", _at(record))
            self.calibration = payload
        elif event in (ROTATED, CLOSED):
            number = int.from_bytes(payload, "big")
            if event == ROTATED:
                if not self.oldest < number <= record.seq:
                    raise Refused("chain-event", _at(record))
                self.oldest = number
            else:
                if number <= self.order:
                    raise Refused("chain-event", _at(record))
                self.closed = True

    def _set_clock(self, record):
        counter, before_s, after_s = decode_clock_set(record.payload)
        if counter <= self.order:
            raise Refused("chain-clock", _at(record))
        if before_s:
            spent = spend(self.day, self.spent_s, before_s, after_s)
            if spent is None:
                raise Refused("chain-clock", _at(record))
            self.day, self.spent_s = spent
        elif self.clock_lost is False:
            raise Refused("chain-clock", _at(record))
        self.order = counter
        self.clock_lost = False


def _switched(record, before):
    state = decode_switch(record.payload)[0]
    if state == before:
        raise Refused("chain-event", _at(record))
    return state


def _at(record):
    return f"record {record.seq}"
