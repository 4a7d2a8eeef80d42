"""People as an administrator handles them."""

from __future__ import annotations

from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio

from porta.errors import Conflict, Forbidden, Invalid, NotFound
from porta.security.passwords import Passwords
from porta.services import users
from storage.models.users import User
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests.administered import make_organization
from tests.porta.services.audit import event_types


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def home(storage: Storage) -> str:
    made = await make_organization(storage, "acme")
    return made.id


def person(home: str, email: str | None = None, **more: object) -> User:
    email = email or f"{uuid4().hex}@acme.test"
    return User(id="", organization_id=home, email=email, **more)  # type: ignore[arg-type]


async def test_a_person_is_stored(storage: Storage, home: str, pg: Postgres) -> None:
    made = await users.create(
        storage,
        person(home, "  Alice@ACME.test", given_name="Alice", birthdate="1990-04-17"),
    )
    assert made.email == "alice@acme.test"
    found = await storage.users.find_by_email(home, "alice@acme.test")
    assert found is not None
    assert (found.id, found.given_name, found.birthdate) == (made.id, "Alice", "1990-04-17")
    assert found.password_hash is None
    assert await event_types(pg, "user_id", made.id) == ["user.created"]


async def test_a_password_is_hashed(storage: Storage, home: str, passwords: Passwords) -> None:
    made = await users.create(
        storage, person(home), password="quiet otter paints", passwords=passwords
    )
    found = await storage.users.find_by_id(made.id, home)
    assert found is not None
    assert found.password_hash is not None
    assert found.password_hash.startswith("$argon2id$")
    assert (await passwords.verify(found.password_hash, "quiet otter paints")).ok


async def test_a_hash_is_not_taken_from_outside(storage: Storage, home: str) -> None:
    made = await users.create(storage, person(home, password_hash="$argon2id$x"))
    found = await storage.users.find_by_id(made.id, home)
    assert found is not None
    assert found.password_hash is None


@pytest.mark.parametrize("email", ["BOB@acme.test", "bob@ACME.test", " bob@acme.test"])
async def test_an_address_is_one_person(storage: Storage, email: str) -> None:
    slug = f"one-{uuid4().hex}"
    made = await make_organization(storage, slug, "One")
    await users.create(storage, person(made.id, "bob@acme.test"))
    with pytest.raises(Conflict):
        await users.create(storage, person(made.id, email))


async def test_two_organizations_have_two_people_of_one_address(
    storage: Storage, home: str
) -> None:
    other = await make_organization(storage, "two-people", "B")
    first = await users.create(storage, person(home, "carol@acme.test"))
    second = await users.create(storage, person(other.id, "carol@acme.test"))
    assert first.id != second.id
    assert await storage.users.find_by_id(first.id, other.id) is None


@pytest.mark.parametrize("email", ["", "alice", "a@b@c", "alice@acme.test\x00", "ａlice@acme.test"])
async def test_a_bad_address(storage: Storage, home: str, email: str) -> None:
    with pytest.raises(Invalid, match="email"):
        await users.create(storage, msgspec.structs.replace(person(home), email=email))


async def test_a_profile_is_written_and_nothing_else(
    storage: Storage, home: str, pg: Postgres, passwords: Passwords
) -> None:
    made = await users.create(
        storage, person(home), password="quiet otter paints", passwords=passwords
    )
    stored = await storage.users.find_by_id(made.id, home)
    assert stored is not None
    wanted = msgspec.structs.replace(
        stored,
        given_name="Dora",
        email_verified=True,
        birthdate="1980-01-02",
        email="mallory@acme.test",
        password_hash=None,
        status="locked",
    )
    changed = await users.update(storage, wanted)
    assert set(changed) == {"given_name", "email_verified", "birthdate"}
    found = await storage.users.find_by_id(made.id, home)
    assert found is not None
    assert (found.given_name, found.email_verified) == ("Dora", True)
    assert (found.email, found.status) == (stored.email, "active")
    assert found.password_hash == stored.password_hash
    assert await users.update(storage, wanted) == ()
    assert await event_types(pg, "user_id", made.id) == ["user.created", "user.updated"]


async def test_the_ways_between_statuses(storage: Storage, home: str, pg: Postgres) -> None:
    made = await users.create(storage, person(home))
    for status in ("inactive", "active", "suspended", "active", "locked", "active"):
        await users.set_status(storage, made.id, home, status, reason="asked for")
        found = await storage.users.find_by_id(made.id, home)
        assert found is not None
        assert found.status == status
        assert (found.locked_at is not None) is (status == "locked")
        assert found.locked_reason == ("asked for" if status == "locked" else None)
    assert await event_types(pg, "user_id", made.id) == [
        "user.created",
        "user.deactivated",
        "user.reactivated",
        "user.suspended",
        "user.activated",
        "user.locked",
        "user.unlocked",
    ]


@pytest.mark.parametrize(
    ("status", "wanted"),
    [("active", "active"), ("inactive", "suspended"), ("locked", "inactive"), ("active", "gone")],
)
async def test_the_ways_that_do_not_exist(
    storage: Storage, home: str, status: str, wanted: str
) -> None:
    made = await users.create(storage, person(home))
    if status != "active":
        await users.set_status(storage, made.id, home, status)
    with pytest.raises(Invalid):
        await users.set_status(storage, made.id, home, wanted)
    found = await storage.users.find_by_id(made.id, home)
    assert found is not None
    assert found.status == status


async def test_unlocking_forgets_the_failures(storage: Storage, home: str) -> None:
    made = await users.create(storage, person(home))
    for _ in range(2):
        await storage.users.count_attempt(home, made.email, max_failed=2, now=0, lock_seconds=900)
    await users.set_status(storage, made.id, home, "active")
    found = await storage.users.find_by_id(made.id, home)
    assert found is not None
    assert (found.status, found.failed_login_count) == ("active", 0)


async def test_another_organizations_person_is_unknown(storage: Storage, home: str) -> None:
    made = await users.create(storage, person(home))
    other = await make_organization(storage, "strangers", "B")
    with pytest.raises(NotFound):
        await users.set_status(storage, made.id, other.id, "inactive")
    with pytest.raises(NotFound):
        await users.update(storage, msgspec.structs.replace(made, organization_id=other.id))


@pytest.mark.parametrize("status", ["inactive", "suspended", "locked"])
async def test_the_super_admin_user_stays_active(fresh_storage: Storage, status: str) -> None:
    admin = await fresh_storage.organizations.find_by_slug("porta-admin")
    assert admin is not None
    made = await users.create(fresh_storage, person(admin.id))
    await fresh_storage.system_config.put("super_admin_user_id", made.id, "string")
    with pytest.raises(Forbidden):
        await users.set_status(fresh_storage, made.id, admin.id, status)
    found = await fresh_storage.users.find_by_id(made.id, admin.id)
    assert found is not None
    assert found.status == "active"


async def test_a_status_changes_from_what_was_seen_and_at_home_only(
    storage: Storage, home: str
) -> None:
    made = await users.create(storage, person(home))
    other = await make_organization(storage, "elsewhere", "B")
    change = storage.users.set_status
    assert not await change(made.id, home, "active", expected="locked")
    assert not await change(made.id, other.id, "inactive", expected="active")
    found = await storage.users.find_by_id(made.id, home)
    assert found is not None
    assert found.status == "active"
    assert await change(made.id, home, "inactive", expected="active")
