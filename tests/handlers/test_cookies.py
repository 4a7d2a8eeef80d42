"""Cookies as browsers send and take them (security requirement F.3)."""

from __future__ import annotations

import pytest

from handlers import cookies


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("a=1", "1"),
        ("b=2; a=1", "1"),
        ("b=2;a=1", "1"),
        ("a=first; a=second", None),
        ("a=1; a=1", "1"),
        ("a=1; b=2; a=", None),
        ("", None),
        ("b=1", None),
        ("aa=1", None),
        ("a", None),
        ("a=", None),
        ('a="1"', None),
        ("a=x y", None),
        ("a=%00", None),
        ("a=1\x00", None),
        ("a=ü", None),
        ("a=" + "x" * 513, None),
        ("A=1", None),
        (";;;a=1;;", "1"),
    ],
)
def test_a_value_is_found_when_it_could_be_one_of_ours(header: str, value: str | None) -> None:
    assert cookies.find(cookies.parse(header), "a") == value


def test_under_https_names_and_attributes_are_those_that_only_https_may_set() -> None:
    assert cookies.session_name("acme", secure=True) == "__Secure-session_acme"
    assert cookies.browser_name("acme", secure=True) == "__Host-browser_acme"
    line = cookies.build("__Secure-x", "v", path="/acme", max_age=60, secure=True)
    assert line == "__Secure-x=v; Path=/acme; Max-Age=60; HttpOnly; SameSite=Lax; Secure"


def test_under_http_there_is_no_prefix_and_no_secure() -> None:
    assert cookies.session_name("acme", secure=False) == "session_acme"
    line = cookies.build("x", "v", path="/acme", max_age=0, secure=False)
    assert line == "x=v; Path=/acme; Max-Age=0; HttpOnly; SameSite=Lax"
    assert "Domain" not in line
