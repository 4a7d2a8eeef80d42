"""What a stranger can make us keep: 8 KB a request, in whichever store (security 1)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from redis import Redis

from porta.protocol.requests.authorization_request import LIMITS
from storage.postgres.driver import Postgres
from tests.world.answers import location
from tests.world.browser import GOOD, Browser, a_browser, add_client, add_user
from tests.world.served import SECRETS, Served, serve
from tests.world.valkey import Valkey

MOST = 8192
"""Bytes of one artifact, its key included."""
HEADER = 4096
LETTERS = ('"', "\\", "x", "é", "€", "😀", "%", " ")
NAMES = (*LIMITS, "scope", "max_age", "resource", "request", "registration", "unknown")


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["redis", "postgres"])
async def filled(
    request: pytest.FixtureRequest, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Served, Redis | None, Postgres]]:
    """Return a server with its two stores, which nobody else fills."""
    store = Valkey(tmp_path_factory.mktemp("redis")) if request.param == "redis" else None
    if store is not None:
        store.start()
    postgres = await Postgres.open(database_url, 2)
    async with serve(database_url, store.url if store else None) as served:
        redis = Redis.from_url(store.url) if store else None
        yield served, redis, postgres
        if redis is not None:
            redis.close()
    await postgres.close()
    if store is not None:
        store.stop()


def _values(name: str) -> st.SearchStrategy[str]:
    """Return values around the limit of a parameter, in letters that grow when they are stored."""
    limit = LIMITS.get(name, 2048)
    lengths = st.sampled_from((1, limit // 4, limit // 2, limit - 1, limit, limit + 1))
    text = st.builds(
        lambda letter, length: letter * (length // len(letter.encode())),
        st.sampled_from(LETTERS),
        lengths,
    )
    if name == "claims":
        return st.builds(lambda value: json.dumps({"userinfo": {"x": {"value": value}}}), text)
    if name == "scope":
        many = st.integers(1, 100).map(lambda n: " ".join(f"openid{i:0>13}" for i in range(n)))
        return st.one_of(many, st.just("openid profile email offline_access contacts:read"))
    return text


_SENT = st.lists(st.sampled_from(NAMES), unique=True, max_size=9).flatmap(
    lambda names: st.fixed_dictionaries({name: _values(name) for name in names})
)
_ROADS = st.sampled_from(("GET /auth", "POST /auth", "POST /request", "GET /session/end",
                          "POST /session/end"))  # fmt: skip


_EVERYTHING = {
    name: '"' * (LIMITS[name] - 1) for name in ("state", "nonce", "login_hint", "acr_values")
} | {
    "response_mode": "form_post",
    "claims": json.dumps({"userinfo": {"x": {"value": '"' * 1900}}}),
}
"""Each within its limit, and nearly twice as long when it is stored."""


async def _send(served: Served, road: str, form: dict[str, str]) -> httpx.Response:
    """Send `form` as somebody who was never here before."""
    method, path = road.split()
    served.http.cookies.clear()
    if len(urlencode(form)) > 15_000:  # no URL is that long: 431
        method = "POST"
    place: dict[str, Any] = {"params": form} if method == "GET" else {"data": form}
    if path == "/request":
        place["auth"] = (form["client_id"], SECRETS[form["client_id"]])
    return await served.http.request(method, served.issuer() + path, **place)


_TRACES = (b"porta:trace", b"porta:steps:")
"""What a step was, and nothing that was sent: of each refusal, and as many as there is room for."""


def _header_size(answer: httpx.Response) -> int:
    return sum(len(name) + len(value) + 4 for name, value in answer.headers.raw)


async def _largest(redis: Redis | None, postgres: Postgres) -> int:
    """Return the bytes of the largest artifact in either store."""
    rows = await postgres.fetch(
        "SELECT coalesce(max(octet_length(payload::text) + octet_length(id)), 0) FROM artifacts"
        " WHERE kind IN ('Interaction', 'PushedAuthorizationRequest')"
    )
    largest = int(rows[0][0])
    if redis is not None:
        for key in redis.scan_iter("porta:*", count=1000):
            size = len(key) + (redis.memory_usage(key) or 0)
            if not key.startswith(_TRACES):
                largest = max(largest, size, redis.strlen(key))
            assert size <= MOST
    return largest


async def _empty(redis: Redis | None, postgres: Postgres) -> None:
    if redis is not None:
        redis.flushall()
    await postgres.execute("DELETE FROM artifacts", {})


@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(sent=_SENT, road=_ROADS, third_party=st.booleans())
@example(sent=_EVERYTHING, road="POST /auth", third_party=False)
@example(sent=_EVERYTHING, road="POST /request", third_party=True)
async def test_security_1_whatever_is_sent_8_kb_are_kept_at_most(
    filled: tuple[Served, Redis | None, Postgres],
    sent: dict[str, str],
    road: str,
    third_party: bool,
) -> None:
    served, redis, postgres = filled
    client_id = "acme-partner" if third_party else "acme-web-basic"
    port = 9011 if third_party else 9009
    base = GOOD | {"client_id": client_id, "redirect_uri": f"http://127.0.0.1:{port}/callback"}
    trusted = {name: base[name] for name in ("client_id", "redirect_uri")}
    await _empty(redis, postgres)
    answer = await _send(served, road, base | sent | trusted)
    assert answer.status_code < 500, answer.text
    assert _header_size(answer) <= HEADER
    assert await _largest(redis, postgres) <= MOST


async def _kept(served: Served, road: str, form: dict[str, str]) -> bool:
    """Send the request; tell whether it was kept, or refused as too long."""
    answer = await _send(served, road, form)
    if road.endswith("/request"):
        assert answer.status_code in (201, 400), answer.text
        return answer.status_code == 201
    if not answer.is_redirect:
        assert answer.status_code == 200
        assert "invalid_request" in answer.text, answer.text
        return False
    return "/interaction/" in location(answer) or "/auth/" in location(answer)


@pytest.mark.parametrize("road", ["GET /auth", "POST /auth", "POST /request"])
async def test_security_1_the_bound_is_met_by_the_sum(
    filled: tuple[Served, Redis | None, Postgres], road: str
) -> None:
    """Every parameter within its limit; the longest request that is taken fills most of it."""
    served, redis, postgres = filled
    await _empty(redis, postgres)
    form = GOOD | {"response_mode": "form_post", "nonce": '"' * 512, "login_hint": "é" * 160}
    taken, refused = 0, 4096
    while refused - taken > 1:
        middle = (taken + refused) // 2
        claims = json.dumps({"userinfo": {"x": {"value": "v" * middle}}})
        if await _kept(served, road, form | {"claims": claims, "state": "s" * 2000}):
            taken = middle
        else:
            refused = middle
    assert 1000 < taken < 4000
    assert 6144 < await _largest(redis, postgres) <= MOST


async def test_security_1_consent_that_a_page_shows_counts(
    filled: tuple[Served, Redis | None, Postgres],
) -> None:
    served, redis, postgres = filled
    scope = " ".join(f"s{number:0>18}" for number in range(80))
    client = await add_client(served, "acme-partner", scope=scope)
    form = GOOD | {
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uris[0],
        "scope": scope,
        "response_mode": "form_post",
        "prompt": "consent",
    }
    await _empty(redis, postgres)
    assert await _kept(served, "GET /auth", form)
    assert not await _kept(served, "GET /auth", form | {"state": "s" * 2500})
    assert await _largest(redis, postgres) <= MOST


@pytest.mark.parametrize("hint", ["f" * 16_384, "e30.e30.AA", "x"])
@pytest.mark.parametrize("road", ["GET /auth", "POST /auth", "POST /request"])
async def test_security_1_a_hint_is_verified_before_anything_is_kept(
    filled: tuple[Served, Redis | None, Postgres], road: str, hint: str
) -> None:
    """Also where the session is withheld, and where it is pushed."""
    served, redis, postgres = filled
    if road == "GET /auth":
        hint = hint[:8000]
    await _empty(redis, postgres)
    answer = await _send(served, road, GOOD | {"id_token_hint": hint})
    if road == "POST /request":
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    else:
        assert "error=invalid_request" in answer.headers["location"]
    assert await _largest(redis, postgres) == 0


async def test_security_1_of_a_hint_its_subject_is_kept(
    filled: tuple[Served, Redis | None, Postgres],
) -> None:
    served, redis, postgres = filled
    async with a_browser(served) as browser:
        tokens = await browser.tokens()
        await _empty(redis, postgres)
        hinted: dict[str, Any] = {"id_token_hint": tokens["id_token"], "prompt": "login"}
        for road in ("GET /auth", "POST /auth", "POST /request"):
            assert await _kept(served, road, GOOD | hinted)
        kept = [redis.get(key) for key in redis.scan_iter("porta:Interaction:*")] if redis else []
        rows = await postgres.fetch("SELECT payload::text FROM artifacts")
        texts = [str(value) for value in (*kept, *(row[0] for row in rows))]
        hints = [text for text in texts if "hint_subject" in text]
        assert len(hints) == 3
        assert not any(tokens["id_token"][:40] in text for text in texts)
    await _is_held_to_its_hint(served, tokens["id_token"])


async def _is_held_to_its_hint(served: Served, hint: str) -> None:
    """The subject counts where the request goes on: somebody else may not answer it."""
    other = await add_user(served)
    async with a_browser(served, email=other.email) as stranger:
        url = await stranger.begin(id_token_hint=hint)
        arrived = await stranger.follow(await stranger.submit(url))
        assert arrived["error"] == "login_required"
    async with a_browser(served) as owner:
        arrived = await _through(owner, hint)
        assert "code" in arrived


async def _through(browser: Browser, hint: str) -> dict[str, str]:
    return await browser.follow(await browser.submit(await browser.begin(id_token_hint=hint)))
