"""Known-browser tokens: sealed for one account of one organization, for a time."""

from __future__ import annotations

import re

import pytest

from porta.security import known_browsers
from porta.security.known_browsers import LIFETIME, MAX_ACCOUNTS, after_reset, find, remember

NOW = 1_800_000_000.25
KEYS = ("k" * 32,)
WHO = ("acme", "ann@acme.test")


def test_a_browser_is_known_at_the_account_it_signed_in_to() -> None:
    value = remember(KEYS, None, *WHO, NOW)
    found = find(KEYS, value, *WHO, NOW)
    assert found is not None
    assert re.fullmatch(r"[A-Za-z0-9_-]{75}", value), "a cookie holds it as it is"
    assert "ann" not in value
    assert find(KEYS, value, "globex", WHO[1], NOW) is None
    assert find(KEYS, value, WHO[0], "bob@acme.test", NOW) is None
    assert find(KEYS, value, "acme ann@acme.test"[:4], "ann@acme.tes", NOW) is None


def test_what_a_reset_gave_is_no_sign_in() -> None:
    value = remember(KEYS, None, WHO[0], after_reset(WHO[1]), NOW)
    assert find(KEYS, value, *WHO, NOW) is None
    assert find(KEYS, value, WHO[0], after_reset(WHO[1]), NOW)


def test_each_sign_in_begins_another_count() -> None:
    first = remember(KEYS, None, *WHO, NOW)
    second = remember(KEYS, first, *WHO, NOW)
    assert find(KEYS, first, *WHO, NOW) != find(KEYS, second, *WHO, NOW)
    assert len(second) == len(first), "it takes the place of the one before"


def test_it_ends() -> None:
    value = remember(KEYS, None, *WHO, NOW)
    end = int(NOW) + LIFETIME
    assert find(KEYS, value, *WHO, end - 0.5)
    assert find(KEYS, value, *WHO, end) is None
    later = str(int(value[:10]) + 10**6) + value[10:]
    assert find(KEYS, later, *WHO, NOW) is None, "and nobody prolongs it"


def test_any_of_our_keys_may_have_sealed_it() -> None:
    value = remember(("old" * 11,), None, *WHO, NOW)
    assert find(("new" * 11, "old" * 11), value, *WHO, NOW)
    assert find(("new" * 11,), value, *WHO, NOW) is None


def test_a_browser_is_known_for_a_few_accounts_the_last_ones() -> None:
    value = None
    people = [f"person-{n}@acme.test" for n in range(MAX_ACCOUNTS + 2)]
    for email in people:
        value = remember(KEYS, value, "acme", email, NOW)
    known = [find(KEYS, value, "acme", email, NOW) is not None for email in people]
    assert known == [False] * 2 + [True] * MAX_ACCOUNTS
    assert value is not None
    assert len(value) == 75 * MAX_ACCOUNTS
    one_more = remember(KEYS, None, "acme", people[0], NOW) + value
    assert find(KEYS, one_more, "acme", people[0], NOW) is None, "nobody joins cookies of ours"


@pytest.mark.parametrize("change", [0, 9, 10, 31, 32, 74])
def test_what_was_changed_is_nothing(change: int) -> None:
    value = remember(KEYS, None, *WHO, NOW)
    other = "1" if value[change] != "1" else "2"
    assert find(KEYS, value[:change] + other + value[change + 1 :], *WHO, NOW) is None


@pytest.mark.parametrize(
    "value",
    [None, "", "x", "x" * 75, "1" * 75, "1" * 74, "1" * 76, "1" * 375, "\u0661" * 75, "-" * 150],
)
def test_anything_else_is_a_stranger_and_gives_way(value: str | None) -> None:
    assert find(KEYS, value, *WHO, NOW) is None
    assert find(KEYS, remember(KEYS, value, *WHO, NOW), *WHO, NOW)


def test_the_seal_is_for_this_purpose_only(monkeypatch: pytest.MonkeyPatch) -> None:
    another = known_browsers._PURPOSE._replace(name="another purpose")
    monkeypatch.setattr(known_browsers, "_PURPOSE", another)
    foreign = remember(KEYS, None, *WHO, NOW)
    monkeypatch.undo()
    assert find(KEYS, foreign, *WHO, NOW) is None
