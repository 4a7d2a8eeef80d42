"""How responses travel, with the iss of RFC 9207."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porta.protocol.errors import AccessDenied, LoginRequired
from porta.protocol.requests.response_modes import (
    RESPONSE_MODES,
    FormPost,
    build_fragment,
    build_query,
    describable,
    effective_response_mode,
    error_parameters,
    success_parameters,
)
from tests.factories import ISSUER

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://a.example/cb", "https://a.example/cb?code=x%26y"),
        ("https://a.example/cb?", "https://a.example/cb?code=x%26y"),
        ("https://a.example/cb?t=1", "https://a.example/cb?t=1&code=x%26y"),
        ("https://a.example/cb?t=1&", "https://a.example/cb?t=1&code=x%26y"),
        ("https://a.example/cb?t=%2F+", "https://a.example/cb?t=%2F+&code=x%26y"),
        ("com.example.app:/cb", "com.example.app:/cb?code=x%26y"),
    ],
)
def test_query_keeps_what_was_there(uri: str, expected: str) -> None:
    assert build_query(uri, {"code": "x&y"}) == expected


def test_query_without_parameters_is_the_uri() -> None:
    assert build_query("https://a.example/", {}) == "https://a.example/"


def test_fragment() -> None:
    url = build_fragment("https://a.example/cb?t=1", {"code": "x#y", "state": "a b"})
    assert url == "https://a.example/cb?t=1#code=x%23y&state=a%20b"


def test_form_post() -> None:
    form = RESPONSE_MODES["form_post"]("https://a.example/cb", {"state": '"><'})
    assert form == FormPost("https://a.example/cb", {"state": '"><'})


@given(st.dictionaries(st.sampled_from(["code", "state", "iss"]), _TEXT, min_size=1))
def test_values_arrive_unchanged_and_the_url_is_one_line_of_ascii(values: dict[str, str]) -> None:
    url = build_query("https://a.example/cb", values)
    assert dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)) == values
    assert url.isascii()
    assert url.isprintable()
    assert "#" not in url
    fragment = build_fragment("https://a.example/cb", values)
    assert dict(parse_qsl(urlsplit(fragment).fragment, keep_blank_values=True)) == values


def test_a_registered_uri_that_no_header_may_hold_is_escaped() -> None:
    assert build_query("https://a.example/é x", {"a": "b"}) == "https://a.example/%C3%A9%20x?a=b"


def test_error_mode() -> None:
    assert effective_response_mode("form_post") == "form_post"
    assert effective_response_mode("fragment") == "fragment"
    assert effective_response_mode(None) == "query"
    assert effective_response_mode("web_message") == "query"


def test_success() -> None:
    assert success_parameters(ISSUER, "c", "s") == {"code": "c", "state": "s", "iss": ISSUER}
    assert success_parameters(ISSUER, "c", None) == {"code": "c", "iss": ISSUER}


def test_error() -> None:
    assert error_parameters(ISSUER, AccessDenied(), None) == {
        "error": "access_denied",
        "iss": ISSUER,
    }
    assert error_parameters(ISSUER, LoginRequired('say "who"'), "") == {
        "error": "login_required",
        "error_description": "say ?who?",
        "state": "",
        "iss": ISSUER,
    }


@given(_TEXT)
def test_describable_leaves_only_what_an_error_description_may_hold(text: str) -> None:
    shown = describable(text)
    assert shown.isascii()
    assert shown.isprintable()
    assert not set('"\\') & set(shown)
