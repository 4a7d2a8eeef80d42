"""Remembered accounts: read by us alone, shown at their organization, few, and for a time."""

from __future__ import annotations

import pytest

from porta.security import boxes
from porta.security.remembered_accounts import (
    LIFETIME,
    LONGEST,
    MOST_OF_ONE,
    find,
    forget,
    handle,
    masked,
    remember,
)
from storage.models.users import User
from tests import factories

NOW = 1_800_000_000.25
KEYS = ("k" * 32,)


def _user(name: str = "ada", organization: str = "acme", given_name: str | None = "Ada") -> User:
    return factories.user(
        id=f"{name}-of-{organization}",
        organization_id=organization,
        email=f"{name}@acme.test",
        given_name=given_name,
    )


def _remember(*users: User, value: str | None = None) -> str:
    for user in users:
        value = remember(KEYS, value, user, NOW, asked=True)
    assert value is not None
    return value


def _names(value: str | None, organization: str = "acme", now: float = NOW) -> list[str]:
    return [each.email.partition("@")[0] for each in find(KEYS, value, organization, now)]


def test_who_asks_is_remembered_and_nobody_else() -> None:
    value = _remember(_user())
    (found,) = find(KEYS, value, "acme", NOW)
    assert (found.email, found.name) == ("ada@acme.test", "Ada")
    assert remember(KEYS, value, _user("bob"), NOW, asked=False) is None
    assert remember(KEYS, None, _user("bob"), NOW, asked=False) is None


def test_another_organization_sees_nobody() -> None:
    value = _remember(_user(), _user("bob", "globex"))
    assert (_names(value), _names(value, "globex")) == (["ada"], ["bob"])
    assert _names(value, "third") == []


def test_who_is_remembered_stays_first_and_as_they_are_now() -> None:
    value = _remember(_user(), _user("bob"))
    assert _names(value) == ["bob", "ada"]
    moved = factories.user(
        id="ada-of-acme", organization_id="acme", email="lovelace@acme.test", given_name=None
    )
    again = remember(KEYS, value, moved, NOW, asked=False)
    assert _names(again) == ["lovelace", "bob"]


def test_the_last_few_of_an_organization_and_what_fits_are_kept() -> None:
    people = [_user(f"p{number}") for number in range(MOST_OF_ONE + 2)]
    assert _names(_remember(_user("x", "globex"), *people)) == ["p4", "p3", "p2"]
    value = None
    for number in range(40):
        value = _remember(_user("long" * 20 + str(number), f"o{number}"), value=value)
        assert len(value) <= LONGEST
    assert _names(value, "o39"), "the last one is there, whoever had to go"
    assert _names(value, "o0") == []


def test_an_address_that_no_cookie_holds_is_not_remembered() -> None:
    assert remember(KEYS, None, _user("x" * 2000), NOW, asked=True) is None


def test_a_name_is_bounded() -> None:
    (found,) = find(KEYS, _remember(_user(given_name=" A" * 500)), "acme", NOW)
    assert len(found.name) == 40


def test_it_ends_and_is_forgotten_when_asked() -> None:
    value = _remember(_user(), _user("bob"))
    assert _names(value, now=int(NOW) + LIFETIME - 1) == ["bob", "ada"]
    assert _names(value, now=int(NOW) + LIFETIME) == []
    left = forget(KEYS, value, "bob-of-acme", NOW)
    assert _names(left) == ["ada"]
    assert forget(KEYS, left, "ada-of-acme", NOW) is None


@pytest.mark.parametrize(
    "value",
    ["", "A" * 80, "x", boxes.close(KEYS, "replay", b"\x90"), boxes.close(("o" * 32,), "x", b"")],
    ids=["empty", "made up", "short", "another purpose", "another key"],
)
def test_what_we_did_not_seal_is_nobody(value: str) -> None:
    assert find(KEYS, value, "acme", NOW) == ()


def test_what_is_sealed_and_malformed_is_nobody() -> None:
    assert find(KEYS, boxes.close(KEYS, "remembered accounts", b"\xff"), "acme", NOW) == ()


def test_nothing_is_read_in_it_but_with_our_keys() -> None:
    value = _remember(_user())
    assert not any(told in value for told in ("ada", "Ada", "acme"))
    assert find(("n" * 32, *KEYS), value, "acme", NOW) != (), "any of them"
    assert find(("n" * 32,), value, "acme", NOW) == ()


def test_a_handle_names_an_account_and_tells_nothing() -> None:
    one, other = find(KEYS, _remember(_user(), _user("bob")), "acme", NOW)
    assert handle(KEYS, one) != handle(KEYS, other)
    assert handle(("n" * 32,), one) != handle(KEYS, one), "nobody computes it of an id"


@pytest.mark.parametrize(
    ("email", "shown"),
    [
        ("lovelace@acme.test", "l***e@acme.test"),
        ("ada@acme.test", "a***@acme.test"),
        ("a@acme.test", "a***@acme.test"),
        ("@acme.test", "***@acme.test"),
    ],
)
def test_an_address_is_masked(email: str, shown: str) -> None:
    assert masked(email) == shown
