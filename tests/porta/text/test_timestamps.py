"""Timestamps: RFC 3339 in UTC, with milliseconds also where there are none."""

from __future__ import annotations

import pytest

from porta.text.timestamps import spell_timestamp


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_796_006_576.6211, "2026-11-30T02:42:56.621Z"),
    ],
)
def test_a_moment_is_spelled(seconds: float, text: str) -> None:
    assert spell_timestamp(seconds) == text
