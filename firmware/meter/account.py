"""What was used today and yesterday, and what it has cost: summed up from the meter's own records.

Loaded for a page of the display, see `once`; what was summed up stays in `Display.book`. Only
records of the present pairing count, so who moves in does not see what was used before. A record
belongs to the day, and has the price, of its first second; days are those of the price list's
zone, or, where none is loaded, of the telegrams'.
"""

import asyncio

from micropython import const
from wattseal.record import decode_body

from meter.energy import unit_uj
from meter.local_time import LocalTime
from meter.once import once

_DAY_S = const(86400)
_SLACK_S = const(7200)  # that clocks change by, and more
_AT_ONCE = const(4)  # records between two chances for the rest of the meter

# What the book, a list, holds: epoch and price list it is about, next record, day, units of each
# channel today and yesterday, cost, number of the price at work, those prices, when they end.
_EPOCH = const(0)
_LIST = const(1)
_SEQ = const(2)
_DAY = const(3)
_TODAY = const(4)
_YESTERDAY = const(5)
_COST = const(6)
_ENTRY = const(7)
_PRICES = const(8)
_UNTIL = const(9)


async def bring_up(meter):
    """Return (units of each channel today, yesterday, cost) for a `Display`.

    cost: None without a price list, else (amount, its decimals, currency, since when in local time,
    import price of a unit now, whether the list is over).
    """
    prices = once("price_list", "load", meter.storage, meter.keys.epoch)
    local = LocalTime()
    now_s = meter.clock.utc_s()
    day = _day(prices, local, now_s)
    tag = prices.tag if prices else b""
    book = meter.book
    if book[:2] != [meter.keys.epoch, tag]:
        first_s = (day - 1) * _DAY_S - _offset_s(prices, local, now_s) - _SLACK_S
        if prices:
            first_s = min(first_s, prices.from_s)
        book[:] = [
            meter.keys.epoch, tag, _find(meter.log, first_s), day, [0, 0], [0, 0], 0, -1, (), 0,
        ]
    await _sum_up(book, meter, prices, local)
    _turn(book, day)
    used = list(book[_TODAY])
    rest = []  # of the interval in hand
    metering = meter.metering
    unit = unit_uj(meter.public.exponent)
    sealed = metering.sealed_units()
    for channel, register_uj in enumerate(metering.energy.registers_uj()):
        rest.append(max(0, register_uj // unit - sealed[channel]))
        used[channel] += rest[channel]
    count = len(rest)
    cost = None
    if prices:
        amount = book[_COST]
        last_s = min(now_s, prices.until_s - 1)
        now = _prices(book, prices, last_s)
        over = now_s >= prices.until_s
        if not over and now_s >= prices.from_s:
            amount += _priced(now, rest)
        days = _day(prices, local, last_s) - _day(prices, local, prices.from_s) + 1
        since_s = prices.from_s + prices.offset_s(prices.from_s)
        amount += prices.standing * max(0, days)
        cost = (amount, prices.scale, prices.currency, since_s, now[0], over)
    return used[:count], book[_YESTERDAY][:count], cost


async def _sum_up(book, meter, prices, local):
    log = meter.log
    keys = meter.keys
    while book[_SEQ] < log.count:
        seq = book[_SEQ]
        body = log.body(seq)
        record = decode_body(body) if body else None
        if record and record.channels and record.epoch == keys.epoch:
            start_s = record.start_s
            values = [
                meter.openings.reading(record, channel)[0]
                for channel in range(len(record.channels))
            ]
            day = _day(prices, local, start_s)
            _turn(book, day)
            if book[_DAY] - 1 <= day <= book[_DAY]:
                used = book[_TODAY if day == book[_DAY] else _YESTERDAY]
                for channel, value in enumerate(values):
                    used[channel] += value
            if prices and prices.from_s <= start_s < prices.until_s:
                book[_COST] += _priced(_prices(book, prices, start_s), values)
        book[_SEQ] = seq + 1
        if seq % _AT_ONCE == 0:
            await asyncio.sleep_ms(0)


def _find(log, first_s):
    """Return the first record that begins at first_s or later."""
    low, high = log.oldest, log.count
    while low < high:
        middle = (low + high) // 2
        body = log.body(middle)
        if body and decode_body(body).start_s >= first_s:
            high = middle
        else:
            low = middle + 1
    return low


def _turn(book, day):
    """Begin a day, if it is a later one."""
    if day > book[_DAY]:
        book[_YESTERDAY] = book[_TODAY] if day == book[_DAY] + 1 else [0, 0]
        book[_TODAY] = [0, 0]
        book[_DAY] = day


def _prices(book, prices, utc_s):
    """Return the prices at a time, not before the one asked for last."""
    while book[_ENTRY] < 0 or utc_s >= book[_UNTIL]:
        book[_ENTRY] += 1
        book[_PRICES] = prices.entry(book[_ENTRY])[1]
        following = book[_ENTRY] + 1
        book[_UNTIL] = prices.entry(following)[0] if following < prices.count else prices.until_s
    return book[_PRICES]


def _priced(prices, values):
    amount = 0
    for channel, value in enumerate(values):
        if channel < len(prices):
            amount += prices[channel] * value
    return amount


def _offset_s(prices, local, utc_s):
    if prices:
        return prices.offset_s(utc_s)
    return 7200 if local.stamp(utc_s)[-1] == "S" else 3600


def _day(prices, local, utc_s):
    return (utc_s + _offset_s(prices, local, utc_s)) // _DAY_S
