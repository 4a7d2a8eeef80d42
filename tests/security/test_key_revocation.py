"""A signing key that others may know: it is revoked, and nothing else breaks (security 7, C.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio

from porta.audit.actors import SYSTEM
from porta.runtime import Runtime
from porta.services import api_resources, signing_keys
from porta.services.api_resources import NewApiResource
from tests.world.answers import header_of
from tests.world.browser import (
    Browser,
    add_client,
    code_form,
    is_active,
    post,
    refresh_form,
    refusal,
    userinfo,
)
from tests.world.served import Served, beside, serve
from tests.world.waiting import eventually

UNAVAILABLE = (503, "temporarily_unavailable")


@pytest_asyncio.fixture
async def served(fresh_database_url: str, redis_url: str) -> AsyncIterator[Served]:
    """Return a server whose keys are nobody else's."""
    async with serve(fresh_database_url, redis_url) as running:
        yield running


@pytest_asyncio.fixture
async def other(served: Served) -> AsyncIterator[Served]:
    """Return another instance of the same installation."""
    async with beside(served) as running:
        yield running


async def _rotate(runtime: Runtime) -> set[str]:
    made = await signing_keys.rotate(
        runtime.storage.everywhere, _encryption_keys(runtime), now=runtime.clock(), lead=120
    )
    return {key.kid for key in made}


async def _revoke(runtime: Runtime, kid: str, *, force: bool = False) -> None:
    await signing_keys.revoke(
        runtime.storage.everywhere, _encryption_keys(runtime), kid, now=runtime.clock(), force=force
    )


async def _revoke_all(runtime: Runtime, algorithm: str) -> None:
    for row in await runtime.storage.everywhere.signing_keys.list():
        if row.algorithm == algorithm and row.status != "revoked":
            await _revoke(runtime, row.kid, force=True)


async def _make_anew(runtime: Runtime) -> None:
    await signing_keys.ensure(
        runtime.storage.everywhere, _encryption_keys(runtime), now=runtime.clock(), lead=120
    )


def _encryption_keys(runtime: Runtime) -> tuple[bytes, ...]:
    return runtime.settings.signing_key_encryption_keys


async def _hear(*instances: Served, algorithms: Callable[[tuple[str, ...]], bool]) -> None:
    """Wait until what each instance can sign with is as it should be."""

    async def heard() -> bool:
        rings = [await one.runtime.snapshot() for one in instances]
        now = instances[0].runtime.clock()
        return all(algorithms(each.keys.of("", now).algorithms) for each in rings)

    await eventually(heard)


async def _kid_revoked_everywhere(kid: str, *instances: Served) -> None:
    async def heard() -> bool:
        snapshots = [await one.runtime.snapshot() for one in instances]
        now = instances[0].runtime.clock()
        return all(each.keys.of("", now).has_revoked(kid) for each in snapshots)

    await eventually(heard)


def _kid(tokens: dict[str, Any]) -> str:
    kid: str = header_of(tokens["access_token"])["kid"]
    return kid


async def test_security_7_the_published_key_signs_at_once_on_every_instance(
    served: Served, other: Served, browser: Browser
) -> None:
    before, code = await browser.tokens(), await browser.code()
    published = await _rotate(served.runtime)
    await _revoke(served.runtime, _kid(before))
    await _kid_revoked_everywhere(_kid(before), served, other)
    redeemed = await post(served, "/token", code_form(code))
    refreshed = await post(other, "/token", refresh_form(before["refresh_token"]))
    machine = {"grant_type": "client_credentials"}
    for answer in (redeemed, refreshed, await post(other, "/token", machine, "acme-machine")):
        assert answer.status_code == 200, answer.text
        assert _kid(answer.json()) in published
    for one in (served, other):
        jwks = (await one.http.get(f"{one.issuer()}/jwks")).json()["keys"]
        assert _kid(before) not in {key["kid"] for key in jwks}


async def test_security_7_what_a_revoked_key_has_signed_is_refused(
    served: Served, other: Served, browser: Browser
) -> None:
    machine = {"grant_type": "client_credentials"}
    tokens = await browser.tokens()
    of_machine = (await post(served, "/token", machine, "acme-machine")).json()["access_token"]
    await _rotate(served.runtime)
    await _revoke(served.runtime, _kid(tokens))
    await _kid_revoked_everywhere(_kid(tokens), served, other)
    fresh = (await post(served, "/token", refresh_form(tokens["refresh_token"]))).json()
    for one in (served, other):
        answer = await userinfo(one, tokens["access_token"])
        assert refusal(answer) == (401, "invalid_token")
        assert not await is_active(one, tokens["access_token"])
        assert not await is_active(one, of_machine, "acme-machine")
        assert (await userinfo(one, fresh["access_token"])).status_code == 200
        assert await is_active(one, fresh["access_token"])
        assert await is_active(one, fresh["refresh_token"])


async def test_security_7_an_opaque_token_was_signed_by_nobody(
    served: Served, browser: Browser
) -> None:
    client = await add_client(served, access_token_format="opaque")
    name = client.client_id
    code = await browser.code(client_id=name)
    answer = await post(served, "/token", code_form(code), name, secret=name * 2)
    tokens = answer.json()
    kid = header_of(tokens["id_token"])["kid"]
    await _rotate(served.runtime)
    await _revoke(served.runtime, kid)
    await _kid_revoked_everywhere(kid, served)
    assert (await userinfo(served, tokens["access_token"])).status_code == 200


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
async def test_security_7_without_any_key_nothing_is_used_up(
    served: Served, other: Served, browser: Browser, algorithm: str
) -> None:
    """RS256 is what this client's ID tokens are signed with, ES256 every access token."""
    client = await add_client(served, id_token_signed_response_alg="RS256")
    name = client.client_id

    async def ask(form: dict[str, str]) -> httpx.Response:
        return await post(served, "/token", form, name, secret=name * 2)

    first = (await ask(code_form(await browser.code(client_id=name)))).json()
    code = await browser.code(client_id=name)
    await _revoke_all(served.runtime, algorithm)
    await _hear(served, other, algorithms=lambda names: algorithm not in names)
    for form in (code_form(code), refresh_form(first["refresh_token"])):
        for _ in range(2):
            answer = await ask(form)
            assert refusal(answer) == UNAVAILABLE
            assert int(answer.headers["Retry-After"]) > 0
    document = await served.http.get(f"{served.issuer()}/.well-known/openid-configuration")
    assert algorithm not in document.json()["id_token_signing_alg_values_supported"]

    await _make_anew(other.runtime)
    await _hear(served, other, algorithms=lambda names: algorithm in names)
    for form in (code_form(code), refresh_form(first["refresh_token"])):
        answer = await ask(form)
        assert answer.status_code == 200, answer.text


async def test_applications_F2_a_code_outlasts_the_lack_of_the_key_that_an_api_wants(
    served: Served, browser: Browser
) -> None:
    """Which API resource a code is for is known when it has been used up."""
    client = await add_client(served)
    said = {"identifier": "urn:api", "name": "API", "accessTokenSigningAlg": "PS256"}
    await api_resources.create(
        served.runtime.storage.everywhere,
        SYSTEM,
        client.organization_id,
        NewApiResource.parse(said),
    )

    async def known() -> bool:
        found = await served.runtime.api_resources(client.organization_id)
        return "urn:api" in {each.identifier for each in found}

    await eventually(known)
    name = client.client_id
    form = code_form(await browser.code(client_id=name, resource="urn:api"))
    await _revoke_all(served.runtime, "PS256")
    await _hear(served, algorithms=lambda names: "PS256" not in names)
    for _ in range(2):
        refused = await post(served, "/token", form, name, secret=name * 2)
        assert refusal(refused) == UNAVAILABLE
    await _make_anew(served.runtime)
    await _hear(served, algorithms=lambda names: "PS256" in names)
    answer = await post(served, "/token", form, name, secret=name * 2)
    assert header_of(answer.json()["access_token"])["alg"] == "PS256"


async def test_security_7_without_any_key_a_machine_is_told_to_come_again(served: Served) -> None:
    await _revoke_all(served.runtime, "ES256")
    await _hear(served, algorithms=lambda names: "ES256" not in names)
    answer = await post(served, "/token", {"grant_type": "client_credentials"}, "acme-machine")
    assert refusal(answer) == UNAVAILABLE
    assert "Retry-After" in answer.headers
