"""Custom claims: definitions and values."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from storage.models.claims import ClaimDefinition, ClaimMapping
from storage.postgres.driver import Postgres
from storage.repositories.claims import MOST_NAMES, Claims
from storage.repositories.clients import Clients
from tests.factories import new_id
from tests.world.rows import World, build_world


def _definition(application_id: str, name: str = "level") -> ClaimDefinition:
    return ClaimDefinition(
        id=new_id(),
        application_id=application_id,
        claim_name=name,
        claim_type="number",
        include_in_id_token=True,
        include_in_access_token=False,
        include_in_userinfo=False,
    )


async def test_definitions_are_read_as_they_were_inserted(pg: Postgres, world: World) -> None:
    claims, definition = Claims(pg), _definition(world.application.id)
    made = await claims.insert_definition(definition)
    assert made is not None
    assert await claims.definitions(world.application.id) == (made,)
    changes = {"claim_type": "json", "include_in_userinfo": True, "description": "A level"}
    changed = await claims.update_definition(definition.id, changes)
    assert changed is not None
    assert changed == msgspec.structs.replace(
        made, **changes, version=2, updated_at=changed.updated_at
    )
    assert await claims.find(world.application.id, "level") == changed
    assert await claims.find(new_id(), definition.id) is None
    assert await claims.insert_definition(_definition(world.application.id)) is None


@pytest.mark.parametrize("value", ["text", 12.5, True, None, {"a": [1, "x"]}, "7"])
async def test_a_value_keeps_its_type(pg: Postgres, world: World, value: Any) -> None:
    claims, definition = Claims(pg), _definition(world.application.id)
    await claims.insert_definition(definition)
    user = (world.user.id, world.organization.id)
    await claims.set_value(*user, definition.id, "earlier")
    await claims.set_value(*user, definition.id, value)
    assert await claims.values(*user) == {definition.id: value}


async def test_the_values_of_a_person_are_their_organizations(pg: Postgres, world: World) -> None:
    claims, definition = Claims(pg), _definition(world.application.id, "secret")
    other = (await build_world(pg)).organization.id
    await claims.insert_definition(definition)
    await claims.set_value(world.user.id, other, definition.id, 1)
    assert await claims.values(world.user.id, world.organization.id) == {}
    await claims.set_value(world.user.id, world.organization.id, definition.id, 2)
    await claims.set_value(world.user.id, other, definition.id, 3)
    assert await claims.values(world.user.id, world.organization.id) == {definition.id: 2}
    assert await claims.values(world.user.id, other) == {}


async def test_applications_F9_the_names_that_clients_of_an_organization_may_find(
    pg: Postgres, world: World
) -> None:
    claims, clients, other = Claims(pg), Clients(pg), await build_world(pg)
    application, acme = world.application.id, world.organization.id
    shown = [_definition(application, name) for name in ("zone", "Zulu", "area")]
    hidden = msgspec.structs.replace(
        _definition(application, "inside"), include_in_id_token=False, include_in_access_token=True
    )
    for definition in (*shown, hidden):
        await claims.insert_definition(definition)
    await claims.insert_definition(_definition(other.application.id, "theirs"))
    for name in ("groups", "area"):
        changed = msgspec.structs.replace(
            world.client, id=new_id(), client_id=new_id(), roles_claim=name
        )
        await clients.insert(changed)
    nobody, theirs = new_id(), other.organization.id
    assert await claims.names([acme, nobody, theirs]) == {
        acme: ("Zulu", "area", "groups", "zone"), nobody: (), theirs: ("theirs",),
    }  # fmt: skip
    await pg.execute(
        "UPDATE clients SET status = 'inactive' WHERE organization_id = %(id)s", {"id": acme}
    )
    assert await claims.names([acme, theirs]) == {acme: (), theirs: ("theirs",)}


async def test_applications_F9_the_names_that_mappings_make(pg: Postgres, world: World) -> None:
    """The outermost member, of what may be found: whatever else a row says is none."""
    claims, clients, acme = Claims(pg), Clients(pg), world.organization.id
    flags = {"include_in_id_token": True, "include_in_userinfo": False}
    for name in ("badge", "internal"):
        shown = flags if name == "badge" else {"include_in_id_token": False}
        definition = msgspec.structs.replace(_definition(world.application.id, name), **shown)
        await claims.insert_definition(definition)
    mapped = (
        ClaimMapping("roles", ("realm_access", "roles")),
        ClaimMapping("permissions", ("inside", "too"), ("access_token",)),
        ClaimMapping("permissions", ("rights",), ("userinfo",)),
        ClaimMapping("badge", ("https://acme.test/badge",), ("id_token",)),
        ClaimMapping("badge", ("nowhere",), ("userinfo",)),
        ClaimMapping("internal", ("hidden",)),
        ClaimMapping("unheard_of", ("stray",)),
    )
    changed = msgspec.structs.replace(world.client, id=new_id(), client_id=new_id())
    await clients.insert(msgspec.structs.replace(changed, claim_mappings=mapped))
    told = ("badge", "https://acme.test/badge", "realm_access", "rights")
    assert await claims.names([acme]) == {acme: told}
    await pg.execute(
        "UPDATE clients SET claim_mappings = %(odd)s WHERE id = %(id)s",
        {"id": changed.id, "odd": '[1, "x", {}, {"targets": {}}, [], null]'},
    )
    assert await claims.names([acme]) == {acme: ("badge",)}


async def test_applications_F9_no_document_tells_of_more_than_so_many(
    pg: Postgres, world: World
) -> None:
    claims, other = Claims(pg), await build_world(pg)
    organizations = [each.organization.id for each in (world, other)]
    for number in range(MOST_NAMES + 5):
        for each in (world, other):
            await claims.insert_definition(_definition(each.application.id, f"c{number:04}"))
    most = tuple(f"c{number:04}" for number in range(MOST_NAMES))
    assert await claims.names(organizations) == dict.fromkeys(organizations, most)
