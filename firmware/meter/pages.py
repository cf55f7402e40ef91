"""The pages of the display: rows of 16 characters. Loaded for a page, see `once`."""

from micropython import const

from meter.energy import UJ_PER_WH
from meter.local_time import civil_from_days
from meter.public import (
    CALIBRATED,
    CLOCK_SET,
    CONSENTED,
    FIRMWARE_VERSION,
    FLASH_FAILS,
    LOG_DAMAGED,
    PAIRED,
    SELF_TEST_PASSED,
    SETTINGS_REFUSED,
    SILENT,
)

_COLUMNS = const(16)
_CENTS = const(2)  # decimals of an amount


def rows(page, meter, account, offset_s):
    """Return the rows of a page, 0 to 4, of what a `Display` knows.

    account: as `account.bring_up` has it, for pages 1 and 2; None without a clock. offset_s: how
    far local time is ahead of UTC.
    """
    if page in (1, 2) and not account:
        return ["Used, and paid:", "", "clock is not set"]
    if page == 0:
        return _now(meter, offset_s)
    if page == 1:
        return _used(account, meter)
    if page == 2:
        return _cost(account[2], meter)
    return _status(meter, offset_s) if page == 3 else _pairing(meter)


def _now(meter, offset_s):
    metering = meter.metering
    energy = metering.energy
    rows = [
        f"\t{(energy.power_mw + 500) // 1000:>6} W",
        "",
        f"{_decimal(metering.sensor.voltage_mv, 3, 1)} V "
        f"{_decimal(metering.sensor.current_ma, 3, 2)} A",
        _row("In", _kwh(energy.import_uj // UJ_PER_WH)),
    ]
    if meter.public.channel_set != 1:
        rows.append(_row("Out", _kwh(energy.export_uj // UJ_PER_WH)))
    rows.append("")
    rows.append(_local(meter.clock.utc_s() + offset_s))
    return rows


def _used(account, meter):
    rows = []
    unit = 3 - meter.public.exponent  # decimals of a kWh in a sealed unit
    for name, used in (("Today", account[0]), ("Yesterday", account[1])):
        rows.append(name)
        for units, way in zip(used, ("in", "out")):  # noqa: B905 (MicroPython's takes no strict)
            rows.append(_row("", f"{_decimal(units, unit, 3)} kWh {way}"))
        rows.append("")
    return rows


def _cost(cost, meter):
    if cost is None:
        return ["Cost so far:", "", "no price list", "is loaded"]
    amount, scale, currency, since_s, price, over = cost
    rows = [
        "Cost since",
        _local(since_s)[:10],
        "",
        f"\t{_decimal(amount, scale, _CENTS):>8}",
        _row("", currency),
        "",
    ]
    if over:
        rows.append("period is over")
    else:
        rows.append(_row("now", _decimal(price, scale - 3 + meter.public.exponent, 4)))
        rows.append(_row("", f"{currency}/kWh"))
    return rows


def _status(meter, offset_s):
    bits = meter.public.status()
    rows = ["NOT SEALING" if bits & SILENT else "Sealing"]
    if not bits & CLOCK_SET:
        rows.append("clock is not set")
    count = meter.log.count
    if count:
        rows.append(f"Record {count - 1} up to")
        rows.append(_local(meter.metering.sealed_s() + offset_s))
    for bit, wrong in (
        (FLASH_FAILS, "flash refuses"), (LOG_DAMAGED, "log damaged"),
        (SETTINGS_REFUSED, "settings refused"),
    ):
        if bits & bit:
            rows.append(wrong)
    for bit, missing in ((SELF_TEST_PASSED, "self-test fails"), (CALIBRATED, "not calibrated")):
        if not bits & bit:
            rows.append(missing)
    rows.append(f"{FIRMWARE_VERSION} boot {meter.public.boot}")
    return rows


def _pairing(meter):
    public = meter.public
    bits = public.status()
    identity = public.meter.hex()
    rows = ["Meter", identity[:_COLUMNS], identity[_COLUMNS:]]
    rows.append(f"Pairing {public.epoch}" if bits & PAIRED else "Never paired")
    if meter.keys.pending:
        rows.append("a new one waits")
    rows.append("may be paired" if meter.pairing.is_open() else "press to pair")
    rows.append("Utility: totals" if bits & CONSENTED else "Utility: sealed")
    return rows


def _local(local_s):
    """Return a local time as "2026-01-31 14:05"."""
    day, second = divmod(local_s, 86400)
    year, month, date = civil_from_days(day)
    return f"{year}-{month:02d}-{date:02d} {second // 3600:02d}:{second // 60 % 60:02d}"


def _row(left, right):
    return left + " " * (_COLUMNS - len(left) - len(right)) + right


def _kwh(wh):
    return _decimal(wh, 3, 3) + " kWh"


def _decimal(value, scale, shown):
    """Return value * 10^-scale with `shown` decimals, half of the last one away from zero."""
    sign = "-" if value < 0 else ""
    value = abs(value)
    if scale > shown:
        half = 10 ** (scale - shown)
        value = (value + half // 2) // half
    else:
        value *= 10 ** (shown - scale)
    whole, part = divmod(value, 10**shown)
    return f"{sign if value else ''}{whole}.{part:0{shown}d}"
