"""Codes work once and for whom they were made; refresh tokens rotate, and nothing grows."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
import redis

from porta.browser import sessions
from porta.tenants import resolve
from storage.models.artifact import artifact_id
from storage.postgres.driver import Postgres
from tests.world.answers import claims_of, query_of
from tests.world.browser import (
    CHALLENGE,
    Browser,
    add_user,
    code_form,
    configured,
    is_active,
    new_address,
    post,
    refresh_form,
    refusal,
    userinfo,
)
from tests.world.served import SECRETS, Served

INVALID_GRANT = (400, "invalid_grant")


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uri": "https://app.acme.test/callback"},
        {"redirect_uri": "http://127.0.0.1:9009/callback/"},
        {"code_verifier": "w" * 43},
        {"code_verifier": "v" * 42},
        {"code_verifier": "v" * 44},
        {"code_verifier": ""},
    ],
)
async def test_a_code_is_for_its_redirect_uri_and_verifier(
    served: Served, browser: Browser, wrong: dict[str, str]
) -> None:
    answer = await post(served, "/token", code_form(await browser.code(), **wrong))
    assert refusal(answer) == INVALID_GRANT


@pytest.mark.parametrize("other", ["acme-partner", "acme-spa", "acme-native"])
async def test_security_14_a_code_brought_by_another_client_stays_its_owners(
    served: Served, browser: Browser, other: str
) -> None:
    form = code_form(await browser.code())
    assert refusal(await _as(served, form, other)) == INVALID_GRANT
    strangers = (_as(served, form, other) for _ in range(8))
    answer, *refused = await asyncio.gather(post(served, "/token", form), *strangers)
    assert answer.status_code == 200
    assert {refusal(each) for each in refused} == {INVALID_GRANT}
    assert refusal(await _as(served, form, other)) == INVALID_GRANT
    assert await is_active(served, answer.json()["access_token"]), "its tokens are not his to end"


async def _as(served: Served, form: dict[str, str], client_id: str) -> httpx.Response:
    """Post to the token endpoint as a client of acme, with its secret where it has one."""
    if client_id in SECRETS:
        return await post(served, "/token", form, client_id)
    url = f"{served.issuer()}/token"
    return await served.http.post(url, data=form | {"client_id": client_id})


async def test_a_challenge_itself_is_no_verifier(served: Served, browser: Browser) -> None:
    form = code_form(await browser.code(code_challenge=CHALLENGE), code_verifier=CHALLENGE)
    assert refusal(await post(served, "/token", form)) == INVALID_GRANT


@pytest.mark.parametrize("missing", ["code", "redirect_uri", "code_verifier", "grant_type"])
async def test_nothing_of_a_redemption_may_be_missing(
    served: Served, browser: Browser, missing: str
) -> None:
    form = code_form(await browser.code())
    del form[missing]
    status, error = refusal(await post(served, "/token", form))
    assert status == 400
    assert error in ("invalid_request", "invalid_grant")


async def test_a_code_that_is_spelled_differently_is_unknown(
    served: Served, browser: Browser
) -> None:
    code = await browser.code()
    for other in (code[:-1], f"{code}x", f" {code}", f"{code} ", code.swapcase(), f"{code}="):
        assert refusal(await post(served, "/token", code_form(other))) == INVALID_GRANT
    for other in (f"{code}\x00", f"{code}\n"):
        assert refusal(await post(served, "/token", code_form(other))) == (400, "invalid_request")
    assert (await post(served, "/token", code_form(code))).status_code == 200


async def test_a_code_lives_a_minute_at_most(
    served: Served, browser: Browser, redis_url: str
) -> None:
    code = await browser.code()
    key = f"porta:AuthorizationCode:{artifact_id(code)}"
    with redis.Redis.from_url(redis_url) as store:
        assert 0 < store.pttl(key) <= 60_000
        assert code.encode() not in b"".join(store.keys("*")), "values are never keys"
        store.pexpire(key, 1)
        await asyncio.sleep(0.01)
    assert refusal(await post(served, "/token", code_form(code))) == INVALID_GRANT


async def test_a_second_use_kills_what_the_first_one_brought(
    served: Served, browser: Browser
) -> None:
    code, tokens = await _spent(served, browser)
    assert await is_active(served, tokens["access_token"])
    await _replay_kills(served, code, tokens)


async def test_a_second_use_is_seen_after_the_store_forgot_the_code(
    served: Served, browser: Browser, redis_url: str
) -> None:
    code, tokens = await _spent(served, browser)
    with redis.Redis.from_url(redis_url) as store:
        store.delete(f"porta:AuthorizationCode:{artifact_id(code)}")
    await _replay_kills(served, code, tokens)


async def test_a_code_that_a_store_gives_back_is_not_redeemed_again(
    served: Served, browser: Browser, redis_url: str
) -> None:
    """A replica that was promoted knows the code, and not that it was consumed."""
    code = await browser.code()
    key = f"porta:AuthorizationCode:{artifact_id(code)}"
    with redis.Redis.from_url(redis_url) as store:
        before = store.get(key)
        tokens = (await post(served, "/token", code_form(code))).json()
        store.set(key, before, px=60_000)
    await _replay_kills(served, code, tokens)


async def test_a_code_dies_with_its_session(served: Served, browser: Browser) -> None:
    code = await browser.code()
    tenant = await resolve.resolve(served.runtime, "acme")
    session = await sessions.find(served.runtime, tenant, browser.presented)
    assert session is not None
    await sessions.sign_out(served.runtime, session)
    assert refusal(await post(served, "/token", code_form(code))) == INVALID_GRANT


async def test_a_code_of_somebody_who_was_deactivated_is_worthless(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    user = await add_user(served)
    browser.email = user.email
    code = await browser.code()
    await pg.execute("UPDATE users SET status = 'inactive' WHERE id = %(id)s", {"id": user.id})
    assert refusal(await post(served, "/token", code_form(code))) == INVALID_GRANT


async def test_a_used_code_that_another_client_brings_harms_nobody(
    served: Served, browser: Browser, redis_url: str
) -> None:
    code, tokens = await _spent(served, browser)
    for _ in range(2):
        stolen = await post(served, "/token", code_form(code), "acme-partner")
        assert refusal(stolen) == INVALID_GRANT
        with redis.Redis.from_url(redis_url) as store:
            store.delete(f"porta:AuthorizationCode:{artifact_id(code)}")
    assert await is_active(served, tokens["access_token"])
    await _replay_kills(served, code, tokens)


# refresh tokens


async def test_a_refresh_token_rotates_and_a_lost_answer_can_be_asked_for_again(
    served: Served, browser: Browser
) -> None:
    first = await browser.tokens()
    second = await _refresh(served, first["refresh_token"])
    again = await _refresh(served, first["refresh_token"])
    assert second["refresh_token"] == again["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != again["access_token"]
    assert not await is_active(served, first["refresh_token"])
    third = await _refresh(served, second["refresh_token"])
    assert third["refresh_token"] not in (first["refresh_token"], second["refresh_token"])


async def test_the_grace_is_for_lost_answers(served: Served, browser: Browser) -> None:
    """B.3: generations are counted. Whoever used the second token had received it."""
    first = await browser.tokens()
    second = await _refresh(served, first["refresh_token"])
    third = await _refresh(served, second["refresh_token"])
    again = await post(served, "/token", refresh_form(first["refresh_token"]))
    assert refusal(again) == INVALID_GRANT
    for tokens in (first, second, third):
        await _all_dead(served, tokens)


async def test_the_grace_is_the_clients_own(served: Served, browser: Browser) -> None:
    first = await browser.tokens()
    second = await _refresh(served, first["refresh_token"])
    stolen = await post(served, "/token", refresh_form(first["refresh_token"]), "acme-partner")
    assert refusal(stolen) == INVALID_GRANT
    assert await is_active(served, second["refresh_token"]), "and harms nobody"


async def test_reuse_after_the_grace_ends_the_family(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    first = await browser.tokens()
    form = refresh_form(first["refresh_token"])
    mine, theirs = new_address(), new_address()
    second = (await post(served, "/token", form, headers={"X-Forwarded-For": mine})).json()
    await pg.execute(
        "UPDATE artifacts SET consumed_at = consumed_at - interval '11 seconds' WHERE id = %(id)s",
        {"id": artifact_id(first["refresh_token"])},
    )
    reused = await post(served, "/token", form, headers={"X-Forwarded-For": theirs})
    assert refusal(reused) == INVALID_GRANT
    await _all_dead(served, first)
    await _all_dead(served, second)
    told = await pg.fetchrow(
        "SELECT host(ip_address), metadata ->> 'first_used_from', audit_log::text FROM audit_log"
        " WHERE event_type = 'token.refresh_reused' ORDER BY created_at DESC LIMIT 1"
    )
    assert told is not None
    assert tuple(told[:2]) == (theirs, mine)
    assert first["refresh_token"] not in str(told)


async def test_the_grace_is_seconds_of_the_configuration(served: Served, browser: Browser) -> None:
    async with configured(served, refresh_grace=0):
        first = await browser.tokens()
        second = await _refresh(served, first["refresh_token"])
        reused = await post(served, "/token", refresh_form(first["refresh_token"]))
        assert refusal(reused) == INVALID_GRANT
        await _all_dead(served, second)


async def test_a_family_ends_however_often_it_rotates(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    async with configured(served, refresh_token_absolute_ttl=60):
        tokens = await browser.tokens()
    assert tokens["expires_in"] <= 60, "nothing is promised beyond the end"
    tokens = await _refresh(served, tokens["refresh_token"])
    assert tokens["expires_in"] <= 61, "two clocks, in whole seconds"
    await pg.execute(
        "UPDATE token_families SET expires_at = now() WHERE id ="
        " (SELECT family_id FROM artifacts WHERE id = %(id)s)",
        {"id": artifact_id(tokens["refresh_token"])},
    )
    answer = await post(served, "/token", refresh_form(tokens["refresh_token"]))
    assert refusal(answer) == INVALID_GRANT
    await _all_dead(served, tokens)


async def test_scope_narrows_for_one_token_and_never_grows(
    served: Served, browser: Browser
) -> None:
    first = await browser.tokens(scope="openid email offline_access")
    for wider in ("openid profile", "openid email offline_access phone", "profile", "admin"):
        answer = await post(served, "/token", refresh_form(first["refresh_token"], scope=wider))
        assert refusal(answer) == (400, "invalid_scope")
    narrow = await _refresh(served, first["refresh_token"], scope="openid")
    assert narrow["scope"] == "openid"
    assert "email" not in (await userinfo(served, narrow["access_token"])).json()
    whole = await _refresh(served, narrow["refresh_token"])
    assert set(whole["scope"].split()) == {"openid", "email", "offline_access"}


async def test_a_refresh_keeps_the_time_of_the_authentication(
    served: Served, browser: Browser
) -> None:
    first = await browser.tokens(nonce="n-1")
    second = await _refresh(served, first["refresh_token"])
    old, new = claims_of(first["id_token"]), claims_of(second["id_token"])
    for name in ("iss", "sub", "aud", "auth_time", "amr", "sid"):
        assert old[name] == new[name]


async def test_tokens_of_somebody_who_was_deactivated_stop_at_once(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    user = await add_user(served)
    browser.email = user.email
    tokens = await browser.tokens()
    for status in ("inactive", "suspended", "locked"):
        await pg.execute(
            "UPDATE users SET status = %(status)s WHERE id = %(id)s",
            {"id": user.id, "status": status},
        )
        assert not await is_active(served, tokens["access_token"])
        assert not await is_active(served, tokens["refresh_token"])
        assert (await userinfo(served, tokens["access_token"])).status_code == 401
        answer = await post(served, "/token", refresh_form(tokens["refresh_token"]))
        assert refusal(answer) == INVALID_GRANT
    answer = await browser.authorize(prompt="none")
    assert "error=login_required" in answer.headers["location"]


async def test_guesses_at_a_password_end_nobodys_session(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    """Anyone can make an account lock itself: that closes it to passwords, and no further."""
    user = await add_user(served)
    browser.email = user.email
    tokens = await browser.tokens()
    await pg.execute(
        "UPDATE users SET status = 'locked', locked_at = now(), locked_reason = 'auto_lockout'"
        " WHERE id = %(id)s",
        {"id": user.id},
    )
    assert "code" in query_of(await browser.authorize(prompt="none"))
    assert (await userinfo(served, tokens["access_token"])).status_code == 200
    refreshed = await _refresh(served, tokens["refresh_token"])
    assert await is_active(served, refreshed["access_token"])
    assert await is_active(served, refreshed["refresh_token"])


async def test_a_refresh_racing_a_revocation_leaves_nothing_alive(
    served: Served, browser: Browser
) -> None:
    for _ in range(5):
        tokens = await browser.tokens()
        value = tokens["refresh_token"]
        refreshed, revoked = await asyncio.gather(
            post(served, "/token", refresh_form(value)),
            post(served, "/token/revocation", {"token": value}),
        )
        assert revoked.status_code == 200
        await _all_dead(served, tokens)
        if refreshed.status_code == 200:
            await _all_dead(served, refreshed.json())


async def test_without_offline_access_nothing_outlives_the_session(
    served: Served, browser: Browser
) -> None:
    async with configured(served, session_ttl=100):
        tokens = await browser.tokens(scope="openid", prompt="login")
    assert tokens["expires_in"] <= 100
    refreshed = await _refresh(served, tokens["refresh_token"])
    assert refreshed["expires_in"] <= 101  # two clocks, in whole seconds


async def _refresh(served: Served, value: str, **changes: str) -> dict[str, Any]:
    answer = await post(served, "/token", refresh_form(value, **changes))
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


async def _spent(served: Served, browser: Browser) -> tuple[str, dict[str, Any]]:
    """Return a code that was redeemed, and what it brought."""
    code = await browser.code()
    return code, (await post(served, "/token", code_form(code))).json()


async def _replay_kills(served: Served, code: str, tokens: dict[str, Any]) -> None:
    assert refusal(await post(served, "/token", code_form(code))) == INVALID_GRANT
    await _all_dead(served, tokens)


async def _all_dead(served: Served, tokens: dict[str, Any]) -> None:
    assert not await is_active(served, tokens["access_token"])
    assert not await is_active(served, tokens["refresh_token"])
    assert (await userinfo(served, tokens["access_token"])).status_code == 401
    answer = await post(served, "/token", refresh_form(tokens["refresh_token"]))
    assert refusal(answer) == INVALID_GRANT
    assert SECRETS["acme-web-basic"] not in answer.text
