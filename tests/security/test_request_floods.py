"""Too many requests that wait: 429, with a way on, and nobody else is stopped (security 1)."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.world.answers import location, query_of
from tests.world.browser import (
    GOOD,
    Browser,
    a_browser,
    add_client,
    configured,
    new_address,
    post,
    refusal,
)
from tests.world.served import Served


async def _ask(served: Served, address: str, method: str = "GET", **changes: str) -> httpx.Response:
    """Send an authorization request as somebody who was never here before."""
    async with httpx.AsyncClient(timeout=60) as http:
        http.headers["X-Forwarded-For"] = address
        url, form = f"{served.issuer()}/auth", GOOD | changes
        return await (http.get(url, params=form) if method == "GET" else http.post(url, data=form))


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_security_1_a_flood_is_refused_on_a_page_with_a_way_on(
    served: Served, method: str
) -> None:
    address = new_address()
    async with configured(served, rate_limit_request_max=3):
        answers = [await _ask(served, address, method) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [303] * 3 + [429] * 2
        refused = answers[-1]
        assert 0 < int(refused.headers["retry-after"]) <= 600
        assert "text/html" in refused.headers["content-type"]
        assert "set-cookie" not in refused.headers
        assert "/auth?" in refused.text, "the same request can be sent again"
        assert GOOD["code_challenge"] in refused.text
        assert (await _ask(served, new_address(), method)).status_code == 303


@pytest.mark.parametrize("name", ["id_token_hint", "claims"])
async def test_security_1_what_was_posted_is_put_into_no_link_where_it_does_not_belong(
    served: Served, name: str
) -> None:
    """An ID token, or more than a URL holds."""
    async with a_browser(served) as browser:
        hint = (await browser.tokens())["id_token"]
    value = hint if name == "id_token_hint" else json.dumps({"x": "é" * 2000}, ensure_ascii=False)
    address = new_address()
    async with configured(served, rate_limit_request_max=1):
        for _ in range(2):
            answer = await _ask(served, address, "POST", **{name: value})
        assert answer.status_code == 429
        assert "/auth?" not in answer.text
        assert value[:60] not in answer.text


async def test_security_1_who_is_signed_in_goes_through(served: Served, browser: Browser) -> None:
    await browser.code()
    browser.http.headers["X-Forwarded-For"] = address = new_address()
    async with configured(served, rate_limit_request_max=1):
        for _ in range(3):
            answer = await _ask(served, address)
        assert answer.status_code == 429
        for _ in range(5):
            assert "code" in query_of(await browser.authorize())
        assert query_of(await browser.authorize(prompt="none"))["code"]
        page = await browser.authorize(prompt="login")
        assert page.status_code == 429, "what has to wait is counted for them too"


async def test_security_1_what_waits_for_nobody_is_not_counted(served: Served) -> None:
    address = new_address()
    async with configured(served, rate_limit_request_max=1):
        for _ in range(4):
            quiet = await _ask(served, address, prompt="none")
            assert query_of(quiet)["error"] == "login_required"
            wrong = await _ask(served, address, response_type="token")
            assert query_of(wrong)["error"] == "unsupported_response_type"
        assert "/interaction/" in location(await _ask(served, address))


async def test_security_1_going_on_is_not_counted(served: Served) -> None:
    async with configured(served, rate_limit_request_max=1), a_browser(served) as browser:
        browser.http.headers["X-Forwarded-For"] = browser.address
        url = await browser.begin()
        for _ in range(3):
            assert (await browser.submit(url, password="not the right one")).status_code == 200
        assert "code" in await browser.follow(await browser.submit(url))


async def test_security_1_pushes_are_counted_for_their_client(served: Served) -> None:
    client = await add_client(served)
    form = GOOD | {"client_id": client.client_id}
    who: dict[str, Any] = {
        "secret": client.client_id * 2,
        "headers": {"X-Forwarded-For": new_address()},
    }
    async with configured(served, rate_limit_request_client_max=2, rate_limit_request_max=1):
        for expected in (201, 201, 429, 429):
            answer = await post(served, "/request", form, client.client_id, **dict(who))
            assert answer.status_code == expected, answer.text
        assert refusal(answer) == (429, "rate_limit_exceeded")
        assert 0 < int(answer.headers["retry-after"]) <= 600
