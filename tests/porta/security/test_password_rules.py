from __future__ import annotations

import time

import pytest

from porta.errors import Invalid
from porta.security.password_rules import WeakPassword, check_password
from porta.security.password_text import MAX_BYTES


@pytest.mark.parametrize(
    "text",
    [
        "fifteen letters",
        "               ",
        "密码密码密码密码密码密码密码密",
        "é" * 512,
        "no composition rule here",
        "acme makes me remember otters",
        "!!!!!!!!!!!!!!!",
    ],
)
def test_a_long_password_of_any_characters_is_allowed(text: str) -> None:
    check_password(text, ["Acme", "ann@acme.example"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("fourteen chars", "too_short"),
        ("", "too_short"),
        ("é" * 513, "too_long"),
        ("a" * (MAX_BYTES + 1), "too_long"),
        ("x" * 15 + "\ud800", "too_long"),
        ("AcmeAcmeAcmeAcme", "names"),
        ("acme-corp-ann-2026!", "names"),
        ("ACME corp 1234 !!!!!!!!!", "names"),
        ("PortaPortaPortaPorta", "names"),
        ("\uff21\uff43\uff4d\uff45 acme acme 12", "names"),
        ("ann.smith@acme.example1", "names"),
        ("Strasse Straße strasse", "names"),
    ],
)
def test_a_password_that_is_guessed_first_is_refused(text: str, reason: str) -> None:
    words = ["Acme Corp", "ann.smith@acme.example", "Ann", "Straße", "of", ""]
    with pytest.raises(WeakPassword) as raised:
        check_password(text, words)
    assert raised.value.reason == reason
    assert isinstance(raised.value, Invalid)
    assert len(text) < 15 or text not in str(raised.value)


def test_beside_a_second_factor_eight_are_enough() -> None:
    check_password("8 letter", minimum=8)
    with pytest.raises(WeakPassword, match="8 characters"):
        check_password("7 lette", minimum=8)


@pytest.mark.parametrize(
    "text",
    [
        "123456789987654321",
        "1QAZ2wsx3edc4rfv",
        "passwordpasswordpassword",
        "qwertyqwertyqwe",
        "Password" * 64,
    ],
)
def test_a_common_password_is_refused_also_repeated(text: str) -> None:
    with pytest.raises(WeakPassword) as caught:
        check_password(text)
    assert caught.value.reason == "common"


@pytest.mark.parametrize("text", ["\ufdfa" * 200 + "x", "x" * 1023 + "y", "\ufdfa" * 341])
def test_what_is_long_or_grows_when_folded_is_judged_in_no_time(text: str) -> None:
    """U+FDFA folds into eighteen characters; thousands of them once took seconds."""
    begin = time.process_time()
    check_password(text)
    assert time.process_time() - begin < 1


def test_words_of_the_list_may_be_part_of_a_longer_one() -> None:
    check_password("password beside a quiet river")


@pytest.mark.parametrize(
    ("text", "words", "reason"),
    [
        ("a\u0308" * 14, [], "too_short"),
        ("Stra\u0308\u00dfe stra\u0308sse 12", ["Str\u00e4\u00dfe"], "names"),
        ("M\u00fcller\u3000M\u00fcller\u3000M\u00fcller", ["Mu\u0308ller"], "names"),
        ("12345\u00a0" * 3, ["12345"], "names"),
    ],
)
def test_K7_the_rules_see_the_normal_form(text: str, words: list[str], reason: str) -> None:
    with pytest.raises(WeakPassword) as caught:
        check_password(text, words)
    assert caught.value.reason == reason
