"""Spans of time as people write them into files: 12h, 30d, 6m, 1y."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import datetime, timedelta

from porta.errors import Invalid

_DURATION = re.compile(r"([1-9][0-9]{0,2})([hdmy])")
_MONTHS = {"m": 1, "y": 12}


def parse_duration(duration: str) -> str:
    """Return `duration`. Raises Invalid unless it is up to 999 hours, days, months or years."""
    if not _DURATION.fullmatch(duration):
        raise Invalid("a number and h(ours), d(ays), m(onths) or y(ears) is needed, like 90d")
    return duration


def end_of(duration: str, start: datetime) -> datetime:
    """Return when `duration` from `start` is over: h(ours), d(ays), m(onths), y(ears).

    A month later is the same day of the next month, or its last. Raises Invalid.
    """
    count, unit = int(parse_duration(duration)[:-1]), duration[-1]
    if unit not in _MONTHS:
        return start + (timedelta(hours=count) if unit == "h" else timedelta(days=count))
    return _add_months(start, count * _MONTHS[unit])


def _add_months(start: datetime, months: int) -> datetime:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, monthrange(year, month + 1)[1])
    return start.replace(year=year, month=month + 1, day=day)
