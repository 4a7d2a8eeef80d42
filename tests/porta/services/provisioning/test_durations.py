"""Spans of time as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from porta.errors import Invalid
from porta.services.provisioning.durations import end_of

START = datetime(2027, 1, 31, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("duration", "end"),
    [
        ("12h", datetime(2027, 2, 1, 0, 0, tzinfo=UTC)),
        ("30d", datetime(2027, 3, 2, 12, 0, tzinfo=UTC)),
        ("1m", datetime(2027, 2, 28, 12, 0, tzinfo=UTC)),
        ("13m", datetime(2028, 2, 29, 12, 0, tzinfo=UTC)),
        ("2y", datetime(2029, 1, 31, 12, 0, tzinfo=UTC)),
        ("11m", datetime(2027, 12, 31, 12, 0, tzinfo=UTC)),
        ("999y", datetime(3026, 1, 31, 12, 0, tzinfo=UTC)),
    ],
)
def test_end(duration: str, end: datetime) -> None:
    assert end_of(duration, START) == end


@pytest.mark.parametrize(
    "duration", ["", "5", "d", "0d", "-1d", "1w", "1.5d", "1000y", "1d\n", "٣d"]
)
def test_refuses(duration: str) -> None:
    with pytest.raises(Invalid):
        end_of(duration, START)
