"""Questions in local time, written with the offsets that held then: those alone are binding."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from wattseal.errors import Misuse

from wattseal_host.disclosure.query import TIME


def localised(text: str, zone: str) -> str:
    """A question with the zone's offset behind every time that has none: a day of it is then one
    from midnight to midnight there, of 23, 24 or 25 hours.

    A time that comes twice is the first of the two, one that is left out the moment of the change.
    Misuse `zone-unknown`.
    """
    try:
        place = ZoneInfo(zone)
    except (OSError, ValueError) as error:
        raise Misuse("zone-unknown", zone) from error

    def with_offset(match: re.Match[str]) -> str:
        if match["offset"]:
            return match[0]
        try:
            at = datetime.fromisoformat(match["local"]).replace(tzinfo=place)
        except ValueError:
            return match[0]  # no time at all, which its reader says
        offset = at.utcoffset()
        assert offset is not None  # a zone has one for every time
        minutes = int(offset.total_seconds()) // 60
        sign = "-" if minutes < 0 else "+"
        return f"{match['local']}{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"

    return TIME.sub(with_offset, text)
