"""Challenges: for one purpose, for ten minutes, and none that we did not hand out."""

from __future__ import annotations

import pytest

from porta.security.passkey_challenges import LIFE, is_good, new_challenge
from porta.security.passkeys import decode, encode

KEYS, OLD = ("k" * 40, "o" * 40), ("o" * 40,)
NOW = 1_800_000_000.0


def test_a_challenge_is_good_for_its_purpose_until_it_ends() -> None:
    challenge = new_challenge(KEYS, "sign-in", NOW)
    assert is_good(KEYS, "sign-in", challenge, NOW)
    assert is_good(KEYS, "sign-in", challenge, NOW + LIFE - 1)
    assert not is_good(KEYS, "sign-in", challenge, NOW + LIFE)
    assert not is_good(KEYS, "enrolment", challenge, NOW)


def test_it_is_told_back_as_it_was_and_never_twice_the_same() -> None:
    challenges = {new_challenge(KEYS, "p", NOW) for _ in range(100)}
    assert len(challenges) == 100
    assert all(encode(decode(each)) == each for each in challenges)


def test_it_outlives_a_change_of_keys() -> None:
    challenge = new_challenge(OLD, "p", NOW)
    assert is_good(KEYS, "p", challenge, NOW)
    assert not is_good(KEYS[:1], "p", challenge, NOW)


@pytest.mark.parametrize("place", [0, 21, 22, 29, 31, 32, 74])
def test_a_changed_one_is_none(place: int) -> None:
    challenge = new_challenge(KEYS, "p", NOW)
    other = "B" if challenge[place] != "B" else "C"
    assert not is_good(KEYS, "p", challenge[:place] + other + challenge[place + 1 :], NOW)


@pytest.mark.parametrize("text", ["", "x", "A" * 75, "é" * 75])
def test_what_we_did_not_make_is_none(text: str) -> None:
    assert not is_good(KEYS, "p", text, NOW)
