"""The idle limit of sessions (ASVS 7.3.1): a session that nobody uses is none (security 14)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import redis

from porta.browser import sessions
from porta.tenants import resolve
from storage.models.artifact import artifact_id
from storage.models.artifacts import ARTIFACTS, Session
from storage.postgres.driver import Postgres
from storage.stores.redis import key_of
from tests.world.answers import hidden_fields, location, query_of
from tests.world.browser import (
    Browser,
    a_browser,
    code_form,
    configured,
    is_active,
    post,
    refresh_form,
)
from tests.world.served import Served, beside, serve
from tests.world.waiting import eventually

LIMIT = 1800
BUSY = 300
"""Seconds that a busy machine may lose, and more than a tenth of LIMIT."""
PARTNER = {"client_id": "acme-partner", "redirect_uri": "http://127.0.0.1:9011/callback"}
_PASS = """
    UPDATE sessions SET
        used_at = used_at - make_interval(secs => %(seconds)s::float8),
        expires_at = expires_at - make_interval(secs => %(seconds)s::float8),
        payload = jsonb_set(payload::jsonb, '{expires_at}',
            to_jsonb((payload ->> 'expires_at')::bigint - %(seconds)s::bigint))::json
    WHERE id = %(id)s
"""


@pytest_asyncio.fixture(autouse=True)
async def limited(served: Served) -> AsyncIterator[None]:
    async with configured(served, session_idle_ttl=LIMIT):
        yield


def _id(browser: Browser) -> str:
    return artifact_id(browser.session or "")


async def _passes(pg: Postgres, browser: Browser, seconds: int) -> None:
    """Have as much time gone by for the session of this browser."""
    await pg.execute(_PASS, {"id": _id(browser), "seconds": seconds})


async def _was_noted(pg: Postgres, browser: Browser) -> None:
    """Wait until the last use is noted."""

    async def is_noted() -> bool:
        sql = "SELECT used_at > now() - interval '100 s' FROM sessions WHERE id = %(id)s"
        return await pg.fetch(sql, {"id": _id(browser)}) == [(True,)]

    await eventually(is_noted, 30)


async def _silently(browser: Browser, **changes: str) -> dict[str, str]:
    return query_of(await browser.authorize(prompt="none", **changes))


async def _is_found(browser: Browser) -> bool:
    runtime = browser.served.runtime
    tenant = await resolve.resolve(runtime, "acme")
    return await sessions.find(runtime, tenant, browser.presented) is not None


@pytest.mark.parametrize("copy", ["of the sign-in", "gone", "of a moment ago"])
async def test_security_14_a_session_that_nobody_used_is_none(
    served: Served, browser: Browser, pg: Postgres, redis_url: str, copy: str
) -> None:
    await browser.code()
    if copy != "of the sign-in":
        with redis.from_url(redis_url) as client:
            client.delete(key_of(ARTIFACTS[Session], _id(browser)))
    if copy == "of a moment ago":
        await _passes(pg, browser, LIMIT - BUSY)
        assert await _is_found(browser)
        await _passes(pg, browser, BUSY + 1)
    else:
        await _passes(pg, browser, LIMIT + 1)
    assert (await _silently(browser))["error"] == "login_required"
    before = browser.session
    url = await browser.begin()
    assert "code" in await browser.follow(await browser.submit(url)), "the person signs in anew"
    assert browser.session != before
    assert "code" in await _silently(browser)


async def test_security_14_whoever_uses_it_stays_signed_in(browser: Browser, pg: Postgres) -> None:
    await browser.code()
    for _ in range(4):
        await _passes(pg, browser, LIMIT - BUSY)
        assert "code" in await _silently(browser)
        await _was_noted(pg, browser)


async def test_security_14_no_use_outlasts_the_absolute_limit(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    async with configured(served, session_ttl=2 * LIMIT):
        await browser.code()
        for _ in range(2):
            await _passes(pg, browser, LIMIT - BUSY)
            assert "code" in await _silently(browser)
            await _was_noted(pg, browser)
        await _passes(pg, browser, 2 * BUSY)
        assert (await _silently(browser))["error"] == "login_required"


async def test_security_14_an_interaction_is_a_use(browser: Browser, pg: Postgres) -> None:
    """Whoever reads what is asked for, and agrees, is there."""
    await browser.code()
    await _passes(pg, browser, LIMIT - BUSY)
    page = location(await browser.authorize(**PARTNER))
    await _was_noted(pg, browser)
    await _passes(pg, browser, LIMIT - BUSY)
    shown = await browser.http.get(page)
    await _was_noted(pg, browser)
    await _passes(pg, browser, LIMIT - BUSY)
    form = hidden_fields(shown.text) | {"decision": "approve"}
    answer = await browser.follow(await browser.http.post(f"{page}/confirm", data=form))
    assert "code" in answer
    await _was_noted(pg, browser)


async def test_security_14_what_is_no_use_of_the_browsers_keeps_nobody_signed_in(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    """Neither tokens, nor what is refused before anybody asks for the session."""
    tokens = await browser.tokens()
    await _passes(pg, browser, LIMIT - BUSY)
    refreshed = await post(served, "/token", refresh_form(tokens["refresh_token"]))
    assert refreshed.status_code == 200
    assert await is_active(served, refreshed.json()["access_token"])
    await browser.authorize(response_type="token")
    await browser.http.get(f"{served.issuer()}/session/end")
    await _passes(pg, browser, BUSY + 1)
    assert (await _silently(browser))["error"] == "login_required"


@pytest.mark.parametrize("offline", [True, False])
async def test_security_14_what_was_issued_lives_as_after_the_end_of_a_sessions_time(
    served: Served, browser: Browser, pg: Postgres, offline: bool
) -> None:
    """Nobody signed out: refresh tokens, and a code under way, have ends of their own."""
    scope = "openid offline_access" if offline else "openid"
    tokens = await browser.tokens(scope=scope)
    code = await browser.code(scope=scope)
    await _passes(pg, browser, LIMIT + 1)
    assert (await _silently(browser))["error"] == "login_required"
    redeemed = await post(served, "/token", code_form(code))
    assert redeemed.status_code == 200
    refreshed = await post(served, "/token", refresh_form(tokens["refresh_token"]))
    assert refreshed.status_code == 200


async def test_security_14_there_is_nothing_to_sign_out_of(
    served: Served, browser: Browser, pg: Postgres, redis_url: str
) -> None:
    tokens = await browser.tokens()
    await _passes(pg, browser, LIMIT + 1)
    with redis.from_url(redis_url) as client:  # no copy outlives the limit it was made under
        client.delete(key_of(ARTIFACTS[Session], _id(browser)))
    assert not await _is_found(browser)
    hint = {"id_token_hint": tokens["id_token"]}
    answer = await browser.http.get(f"{served.issuer()}/session/end", params=hint)
    while answer.is_redirect:
        answer = await browser.http.get(location(answer))
    assert answer.status_code == 200


async def test_security_14_another_sign_in_owes_nothing_to_an_idle_session(
    browser: Browser, pg: Postgres
) -> None:
    tenant = await resolve.resolve(browser.served.runtime, "acme")
    await browser.code()
    before = await sessions.find(browser.served.runtime, tenant, browser.presented)
    await _passes(pg, browser, LIMIT + 1)
    await browser.code()
    after = await sessions.find(browser.served.runtime, tenant, browser.presented)
    assert before is not None
    assert after is not None
    assert after.uid != before.uid


async def test_security_14_a_lower_limit_holds_at_once(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    await browser.code()
    await _passes(pg, browser, LIMIT - BUSY)
    async with configured(served, session_idle_ttl=LIMIT // 2):
        assert (await _silently(browser))["error"] == "login_required"
        url = await browser.begin()
        page = await browser.http.get(url)
        assert page.status_code == 200, "nobody is sent round and round"
        assert "code" in await browser.follow(await browser.submit(url))


async def test_security_14_used_at_one_process_and_judged_at_another(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    async with beside(served) as other, a_browser(other) as there:
        await browser.code()
        there.http.cookies = browser.http.cookies
        assert "code" in await _silently(there), "which keeps a copy of its own"
        for _ in range(3):
            await _passes(pg, browser, LIMIT - BUSY)
            assert "code" in await _silently(browser)
            await _was_noted(pg, browser)
            await _passes(pg, browser, LIMIT - BUSY)
            assert "code" in await _silently(there)
            await _was_noted(pg, browser)
        await _passes(pg, browser, LIMIT + 1)
        for each in (browser, there):
            assert (await _silently(each))["error"] == "login_required"


async def test_security_14_without_redis_the_limit_is_the_same(
    database_url: str, pg: Postgres
) -> None:
    async with (
        serve(database_url, None) as alone,
        a_browser(alone) as browser,
        configured(alone, session_idle_ttl=LIMIT),
    ):
        await browser.code()
        await _passes(pg, browser, LIMIT - BUSY)
        assert "code" in await _silently(browser)
        await _was_noted(pg, browser)
        await _passes(pg, browser, LIMIT - BUSY)
        assert "code" in await _silently(browser)
        await _was_noted(pg, browser)
        await _passes(pg, browser, LIMIT + 1)
        assert (await _silently(browser))["error"] == "login_required"


async def test_security_14_a_use_that_cannot_be_noted_costs_no_sign_in(
    browser: Browser, pg: Postgres
) -> None:
    await browser.code()
    await _passes(pg, browser, LIMIT - BUSY)
    await pg.execute("""
        CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RAISE disk_full; END $$;
        CREATE TRIGGER full_disk BEFORE UPDATE OF used_at ON sessions
            FOR EACH ROW EXECUTE FUNCTION full_disk()
    """)
    try:
        for _ in range(3):
            assert "code" in await _silently(browser)
    finally:
        await pg.execute("DROP FUNCTION full_disk CASCADE")
    assert "code" in await _silently(browser)
    await _was_noted(pg, browser)


async def test_security_14_who_does_not_stand_uses_nothing(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    """A person who is suspended keeps no session from its end, however it came to be there."""
    await browser.code()
    await _passes(pg, browser, LIMIT - BUSY)
    status = "UPDATE users SET status = %(status)s WHERE email = 'alice@acme.test'"
    await pg.execute(status, {"status": "suspended"})
    try:
        assert (await _silently(browser))["error"] == "login_required"
    finally:
        await pg.execute(status, {"status": "active"})
    await _passes(pg, browser, BUSY + 1)
    assert (await _silently(browser))["error"] == "login_required"
