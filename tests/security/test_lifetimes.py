"""Every lifetime of `system_config`: what is said of it to whom it concerns, and what is kept."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import redis

from porta.browser import sessions
from porta.config.system import RANGES
from porta.provider import consents
from porta.tenants import resolve
from storage.models.artifact import Artifact, artifact_id
from storage.models.artifacts import (
    ARTIFACTS,
    AccessToken,
    AuthorizationCode,
    ClientCredentials,
    Grant,
    PushedAuthorizationRequest,
    RefreshToken,
    Session,
    Store,
)
from storage.models.interactions import Interaction
from storage.postgres.driver import Postgres
from storage.stores.redis import key_of
from tests.world.answers import claims_of, location
from tests.world.browser import GOOD, Browser, configured, post, refresh_form

TTL = 300
"""A value that every setting may have, and none has by default."""
LOST = 100
"""Seconds that a busy machine may lose between writing and reading; no default is as near."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One lifetime: the seconds that answers tell, and the record that has as many left."""

    said: tuple[int, ...]
    record: type[Artifact] | None = None
    id: str = ""


async def _code(browser: Browser) -> Shown:
    return Shown((), AuthorizationCode, artifact_id(await browser.code()))


async def _access_token(browser: Browser) -> Shown:
    tokens = await browser.tokens()
    value = tokens["access_token"]
    said = (tokens["expires_in"], _life(claims_of(value)), await _introspected(browser, value))
    return Shown(said, AccessToken, artifact_id(value))


async def _client_credentials(browser: Browser) -> Shown:
    form = {"grant_type": "client_credentials"}
    tokens = (await post(browser.served, "/token", form, "acme-machine")).json()
    value = tokens["access_token"]
    return Shown(
        (tokens["expires_in"], _life(claims_of(value))), ClientCredentials, artifact_id(value)
    )


async def _id_token(browser: Browser) -> Shown:
    return Shown((_life(claims_of((await browser.tokens())["id_token"])),))


async def _refresh_token(browser: Browser) -> Shown:
    value = (await browser.tokens())["refresh_token"]
    return Shown((await _introspected(browser, value),), RefreshToken, artifact_id(value))


async def _rotated_token(browser: Browser) -> Shown:
    form = refresh_form((await browser.tokens())["refresh_token"])
    value = (await post(browser.served, "/token", form)).json()["refresh_token"]
    return Shown((await _introspected(browser, value),), RefreshToken, artifact_id(value))


async def _pushed_request(browser: Browser) -> Shown:
    answer = (await post(browser.served, "/request", GOOD)).json()
    reference = answer["request_uri"].rpartition(":")[2]
    return Shown((answer["expires_in"],), PushedAuthorizationRequest, artifact_id(reference))


async def _interaction(browser: Browser) -> Shown:
    answer = await browser.authorize()
    uid = location(answer).rpartition("/")[2]
    return Shown((), Interaction, artifact_id(uid.partition(".")[0]))


async def _grant(browser: Browser) -> Shown:
    await browser.code()
    tenant = await resolve.resolve(browser.served.runtime, "acme")
    session = await sessions.find(browser.served.runtime, tenant, browser.presented)
    client = await resolve.find_client(browser.served.runtime, tenant, GOOD["client_id"])
    assert session is not None
    assert client is not None
    return Shown((), Grant, consents.grant_id(session, client))


async def _session(browser: Browser) -> Shown:
    answer = await browser.submit(await browser.begin())
    said = (_max_age(answer, "session_acme"),)
    return Shown(said, Session, artifact_id(browser.session or ""))


@pytest.mark.parametrize(
    ("key", "request_it"),
    [
        ("authorization_code_ttl", _code),
        ("access_token_ttl", _access_token),
        ("client_credentials_ttl", _client_credentials),
        ("id_token_ttl", _id_token),
        ("pushed_authorization_request_ttl", _pushed_request),
        ("refresh_token_ttl", _refresh_token),
        ("refresh_token_ttl", _rotated_token),
        ("refresh_token_absolute_ttl", _refresh_token),
        ("refresh_token_absolute_ttl", _rotated_token),
        ("interaction_ttl", _interaction),
        ("grant_ttl", _grant),
        ("session_ttl", _session),
    ],
)
async def test_a_lifetime_is_what_was_configured(
    browser: Browser,
    pg: Postgres,
    redis_url: str,
    key: str,
    request_it: Callable[[Browser], Awaitable[Shown]],
) -> None:
    ttl = min(TTL, RANGES[key][1] - 10)  # no default
    least = ttl - min(LOST, ttl // 2)
    async with configured(browser.served, **{key: ttl}):
        shown = await request_it(browser)
    assert all(least < said <= ttl for said in shown.said), shown.said
    if shown.record is not None:
        assert least < await _left(shown.record, shown.id, pg, redis_url) <= ttl


async def _left(record: type[Artifact], id: str, pg: Postgres, redis_url: str) -> float:
    """Return the seconds that the record of this id has left, where it is kept."""
    kind = ARTIFACTS[record]
    if kind.store is Store.REDIS_OR_POSTGRES:
        with redis.Redis.from_url(redis_url) as client:
            return float(str(client.pttl(key_of(kind, id)))) / 1000
    row = await pg.fetchrow(
        f"SELECT extract(epoch FROM expires_at - now()) FROM {kind.table} WHERE id = %(id)s",
        {"id": id},
    )
    assert row is not None
    return float(row[0])


async def _introspected(browser: Browser, token: str) -> int:
    return _life((await post(browser.served, "/token/introspection", {"token": token})).json())


def _life(said: dict[str, Any]) -> int:
    return int(said["exp"] - said["iat"])


def _max_age(answer: httpx.Response, name: str) -> int:
    cookies = answer.headers.get_list("set-cookie")
    header = next(cookie for cookie in cookies if cookie.startswith(f"{name}="))
    found = re.search(r"Max-Age=(\d+)", header)
    assert found is not None, header
    return int(found[1])
