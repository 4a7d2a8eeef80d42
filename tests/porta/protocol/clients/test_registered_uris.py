"""What may be registered as a redirect URI, an origin or a link."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porta.protocol.clients.registered_uris import (
    find_link_problem,
    find_origin_problem,
    find_redirect_uri_problem,
)


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize(
    "uri",
    [
        "https://shop.example",
        "https://shop.example/cb?x=%2F&y=(1)",
        "https://shop.example?x=1",
        "HTTPS://Shop.Example:8443/cb",
        "https://xn--mller-kva.example/",
        "https://192.0.2.1/cb",
        "https://[2001:db8::1]:8443/cb",
        "https://[2001:DB8::192.0.2.1]/cb",
        "https://shop.example./cb",
        "https://my_host/cb",
        "http://127.0.0.1",
        "http://127.0.0.1/callback",
        "http://[::1]:3000/callback",
        "http://localhost:3000/callback",
        "http://LOCALHOST/",
        "https://shop.example/@me",
    ],
)
def test_good_for_everyone(uri: str, native: bool) -> None:
    assert find_redirect_uri_problem(uri, native) is None


@pytest.mark.parametrize("uri", ["com.example.app:/cb", "com.example.app://cb", "a.b+c-1:/"])
def test_private_schemes_are_for_native_clients(uri: str) -> None:
    assert find_redirect_uri_problem(uri, True) is None
    assert find_redirect_uri_problem(uri, False) is not None


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/cb",
        "//shop.example/cb",
        "shop.example/cb",
        "https:",
        "https://",
        "https:///cb",
        "https:shop.example",
        "https:/shop.example",
        "https://shop.example/cb#",
        "https://shop.example/cb#f",
        "https://user@shop.example/cb",
        "https://user:pw@shop.example/cb",
        "https://shop.example\\@evil.example/",
        "https://*.shop.example/cb",
        "https://shop.example/*",
        "https://shop.example/cb?*",
        "https://shop.example/ cb",
        "https://shop.example/cb\n",
        "https://shop.example/\u200bcb",
        "https://müller.example/",
        "https://shop.example/é",
        "https://shop.example/%zz",
        "https://shop.example/%",
        "https://shop.example/<x>",
        'https://shop.example/"',
        "https://shop..example/",
        "https://.shop.example/",
        "https://-shop.example/",
        "https://shop.exam%70le/",
        "https://" + "a" * 64 + ".example/",
        "https://" + "a." * 130 + "example/",
        "https://shop.example:0/",
        "https://shop.example:65536/",
        "https://shop.example:/",
        "https://shop.example:8a/",
        "https://shop.example/" + "x" * 2048,
        "http://shop.example/cb",
        "http://127.0.0.2/cb",
        "http://127.1/cb",
        "http://2130706433/cb",
        "http://localhost.evil.example/cb",
        "http://localhost./cb",
        "http://[::2]/cb",
        "https://[:::]/cb",
        "https://[1.2.3.4]/cb",
        "https://[1:2]/cb",
        "https://[2001:db8::1/cb",
        "https://[]/cb",
        "http://[::ffff:127.0.0.1]/cb",
        "ftp://shop.example/cb",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "myapp:/cb",
        "myapp://cb",
        "com.example.app:cb",
        "com.example.app://user@cb",
        "com..example:/cb",
        ".example:/cb",
        "urn:ietf:wg:oauth:2.0:oob",
    ],
)
def test_good_for_nobody(uri: str, native: bool) -> None:
    assert find_redirect_uri_problem(uri, native) is not None


@given(st.text(max_size=60), st.booleans())
def test_what_passes_is_a_line_of_ascii_without_fragment(text: str, native: bool) -> None:
    for uri in (text, f"https://{text}", f"https://a.example/{text}", f"a.b:/{text}"):
        if find_redirect_uri_problem(uri, native) is None:
            assert uri.isascii()
            assert uri.isprintable()
            assert not set('#*\\ "<>') & set(uri)


@pytest.mark.parametrize(
    "origin",
    [
        "https://shop.example",
        "https://shop.example:8443",
        "http://localhost:3000",
        "http://[::1]",
        "https://x.localhost",
    ],
)
def test_origins(origin: str) -> None:
    assert find_origin_problem(origin) is None


@pytest.mark.parametrize(
    "origin",
    [
        "capacitor://localhost",
        "ionic://localhost",
        "tauri://localhost",
        "http://tauri.localhost",
        "http://tauri.localhost:1420",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
        "moz-extension://0f0d3bb4-8a4f-4f5e-9a1e-0123456789ab",
        "safari-web-extension://E0A1B2C3-8A4F-4F5E-9A1E-0123456789AB",
        "app://-",
        "vscode-webview://1ab",
        "com.example.app://x",
    ],
)
def test_K18_origins_of_packaged_applications(origin: str) -> None:
    assert find_origin_problem(origin) is None
    for more in ("/", "/x", "?x", "#x", ":0", ":65536", ":"):
        assert find_origin_problem(origin + more) is not None, more
    assert find_origin_problem(origin.replace("://", "://user@")) is not None
    assert find_origin_problem(origin.replace("://", ":", 1)) is not None


@pytest.mark.parametrize(
    "origin",
    ["file://", "file://localhost", "data://x", "javascript://x", "blob://x", "capacitor://",
     "Capacitor://localhost", "capacitor:localhost", "://localhost", "capacitor://*",
     "capacitor://local host", "http://localhost.evil.example", "http://notlocalhost",
     "http://x.localhost.example", "http://x.localhost:80", "http://X.localhost",
     "http://tauri.localhost./"],
)  # fmt: skip
def test_K18_what_is_the_origin_of_nothing(origin: str) -> None:
    assert find_origin_problem(origin) is not None


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "",
        "shop.example",
        "https://shop.example/",
        "https://shop.example?x",
        "https://shop.example/path",
        "https://Shop.example",
        "HTTPS://shop.example",
        "https://shop.example:443",
        "http://localhost:80",
        "https://[2001:DB8::1]",
        "https://[2001:db8:0::1]",
        "http://shop.example",
        "https://user@shop.example",
        "https://shop.example#x",
    ],
)
def test_no_origins(origin: str) -> None:
    assert find_origin_problem(origin) is not None


def test_limits_are_inclusive() -> None:
    long_host = ".".join(["a" * 62] * 4)
    assert len(long_host) == 251
    for uri in (
        "https://a.example/" + "x" * (2048 - len("https://a.example/")),
        "https://a.example:1/",
        "https://a.example:65535/",
        f"https://{long_host}.b/",
        "https://" + "a" * 63 + ".example/",
    ):
        assert find_redirect_uri_problem(uri, False) is None
    assert find_redirect_uri_problem(f"https://{long_host}.bc/", False) is not None


def test_links() -> None:
    assert find_link_problem("https://shop.example/logo.png?size=1") is None
    for uri in (
        "http://shop.example/logo.png",
        "https://shop.example/logo.png#x",
        'https://shop.example/"onerror="x',
        "https://shop.example/" + "x" * 2048,
        "javascript:alert(1)",
        "/logo.png",
        "",
        "a.b:/c",
    ):
        assert find_link_problem(uri) is not None
