"""People as an administrator handles them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio

from porta.audit.actors import SYSTEM, Actor
from porta.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed
from porta.security.passwords import Passwords
from porta.services import user_passwords, users
from porta.services.commands import Reasoned
from porta.services.permissions import PERMISSIONS
from porta.services.user_fields import NewUser, UserPatch
from porta.services.user_passwords import NewPassword, hash_new
from porta.services.users import Locking, UserFilters
from storage.models.pages import Page
from storage.models.users import UserProfile
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests.porta.services.audit import event_types, last_metadata
from tests.world.administered import as_if_hashed, make_organization, make_user, set_user_status

PASSWORD = "quiet otter paints"
ALL = frozenset(PERMISSIONS)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def home(storage: Storage) -> str:
    return (await make_organization(storage, "acme")).id


async def person(storage: Storage, home: str, **more: Any) -> UserProfile:
    return await make_user(storage, home, more.pop("email", f"{uuid4().hex}@acme.test"), **more)


async def test_a_person_is_stored(storage: Storage, home: str, pg: Postgres) -> None:
    made = await make_user(
        storage,
        "acme",
        "  Alice@ACME.test",
        givenName="Alice",
        birthdate="1990-04-17",
        address={"street": "Line 1\nLine 2", "country": "DE"},
    )
    assert made.email == "alice@acme.test"
    assert await users.get(storage, SYSTEM, made.id) == made
    assert (made.given_name, made.birthdate, made.address_country) == ("Alice", "1990-04-17", "DE")
    assert (made.password_hash, made.version, made.status) == (None, 1, "active")
    assert await event_types(pg, "user_id", made.id) == ["user.created"]
    told = str(await last_metadata(pg, "user_id", made.id))
    assert "Alice" not in told
    assert "alice" not in told


async def test_a_password_is_hashed(
    storage: Storage, home: str, passwords: Passwords, pg: Postgres
) -> None:
    command = NewUser.parse({"email": "hashed@acme.test", "password": PASSWORD})
    assert PASSWORD not in repr(command)
    made = await users.create(storage, SYSTEM, home, command, await hash_new(passwords, PASSWORD))
    assert made.password_hash is not None
    assert made.password_hash.startswith("$argon2id$")
    assert made.password_changed_at is not None
    assert (await passwords.verify(made.password_hash, PASSWORD)).ok
    told = str(await last_metadata(pg, "user_id", made.id))
    assert "argon2" not in told
    assert PASSWORD not in told


@pytest.mark.parametrize(
    "field", ["passwordHash", "password_hash", "id", "organizationId", "failedLoginCount"]
)
def test_what_is_not_for_sending_is_refused(field: str) -> None:
    for model, right in ((NewUser, {"email": "a@acme.test"}), (UserPatch, {})):
        with pytest.raises(Invalid, match="not a key"):
            model.parse({**right, field: "$argon2id$x"})


@pytest.mark.parametrize(
    ("policy", "password", "fine"),
    [
        ("optional", "short", False),
        ("optional", "fourteen chars", False),
        ("optional", PASSWORD, True),
        ("required_totp", "eight-ok", True),
        ("required_totp", "seven-7", False),
        ("optional", "acme-holding-acme-holding", False),
        ("optional", "x\ud800" * 10, False),
    ],
)
async def test_a_password_stands_up_to_the_rules(
    storage: Storage, passwords: Passwords, policy: str, password: str, fine: bool
) -> None:
    slug = f"p-{uuid4().hex}"
    await make_organization(storage, slug, "Acme Holding", twoFactorPolicy=policy)
    command = NewUser.parse({"email": "a@b.test", "password": password})
    made = await make_user(storage, slug, "b@b.test")
    changed, hashed = NewPassword.parse({"password": password}), as_if_hashed(password)
    if fine:
        await users.create(storage, SYSTEM, slug, command, hashed)
        await user_passwords.set(storage, SYSTEM, made.id, changed, hashed)
        return
    for call in (
        partial(users.create, storage, SYSTEM, slug, command, hashed),
        partial(user_passwords.set, storage, SYSTEM, made.id, changed, hashed),
    ):
        with pytest.raises(Invalid, match=r"^password: ") as refused:
            await call()
        assert password not in refused.value.message


async def test_a_password_is_set_and_cleared(
    storage: Storage, home: str, passwords: Passwords, pg: Postgres
) -> None:
    made = await person(storage, home)
    command = NewPassword.parse({"password": PASSWORD})
    hashed = await passwords.hashed(PASSWORD)
    after = await user_passwords.set(storage, SYSTEM, made.id, command, hashed)
    assert after.password_hash
    assert (await passwords.verify(after.password_hash, PASSWORD)).ok
    after = await user_passwords.clear(storage, SYSTEM, made.id)
    assert after.password_hash is None
    assert after.password_changed_at is not None, "what was shown before counts no more"
    assert await event_types(pg, "user_id", made.id) == [
        "user.created",
        "user.password.set",
        "user.password.cleared",
    ]


@pytest.mark.parametrize("email", ["BOB@acme.test", "bob@ACME.test", " bob@acme.test"])
async def test_an_address_is_one_person(storage: Storage, email: str) -> None:
    slug = f"one-{uuid4().hex}"
    await make_organization(storage, slug, "One")
    await make_user(storage, slug, "bob@acme.test")
    other = await make_user(storage, slug, "other@acme.test")
    async with storage.transaction() as tx:
        with pytest.raises(Conflict, match=r"^email: "):
            await make_user(tx, slug, email)
        with pytest.raises(Conflict, match=r"^email: "):
            await users.update(tx, SYSTEM, other.id, UserPatch.parse({"email": email}))
        await make_user(tx, slug, "beside@acme.test")  # the transaction goes on


async def test_two_organizations_have_two_people_of_one_address(
    storage: Storage, home: str
) -> None:
    other = await make_organization(storage, "two-people", "B")
    first = await make_user(storage, home, "carol@acme.test")
    second = await make_user(storage, other.id, "carol@acme.test")
    assert first.id != second.id


@pytest.mark.parametrize("email", ["", "alice", "a@b@c", "alice@acme.test\x00", "ａlice@acme.test"])
def test_a_bad_address(email: str) -> None:
    with pytest.raises(Invalid, match=r"^email: is not a valid address$"):
        NewUser.parse({"email": email})


async def test_a_patch_changes_what_it_says(storage: Storage, home: str, pg: Postgres) -> None:
    made = await person(
        storage, home, password=PASSWORD, nickname="D", address={"locality": "Ulm", "region": "BW"}
    )
    patch = UserPatch.parse(
        {
            "givenName": "Dora",
            "nickname": None,
            "emailVerified": True,
            "birthdate": "1980-01-02",
            "address": {"locality": None, "postalCode": "89073"},
        }
    )
    after = await users.update(storage, SYSTEM, made.id, patch, made.version)
    assert after == msgspec.structs.replace(
        made,
        given_name="Dora",
        nickname=None,
        email_verified=True,
        birthdate="1980-01-02",
        address_locality=None,
        address_postal_code="89073",
        updated_at=after.updated_at,
        version=made.version + 1,
    )
    assert await users.update(storage, SYSTEM, made.id, patch) == after
    gone = await users.update(storage, SYSTEM, made.id, UserPatch(address=None))
    assert (gone.address_region, gone.address_postal_code) == (None, None)
    with pytest.raises(PreconditionFailed):
        await users.update(storage, SYSTEM, made.id, UserPatch(given_name="Late"), made.version)
    assert await event_types(pg, "user_id", made.id) == [
        "user.created",
        "user.updated",
        "user.updated",
    ]


async def test_another_address_is_not_verified(storage: Storage, home: str, pg: Postgres) -> None:
    made = await person(storage, home)
    verified = await users.verify_email(storage, SYSTEM, made.id)
    assert verified.email_verified
    patch = UserPatch.parse({"email": f"x{made.email}"})
    after = await users.update(storage, SYSTEM, made.id, patch)
    assert (after.email, after.email_verified) == (f"x{made.email}", False)
    patch = UserPatch.parse({"email": made.email, "emailVerified": True})
    assert (await users.update(storage, SYSTEM, made.id, patch)).email_verified
    assert await event_types(pg, "user_id", made.id) == [
        "user.created",
        "user.email.verified",
        "user.updated",
        "user.updated",
    ]


async def test_people_are_listed_in_every_order_and_found_by_parts(storage: Storage) -> None:
    home = (await make_organization(storage, f"l-{uuid4().hex}")).id
    made = [
        await make_user(storage, home, f"p{n}@acme.test", givenName=("Ada", "Bo")[n % 2])
        for n in range(4)
    ] + [await make_user(storage, home, "q@acme.test", familyName="Lovelace", status="inactive")]
    for sort in ("email", "given_name", "family_name", "created_at", "last_login_at"):
        page, seen = Page(limit=2, sort=sort, order="asc"), list[str]()
        while True:
            listed = await users.list(storage, SYSTEM, home, page, UserFilters())
            seen += [each.id for each in listed.rows]
            if listed.next is None:
                break
            page = msgspec.structs.replace(page, cursor=listed.next)
        assert sorted(seen) == sorted(each.id for each in made)
        if sort in ("email", "created_at"):
            assert seen == [each.id for each in made]
    for search, count in (("ADA", 2), ("p1@", 1), ("lovel", 1), ("acme.test", 5), ("%", 0)):
        filters = UserFilters.parse({"search": search})
        listed = await users.list(storage, SYSTEM, home, Page(), filters)
        assert len(listed.rows) == count, search
    filters = UserFilters.parse({"status": "inactive"})
    listed = await users.list(storage, SYSTEM, home, Page(), filters)
    assert [each.email for each in listed.rows] == ["q@acme.test"]


async def test_a_sort_without_an_index_is_refused_where_too_many_people_match(
    storage: Storage, database_url: str
) -> None:
    home = (await make_organization(storage, f"l-{uuid4().hex}")).id
    pg = await Postgres.open(database_url, 1, statement_timeout=0)
    await pg.execute(
        """
        INSERT INTO users (organization_id, email, status)
        SELECT %(home)s, 'p' || n || '@acme.test', CASE WHEN n = 1 THEN 'inactive' ELSE 'active' END
        FROM generate_series(1, %(most)s + 1) n
        """,
        {"home": home, "most": users.MOST_SORTED},
    )
    await pg.close()

    async def found(sort: str = "last_login_at", **filters: str) -> int:
        chosen = UserFilters.parse(filters)
        return len((await users.list(storage, SYSTEM, home, Page(sort=sort), chosen)).rows)

    with pytest.raises(Invalid, match=r"sort.*20000 people"):
        await found()
    with pytest.raises(Invalid, match=r"sort.*20000 people"):
        await found(search="acme")
    assert await found("created_at") == 20
    assert await found("created_at", search="ACME") == 20, "what many match is found otherwise"
    assert await found("created_at", search="acme", status="inactive") == 1
    assert await found(search="p777@") == 1
    assert await found(status="active") == 20, "as many as are sorted"
    assert await found(status="inactive") == 1


async def test_the_ways_between_statuses(storage: Storage, home: str, pg: Postgres) -> None:
    made = await person(storage, home)
    for status in ("inactive", "active", "suspended", "active", "locked", "active"):
        found = await set_user_status(storage, made.id, status)
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
    told = await last_metadata(pg, "user_id", made.id, "user.suspended")
    assert (told["reason"], told["after"]) == ("asked for", {"status": "suspended"})


@pytest.mark.parametrize(
    ("status", "change"),
    [
        ("active", users.reactivate),
        ("active", users.unsuspend),
        ("active", users.unlock),
        ("inactive", users.suspend),
        ("inactive", users.unlock),
        ("inactive", users.unsuspend),
        ("suspended", users.reactivate),
        ("locked", users.deactivate),
        ("locked", users.reactivate),
    ],
)
async def test_the_ways_that_do_not_exist(
    storage: Storage, home: str, status: str, change: Callable[..., Any]
) -> None:
    made = await person(storage, home)
    if status != "active":
        await set_user_status(storage, made.id, status)
    with pytest.raises(Invalid):
        await change(storage, SYSTEM, made.id)
    assert (await users.get(storage, SYSTEM, made.id)).status == status


async def test_unlocking_forgets_the_failures(storage: Storage, home: str) -> None:
    made = await person(storage, home)
    for _ in range(2):
        await storage.login_attempts.count(home, made.email, max_failed=2, now=0, lock_seconds=900)
    after = await users.unlock(storage, SYSTEM, made.id)
    assert (after.status, after.failed_login_count) == ("active", 0)


async def test_another_organizations_person_is_unknown(
    storage: Storage, home: str, passwords: Passwords
) -> None:
    made = await person(storage, home)
    other = await make_organization(storage, f"s-{uuid4().hex}", "B")
    bound = Actor(permissions=ALL, organization_id=other.id)
    for target in (made.id, str(uuid4()), "", "a\0", "\ud800", "x" * 999, made.email):
        for actor, within in ((bound, None), (SYSTEM, other.id), (bound, home)):
            calls: tuple[Any, ...] = (
                partial(users.get, storage, actor, target),
                partial(users.update, storage, actor, target, UserPatch(given_name="X")),
                partial(users.verify_email, storage, actor, target),
                partial(user_passwords.clear, storage, actor, target),
                partial(
                    user_passwords.set,
                    *(storage, actor, target, NewPassword(password=PASSWORD)),
                    as_if_hashed(PASSWORD),
                ),
                partial(users.deactivate, storage, actor, target),
                partial(users.lock, storage, actor, target, Locking(reason="x")),
                partial(users.unlock, storage, actor, target),
            )
            for call in calls:
                with pytest.raises(NotFound, match=r"^User not found$"):
                    await call(within=within)
    for operation in (
        partial(users.list, storage, bound, home, Page(), UserFilters()),
        partial(users.create, storage, bound, home, NewUser(email="n@acme.test")),
    ):
        with pytest.raises(NotFound, match=r"^Organization not found$"):
            await operation()
    assert await users.get(storage, SYSTEM, made.id) == made


async def test_the_super_admin_user_stays(fresh_storage: Storage, passwords: Passwords) -> None:
    made = await make_user(fresh_storage, "porta-admin", "ada@acme.test", password=PASSWORD)
    await fresh_storage.system_config.put("super_admin_user_id", made.id, "string")
    actor = Actor(permissions=ALL)
    for call in (
        partial(users.deactivate, fresh_storage, actor, made.id),
        partial(users.suspend, fresh_storage, actor, made.id, Reasoned(reason="x")),
        partial(users.lock, fresh_storage, actor, made.id, Locking(reason="x")),
        partial(user_passwords.clear, fresh_storage, actor, made.id),
    ):
        with pytest.raises(Forbidden, match="super-admin user"):
            await call()
    assert await users.get(fresh_storage, SYSTEM, made.id) == made


async def test_a_status_changes_from_what_was_seen_and_at_home_only(
    storage: Storage, home: str
) -> None:
    made = await person(storage, home)
    other = await make_organization(storage, "elsewhere", "B")
    change = storage.users.set_status
    assert not await change(made.id, home, "active", expected="locked")
    assert not await change(made.id, other.id, "inactive", expected="active")
    assert (await users.get(storage, SYSTEM, made.id)).status == "active"
    assert await change(made.id, home, "inactive", expected="active")


async def test_an_archived_organization_takes_no_more_people(storage: Storage) -> None:
    made = await make_organization(storage, f"a-{uuid4().hex}")
    await storage.organizations.set_status(made.id, "archived")
    with pytest.raises(Invalid, match="archived"):
        await make_user(storage, made.id, "a@acme.test")
