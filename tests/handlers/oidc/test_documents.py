"""Discovery, keys, style sheets, and what stands at the root."""

from __future__ import annotations

import httpx
import pytest

from handlers.http.server import Server
from porta.runtime import Runtime
from tests.handlers.http.wire import exchange, request, statuses

DISCOVERY = [
    "/acme/.well-known/openid-configuration",
    "/acme/.well-known/oauth-authorization-server",
    "/.well-known/oauth-authorization-server/acme",
]


async def test_discovery_is_one_document_in_three_places(http: httpx.AsyncClient) -> None:
    answers = [await http.get(path) for path in DISCOVERY]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].headers["Cache-Control"] == "public, max-age=60"
    assert answers[0].headers["Content-Type"] == "application/json"


async def test_every_endpoint_of_discovery_is_there(http: httpx.AsyncClient) -> None:
    document = (await http.get(DISCOVERY[0])).json()
    assert document["issuer"] == f"{http.base_url}".rstrip("/") + "/acme"
    named = [value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))]
    assert len(named) >= 8
    for url in named:
        assert url.startswith(document["issuer"])
        assert (await http.get(url)).status_code != 404


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:1"])
async def test_no_link_comes_from_the_request(http: httpx.AsyncClient, host: str) -> None:
    spoofed = {"Host": host, "X-Forwarded-Host": host, "Forwarded": f"host={host}", "Referer": host}
    answer = await http.get(DISCOVERY[0], headers=spoofed)
    assert answer.json() == (await http.get(DISCOVERY[0])).json()


async def test_keys_may_be_kept_for_half_of_the_lead(http: httpx.AsyncClient) -> None:
    answer = await http.get("/acme/jwks")
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    (key,) = answer.json()["keys"]
    assert key["use"] == "sig"
    assert "d" not in key


async def test_a_style_sheet_is_kept_for_ever_under_its_own_name(
    http: httpx.AsyncClient, runtime: Runtime
) -> None:
    url = runtime.pages.static_url("page.css")
    answer = await http.get(url)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["Cache-Control"]
    again = await http.get(url, headers={"If-None-Match": answer.headers["Etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_an_old_name_gets_todays_file_and_no_promise(http: httpx.AsyncClient) -> None:
    answer = await http.get("/static/page.0000000000000000.css")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "name",
    ["..", ".", "", "../pages/login.html", "%2e%2e%2fpages%2flogin.html", "page.css/", "x.css"],
)
async def test_no_other_file_is_served(server: Server, name: str) -> None:
    message = request("GET", f"/static/{name}", "Connection: close")
    assert statuses(await exchange(server.port, message)) == [404]


@pytest.mark.parametrize("query", ["?v=0", "", "?v=0&w=1"])
async def test_an_outdated_branding_is_asked_for_anew(http: httpx.AsyncClient, query: str) -> None:
    answer = await http.get(f"/acme/branding.css{query}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"


async def test_todays_branding_is_kept_for_ever(http: httpx.AsyncClient) -> None:
    page = (await http.get("/acme/session/end/success")).text
    url = page.partition('href="/acme/branding.css')[2].partition('"')[0]
    answer = await http.get(f"/acme/branding.css{url}")
    assert "immutable" in answer.headers["Cache-Control"]


async def test_the_root_tells_nothing(http: httpx.AsyncClient) -> None:
    answer = await http.get("/")
    assert answer.status_code == 200
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert answer.headers["Cache-Control"] == "no-store"
    for told in ("/acme", "Acme Ltd.", "globex"):  # "acme" alone is the example of a name
        assert told not in answer.text


async def test_robots_stay_out(http: httpx.AsyncClient) -> None:
    assert (await http.get("/robots.txt")).text == "User-agent: *\nDisallow: /\n"


async def test_there_is_no_icon_at_the_root(http: httpx.AsyncClient) -> None:
    assert (await http.get("/favicon.ico")).status_code == 204
