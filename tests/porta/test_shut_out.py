"""Who is refused for a while: until then, not longer, and never more than so many."""

from __future__ import annotations

import pytest

from porta.shut_out import ShutOut


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_nobody_is_refused_at_first(clock: Clock) -> None:
    assert ShutOut(clock).remaining("a") == 0


@pytest.mark.parametrize(
    ("later", "left"), [(0.0, 10), (0.1, 10), (8.9, 2), (9.5, 1), (10.0, 0), (11.0, 0)]
)
def test_the_seconds_are_whole_and_rounded_up(clock: Clock, later: float, left: int) -> None:
    shut_out = ShutOut(clock)
    shut_out.add("a", 10)
    clock.now += later
    assert shut_out.remaining("a") == left
    assert shut_out.remaining("b") == 0


def test_a_later_end_takes_the_place_of_an_earlier_one(clock: Clock) -> None:
    shut_out = ShutOut(clock)
    shut_out.add("a", 10)
    shut_out.add("a", 30)
    assert shut_out.remaining("a") == 30


def test_it_is_bounded(clock: Clock) -> None:
    shut_out = ShutOut(clock, limit=3)
    for name in "abcd":
        shut_out.add(name, 60)
    assert [shut_out.remaining(name) > 0 for name in "abcd"] == [False, True, True, True]


def test_refusing_somebody_again_pushes_nobody_out(clock: Clock) -> None:
    shut_out = ShutOut(clock, limit=3)
    for name in "abcccc":
        shut_out.add(name, 60)
    assert [shut_out.remaining(name) > 0 for name in "abc"] == [True, True, True]
