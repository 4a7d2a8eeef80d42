"""The origins of a client: spelled as browsers send them (RFC 6454 §6.2)."""

from __future__ import annotations

import pytest

from storage.models.clients import web_origin, web_origins


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        ("https://app.example/cb?x=1", "https://app.example"),
        ("https://app.example?x", "https://app.example"),
        ("HTTPS://App.Example:443/cb", "https://app.example"),
        ("http://app.example:80", "http://app.example"),
        ("https://app.example:80/", "https://app.example:80"),
        ("https://app.example:/cb", "https://app.example"),
        ("https://app.example:08443/cb", "https://app.example:8443"),
        ("https://[2001:DB8:0::1]:443/", "https://[2001:db8::1]"),
        ("http://[::1]:3000/cb", "http://[::1]:3000"),
        ("https://[::ffff:192.0.2.1]/", "https://[::ffff:c000:201]"),
    ],
)
def test_an_origin_is_spelled_as_browsers_do(uri: str, origin: str) -> None:
    assert web_origin(uri) == origin


@pytest.mark.parametrize(
    "uri",
    ["", "/cb", "https:", "https:///cb", "com.example.app:/cb", "com.example.app://x/cb",
     "https://[:::]/cb", "https://[::1/cb", "https://a.example:x/", "https://a.example:99999/",
     "https://[v1.x]/", "javascript:alert(1)"],
)  # fmt: skip
def test_what_is_no_web_uri_has_no_origin(uri: str) -> None:
    assert web_origin(uri) is None


def test_a_client_has_what_it_registered_and_where_it_is_redirected_to() -> None:
    found = web_origins(("capacitor://localhost",), ("https://[:::]/cb", "https://A.example/cb"))
    assert found == {"capacitor://localhost", "https://a.example"}
