"""UTC to the local time DSMR telegrams carry: Central European, with the EU's summer time.

Summer time runs from 01:00 UTC on the last Sunday of March to that of October
(directive 2000/84/EC).
"""

from micropython import const

_DAY_S = const(86400)
_HOUR_S = const(3600)


def days_from_civil(year, month, day):
    """Return the days from 1970-01-01 to a Gregorian date, year >= 1970."""
    if month < 3:
        year -= 1
        month += 12
    leaps = year // 4 - year // 100 + year // 400
    return 365 * year + leaps + (153 * (month - 3) + 2) // 5 + day - 719469


def civil_from_days(days):
    """Return (year, month, day) of a count of days since 1970-01-01."""
    days += 719468
    era, day_of_era = divmod(days, 146097)
    year_of_era = (
        day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    return era * 400 + year_of_era + (1 if month < 3 else 0), month, day


def _change_s(year, month):
    """Return the second of UTC at which the clocks change in a month of 31 days."""
    last = days_from_civil(year, month, 31)
    return (last - (last + 4) % 7) * _DAY_S + _HOUR_S  # 1970-01-01 was a Thursday


class LocalTime:
    """Formats time stamps, with the date kept from one call to the next."""

    def __init__(self):
        self._day = -1
        self._date = ""
        self._year = 0
        self._summer_s = 0
        self._winter_s = 0

    def stamp(self, utc_s):
        """Return YYMMDDhhmmss and S (summer) or W (winter) for a second of UTC since 1970."""
        summer = self._summer_s <= utc_s < self._winter_s
        day, second = divmod(utc_s + (2 if summer else 1) * _HOUR_S, _DAY_S)
        if day != self._day:
            year, month, date = civil_from_days(day)
            self._day = day
            self._date = f"{year % 100:02d}{month:02d}{date:02d}"
            if year != self._year:
                self._year = year
                self._summer_s = _change_s(year, 3)
                self._winter_s = _change_s(year, 10)
                return self.stamp(utc_s)
        minute, second = divmod(second, 60)
        clock = f"{minute // 60:02d}{minute % 60:02d}{second:02d}"
        return self._date + clock + ("S" if summer else "W")
