"""Introspection by right (B.10, RFC 7662 §4): whoever has none is told nothing at all."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from porta.audit.actors import SYSTEM
from porta.errors import Invalid
from porta.services import api_resources
from porta.services.api_resources import ApiResourcePatch, NewApiResource
from storage.models.clients import ApiResource, Client
from storage.postgres.driver import Postgres
from tests import factories
from tests.security import neighbour
from tests.world.browser import (
    Browser,
    add_client,
    code_form,
    is_active,
    organization_id,
    post,
    refresh_form,
)
from tests.world.served import Served
from tests.world.waiting import eventually

MACHINE = {"grant_type": "client_credentials"}


@pytest_asyncio.fixture
async def backend(served: Served) -> Client:
    """Return a confidential client that nobody gave any right."""
    return await add_client(served, "acme-machine")


@pytest_asyncio.fixture
async def api(served: Served, backend: Client) -> AsyncIterator[ApiResource]:
    """Return an API resource for which `backend` may introspect."""
    scope = f"s{secrets.token_hex(6)}"
    resource = factories.api(
        id=str(uuid4()),
        organization_id=backend.organization_id,
        identifier=f"https://{scope}.test",
        name="API",
        scopes=(scope,),
        introspection_clients=(backend.client_id,),
    )
    await served.runtime.storage.everywhere.api_resources.insert(resource)

    async def heard() -> bool:
        known = await served.runtime.api_resources(backend.organization_id)
        return resource.id in [each.id for each in known]

    await eventually(heard)
    yield resource


async def _issue(served: Served, browser: Browser, form: str, **request: str) -> dict[str, Any]:
    scope = request.get("scope", "openid")
    client = await add_client(served, scope=f"{scope} openid", access_token_format=form)
    code = await browser.code(client_id=client.client_id, **{"scope": scope} | request)
    secret = client.client_id * 2
    answer = await post(served, "/token", code_form(code), client.client_id, secret=secret)
    tokens: dict[str, Any] = answer.json()
    return tokens | {"client_id": client.client_id}


async def _sees(served: Served, token: str, caller: Client) -> bool:
    return await is_active(served, token, caller.client_id, caller.client_id * 2)


@pytest.mark.parametrize("form", ["jwt", "opaque"])
async def test_B10_whoever_an_api_resource_of_the_audience_names(
    served: Served, browser: Browser, backend: Client, api: ApiResource, form: str
) -> None:
    (scope,) = api.scopes
    named = await _issue(served, browser, form, scope=scope)
    among = await _issue(served, browser, form, scope=f"openid {scope}")
    other = await _issue(served, browser, form)
    narrowed = await _issue(
        served, browser, form, scope=f"openid {scope}", resource=served.issuer()
    )
    for tokens, right in ((named, True), (among, True), (other, False), (narrowed, False)):
        assert await _sees(served, tokens["access_token"], backend) is right
        assert not await _sees(served, tokens["refresh_token"], backend)
        own = tokens["client_id"]
        for kind in ("access_token", "refresh_token"):
            assert await is_active(served, tokens[kind], own, own * 2)


async def test_B10_a_machines_token_for_that_api(
    served: Served, backend: Client, api: ApiResource
) -> None:
    (scope,) = api.scopes
    machine = await add_client(served, "acme-machine", scope=scope)
    name, secret = machine.client_id, machine.client_id * 2
    form = MACHINE | {"scope": scope}
    token = (await post(served, "/token", form, name, secret=secret)).json()["access_token"]
    assert await _sees(served, token, backend)
    bare = (await post(served, "/token", MACHINE, name, secret=secret)).json()["access_token"]
    assert not await _sees(served, bare, backend)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"is_first_party": False},
        {"scope": "openid contacts:read"},
        {"access_token_format": "opaque"},
    ],
)
async def test_B10_no_client_has_a_right_by_its_application(
    served: Served, browser: Browser, changes: dict[str, Any]
) -> None:
    sibling = await add_client(served, **changes)
    for scope in ("openid", "openid contacts:read"):
        tokens = await browser.tokens(scope=scope)
        for kind in ("access_token", "refresh_token"):
            assert not await _sees(served, tokens[kind], sibling)
            assert await is_active(served, tokens[kind])


async def test_B10_whom_an_administrator_lets(served: Served, browser: Browser) -> None:
    allowed = await add_client(served, "acme-partner", introspects_organization=True)
    tokens = await browser.tokens()
    machine = (await post(served, "/token", MACHINE, "acme-machine")).json()
    for token in (tokens["access_token"], tokens["refresh_token"], machine["access_token"]):
        assert await _sees(served, token, allowed)
    assert not await _sees(served, tokens["id_token"], allowed), "an ID token is no token here"
    await post(served, "/token", refresh_form(tokens["refresh_token"]))
    assert not await _sees(served, tokens["refresh_token"], allowed), "it was used"


async def test_B10_a_right_ends_where_it_is_taken_away(
    served: Served, browser: Browser, backend: Client, api: ApiResource, pg: Postgres
) -> None:
    (scope,) = api.scopes
    token = (await _issue(served, browser, "jwt", scope=scope))["access_token"]
    assert await _sees(served, token, backend)
    await pg.execute(
        "UPDATE api_resources SET introspection_clients = '{}' WHERE id = %(id)s", {"id": api.id}
    )

    async def ended() -> bool:
        return not await _sees(served, token, backend)

    await eventually(ended)


async def test_B10_no_right_crosses_the_border(served: Served, browser: Browser) -> None:
    """Another organization may name and allow whom it likes: the tokens are not its own."""
    await neighbour.move_in(served)
    storage, name = served.runtime.storage.everywhere, neighbour.CLIENT[0]
    globex = await organization_id(served, neighbour.SLUG)
    theirs = await storage.clients.find(name, globex)
    assert theirs is not None
    await storage.clients.update(theirs.id, globex, {"introspects_organization": True})
    tokens = await browser.tokens(scope="openid contacts:read")
    for identifier in ("https://api.acme.test", served.issuer()):
        resource = factories.api(
            id=str(uuid4()), organization_id=globex, identifier=identifier, name="Stolen",
            scopes=("contacts:read",), introspection_clients=(name,),
        )  # fmt: skip
        await storage.api_resources.insert(resource)

    async def heard() -> bool:
        known = await served.runtime.client(name, globex)
        return known is not None and known.introspects_organization

    await eventually(heard)
    for kind in ("access_token", "refresh_token", "id_token"):
        answer = await neighbour.post(served, "/token/introspection", {"token": tokens[kind]})
        assert answer.json() == {"active": False}
        at_home = await served.http.post(
            f"{served.issuer()}/token/introspection",
            data={"token": tokens[kind]},
            auth=neighbour.CLIENT,
        )
        assert at_home.status_code == 401


@pytest.mark.parametrize("name", ["nobody", "acme-spa", "globex-web", "ACME-MACHINE", ""])
async def test_B10_only_a_confidential_client_of_the_organization_can_be_named(
    served: Served, name: str
) -> None:
    """A right that waited for somebody to take the name would be nobody's decision."""
    await neighbour.move_in(served)
    acme = await organization_id(served)
    identifier = f"urn:{secrets.token_hex(6)}"
    said = {"identifier": identifier, "name": "x"}
    storage = served.runtime.storage.everywhere
    wrong = NewApiResource.parse({**said, "introspectionClients": [name]})
    with pytest.raises(Invalid, match=r"introspectionClients\[0\]: "):
        await api_resources.create(storage, SYSTEM, acme, wrong)
    right = NewApiResource.parse({**said, "introspectionClients": ["acme-machine"]})
    made = await api_resources.create(storage, SYSTEM, acme, right)
    patch = ApiResourcePatch.parse({"introspectionClients": ["acme-machine", name]})
    with pytest.raises(Invalid, match=r"introspectionClients\[1\]: "):
        await api_resources.update(storage, SYSTEM, made.id, patch)
    assert made in await storage.api_resources.find_all(acme)
