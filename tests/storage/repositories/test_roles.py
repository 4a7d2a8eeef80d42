"""Roles, permissions, and who holds them."""

from __future__ import annotations

import msgspec

from storage.postgres.driver import Postgres
from storage.repositories.roles import Roles
from storage.repositories.user_roles import UserRoles
from tests import factories
from tests.factories import new_id
from tests.world.rows import World, build_world, give_rights


async def test_roles_and_permissions_of_an_application(pg: Postgres, world: World) -> None:
    roles = Roles(pg)
    await give_rights(pg, world)
    (role,) = await roles.list(world.application.id)
    permissions = await roles.permissions(world.application.id)
    assert [each.slug for each in permissions] == ["doc:page:read", "doc:page:write"]
    assert await roles.granted(role.id) == permissions
    assert await UserRoles(pg).of_user(world.user.id, world.organization.id) == (role,)
    after = await roles.update(role.id, {"name": "New"})
    assert after is not None
    assert await roles.list(world.application.id) == (after,)
    assert after == msgspec.structs.replace(
        role, name="New", version=2, updated_at=after.updated_at
    )
    await roles.update_permission(permissions[0].id, {"description": "Reads"})
    found = await roles.find_permission(world.application.id, "doc:page:read")
    assert found is not None
    assert (found.description, found.version) == ("Reads", 2)
    assert await roles.with_permission(found.id) == (after,)


async def test_a_slug_is_given_once_in_an_application(pg: Postgres, world: World) -> None:
    roles, other = Roles(pg), await build_world(pg)
    for application_id in (world.application.id, other.application.id):
        await roles.insert(
            factories.role(id=new_id(), application_id=application_id, name="R", slug="r")
        )
        await roles.insert_permission(
            factories.permission(id=new_id(), application_id=application_id, name="P", slug="a:b:c")
        )
    again = factories.role(id=new_id(), application_id=world.application.id, name="R", slug="r")
    assert await roles.insert(again) is None
    permission = factories.permission(
        id=new_id(), application_id=world.application.id, name="P", slug="a:b:c"
    )
    assert await roles.insert_permission(permission) is None


async def test_a_role_takes_permissions_of_its_own_application_only(
    pg: Postgres, world: World
) -> None:
    roles, other = Roles(pg), await build_world(pg)
    role = factories.role(id=new_id(), application_id=world.application.id, name="R", slug="r")
    foreign = factories.permission(
        id=new_id(), application_id=other.application.id, name="P", slug="a:b:c"
    )
    await roles.insert(role)
    await roles.insert_permission(foreign)
    assert await roles.grant(role.id, [foreign.id]) == frozenset()
    assert await roles.granted(role.id) == ()


async def test_giving_twice_is_giving_once(pg: Postgres, world: World) -> None:
    roles = Roles(pg)
    await give_rights(pg, world)
    (role,) = await roles.list(world.application.id)
    held = UserRoles(pg)
    key = (world.user.id, world.organization.id)
    assert await held.assign(*key, [role.id]) == frozenset()
    (first, *_) = await roles.permissions(world.application.id)
    assert await roles.grant(role.id, [first.id]) == frozenset()
    assert len(await roles.granted(role.id)) == 2
    assert await roles.revoke(role.id, [first.id]) == {first.id}
    assert await roles.revoke(role.id, [first.id]) == frozenset()
    assert await held.remove(*key, [role.id]) == {role.id}
    assert await held.of_user(*key) == ()


async def test_the_roles_of_a_person_are_their_organizations(pg: Postgres, world: World) -> None:
    roles, held, other = Roles(pg), UserRoles(pg), (await build_world(pg)).organization.id
    await give_rights(pg, world)
    (role,) = await roles.list(world.application.id)
    assert await held.of_user(world.user.id, other) == ()
    assert await held.permissions_of_user(world.user.id, other) == ()
    assert await held.permitted(world.user.id, other, world.application.slug) == frozenset()
    extra = factories.role(id=new_id(), application_id=world.application.id, name="E", slug="extra")
    await roles.insert(extra)
    assert await held.assign(world.user.id, other, [extra.id]) == frozenset()
    assert await held.remove(world.user.id, other, [role.id]) == frozenset()
    assert await held.of_user(world.user.id, world.organization.id) == (role,)
    assert await held.permitted(world.user.id, world.organization.id, world.application.slug) == {
        "doc:page:read",
        "doc:page:write",
    }
