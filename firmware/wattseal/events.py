"""What the payloads of events say (SPEC.md section 3.4), and the day's budget for the clock."""

from wattseal.errors import Misuse

# BOOT causes. Only the first loses the clock.
POWER_ON = 1
RESET = 2
WATCHDOG = 3

# TAMPER: the meter's case.
OPENED = 1
SHUT = 2

# CONSENT: consumption values on the utility port. APPLET: an applet's exports.
GIVEN = 1
WITHDRAWN = 2

MAX_APPLETS = 4

CLOCK_BUDGET_S = 60
_DAY_S = 86400


def u32(number):
    """Return 4 bytes; Misuse `record-field` for a number that does not fit."""
    if not 0 <= number < 1 << 32:
        raise Misuse("record-field")
    return number.to_bytes(4, "big")


def boot_payload(cause, firmware):
    """Return the payload of a BOOT event: why, and the firmware's 32-byte digest."""
    return bytes([cause]) + firmware


def clock_set_payload(counter, before_s, after_s):
    """Return the payload of a CLOCK_SET event; before_s 0: the clock was not set."""
    return u32(counter) + u32(before_s) + u32(after_s)


def decode_clock_set(payload):
    """Return (counter, before_s, after_s) of a CLOCK_SET payload."""
    return tuple([int.from_bytes(payload[at : at + 4], "big") for at in (0, 4, 8)])


def switch_payload(state, at_s):
    """Return the payload of a TAMPER or CONSENT event; at_s 0: the clock was not set."""
    return bytes([state]) + u32(at_s)


def decode_switch(payload):
    """Return (state, at_s) of a TAMPER or CONSENT payload."""
    return payload[0], int.from_bytes(payload[1:], "big")


def applet_payload(state, digest):
    """Return the payload of an APPLET event: GIVEN or WITHDRAWN, and the applet's digest."""
    return bytes([state]) + digest


def follow_applet(applets, payload):
    """Return the approved digests after an APPLET event, None where it cannot follow.

    applets: those before it, a tuple.
    """
    digest = payload[1:]
    known = digest in applets
    if payload[0] == GIVEN:
        return None if known or len(applets) == MAX_APPLETS else tuple(list(applets) + [digest])  # noqa: RUF005 (the VM has no star there)
    return tuple([other for other in applets if other != digest]) if known else None


def spend(day, spent_s, before_s, after_s):
    """Return (day, seconds spent in it) after a clock setting, None where it is beyond the budget.

    Both meter and verifier count: what a setting moves the clock by is spent in the day of UTC it
    was made in, by the clock before it. A day that has begun does not end by going back.
    """
    today = before_s // _DAY_S
    if today > day:
        day = today
        spent_s = 0
    spent_s += abs(after_s - before_s)
    return (day, spent_s) if spent_s <= CLOCK_BUDGET_S else None
