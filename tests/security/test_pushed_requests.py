"""Pushed authorization requests: visited as often as it takes, answered once (RFC 9126)."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import httpx
import pytest
from redis import Redis

from storage.models.artifact import artifact_id
from storage.postgres.driver import Postgres
from tests.world.answers import hidden_fields, location, query_of
from tests.world.browser import (
    GOOD,
    Browser,
    a_browser,
    add_client,
    add_user,
    code_form,
    configured,
    post,
    refusal,
)
from tests.world.served import CALLBACK, Served, serve

CLIENT = GOOD["client_id"]


async def _push(served: Served, **changes: str) -> str:
    answer = await post(served, "/request", GOOD | changes)
    assert answer.status_code == 201, answer.text
    assert 0 < answer.json()["expires_in"] <= 60
    return str(answer.json()["request_uri"])


async def _visit(browser: Browser, request_uri: str, **beside: str) -> httpx.Response:
    params = {"client_id": CLIENT, "request_uri": request_uri} | beside
    return await browser.http.get(f"{browser.served.issuer()}/auth", params=params)


def _is_dead(answer: httpx.Response) -> None:
    """RFC 9126 §2.2, RFC 9101 §7: an error, on a page that leads nowhere."""
    assert answer.status_code == 400, answer.text
    assert "location" not in answer.headers
    assert "invalid_request_uri" in answer.text
    assert CALLBACK not in answer.text


async def _outlive(pg: Postgres, request_uri: str) -> None:
    """Let the reference expire without waiting for it."""
    await pg.execute(
        "UPDATE artifacts SET expires_at = now() WHERE id = %(id)s",
        {"id": artifact_id(request_uri.rpartition(":")[2])},
    )


async def test_K4_a_visit_may_be_repeated_until_there_is_a_code(
    served: Served, browser: Browser
) -> None:
    """A prefetch, a reload, Back and the same link again: each shows the page of a sign-in."""
    request_uri = await _push(served)
    visits = [location(await _visit(browser, request_uri)) for _ in range(4)]
    assert all("/interaction/" in visit for visit in visits)
    assert len(set(visits)) == 4
    for url in visits:
        assert (await browser.http.get(url)).status_code == 200
    arrived = await browser.follow(await browser.submit(visits[1]))
    assert arrived["state"] == GOOD["state"]
    answer = await post(served, "/token", code_form(arrived["code"]))
    assert answer.status_code == 200
    _is_dead(await _visit(browser, request_uri))


async def test_K4_with_a_session_the_first_visit_gets_the_code(
    served: Served, browser: Browser
) -> None:
    await browser.code()
    request_uri = await _push(served)
    assert query_of(await _visit(browser, request_uri))["code"]
    for _ in range(2):
        _is_dead(await _visit(browser, request_uri))


async def test_K4_of_two_sign_ins_from_one_reference_one_gets_a_code(
    served: Served, browser: Browser
) -> None:
    """Begun while it was good, finished one after the other, in two browsers."""
    request_uri = await _push(served)
    someone = await add_user(served)
    async with a_browser(served, email=someone.email) as other:
        answers = [
            (each, await each.submit(location(await _visit(each, request_uri))))
            for each in (browser, other)
        ]
        first, second = [await each.follow(answer) for each, answer in answers]
    assert "code" in first
    assert (second["error"], second["state"]) == ("invalid_request_uri", GOOD["state"])
    assert second["iss"] == served.issuer()
    assert (await post(served, "/token", code_form(first["code"]))).status_code == 200


async def test_K4_what_gets_no_code_uses_nothing_up(served: Served, browser: Browser) -> None:
    request_uri = await _push(served, prompt="none")
    for _ in range(2):
        assert query_of(await _visit(browser, request_uri))["error"] == "login_required"
    await browser.code()
    assert "code" in query_of(await _visit(browser, request_uri))


@pytest.mark.parametrize("with_redis", [True, False])
async def test_K4_of_parallel_completions_one_gets_a_code(
    fresh_database_url: str, redis_url: str, with_redis: bool
) -> None:
    """Two servers over one database; where codes live makes no difference."""
    redis = redis_url if with_redis else None
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(serve(fresh_database_url, redis)) for _ in range(2)
        ]
        request_uri = await _push(servers[0])
        answers = []
        for number in range(6):
            browser = await stack.enter_async_context(a_browser(servers[number % 2]))
            answer = await browser.submit(location(await _visit(browser, request_uri)))
            answers.append(browser.http.get(location(answer)))
        arrived = [query_of(answer) for answer in await asyncio.gather(*answers)]
    assert sorted("code" in answer for answer in arrived) == [False] * 5 + [True]
    refused = [answer for answer in arrived if "code" not in answer]
    assert {answer["error"] for answer in refused} == {"invalid_request_uri"}
    assert {answer["state"] for answer in refused} == {GOOD["state"]}


async def test_A12_an_interaction_outlives_its_reference(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    """Visits that begin after the minute are refused; who began before takes their time."""
    request_uri = await _push(served)
    begun = [location(await _visit(browser, request_uri)) for _ in range(2)]
    await _outlive(pg, request_uri)
    _is_dead(await _visit(browser, request_uri))
    await served.runtime.storage.everywhere.expired.purge()
    arrived = await browser.follow(await browser.submit(begun[0]))
    assert "code" in arrived
    _is_dead(await _visit(browser, request_uri))
    again = await browser.follow(await browser.http.get(begun[1]))
    assert again["error"] == "invalid_request_uri", "gone, and used all the same"


async def test_A12_what_was_pushed_is_gone_after_its_minute(served: Served, pg: Postgres) -> None:
    request_uri = await _push(served)
    rows = await pg.fetch(
        "SELECT EXTRACT(EPOCH FROM expires_at - now())::float8 FROM artifacts WHERE id = %(id)s",
        {"id": artifact_id(request_uri.rpartition(":")[2])},
    )
    assert [0 < row[0] <= 60 for row in rows] == [True]


async def test_A12_what_is_left_of_a_used_reference_tells_nothing(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    await browser.code()
    request_uri = await _push(served)
    assert "code" in query_of(await _visit(browser, request_uri))
    rows = await pg.fetch(
        "SELECT payload::text, EXTRACT(EPOCH FROM expires_at - now())::float8 FROM artifacts"
        " WHERE id = %(id)s",
        {"id": artifact_id(request_uri.rpartition(":")[2])},
    )
    assert [(payload, 600 < life <= 661) for payload, life in rows] == [("{}", True)]


async def test_A12_it_wins_over_what_stands_beside_it(served: Served, browser: Browser) -> None:
    request_uri = await _push(served)
    beside = {"state": "of-an-attacker", "redirect_uri": "http://evil.test/", "scope": "admin"}
    url = location(await _visit(browser, request_uri, **beside))
    arrived = await browser.follow(await browser.submit(url))
    assert arrived["state"] == GOOD["state"]
    tokens = (await post(served, "/token", code_form(arrived["code"]))).json()
    assert "email" in tokens["scope"]


@pytest.mark.parametrize("slug", ["acme", "globex"])
@pytest.mark.parametrize("client_id", ["acme-spa", "acme-partner", ""])
async def test_A12_it_is_bound_to_client_and_organization_and_unharmed_by_others(
    served: Served, browser: Browser, slug: str, client_id: str
) -> None:
    request_uri = await _push(served)
    params = {"client_id": client_id or "nobody", "request_uri": request_uri}
    answer = await browser.http.get(f"{served.base_url}/{slug}/auth", params=params)
    assert answer.status_code in (400, 404)
    assert "location" not in answer.headers
    assert "/interaction/" in location(await _visit(browser, request_uri))


@pytest.mark.parametrize("reference", ["unknown", "", "r" * 43, "r" * 44, "a b", "%00", "ü"])
async def test_K4_a_reference_that_leads_nowhere_is_told_as_such(
    browser: Browser, reference: str
) -> None:
    answer = await _visit(browser, f"urn:ietf:params:oauth:request_uri:{reference}")
    if reference:
        _is_dead(answer)
    else:
        assert answer.status_code == 400


async def test_security_1_a_client_without_a_secret_may_not_push(served: Served) -> None:
    """Anybody could fill the table in its name."""
    public = {"client_id": "acme-spa", "redirect_uri": "http://127.0.0.1:9010/callback"}
    native = await add_client(
        served, "acme-spa", token_endpoint_auth_method="none", application_type="native"
    )
    for changes in (public, public | {"client_id": native.client_id}):
        url = f"{served.issuer()}/request"
        refused = await served.http.post(url, data=GOOD | changes)
        assert refusal(refused) == (400, "unauthorized_client")
        async with configured(served, allow_public_pushed_requests=1):
            assert (await served.http.post(url, data=GOOD | changes)).status_code == 201


async def test_K4_redis_is_not_asked_what_was_pushed(
    served: Served, browser: Browser, redis_url: str
) -> None:
    request_uri = await _push(served)
    with Redis.from_url(redis_url) as redis:
        assert redis.keys("*Pushed*") == []
    page = await browser.http.get(location(await _visit(browser, request_uri)))
    assert hidden_fields(page.text)
