"""A database that does not answer: the right answer or 503 within five seconds, never a 500."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape

import httpx
import pytest
import pytest_asyncio
import redis as redis_client

from porta.browser import sessions
from porta.protocol.tokens.authentication import AuthenticationContext
from porta.tenants import resolve
from tests.world.answers import above_the_footer, hidden_fields, location, query_of
from tests.world.browser import (
    GOOD,
    Browser,
    a_browser,
    add_client,
    code_form,
    configured,
    is_active,
    post,
    refresh_form,
    refusal,
    userinfo,
)
from tests.world.relay import Relay, relay
from tests.world.served import Served, serve
from tests.world.valkey import Valkey
from tests.world.waiting import all_soon, eventually, stopwatch

DOCUMENTS = ("/acme/jwks", "/acme/.well-known/openid-configuration", "/live")


@dataclass(slots=True)
class Fragile:
    """A server whose wires to both databases can go silent."""

    served: Served
    postgres: Relay
    redis: Relay


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def standing(database_url: str, redis_url: str) -> AsyncIterator[Fragile]:
    async with (
        relay(database_url) as (postgres, database),
        relay(redis_url) as (redis, cache),
        serve(database, cache, trusted_proxies="127.0.0.1") as served,
    ):
        yield Fragile(served, postgres, redis)
        postgres.restore()
        redis.restore()


@pytest_asyncio.fixture
async def fragile(standing: Fragile) -> AsyncIterator[Fragile]:
    """Return the server, whole; and make it whole again afterwards."""
    yield standing
    standing.postgres.restore()
    standing.redis.restore()

    async def whole() -> bool:
        storage = standing.served.runtime.storage.everywhere
        ready = await standing.served.http.get(f"{standing.served.base_url}/ready")
        # What /ready says may be of a second ago.
        well = storage.listening and storage.redis_trouble is None
        return well and ready.json()["status"] == "ready"

    await eventually(whole, 30.0)


@pytest_asyncio.fixture
async def browser(fragile: Fragile) -> AsyncIterator[Browser]:
    async with a_browser(fragile.served) as opened:
        yield opened


async def _is_refused_kindly(request: Awaitable[httpx.Response]) -> None:
    async with stopwatch() as seconds:
        answer = await request
        assert seconds() < 5.0, answer.url
    assert answer.status_code == 503, (answer.url, answer.text)
    assert int(answer.headers["retry-after"]) > 0
    assert "set-cookie" not in answer.headers
    for word in ("Traceback", "psycopg", "Redis", "postgres", "storage"):
        assert word not in answer.text


# Redis


async def test_while_redis_is_silent_what_postgresql_knows_is_answered(
    fragile: Fragile, browser: Browser
) -> None:
    served = fragile.served
    tokens = await browser.tokens()
    fragile.redis.silence()
    assert (await userinfo(served, tokens["access_token"])).status_code == 200
    assert await is_active(served, tokens["access_token"])
    refreshed = await post(served, "/token", refresh_form(tokens["refresh_token"]))
    assert refreshed.status_code == 200
    form = {"grant_type": "client_credentials"}
    assert (await post(served, "/token", form, "acme-machine")).status_code == 200
    silent = await browser.authorize(prompt="none", client_id="acme-partner",
                                     redirect_uri="http://127.0.0.1:9011/callback")  # fmt: skip
    assert query_of(silent)["error"] == "consent_required", "the session itself is still known"


async def test_faults_F1_while_redis_is_silent_people_sign_in(
    fragile: Fragile, browser: Browser
) -> None:
    """What was under way in the silent Redis begins anew; only a code there has to wait."""
    url = await browser.begin()
    form = hidden_fields((await browser.http.get(url)).text)
    form |= {"email": browser.email, "password": browser.password}
    async with a_browser(fragile.served) as elsewhere:
        code = await elsewhere.code()
    fragile.redis.silence()
    async with a_browser(fragile.served) as newcomer:
        tokens = await newcomer.tokens()
        assert await is_active(fragile.served, tokens["access_token"])
        later = await newcomer.code()
    begun = [
        location(await browser.http.get(url)),
        location(await browser.http.post(f"{url}/login", data=form)),
    ]
    for anew in begun:
        assert "/interaction/p" in anew
        assert (await browser.http.get(anew)).status_code == 200
    await _is_refused_kindly(post(fragile.served, "/token", code_form(code)))
    assert (await post(fragile.served, "/request", dict(GOOD))).status_code == 201
    fragile.redis.restore()

    async def goes_on() -> bool:
        return (await browser.http.get(url)).status_code == 200

    await eventually(goes_on)
    assert (await browser.submit(url)).status_code == 303
    first = await post(fragile.served, "/token", code_form(later))
    assert first.status_code == 200, "a code is found where it was made, Redis being back or not"
    assert refusal(await post(fragile.served, "/token", code_form(later))) == (400, "invalid_grant")
    assert not await is_active(fragile.served, first.json()["access_token"])


async def test_what_may_be_asked_again_has_a_link_to_itself(
    fragile: Fragile, browser: Browser
) -> None:
    url = await browser.begin(state="a&b")
    form = hidden_fields((await browser.http.get(url)).text)
    fragile.redis.silence()
    fragile.postgres.silence()
    page = await browser.http.get(url)
    posted = await browser.http.post(f"{url}/login", data=form)
    again = await browser.authorize(state='"><a href="https://evil.test">')
    assert {answer.status_code for answer in (page, again, posted)} == {503}
    itself = url.removeprefix(fragile.served.base_url)
    application = "https://app.acme.test/"
    assert _links(page) == [itself, application]
    assert _links(again) == [again.request.url.raw_path.decode()]
    assert _links(posted) == [itself, application], "a form is not sent again by a link"
    assert _links(await browser.http.get(f"{fragile.served.issuer()}/auth")) == ["/acme"]
    fragile.postgres.restore()
    fragile.redis.restore()

    async def goes_on() -> bool:
        return (await browser.http.get(_links(page)[0])).status_code == 200

    browser.http.base_url = httpx.URL(fragile.served.base_url)
    await eventually(goes_on)


def _links(answer: httpx.Response) -> list[str]:
    """Return what a page links to, beside the page itself in other languages."""
    page = above_the_footer(answer)
    return [unescape(href) for href in re.findall(r'<a [^>]*href="([^"]*)"', page)]


async def test_a_logout_that_redis_missed_holds(fragile: Fragile, browser: Browser) -> None:
    tokens = await browser.tokens()
    async with a_browser(fragile.served) as thief:
        thief.http.cookies.update(browser.http.cookies)
        fragile.redis.silence()
        hint = {"id_token_hint": tokens["id_token"]}
        ended = await browser.http.get(f"{fragile.served.issuer()}/session/end", params=hint)
        assert ended.status_code == 303
        assert not await is_active(fragile.served, tokens["access_token"])
        answer = await thief.authorize(prompt="none")
        assert answer.status_code == 503 or query_of(answer)["error"] == "login_required"


async def test_a_cookie_that_died_while_redis_was_silent_is_dead_when_it_is_back(
    fragile: Fragile, browser: Browser
) -> None:
    """Redis still holds the copies: who signs in again, and who signs out."""
    runtime = fragile.served.runtime
    tenant = await resolve.resolve(runtime, "acme")
    async with a_browser(fragile.served) as leaving:
        for each in (browser, leaving):
            await each.code()
        renewed = await sessions.find(runtime, tenant, browser.presented)
        ended = await sessions.find(runtime, tenant, leaving.presented)
        assert renewed is not None
        assert ended is not None
        fragile.redis.silence()
        await sessions.sign_in(
            runtime,
            tenant,
            renewed.account_id,
            context=AuthenticationContext(("pwd",), "1", int(runtime.clock())),
            browser=browser.presented.digest or "",
        )
        await sessions.sign_out(runtime, ended)
        fragile.redis.restore()

        async def back() -> bool:
            return runtime.storage.redis_trouble is None

        await eventually(back)
        for each in (browser, leaving):
            answer = await each.authorize(prompt="none")
            assert query_of(answer)["error"] == "login_required"
            assert "/interaction/" in location(await each.authorize())


async def test_limits_hold_while_redis_is_silent(fragile: Fragile) -> None:
    client = await add_client(fragile.served, "acme-machine")
    form = {"grant_type": "client_credentials"}
    async with configured(fragile.served, rate_limit_client_auth_max=3):
        fragile.redis.silence()
        statuses = []
        for _ in range(5):
            answer = await post(
                fragile.served, "/token", form, client.client_id, secret="wrong" * 8
            )
            statuses.append(answer.status_code)
    assert statuses == [401, 401, 401, 429, 429]


async def test_a_redis_that_is_gone_and_comes_back(
    fresh_database_url: str, own_redis: Valkey
) -> None:
    async with serve(fresh_database_url, own_redis.url) as served, a_browser(served) as browser:
        tokens = await browser.tokens()
        url = await browser.begin(prompt="login")
        own_redis.stop()
        assert await is_active(served, tokens["access_token"])
        async with a_browser(served) as newcomer:
            assert await is_active(served, (await newcomer.tokens())["access_token"])
        own_redis.start()

        async def lost() -> bool:
            return (await browser.http.get(url)).status_code == 400

        await eventually(lost)  # the sign-in that was under way starts again, kindly
        assert "code" in query_of(await browser.authorize()), "nobody was signed out"


async def test_a_pushed_request_outlives_an_emptied_redis_and_is_answered_once(
    fresh_database_url: str, own_redis: Valkey
) -> None:
    """Also where a Redis restarts from what it wrote down before the request was answered."""
    async with serve(fresh_database_url, own_redis.url) as served, a_browser(served) as browser:
        await browser.code()
        pushed = (await post(served, "/request", dict(GOOD))).json()["request_uri"]
        reference = {"client_id": "acme-web-basic", "request_uri": pushed}
        with redis_client.Redis.from_url(own_redis.url) as redis:
            before = redis.keys("*Pushed*")
            redis.flushall()
        url = f"{served.issuer()}/auth"
        answers = [await browser.http.get(url, params=reference) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [303, 400]
        assert before == []


async def test_without_redis_everything_works(fresh_database_url: str) -> None:
    async with serve(fresh_database_url, None, trusted_proxies="127.0.0.1") as served:
        async with a_browser(served) as browser:
            tokens = await browser.tokens()
            assert (await userinfo(served, tokens["access_token"])).status_code == 200
            code = await browser.code()
            first = await post(served, "/token", code_form(code))
            assert first.status_code == 200
            assert refusal(await post(served, "/token", code_form(code))) == (400, "invalid_grant")
            assert not await is_active(served, first.json()["access_token"])
            pushed = (await post(served, "/request", dict(GOOD))).json()["request_uri"]
            reference = {"client_id": "acme-web-basic", "request_uri": pushed}
            answers = [
                await browser.http.get(f"{served.issuer()}/auth", params=reference)
                for _ in range(2)
            ]
            assert [answer.status_code for answer in answers] == [303, 400]
            hint = {"id_token_hint": tokens["id_token"]}
            ended = await browser.http.get(f"{served.issuer()}/session/end", params=hint)
            assert ended.status_code == 303
            assert "error=login_required" in location(await browser.authorize(prompt="none"))
        async with a_browser(served) as guesser:
            url = await guesser.begin()
            statuses = [
                (await guesser.submit(url, password="wrong-password-of-mine")).status_code
                for _ in range(12)
            ]
            assert statuses == [200] * 10 + [429] * 2


# PostgreSQL


async def test_while_postgresql_is_silent_nothing_is_granted(
    fragile: Fragile, browser: Browser
) -> None:
    served = fragile.served
    tokens, code = await browser.tokens(), await browser.code()
    fragile.postgres.silence()
    form = {"grant_type": "client_credentials"}
    await asyncio.gather(*(
        _is_refused_kindly(request)
        for request in (
            post(served, "/token", code_form(code)),
            post(served, "/token", refresh_form(tokens["refresh_token"])),
            post(served, "/token", form, "acme-machine"),
            post(served, "/token/introspection", {"token": tokens["access_token"]}),
            post(served, "/token/revocation", {"token": tokens["refresh_token"]}),
            userinfo(served, tokens["access_token"]),
            browser.authorize(prompt="none"),
        )
    ))  # fmt: skip
    fragile.postgres.restore()

    async def works() -> bool:
        return (await post(served, "/token", form, "acme-machine")).status_code == 200

    await eventually(works)
    assert await is_active(served, tokens["refresh_token"]), "it was not revoked, and not said so"


@pytest.mark.slow
async def test_public_documents_are_answered_however_long_postgresql_is_silent(
    fragile: Fragile,
) -> None:
    """Also once the listener has noticed that it hears nothing."""
    served, durations = fragile.served, []
    for path in DOCUMENTS:
        assert (await served.http.get(served.base_url + path)).status_code == 200
    fragile.postgres.silence()
    began = time.monotonic()
    while time.monotonic() - began < 16:
        for path in DOCUMENTS:
            async with stopwatch() as seconds:
                answer = await served.http.get(served.base_url + path)
                durations.append(seconds())
            assert answer.status_code == 200, (path, time.monotonic() - began)
            assert all_soon(durations), (path, time.monotonic() - began, max(durations))
        await asyncio.sleep(0.5)
    assert not served.runtime.storage.listening
    form = {"grant_type": "client_credentials"}
    await _is_refused_kindly(post(served, "/token", form, "acme-machine"))


# both


async def test_while_both_are_silent_a_session_says_come_back_in_time(
    fragile: Fragile, browser: Browser
) -> None:
    """The second is asked when the first has not answered: their time limits add up."""
    await browser.code()
    fragile.postgres.silence()
    fragile.redis.silence()
    await _is_refused_kindly(browser.authorize())


# no room


@asynccontextmanager
async def _narrow(database_url: str, redis_url: str) -> AsyncIterator[Served]:
    async with serve(
        database_url, redis_url, argon2_workers=1, argon2_queue=1, argon2_passes=4,
        argon2_memory_kib=65_536, trusted_proxies="127.0.0.1",
    ) as served:  # fmt: skip
        yield served


async def test_a_full_house_says_come_back(fresh_database_url: str, redis_url: str) -> None:
    async with _narrow(fresh_database_url, redis_url) as served:

        async def knock() -> httpx.Response:
            async with a_browser(served, email="nobody@acme.test") as browser:
                return await browser.submit(await browser.begin())

        answers = await asyncio.gather(*(knock() for _ in range(12)))
        refused = [answer for answer in answers if answer.status_code == 503]
        assert {answer.status_code for answer in answers} == {200, 503}
        assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
