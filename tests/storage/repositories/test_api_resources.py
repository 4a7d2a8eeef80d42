"""API resources: those of one organization."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from storage.models.clients import ApiResource
from storage.postgres.driver import Postgres
from storage.repositories.api_resources import ApiResources
from tests import factories
from tests.factories import new_id
from tests.world.rows import World, build_world


def _resource(world: World, identifier: str) -> ApiResource:
    return factories.api(
        id=new_id(),
        organization_id=world.organization.id,
        identifier=identifier,
        name="API",
        scopes=("read", "write"),
        access_token_format="opaque",
        access_token_ttl=60,
        access_token_type="JWT",
        access_token_signing_alg="RS256",
        introspection_clients=("backend", 'with "quotes", {braces}'),
    )


async def test_the_active_resources_of_an_organization(pg: Postgres, world: World) -> None:
    resources, other = ApiResources(pg), await build_world(pg)
    b, a, off = (_resource(world, f"https://{name}.example.com") for name in ("b", "a", "off"))
    made = [
        await resources.insert(resource)
        for resource in (b, a, off, _resource(other, "https://other.example.com"))
    ]
    await pg.execute(
        "UPDATE api_resources SET status = 'inactive' WHERE id = %(id)s", {"id": off.id}
    )
    assert await resources.find_all(world.organization.id) == (made[1], made[0])
    assert await resources.find_all(new_id()) == ()
    nobody = new_id()
    before = pg.round_trips
    found = await resources.find_each([nobody, other.organization.id, world.organization.id])
    assert pg.round_trips == before + 1
    assert found[nobody] == ()
    assert [each.identifier for each in found[other.organization.id]] == [
        "https://other.example.com"
    ]
    assert found[world.organization.id] == (made[1], made[0])


async def test_an_identifier_is_given_once_in_an_organization(pg: Postgres, world: World) -> None:
    resources = ApiResources(pg)
    await resources.insert(_resource(world, "https://api.example.com"))
    assert await resources.insert(_resource(world, "https://api.example.com")) is None
    assert await resources.insert(_resource(await build_world(pg), "https://api.example.com"))


async def test_a_resource_is_updated_in_its_organization_only(pg: Postgres, world: World) -> None:
    resources, other = ApiResources(pg), await build_world(pg)
    resource = _resource(world, "https://api.example.com")
    made = await resources.insert(resource)
    assert made is not None
    less: dict[str, Any] = {"scopes": (), "access_token_ttl": None, "introspection_clients": ()}
    assert await resources.update(resource.id, other.organization.id, less) is None
    assert not await resources.delete(resource.id, other.organization.id)
    assert await resources.find_all(world.organization.id) == (made,)
    after = await resources.update(resource.id, world.organization.id, less)
    assert after is not None
    assert after == msgspec.structs.replace(made, **less, version=2, updated_at=after.updated_at)
    assert await resources.find(resource.id) == after
    for unwritten in ("id", "organization_id", "identifier", "version"):
        with pytest.raises(ValueError, match="no columns"):
            await resources.update(resource.id, world.organization.id, {unwritten: "x"})
    assert await resources.delete(resource.id, world.organization.id)
