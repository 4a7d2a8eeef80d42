"""Style sheets and scripts: compressed for who can read it, and the first visit's weight."""

from __future__ import annotations

import gzip
import re
from collections.abc import Awaitable, Callable
from urllib.parse import urljoin

import httpx
import pytest

from porta.pages.custom_css import LONGEST
from porta.runtime import Runtime
from storage.models.organizations import Brand, BrandTexts
from tests.handlers.flow import begin, submit

MOST = 30_000
"""Bytes of a page with all that it loads from us, on the first visit."""
PACKED = {"Accept-Encoding": "gzip"}
PLAIN = {"Accept-Encoding": "identity"}
LONG_URL = "https://acme.example/" + "x" * 500
RULE = ".container { padding: 2rem; border-radius: 4px; color: #%06x }\n"


async def _raw(http: httpx.AsyncClient, path: str, headers: dict[str, str]) -> httpx.Response:
    """Return an answer whose body is as it was sent."""
    async with http.stream("GET", path, headers=headers) as answer:
        answer._content = b"".join([part async for part in answer.aiter_raw()])
    return answer


@pytest.fixture
def sheet(runtime: Runtime) -> str:
    return runtime.pages.static_url("page.css")


async def test_people_29_style_sheets_are_compressed(http: httpx.AsyncClient, sheet: str) -> None:
    for path in (sheet, "/acme/branding.css"):
        plain, packed = await _raw(http, path, PLAIN), await _raw(http, path, PACKED)
        assert "Content-Encoding" not in plain.headers
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.content) == plain.content
        assert int(packed.headers["Content-Length"]) == len(packed.content) < len(plain.content) / 2
        for answer in (plain, packed):
            assert answer.headers["Vary"] == "Accept-Encoding"
            assert answer.headers["Content-Type"].startswith("text/css")


async def test_each_coding_has_a_tag_of_its_own(http: httpx.AsyncClient, sheet: str) -> None:
    tags = []
    for headers in (PLAIN, PACKED):
        first = await http.get(sheet, headers=headers)
        tags.append(first.headers["Etag"])
        again = await http.get(sheet, headers=headers | {"If-None-Match": tags[-1]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["Etag"] == tags[-1]
        assert again.headers["Vary"] == "Accept-Encoding"
    assert tags[0] != tags[1]
    other = await http.get(sheet, headers=PLAIN | {"If-None-Match": tags[1]})
    assert other.status_code == 200


async def test_pages_are_never_compressed(http: httpx.AsyncClient) -> None:
    """A form holds a secret beside what a request says (BREACH)."""
    for path in (await begin(http), "/", "/acme/auth?client_id=x", "/acme/jwks"):
        answer = await http.get(path, headers=PACKED)
        assert "Content-Encoding" not in answer.headers


async def test_a_head_request_tells_the_same(http: httpx.AsyncClient, sheet: str) -> None:
    for headers in (PLAIN, PACKED):
        got, head = await _raw(http, sheet, headers), await http.head(sheet, headers=headers)
        for name in ("Content-Length", "Etag", "Vary"):
            assert head.headers[name] == got.headers[name]


async def _login(http: httpx.AsyncClient) -> str:
    return await begin(http)


async def _consent(http: httpx.AsyncClient) -> str:
    posted = await submit(http, await begin(http, client_id="third"))
    resumed = await http.get(posted.headers["Location"])
    return str(resumed.headers["Location"])


async def _error(_: httpx.AsyncClient) -> str:
    return "/acme/auth?client_id=nobody"


async def _logout(http: httpx.AsyncClient) -> str:
    await submit(http, await begin(http))
    return "/acme/session/end"


@pytest.mark.parametrize("page", [_login, _consent, _error, _logout])
async def test_people_29_a_first_visit_weighs_less_than_30_kilobytes(
    http: httpx.AsyncClient, runtime: Runtime, page: Callable[[httpx.AsyncClient], Awaitable[str]]
) -> None:
    """With everything that a brand may hold, and as much custom CSS as is allowed."""
    organization = await runtime.storage.everywhere.organizations.find_by_slug("acme")
    assert organization is not None
    heavy = {
        "branding_custom_css": "".join(RULE % (n * 40503) for n in range(LONGEST // len(RULE % 0))),
        "brand": Brand(
            font="serif",
            card_position="start",
            texts=(BrandTexts(language="en", title="T" * 80, lead="L" * 200, help="H" * 300),),
            support_url=LONG_URL,
            privacy_url=LONG_URL,
            terms_url=LONG_URL,
            imprint_url=LONG_URL,
        ),
    }
    await runtime.storage.everywhere.organizations.update(organization.id, heavy)
    try:
        answer = await http.get(await page(http))
        while "/acme/branding.css?v=" in answer.text and "H" * 300 not in answer.text:
            answer = await http.get(answer.url)
        loaded = {
            urljoin(str(answer.url), found)
            for found in re.findall(r'(?:<link[^>]* href|<script src)="(/[^"]+)"', answer.text)
        }
        assert len(loaded) >= 3
        sizes = [len((await _raw(http, path, PACKED)).content) for path in sorted(loaded)]
        assert sum(sizes) + len(answer.content) < MOST
    finally:
        as_before = {name: getattr(organization, name) for name in heavy}
        await runtime.storage.everywhere.organizations.update(organization.id, as_before)
