"""People: found within their organization, counted and locked atomically."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from storage.errors import AlreadyExists
from storage.models.artifacts import ARTIFACTS, Grant, artifact_id
from storage.models.users import User
from storage.postgres import Postgres
from storage.repositories.users import PROFILE, Users
from storage.stores.postgres import PostgresStore
from tests.storage.repositories.world import World, build_world, give_rights, new_id


@pytest.fixture
def users(pg: Postgres) -> Users:
    return Users(pg)


async def _found(users: Users, world: World) -> User:
    user = await users.find_by_id(world.user.id, world.organization.id)
    assert user is not None
    return user


async def test_a_user_is_found_as_inserted(users: Users, world: World) -> None:
    full = User(
        id=new_id(),
        organization_id=world.organization.id,
        email="Full@Example.com",
        email_verified=True,
        password_hash="hash",
        given_name="F",
        family_name="U",
        middle_name="L",
        nickname="N",
        preferred_username="P",
        profile_url="https://example.com/p",
        picture_url="https://example.com/i",
        website_url="https://example.com/w",
        gender="x",
        birthdate="0001-02-03",
        zoneinfo="Europe/Berlin",
        locale="de-DE",
        phone_number="+49 1",
        phone_number_verified=True,
        address_street="Line 1\nLine 2",
        address_locality="L",
        address_region="R",
        address_postal_code="12345",
        address_country="DE",
        status="inactive",
    )
    await users.insert(full)
    found = await users.find_by_id(full.id, world.organization.id)
    assert found is not None
    assert msgspec.structs.replace(found, updated_at=0.0) == full
    assert found.updated_at > 1_700_000_000


@pytest.mark.parametrize("change", [str.lower, str.upper, str])
async def test_the_case_of_an_address_does_not_matter(
    users: Users, world: World, change: type[str]
) -> None:
    found = await users.find_by_email(world.organization.id, change(world.user.email))
    assert found is not None
    assert found.email == world.user.email
    with pytest.raises(AlreadyExists):
        await users.insert(
            User(
                id=new_id(),
                organization_id=world.organization.id,
                email=change(world.user.email),
            )
        )


async def test_a_person_is_known_in_one_organization(
    pg: Postgres, users: Users, world: World
) -> None:
    other = (await build_world(pg)).organization.id
    assert await users.find_by_id(world.user.id, other) is None
    assert await users.find_by_email(other, world.user.email) is None
    assert await users.facts(world.user.id, other, world.application.id) is None
    assert await users.standing(world.user.id, other, "grant") == (False, None)
    assert await users.record_failed_login(world.user.id, other, 1) is None
    assert await users.unlock(world.user.id, other) is None
    assert not await users.set_password_hash(
        world.user.id, other, "x", expected=world.user.password_hash
    )
    await users.record_login(world.user.id, other)
    assert msgspec.structs.replace(await _found(users, world), updated_at=0.0) == world.user


async def test_the_same_address_in_two_organizations_is_two_people(
    pg: Postgres, users: Users, world: World
) -> None:
    other = await build_world(pg)
    second = User(id=new_id(), organization_id=other.organization.id, email=world.user.email)
    await users.insert(second)
    found = await users.find_by_email(other.organization.id, world.user.email)
    assert found is not None
    assert found.id == second.id


async def test_facts_are_those_of_one_application(pg: Postgres, users: Users, world: World) -> None:
    elsewhere = (await build_world(pg)).application.id
    await give_rights(pg, world)
    await give_rights(pg, world, elsewhere, role="owner", claim="budget")
    before = pg.round_trips
    facts = await users.facts(world.user.id, world.organization.id, world.application.id)
    assert pg.round_trips == before + 1
    assert facts is not None
    assert facts.roles == ("editor",)
    assert facts.permissions == ("doc:page:read", "doc:page:write")
    assert facts.claims == {"department": "R&D", "limits": {"max": 3}}
    none = await users.facts(world.user.id, world.organization.id, new_id())
    assert none is not None
    assert (none.roles, none.permissions, none.claims) == ((), (), {})


async def test_the_standing_of_an_account_comes_with_its_grant(
    pg: Postgres, users: Users, world: World
) -> None:
    grant = Grant(
        id=artifact_id(new_id()),
        organization_id=world.organization.id,
        account_id=world.user.id,
        client_id=world.client.client_id,
        session_uid="s",
        scope="openid",
        created_at=1,
    )
    key = (world.user.id, world.organization.id, grant.id)
    assert await users.standing(*key) == (True, None)
    await PostgresStore(pg).save(ARTIFACTS[Grant], grant, 60)
    assert await users.standing(*key) == (True, grant)
    await pg.execute("UPDATE artifacts SET expires_at = now() WHERE id = %(id)s", {"id": grant.id})
    assert await users.standing(*key) == (True, None)


async def test_the_grant_of_somebody_else_is_none(pg: Postgres, users: Users, world: World) -> None:
    other = User(id=new_id(), organization_id=world.organization.id, email="other@example.com")
    await users.insert(other)
    grant = Grant(
        id=artifact_id(new_id()),
        organization_id=world.organization.id,
        account_id=other.id,
        client_id=world.client.client_id,
        session_uid="s",
        scope="openid",
        created_at=1,
    )
    await PostgresStore(pg).save(ARTIFACTS[Grant], grant, 60)
    standing = await users.standing(world.user.id, world.organization.id, grant.id)
    assert standing == (True, None)


async def test_the_last_failure_an_account_may_have_locks_it(users: Users, world: World) -> None:
    key = (world.user.id, world.organization.id, 3)
    states = [await users.record_failed_login(*key) for _ in range(4)]
    assert [each.status for each in states if each] == ["active", "active", "locked", "locked"]
    last = states[-1]
    assert last is not None
    assert (last.failed_login_count, last.locked_reason) == (4, "auto_lockout")
    assert states[2] is not None
    assert last.locked_at == states[2].locked_at


async def test_parallel_failures_are_all_counted(users: Users, world: World) -> None:
    key = (world.user.id, world.organization.id, 10)
    states = await asyncio.gather(*(users.record_failed_login(*key) for _ in range(20)))
    counts = sorted(each.failed_login_count for each in states if each)
    assert counts == list(range(1, 21))
    assert sum(each.status == "active" for each in states if each) == 9


async def test_a_limit_of_zero_locks_nobody(users: Users, world: World) -> None:
    for _ in range(3):
        user = await users.record_failed_login(world.user.id, world.organization.id, 0)
    assert user is not None
    assert (user.status, user.failed_login_count) == ("active", 3)


@pytest.mark.parametrize("status", ["inactive", "suspended"])
async def test_failures_do_not_turn_another_status_into_a_lock(
    pg: Postgres, users: Users, world: World, status: str
) -> None:
    await pg.execute(
        "UPDATE users SET status = %(status)s WHERE id = %(id)s",
        {"id": world.user.id, "status": status},
    )
    user = await users.record_failed_login(world.user.id, world.organization.id, 1)
    assert user is not None
    assert user.status == status


async def test_a_sign_in_forgets_the_failures(pg: Postgres, users: Users, world: World) -> None:
    key = (world.user.id, world.organization.id)
    await users.record_failed_login(*key, 5)
    await users.record_login(*key)
    assert (await _found(users, world)).failed_login_count == 0
    row = await pg.fetchrow(
        "SELECT login_count, last_login_at > now() - interval '1 minute' FROM users"
        " WHERE id = %(id)s",
        {"id": world.user.id},
    )
    assert row == (1, True)


async def test_an_automatic_lock_ends_but_not_an_administrators(users: Users, world: World) -> None:
    key = (world.user.id, world.organization.id)
    await users.record_failed_login(*key, 1)
    unlocked = await users.unlock(*key)
    assert unlocked is not None
    assert (unlocked.status, unlocked.locked_at, unlocked.failed_login_count) == ("active", None, 0)
    assert await users.set_status(*key, "locked", expected="active", reason="fraud")
    locked = await users.unlock(*key)
    assert locked is not None
    assert (locked.status, locked.locked_reason) == ("locked", "fraud")
    freed = await users.unlock(*key, reason=None)
    assert freed is not None
    assert freed.status == "active"


async def test_a_hash_is_replaced_unless_it_changed_meanwhile(users: Users, world: World) -> None:
    key = (world.user.id, world.organization.id)
    assert not await users.set_password_hash(*key, "new", expected="other")
    assert not await users.set_password_hash(*key, "new", expected=None)
    assert await users.set_password_hash(*key, "new", expected=world.user.password_hash)
    assert (await _found(users, world)).password_hash == "new"


async def test_a_status_changes_from_the_one_expected(users: Users, world: World) -> None:
    key = (world.user.id, world.organization.id)
    assert not await users.set_status(*key, "active", expected="suspended")
    assert await users.set_status(*key, "suspended", expected="active")
    assert (await _found(users, world)).status == "suspended"


async def test_a_profile_is_written_and_nothing_beside_it(users: Users, world: World) -> None:
    changed = msgspec.structs.replace(
        world.user, given_name="Augusta", password_hash="stolen", email="other@example.com"
    )
    await users.update_profile(changed)
    found = await _found(users, world)
    assert found.given_name == "Augusta"
    assert (found.password_hash, found.email) == (world.user.password_hash, world.user.email)
    assert not {"password_hash", "email", "status", "organization_id"} & set(PROFILE)


async def test_counting_is_no_change_of_a_person(users: Users, world: World) -> None:
    """The claim updated_at (Core §5.1) is about the person's information."""
    before = (await _found(users, world)).updated_at
    await users.record_login(world.user.id, world.organization.id)
    await users.record_failed_login(world.user.id, world.organization.id, 0)
    assert (await _found(users, world)).updated_at == before
