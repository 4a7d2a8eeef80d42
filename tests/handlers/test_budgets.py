"""How often a request goes to each database: these numbers shape the doors of storage."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import httpx
import pytest
import pytest_asyncio

from porta.config import known
from tests.world.answers import hidden_fields, location, query_of
from tests.world.browser import add_client
from tests.world.served import CALLBACK, SECRETS, VERIFIER, Served, serve
from tests.world.waiting import eventually

BASIC = ("acme-web-basic", SECRETS["acme-web-basic"])


@pytest.fixture(scope="module", autouse=True)
def lasting_configuration() -> Iterator[None]:
    """What was read once is not read again because the machine is slow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(known, "CONFIG_MAX_AGE", 3600.0)
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(database_url: str, redis_url: str) -> AsyncIterator[Served]:
    async with serve(database_url, redis_url) as running:
        yield running


async def _cost(
    served: Served, request: Callable[[], Awaitable[httpx.Response]], status: int
) -> tuple[int, int]:
    """Return round trips to (PostgreSQL, Redis) of one request whose configuration is known, until
    it is answered. Traces are written later, many in one message: those before it are waited for.
    """

    async def idle() -> bool:
        return served.runtime.traces.is_idle

    await eventually(idle)
    before = served.runtime.storage.round_trips
    answer = await request()
    after = served.runtime.storage.round_trips
    assert answer.status_code == status, answer.text
    return after.postgres - before.postgres, after.redis - before.redis


@pytest.mark.parametrize("scope", ["", "contacts:read"])
async def test_client_credentials(served: Served, scope: str) -> None:
    form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
    await served.token("acme-machine", **form)
    cost = await _cost(served, lambda: served.token("acme-machine", **form), 200)
    assert cost == (1, 0)


async def test_introspection_and_userinfo(served: Served) -> None:
    access_token = (await served.redeem(await served.sign_in()))["access_token"]

    async def introspect() -> httpx.Response:
        url = f"{served.issuer()}/token/introspection"
        return await served.http.post(url, data={"token": access_token}, auth=BASIC)

    async def userinfo() -> httpx.Response:
        bearer = {"Authorization": f"Bearer {access_token}"}
        return await served.http.get(f"{served.issuer()}/me", headers=bearer)

    assert await _cost(served, introspect, 200) == (1, 0)
    assert await _cost(served, userinfo, 200) == (1, 0)


async def test_introspection_of_an_opaque_token(served: Served) -> None:
    client = await add_client(served, access_token_format="opaque")
    code = await served.sign_in(client_id=client.client_id)
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    answer = await served.token(client.client_id, client.client_id * 2, **form, code=code)
    access_token = answer.json()["access_token"]

    async def introspect() -> httpx.Response:
        url = f"{served.issuer()}/token/introspection"
        own = (client.client_id, client.client_id * 2)
        return await served.http.post(url, data={"token": access_token}, auth=own)

    assert (await introspect()).json()["roles"] == ["admin"]
    assert await _cost(served, introspect, 200) == (1, 0)


async def test_a_third_party_costs_no_more_than_our_own(served: Served) -> None:
    """What it asked for is checked against API resources, which are known."""
    partner = {"client_id": "acme-partner", "redirect_uri": "http://127.0.0.1:9011/callback"}
    await served.sign_in()
    page = await served.http.get(location(await served.authorize(**partner)))
    form = hidden_fields(page.text) | {"decision": "approve"}
    agreed = await served.http.post(f"{page.url}/confirm", data=form)
    code = query_of(await served.http.get(location(agreed)))["code"]
    assert await _cost(served, lambda: served.authorize(**partner), 303) == (1, 2)
    form = {"redirect_uri": partner["redirect_uri"], "code_verifier": VERIFIER}
    answers: list[httpx.Response] = []

    async def token(**more: str) -> httpx.Response:
        answers.append(await served.token("acme-partner", **more))
        return answers[-1]

    exchange = {"grant_type": "authorization_code", "code": code} | form
    assert await _cost(served, lambda: token(**exchange), 200) == (2, 1)
    refresh = {"grant_type": "refresh_token", "refresh_token": answers[-1].json()["refresh_token"]}
    assert await _cost(served, lambda: token(**refresh), 200) == (2, 0)


async def test_code_exchange_and_refresh(served: Served) -> None:
    await served.sign_in()
    code = await served.sign_in(prompt="login")

    async def exchange() -> httpx.Response:
        return await served.token(
            grant_type="authorization_code", code=code,
            redirect_uri="http://127.0.0.1:9009/callback", code_verifier="v" * 43,
        )  # fmt: skip

    assert await _cost(served, exchange, 200) == (2, 1)
    refresh_token = (await served.redeem(await served.sign_in(prompt="login")))["refresh_token"]

    async def refresh() -> httpx.Response:
        return await served.token(grant_type="refresh_token", refresh_token=refresh_token)

    assert await _cost(served, refresh, 200) == (2, 0)


async def test_authorize_with_a_session(served: Served) -> None:
    await served.sign_in(prompt="login")
    assert await _cost(served, served.authorize, 303) == (1, 2)
    await served.token("acme-web-post", SECRETS["acme-web-post"], grant_type="none")

    async def first() -> httpx.Response:
        return await served.authorize(client_id="acme-web-post", scope="openid")

    postgres, redis = await _cost(served, first, 303)
    assert postgres <= 2, "the first visit of a client saves its grant"
    assert redis <= 2


async def test_a_request_that_has_to_wait_costs_one_round_trip_in_all(served: Served) -> None:
    """Whoever is signed in does not pay for it; a pushed request does."""
    served.http.cookies.clear()
    await served.authorize()
    served.http.cookies.clear()
    assert await _cost(served, served.authorize, 303) == (0, 1)

    async def push() -> httpx.Response:
        form = {"response_type": "code", "redirect_uri": CALLBACK, "scope": "openid",
                "code_challenge": "c" * 43, "code_challenge_method": "S256"}  # fmt: skip
        return await served.http.post(f"{served.issuer()}/request", data=form, auth=BASIC)

    await push()
    assert await _cost(served, push, 201) == (1, 1)


async def test_a_pushed_request_costs_two_round_trips_more(served: Served) -> None:
    """It is read, and its one use is decided."""
    await served.sign_in()
    form = {"response_type": "code", "redirect_uri": CALLBACK, "scope": "openid",
            "code_challenge": "c" * 43, "code_challenge_method": "S256"}  # fmt: skip
    pushed = await served.http.post(f"{served.issuer()}/request", data=form, auth=BASIC)
    asked = {"client_id": "acme-web-basic", "request_uri": pushed.json()["request_uri"]}

    async def visit() -> httpx.Response:
        return await served.http.get(f"{served.issuer()}/auth", params=asked)

    assert await _cost(served, visit, 303) == (3, 2)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks"])
async def test_public_documents_cost_nothing(served: Served, path: str) -> None:
    await served.http.get(served.issuer() + path)
    cost = await _cost(served, lambda: served.http.get(served.issuer() + path), 200)
    assert cost == (0, 0)


async def test_tests_a_server_that_nobody_asks_costs_next_to_nothing(served: Served) -> None:
    """Its pools are swept and its notifications proven; none of that keeps a processor busy."""
    await served.redeem(await served.sign_in())
    began = time.process_time()
    await asyncio.sleep(3)
    assert time.process_time() - began < 0.15
