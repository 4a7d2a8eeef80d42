"""Circuit breakers: how many requests a destination may have, and when it is tried again."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from porta.outbound import breaker
from porta.outbound.breaker import Breakers, LeftAlone


class _Failed(Exception):
    pass


def _fail(breakers: Breakers, name: str, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(_Failed), breakers.guard(name, _Failed):
            raise _Failed


def test_one_destination_has_few_places_and_all_have_not_many_more() -> None:
    breakers = Breakers()
    with ExitStack() as held:
        for _ in range(breaker.MOST_AT_ONCE):
            held.enter_context(breakers.guard("a", _Failed))
        with pytest.raises(LeftAlone):
            held.enter_context(breakers.guard("a", _Failed))
        for number in range(breaker.MOST_OF_ALL - breaker.MOST_AT_ONCE):
            held.enter_context(breakers.guard(f"b{number}", _Failed, of=f"{number}"))
        with pytest.raises(LeftAlone):
            held.enter_context(breakers.guard("c", _Failed))
    with breakers.guard("a", _Failed):
        pass


def test_after_the_pause_one_at_a_time_tries_and_success_closes() -> None:
    now = 0.0
    breakers = Breakers(lambda: now)
    _fail(breakers, "a", breaker.THRESHOLD)
    assert breakers.is_open("a")
    now = breaker.PAUSE
    with breakers.guard("a", _Failed), pytest.raises(LeftAlone), breakers.guard("a", _Failed):
        pass
    assert not breakers.is_open("a")
    with breakers.guard("a", _Failed), breakers.guard("a", _Failed):
        pass


def test_what_one_organization_names_costs_no_other() -> None:
    breakers = Breakers()
    for _ in range(breaker.THRESHOLD):
        with pytest.raises(_Failed), breakers.guard("a", _Failed, of="evil"):
            raise _Failed
    assert breakers.is_open("a", of="evil")
    with breakers.guard("a", _Failed, of="acme"):
        pass
    with ExitStack() as held:
        for number in range(breaker.MOST_OF_ONE):
            held.enter_context(breakers.guard(f"b{number}", _Failed, of="evil"))
        with pytest.raises(LeftAlone):
            held.enter_context(breakers.guard("c", _Failed, of="evil"))
        held.enter_context(breakers.guard("c", _Failed, of="acme"))
    with breakers.guard("c", _Failed, of="evil"):
        pass


def test_what_one_connection_gets_costs_no_other_one_of_its_organization() -> None:
    """But all of them have the places of one organization."""
    breakers = Breakers()
    for _ in range(breaker.THRESHOLD):
        with pytest.raises(_Failed), breakers.guard("a", _Failed, of="acme", by="draft"):
            raise _Failed
    assert breakers.is_open("a", of="acme", by="draft")
    with breakers.guard("a", _Failed, of="acme", by="live"):
        pass
    with ExitStack() as held:
        for number in range(breaker.MOST_OF_ONE):
            held.enter_context(breakers.guard(f"b{number}", _Failed, of="acme", by=f"{number}"))
        with pytest.raises(LeftAlone):
            held.enter_context(breakers.guard("c", _Failed, of="acme", by="live"))


def test_a_success_forgets_failures() -> None:
    breakers = Breakers()
    for _ in range(3):
        _fail(breakers, "a", breaker.THRESHOLD - 1)
        with breakers.guard("a", _Failed):
            pass
    assert not breakers.is_open("a")


def test_what_is_no_failure_counts_for_none() -> None:
    breakers = Breakers()
    for _ in range(breaker.THRESHOLD):
        with pytest.raises(LookupError), breakers.guard("a", _Failed):
            raise LookupError
    assert not breakers.is_open("a")


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "_REMEMBERED", 3)
    breakers = Breakers()
    _fail(breakers, "a", breaker.THRESHOLD)
    for name in "bcd":
        _fail(breakers, name)
    assert not breakers.is_open("a")
