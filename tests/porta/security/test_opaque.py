from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from porta.security import opaque

KEYS = ("first-cookie-key-of-the-house", "an-older-cookie-key-of-theirs")


def test_a_new_value_is_256_bits_and_never_the_same() -> None:
    values = {opaque.new_value() for _ in range(100)}
    assert len(values) == 100
    assert all(len(base64.urlsafe_b64decode(value + "=")) == 32 for value in values)
    assert all(map(opaque.well_formed, values))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a" * 42,
        "a" * 44,
        "a" * 42 + "=",
        "a" * 42 + "+",
        "a" * 42 + "/",
        "a" * 42 + "\n",
        "a" * 43 + "\n",
        "a" * 42 + "\0",
        "a" * 42 + " ",
        " " + "a" * 42,
        "a" * 42 + "é",
        "a" * 42 + "\uff41",
        "a" * 42 + "\u0661",
        "a" * 42 + "\ud800",
    ],
)
def test_what_we_never_issued_is_not_well_formed(value: str) -> None:
    assert not opaque.well_formed(value)


def test_equal_compares_all_of_it() -> None:
    assert opaque.equal("väl\ud800", "väl\ud800")
    assert not opaque.equal("abc", "abd")
    assert not opaque.equal("abc", "abcd")
    assert not opaque.equal("", "a")


def test_sha256_hex_is_that_of_the_utf8_text() -> None:
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert opaque.sha256_hex("abc") == expected
    assert opaque.sha256_hex("é") == hashlib.sha256(b"\xc3\xa9").hexdigest()


def test_a_successor_is_computed_from_the_value_and_the_key() -> None:
    value = "r" * 43
    following = opaque.successor(value, KEYS[0])
    assert following == opaque.successor(value, KEYS[0])
    assert opaque.well_formed(following)
    assert following != opaque.successor("s" * 43, KEYS[0])
    assert following != opaque.successor(value, KEYS[1])
    assert opaque.successor(following, KEYS[0]) not in (value, following)


def test_a_successor_follows_rfc_5869_with_a_label_of_its_own() -> None:
    """Pinned: instances of two versions must compute the same successor."""
    extracted = hmac.digest(bytes(32), KEYS[0].encode(), "sha256")
    derived = hmac.digest(extracted, b"porta refresh token successor\x01", "sha256")
    expected = base64.urlsafe_b64encode(hmac.digest(derived, b"value", "sha256")).decode()
    assert opaque.successor("value", KEYS[0]) == expected[:43]


def test_a_seal_holds_for_its_text_its_purpose_and_our_keys() -> None:
    sealed = opaque.sign_value(KEYS, "logout", "session-uid")
    assert opaque.verify_value(KEYS, "logout", "session-uid", sealed)
    assert opaque.verify_value(("new-key", *KEYS), "logout", "session-uid", sealed)
    assert not opaque.verify_value(KEYS, "logout", "other-uid", sealed)
    assert not opaque.verify_value(KEYS, "login", "session-uid", sealed)
    assert not opaque.verify_value(KEYS[1:], "logout", "session-uid", sealed)
    assert not opaque.verify_value((), "logout", "session-uid", sealed)


@pytest.mark.parametrize("forged", ["", "a" * 43, "é", "\ud800"])
def test_a_forged_seal_is_refused(forged: str) -> None:
    assert not opaque.verify_value(KEYS, "logout", "session-uid", forged)


def test_a_seal_is_no_successor() -> None:
    assert opaque.sign_value(KEYS, "x", "value") != opaque.successor("value", KEYS[0])
