from __future__ import annotations

from math import inf

import pytest

from porta.config.system import Config
from porta.security.key_schedule import (
    MARGIN,
    ScheduledKey,
    State,
    build_schedule,
    longest_token_ttl,
)
from storage.models.signing_keys import SigningKey

TTL = 3600


def key(
    kid: str, activated_at: float, organization: str | None = None, **more: object
) -> SigningKey:
    values = {
        "id": kid,
        "kid": kid,
        "algorithm": "ES256",
        "public_key": "",
        "private_key": "",
        "organization_id": organization,
        "activated_at": activated_at,
    }
    return SigningKey(**(values | more))  # type: ignore[arg-type]


def schedule_of(*rows: SigningKey, organization: str | None = None) -> dict[str, ScheduledKey]:
    schedule = build_schedule(rows, organization, "ES256", TTL)
    return {scheduled.row.kid: scheduled for scheduled in schedule}


def states(schedule: dict[str, ScheduledKey], now: float) -> dict[str, str]:
    return {kid: str(scheduled.state(now)) for kid, scheduled in schedule.items()}


def test_a_key_is_published_then_active_then_retired_then_gone() -> None:
    schedule = schedule_of(key("a", 0), key("b", 1000))
    end = 1000 + TTL + MARGIN
    assert states(schedule, 999.9) == {"a": "active", "b": "published"}
    assert schedule["b"].signs_from == 1000
    assert states(schedule, 1000) == {"a": "retired", "b": "active"}
    assert states(schedule, end - 0.1) == {"a": "retired", "b": "active"}
    assert states(schedule, end) == {"a": "gone", "b": "active"}
    assert schedule["a"][1:] == (-inf, 1000, end)
    assert schedule["b"][1:] == (1000, inf, inf)


def test_order_does_not_depend_on_the_order_of_rows() -> None:
    rows = [key("a", 0), key("b", 1000), key("c", 2000)]
    expected = schedule_of(*rows)
    assert schedule_of(*rows[::-1]) == expected
    assert states(expected, 1500) == {"a": "retired", "b": "active", "c": "published"}


def test_of_two_keys_of_one_moment_the_later_made_signs_on_every_instance() -> None:
    first, second = key("b", 10, created_at=1), key("a", 10, created_at=2)
    assert states(schedule_of(first, second), 20) == {"b": "retired", "a": "active"}
    assert states(schedule_of(second, first), 20) == {"b": "retired", "a": "active"}
    assert states(schedule_of(key("x", 10), key("y", 10)), 20) == {"x": "retired", "y": "active"}


def test_other_algorithms_are_other_lanes() -> None:
    assert states(schedule_of(key("a", 0), key("r", 50, algorithm="RS256")), 100) == {"a": "active"}


def test_a_revoked_key_is_out_at_once_and_the_one_before_signs_again() -> None:
    schedule = schedule_of(key("a", 0), key("b", 1000, status="revoked"))
    assert states(schedule, 1500) == {"a": "active", "b": "revoked"}
    assert states(schedule_of(key("a", 0, status="revoked")), -5) == {"a": "revoked"}


@pytest.mark.parametrize("now", [0.0, 999.9, 1000.0, 5000.0])
def test_security_7_the_next_key_signs_at_once_where_no_older_one_can(now: float) -> None:
    revoked, old = key("a", 0, status="revoked"), key("o", -10, status="retired", retired_at=0)
    schedule = schedule_of(old, revoked, key("b", 6000), key("c", 7000))
    assert states(schedule, now)["b"] == "active"
    assert states(schedule, now)["c"] == "published"
    own = schedule_of(revoked, key("own", 6000, "acme"), organization="acme")
    assert states(own, now) == {"own": "active"} | ({"a": "revoked"})


def test_security_7_an_older_key_that_stands_signs_before_one_that_is_published() -> None:
    schedule = schedule_of(key("a", 0), key("b", 1000, status="revoked"), key("c", 2000))
    assert states(schedule, 1500) == {"a": "active", "b": "revoked", "c": "published"}


def test_security_7_a_key_that_expires_hands_over_early() -> None:
    schedule = schedule_of(key("a", 0, expires_at=50), key("b", 1000))
    assert states(schedule, 49) == {"a": "active", "b": "published"}
    assert states(schedule, 50) == {"a": "gone", "b": "active"}


def test_a_row_retired_by_porta_1_never_signs_and_stays_for_its_tokens() -> None:
    schedule = schedule_of(key("a", 0, status="retired", retired_at=1000))
    assert states(schedule, 500) == {"a": "retired"}
    assert states(schedule, 1000 + TTL + MARGIN - 1) == {"a": "retired"}
    assert states(schedule, 1000 + TTL + MARGIN) == {"a": "gone"}


def test_a_retired_row_without_a_date_stays_until_a_newer_one_has_long_signed() -> None:
    lonely = key("a", 0, status="retired")
    assert states(schedule_of(lonely), 1e9) == {"a": "retired"}
    assert states(schedule_of(lonely, key("b", 50)), 50 + TTL + MARGIN) == {
        "a": "gone",
        "b": "active",
    }


def test_a_retired_row_does_not_end_the_one_before_it() -> None:
    schedule = schedule_of(key("a", 0), key("b", 10, status="retired", retired_at=20), key("c", 30))
    assert states(schedule, 25) == {"a": "active", "b": "retired", "c": "published"}
    assert schedule["a"].signs_until == 30


def test_expires_at_ends_a_key_early_and_never_late() -> None:
    assert states(schedule_of(key("a", 0, expires_at=50)), 49.9) == {"a": "active"}
    assert states(schedule_of(key("a", 0, expires_at=50)), 50) == {"a": "gone"}
    schedule = schedule_of(key("a", 0, expires_at=1e9), key("b", 10))
    assert schedule["a"].leaves == 10 + TTL + MARGIN


def test_an_organization_without_keys_of_its_own_has_the_global_ones() -> None:
    rows = (key("g", 0), key("h", 100), key("other", 50, "acme"))
    assert states(schedule_of(*rows, organization="beta"), 60) == {"g": "active", "h": "published"}
    assert states(schedule_of(*rows), 60) == {"g": "active", "h": "published"}


def test_keys_of_its_own_replace_the_global_ring_from_their_activation_on() -> None:
    rows = (key("g", 0), key("own", 100, "acme"), key("later", 200), key("next", 300, "acme"))
    schedule = schedule_of(*rows, organization="acme")
    assert states(schedule, 99) == {"g": "active", "own": "published", "next": "published"}
    assert states(schedule, 250) == {"g": "retired", "own": "active", "next": "published"}
    assert schedule["g"].leaves == 100 + TTL + MARGIN
    assert states(schedule_of(*rows), 250) == {"g": "retired", "later": "active"}


def test_a_global_rotation_before_the_takeover_still_counts() -> None:
    rows = (key("g", 0), key("h", 90), key("own", 100, "acme"))
    schedule = schedule_of(*rows, organization="acme")
    assert states(schedule, 95) == {"g": "retired", "h": "active", "own": "published"}


def test_when_all_keys_of_its_own_are_revoked_the_global_ones_serve_again() -> None:
    rows = (key("g", 0), key("own", 100, "acme", status="revoked"), key("h", 200))
    schedule = schedule_of(*rows, organization="acme")
    assert states(schedule, 250) == {"g": "retired", "own": "revoked", "h": "active"}


def test_the_longest_life_counts_and_those_that_resources_set() -> None:
    config = Config(access_token_ttl=10, id_token_ttl=20, client_credentials_ttl=15)
    assert longest_token_ttl(config) == 20
    assert longest_token_ttl(config, 5, 30) == 30
    assert longest_token_ttl(Config(client_credentials_ttl=9999)) == 9999


@pytest.mark.parametrize("now", [0.0, 99.5, 1e12])
def test_there_is_exactly_one_active_key_from_the_first_activation_on(now: float) -> None:
    rows = [key(str(n), n * 7.0) for n in range(50)]
    found = list(states(schedule_of(*rows), now).values())
    assert found.count(State.ACTIVE) == 1
