"""The authorization endpoint, seen from a browser."""

from __future__ import annotations

import re

import httpx
import pytest

from handlers.server import Server
from tests.handlers.flow import answered, begin, hidden, parameters, sign_in, submit
from tests.handlers.house import CALLBACK
from tests.handlers.wire import exchange, request, statuses


async def test_a_request_becomes_an_interaction_bound_to_the_browser(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.get("/acme/auth", params=parameters())
    assert answer.status_code == 303
    path = answer.headers["Location"]
    assert re.fullmatch(r"/interaction/[A-Za-z0-9_-]{43}", path)
    assert answer.headers["Cache-Control"] == "no-store"
    uid = path.removeprefix("/interaction/")
    cookies = answer.headers.get_list("Set-Cookie")
    attributes = "Max-Age=600; HttpOnly; SameSite=Lax"
    values = {
        re.fullmatch(
            rf"porta_interaction=([A-Za-z0-9_-]{{43}}); Path={re.escape(p)}; {attributes}", c
        )
        for p, c in zip((path, f"/acme/auth/{uid}"), cookies, strict=True)
    }
    assert None not in values
    assert len({match[1] for match in values if match}) == 1


async def test_a_posted_request_is_the_same(http: httpx.AsyncClient) -> None:
    answer = await http.post("/acme/auth", data=parameters())
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/interaction/")


async def test_query_and_body_are_one_request(http: httpx.AsyncClient) -> None:
    both = parameters()
    client_id = {"client_id": both.pop("client_id")}
    assert (await http.post("/acme/auth", params=client_id, data=both)).status_code == 303
    twice = await http.post("/acme/auth", params=client_id, data=both | client_id)
    assert twice.status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": "unknown"},
        {"client_id": ["web", "web"]},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": [CALLBACK, CALLBACK]},
        {"request_uri": "urn:ietf:params:oauth:request_uri:nothing"},
        {"state": "\x00"},
        {"state": "\r\nLocation: https://evil.example/"},
    ],
)
async def test_an_untrusted_request_is_a_page_that_leads_nowhere(
    http: httpx.AsyncClient, changes: dict[str, str | None]
) -> None:
    answer = await http.get("/acme/auth", params=parameters(**changes))
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "app.example" not in answer.text
    assert "evil.example" not in answer.text
    assert answer.headers["X-Request-Id"] in answer.text


async def test_an_error_of_a_trusted_request_goes_to_the_client(http: httpx.AsyncClient) -> None:
    answer = await http.get("/acme/auth", params=parameters(prompt="none"))
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"{CALLBACK}?")
    told = answered(answer.headers["Location"])
    assert (told["error"], told["state"]) == ("login_required", "xyz")
    assert told["iss"].endswith("/acme")


async def test_a_fragment_stays_a_fragment(http: httpx.AsyncClient) -> None:
    changed = parameters(prompt="none", response_mode="fragment")
    answer = await http.get("/acme/auth", params=changed)
    assert answer.headers["Location"].startswith(f"{CALLBACK}#error=login_required")


async def test_a_form_post_is_a_page_whose_form_may_leave(http: httpx.AsyncClient) -> None:
    changed = parameters(prompt="none", response_mode="form_post", state='"><script>')
    answer = await http.get("/acme/auth", params=changed)
    assert answer.status_code == 200
    assert f'action="{CALLBACK}"' in answer.text
    assert hidden(answer.text, "error") == "login_required"
    assert "<script>" not in answer.text
    assert "form-action 'self' https:;" in answer.headers["Content-Security-Policy"]


async def test_the_road_back_to_the_client_ends_the_interaction(http: httpx.AsyncClient) -> None:
    answer = await sign_in(http)
    assert answer.status_code == 303
    told = answered(answer.headers["Location"])
    assert set(told) == {"code", "state", "iss"}
    gone = answer.headers.get_list("Set-Cookie")
    assert len(gone) == 2
    assert all("porta_interaction=; " in line and "Max-Age=0" in line for line in gone)


async def test_a_session_answers_at_once(http: httpx.AsyncClient) -> None:
    await sign_in(http)
    answer = await http.get("/acme/auth", params=parameters(prompt="none"))
    assert "code" in answered(answer.headers["Location"])
    assert "Set-Cookie" not in answer.headers


async def test_a_session_is_one_organizations(http: httpx.AsyncClient) -> None:
    signed_in = await submit(http, await begin(http))
    cookies = signed_in.headers.get_list("Set-Cookie")
    assert len({cookie.partition(";")[0] for cookie in cookies}) == 1
    for cookie, path in zip(cookies, ("/acme", "/interaction"), strict=True):
        assert re.fullmatch(
            rf"porta_session_acme=[\w-]{{43}}; Path={path}; Max-Age=\d+; HttpOnly; SameSite=Lax",
            cookie,
        )


@pytest.mark.parametrize("uid", ["x", "a" * 43, "%00", "..", "a" * 5000, "a%2fb"])
async def test_only_the_browser_that_began_goes_on(server: Server, uid: str) -> None:
    cookie = "Cookie: porta_interaction=" + "b" * 43
    message = request("GET", f"/acme/auth/{uid}", cookie, "Connection: close")
    answer = await exchange(server.port, message)
    assert statuses(answer) == [400]
    assert b"This page has expired" in answer


async def test_another_browser_cannot_go_on(http: httpx.AsyncClient) -> None:
    path = await begin(http)
    posted = await submit(http, path)
    http.cookies.clear()
    answer = await http.get(posted.headers["Location"])
    assert answer.status_code == 400
    assert "Location" not in answer.headers


async def test_a_finished_interaction_is_over(http: httpx.AsyncClient) -> None:
    posted = await submit(http, await begin(http))
    kept = httpx.Cookies(http.cookies)
    first = await http.get(posted.headers["Location"])
    http.cookies = kept
    second = await http.get(posted.headers["Location"])
    assert (first.status_code, second.status_code) == (303, 400)
    assert "Location" not in second.headers


async def test_it_knows_no_cors(http: httpx.AsyncClient) -> None:
    origin = {"Origin": "https://spa.example"}
    answer = await http.get("/acme/auth", params=parameters(), headers=origin)
    assert not [name for name in answer.headers if name.startswith("access-control")]
