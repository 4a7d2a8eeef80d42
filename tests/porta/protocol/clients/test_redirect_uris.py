"""RFC 9700 §2.1, RFC 8252 §7.3: which redirect URI is a client's own."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from porta.protocol.clients.redirect_uris import check_post_logout_redirect_uri, check_redirect_uri
from porta.protocol.errors import UntrustedRequest
from tests.factories import client

_URI = "https://shop.example/cb?x=1"
_WEB = client(redirect_uris=(_URI, "https://shop.example:443/other"))
_NATIVE = client(
    application_type="native",
    redirect_uris=(
        "http://127.0.0.1/callback",
        "http://[::1]:7000/callback?a=b",
        "http://localhost/callback",
        "com.example.app:/cb",
        "http://127.0.0.1",
    ),
)


def test_registered() -> None:
    check_redirect_uri(_WEB, _URI)
    check_redirect_uri(_WEB, "https://shop.example:443/other")


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://shop.example/cb",
        "https://shop.example/cb?x=1&y=2",
        "https://shop.example/cb?x=1#",
        "https://shop.example/cb?x=1#f",
        "https://shop.example/cb?x=%31",
        "https://shop.example/./cb?x=1",
        "https://shop.example/cb/?x=1",
        "https://SHOP.example/cb?x=1",
        "HTTPS://shop.example/cb?x=1",
        "https://shop.example:443/cb?x=1",
        "https://shop.example/other",
        "https://shop.example./cb?x=1",
        "https://shop.example@evil.example/cb?x=1",
        "https://evil.example/https://shop.example/cb?x=1",
        " https://shop.example/cb?x=1",
        "https://shop.example/cb?x=1 ",
        "https://shop.example/cb?x=1\n",
        "http://shop.example/cb?x=1",
        "https://shop.example\\@evil.example/cb?x=1",
    ],
)
def test_one_byte_off_is_not_registered(uri: str) -> None:
    with pytest.raises(UntrustedRequest):
        check_redirect_uri(_WEB, uri)


@given(st.text(max_size=40))
def test_nothing_but_the_registered_list(uri: str) -> None:
    assume(uri not in _WEB.redirect_uris)
    with pytest.raises(UntrustedRequest):
        check_redirect_uri(_WEB, uri)


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1/callback",
        "http://127.0.0.1:5555/callback",
        "http://127.0.0.1:1/callback",
        "http://[::1]:5555/callback?a=b",
        "http://[::1]/callback?a=b",
        "http://localhost/callback",
        "http://localhost:1/callback",
        "http://localhost:5555/callback",
        "com.example.app:/cb",
        "http://127.0.0.1:80",
    ],
)
def test_native_loopback_ports_may_differ(uri: str) -> None:
    check_redirect_uri(_NATIVE, uri)


@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost:5555/callback/",
        "http://localhost:0/callback",
        "http://localhost:/callback",
        "http://LOCALHOST:5555/callback",
        "http://localhost.:5555/callback",
        "http://localhost.evil.example:5555/callback",
        "http://localhost:5555@evil.example/callback",
        "http://localhost:7000/callback?a=b",
        "https://localhost:5555/callback",
        "https://127.0.0.1:5555/callback",
        "http://127.0.0.1:5555/callback/",
        "http://127.0.0.1:5555/callback?a=b",
        "http://127.0.0.1:5555/Callback",
        "http://127.0.0.1:/callback",
        "http://127.0.0.1:555555/callback",
        "http://127.0.0.1:65536/callback",
        "http://127.0.0.1:0/callback",
        "http://127.0.0.1:5a/callback",
        "http://127.0.0.1:٥/callback",
        "http://127.0.0.1:5555@evil.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://127.0.0.1:5555.evil.example/callback",
        "http://127.0.0.2:5555/callback",
        "http://127.1/callback",
        "http://[::1]:5555/callback",
        "http://[0:0:0:0:0:0:0:1]:5555/callback?a=b",
        "http://127.0.0.1:5555/callback#f",
        "HTTP://127.0.0.1:5555/callback",
        "http://127.0.0.1:5555/callback\n",
        "com.example.app:/cb2",
    ],
)
def test_nothing_else_may_differ(uri: str) -> None:
    with pytest.raises(UntrustedRequest):
        check_redirect_uri(_NATIVE, uri)


def test_only_native_clients() -> None:
    web = client(redirect_uris=("http://127.0.0.1/callback",))
    check_redirect_uri(web, "http://127.0.0.1/callback")
    with pytest.raises(UntrustedRequest):
        check_redirect_uri(web, "http://127.0.0.1:5555/callback")


@pytest.mark.parametrize("uri", ["javascript:alert(1)", "DATA:text/html,x", "https://a/#f"])
def test_what_no_row_of_the_database_makes_acceptable(uri: str) -> None:
    old = client(redirect_uris=(uri,), post_logout_redirect_uris=(uri,))
    with pytest.raises(UntrustedRequest):
        check_redirect_uri(old, uri)


def test_post_logout_is_exact_for_everyone() -> None:
    native = client(
        application_type="native",
        post_logout_redirect_uris=("http://127.0.0.1", "javascript:alert(1)"),
    )
    check_post_logout_redirect_uri(native, "http://127.0.0.1")
    for uri in ("http://127.0.0.1:5555", "http://127.0.0.1/", "", "javascript:alert(1)"):
        with pytest.raises(UntrustedRequest):
            check_post_logout_redirect_uri(native, uri)
