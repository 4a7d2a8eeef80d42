"""URLs shown to people."""

from __future__ import annotations

import pytest

from porta.errors import Invalid
from porta.text.urls import parse_web_url


@pytest.mark.parametrize(
    "url", ["https://acme.test/logo.png", "https://acme.test:8443/?a=b#c", "http://acme.test/"]
)
def test_accepts(url: str) -> None:
    assert parse_web_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "acme.test/logo.png",
        "//acme.test/logo.png",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "https://",
        "https:///logo.png",
        "https://eve@acme.test/",
        "https://acme.test/\nlogo",
        'https://acme.test/"onerror="x',
        "https://acme.test:port/",
        "https://acme.test:99999/",
        "https://[::1/",
        "https://äcme.test/",
        "https://acme.test/" + "a" * 2048,
    ],
)
def test_refuses(url: str) -> None:
    with pytest.raises(Invalid):
        parse_web_url(url)
