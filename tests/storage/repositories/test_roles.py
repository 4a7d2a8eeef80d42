"""Roles, permissions, and who holds them."""

from __future__ import annotations

import msgspec
import pytest

from storage.errors import AlreadyExists
from storage.models.roles import Permission, Role
from storage.postgres.driver import Postgres
from storage.repositories.roles import Roles
from tests.storage.repositories.world import World, build_world, give_rights, new_id


async def test_roles_and_permissions_of_an_application(pg: Postgres, world: World) -> None:
    roles = Roles(pg)
    await give_rights(pg, world)
    (role,) = await roles.list(world.application.id)
    permissions = await roles.permissions(world.application.id)
    assert [each.slug for each in permissions] == ["doc:page:read", "doc:page:write"]
    assert await roles.granted(role.id) == {each.id for each in permissions}
    assert await roles.assigned(world.user.id, world.organization.id) == {role.id}
    await roles.update(msgspec.structs.replace(role, name="New", slug="ignored"))
    await roles.update_permission(msgspec.structs.replace(permissions[0], description="Reads"))
    assert await roles.list(world.application.id) == (msgspec.structs.replace(role, name="New"),)
    assert (await roles.permissions(world.application.id))[0].description == "Reads"


async def test_a_slug_is_given_once_in_an_application(pg: Postgres, world: World) -> None:
    roles, other = Roles(pg), await build_world(pg)
    for application_id in (world.application.id, other.application.id):
        await roles.insert(Role(id=new_id(), application_id=application_id, name="R", slug="r"))
        await roles.insert_permission(
            Permission(id=new_id(), application_id=application_id, name="P", slug="a:b:c")
        )
    with pytest.raises(AlreadyExists):
        await roles.insert(
            Role(id=new_id(), application_id=world.application.id, name="R", slug="r")
        )
    with pytest.raises(AlreadyExists):
        await roles.insert_permission(
            Permission(id=new_id(), application_id=world.application.id, name="P", slug="a:b:c")
        )


async def test_a_role_takes_permissions_of_its_own_application_only(
    pg: Postgres, world: World
) -> None:
    roles, other = Roles(pg), await build_world(pg)
    role = Role(id=new_id(), application_id=world.application.id, name="R", slug="r")
    foreign = Permission(id=new_id(), application_id=other.application.id, name="P", slug="a:b:c")
    await roles.insert(role)
    await roles.insert_permission(foreign)
    await roles.grant(role.id, foreign.id)
    assert await roles.granted(role.id) == frozenset()


async def test_giving_twice_is_giving_once(pg: Postgres, world: World) -> None:
    roles = Roles(pg)
    await give_rights(pg, world)
    (role,) = await roles.list(world.application.id)
    await roles.assign(world.user.id, world.organization.id, role.id)
    (first, *_) = await roles.permissions(world.application.id)
    await roles.grant(role.id, first.id)
    assert len(await roles.granted(role.id)) == 2


async def test_the_roles_of_a_person_are_their_organizations(pg: Postgres, world: World) -> None:
    roles, other = Roles(pg), (await build_world(pg)).organization.id
    await give_rights(pg, world)
    (role,) = await roles.list(world.application.id)
    assert await roles.assigned(world.user.id, other) == frozenset()
    extra = Role(id=new_id(), application_id=world.application.id, name="E", slug="extra")
    await roles.insert(extra)
    await roles.assign(world.user.id, other, extra.id)
    assert await roles.assigned(world.user.id, world.organization.id) == {role.id}
