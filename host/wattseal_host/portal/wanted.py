"""The form by which a visitor asks the meter: period, granularity, and who is to open it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from wattseal.errors import Malformed

from wattseal_host.portal import forms

DAY_S = 86400
MAX_DAYS = 400
GRANULARITIES = {"0": "every reading", "3600": "each hour", "86400": "each day"}
BROWSER, SERVER = "browser", "server"
PURPOSES = {BROWSER: "opened in my browser", SERVER: "shown to me until I log off"}


def read(form: dict[str, Any]) -> tuple[int, int, int, str]:
    """(start_s, end_s, granularity_s, mode): whole days of UTC, the last one included."""
    start, end = _date(form, "from"), _date(form, "to")
    granularity, mode = forms.text(form, "granularity"), forms.text(form, "mode")
    if granularity not in GRANULARITIES or mode not in PURPOSES:
        raise Malformed("form")
    start_s = int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp())
    end_s = int(datetime(end.year, end.month, end.day, tzinfo=UTC).timestamp()) + DAY_S
    if not (0 <= start_s < end_s < 2**32 and end_s - start_s <= MAX_DAYS * DAY_S):
        raise Malformed("export-period")
    return start_s, end_s, int(granularity), mode


def _date(form: dict[str, Any], name: str) -> date:
    try:
        return date.fromisoformat(forms.text(form, name))
    except ValueError as error:
        raise Malformed("export-period") from error


def day(day: int) -> str:
    return datetime.fromtimestamp(day * DAY_S, UTC).date().isoformat()
