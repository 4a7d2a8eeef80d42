"""Timestamps as text (RFC 3339), and as seconds since the epoch."""

from __future__ import annotations

from datetime import UTC, datetime


def spell_timestamp(seconds: float) -> str:
    """Return a moment, in seconds since the epoch, in UTC with milliseconds."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_of(moment: datetime) -> float:
    """Return a moment as seconds since the epoch; a time without zone is UTC."""
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
