"""RFC 6750 §2."""

from __future__ import annotations

import pytest

from porta.protocol.errors import InvalidRequest, InvalidToken
from porta.protocol.requests.params import parse_params
from porta.protocol.tokens.bearer import MAX_TOKEN, is_askable, parse_bearer
from porta.security import jwt


@pytest.mark.parametrize(
    "header", ["Bearer abc.DEF-_~+/==", "bearer abc.DEF-_~+/==", "BEARER   abc.DEF-_~+/=="]
)
def test_header(header: str) -> None:
    assert parse_bearer(header) == "abc.DEF-_~+/=="
    assert parse_bearer(header, parse_params(b"x=1"), {"x"}) == "abc.DEF-_~+/=="


def test_the_longest_token() -> None:
    assert len(parse_bearer("Bearer " + "a" * 16384)) == 16384


def test_every_door_takes_tokens_of_one_length() -> None:
    assert MAX_TOKEN == jwt.MAX_TOKEN
    assert is_askable("a" * MAX_TOKEN)
    for value in ("a" * (MAX_TOKEN + 1), "é", "a\x7f", "a\n"):
        assert not is_askable(value)


def test_form() -> None:
    assert parse_bearer(None, parse_params(b"access_token=abc")) == "abc"


def test_none_at_all_has_no_message() -> None:
    for form in (None, parse_params(b"access_token=")):
        with pytest.raises(InvalidToken) as caught:
            parse_bearer(None, form)
        assert caught.value.message == ""


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "Bearer é",
        "Bearer a\x00",
        "Bearer a,b",
        "Bearer " + "a" * 16385,
    ],
)
def test_malformed_header(header: str) -> None:
    with pytest.raises(InvalidToken) as caught:
        parse_bearer(header)
    assert caught.value.message


@pytest.mark.parametrize("header", ["", "abc", "Basic abc", "DPoP abc"])
def test_another_scheme_is_no_error_of_a_token(header: str) -> None:
    with pytest.raises(InvalidToken) as caught:
        parse_bearer(header)
    assert not caught.value.message


def test_two_at_once() -> None:
    with pytest.raises(InvalidRequest):
        parse_bearer("Bearer abc", parse_params(b"access_token=abc"))


def test_never_in_the_query() -> None:
    for header in (None, "Bearer abc"):
        with pytest.raises(InvalidRequest):
            parse_bearer(header, None, {"access_token"})
