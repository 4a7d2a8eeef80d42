"""People: found within their organization, counted and locked atomically."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from storage.models.artifact import artifact_id
from storage.models.artifacts import ARTIFACTS, Grant, Session
from storage.models.users import LoginAttempt, User
from storage.postgres.driver import Postgres
from storage.repositories.login_attempts import LoginAttempts
from storage.repositories.user_passwords import UserPasswords
from storage.repositories.users import Users
from storage.stores.postgres import PostgresStore
from tests import factories
from tests.factories import new_id
from tests.world.rows import World, build_world, give_rights


@pytest.fixture
def users(pg: Postgres) -> Users:
    return Users(pg)


@pytest.fixture
def attempts(pg: Postgres) -> LoginAttempts:
    return LoginAttempts(pg)


@pytest.fixture
def passwords(pg: Postgres) -> UserPasswords:
    return UserPasswords(pg)


async def _found(users: Users, world: World) -> User:
    user = await users.find_by_id(world.user.id, world.organization.id)
    assert user is not None
    return user


async def test_a_user_is_found_as_inserted(users: Users, world: World) -> None:
    full = factories.user(
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
    twin = factories.user(
        id=new_id(), organization_id=world.organization.id, email=change(world.user.email)
    )
    assert await users.insert(twin) is None


async def test_a_person_is_known_in_one_organization(
    passwords: UserPasswords, attempts: LoginAttempts, pg: Postgres, users: Users, world: World
) -> None:
    other = (await build_world(pg)).organization.id
    assert await users.find_by_id(world.user.id, other) is None
    assert await users.find_by_email(other, world.user.email) is None
    assert await users.facts(world.user.id, other, world.application.id) is None
    assert await _count(users, other, world.user.email, max_failed=1) is None
    theirs = await _attempt(users, world, 0)
    stranger = msgspec.structs.replace(theirs.user, organization_id=other)
    await attempts.decrement(msgspec.structs.replace(theirs, user=stranger))
    assert (await _found(users, world)).failed_login_count == 1
    await attempts.decrement(theirs)
    await attempts.record_failed_login(world.user.id, other)
    await attempts.reset(world.user.id, other)
    assert not await passwords.replace_hash(
        world.user.id, other, "x", expected=world.user.password_hash
    )
    assert not await attempts.record_login(stranger)
    assert msgspec.structs.replace(await _found(users, world), updated_at=0.0) == world.user


async def test_the_same_address_in_two_organizations_is_two_people(
    pg: Postgres, users: Users, world: World
) -> None:
    other = await build_world(pg)
    second = factories.user(
        id=new_id(), organization_id=other.organization.id, email=world.user.email
    )
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


async def _session(pg: Postgres, world: World, **fields: str) -> Session:
    session = msgspec.structs.replace(world.session(new_id()), **fields)
    await PostgresStore(pg).save(ARTIFACTS[Session], session, 60)
    return session


async def _session_status(
    users: Users, session: Session, id: str
) -> tuple[bool, Grant | None] | None:
    status = await users.session_status(session, id, idle_ttl=600, use_interval=60)
    return None if status is None else (status.is_user_usable, status.grant)


def _grant(world: World, account_id: str) -> Grant:
    return factories.grant(
        id=artifact_id(new_id()),
        organization_id=world.organization.id,
        account_id=account_id,
        client_id=world.client.client_id,
        session_uid="s",
        created_at=1,
    )


async def test_the_standing_of_an_account_comes_with_its_grant(
    pg: Postgres, users: Users, world: World
) -> None:
    grant, session = _grant(world, world.user.id), await _session(pg, world)
    assert await _session_status(users, session, grant.id) == (True, None)
    await PostgresStore(pg).save(ARTIFACTS[Grant], grant, 60)
    before = pg.round_trips
    assert await _session_status(users, session, grant.id) == (True, grant)
    assert pg.round_trips == before + 1
    await pg.execute("UPDATE artifacts SET expires_at = now() WHERE id = %(id)s", {"id": grant.id})
    assert await _session_status(users, session, grant.id) == (True, None)


async def test_the_grant_of_somebody_else_is_none(pg: Postgres, users: Users, world: World) -> None:
    other = factories.user(
        id=new_id(), organization_id=world.organization.id, email="other@example.com"
    )
    await users.insert(other)
    grant = _grant(world, other.id)
    await PostgresStore(pg).save(ARTIFACTS[Grant], grant, 60)
    assert await _session_status(users, await _session(pg, world), grant.id) == (True, None)
    used = _grant(world, world.user.id)
    await PostgresStore(pg).save(ARTIFACTS[Grant], used, 60)
    await PostgresStore(pg).consume(ARTIFACTS[Grant], used.id, used.organization_id)
    assert await _session_status(users, await _session(pg, world), used.id) == (True, None)
    elsewhere = msgspec.structs.replace(
        _grant(world, world.user.id), organization_id=(await build_world(pg)).organization.id
    )
    await PostgresStore(pg).save(ARTIFACTS[Grant], elsewhere, 60)
    assert await _session_status(users, await _session(pg, world), elsewhere.id) == (True, None)


async def test_who_is_locked_or_gone_does_not_stand(
    pg: Postgres, users: Users, world: World
) -> None:
    session = await _session(pg, world)
    organization_id = world.organization.id
    assert await users.set_status(world.user.id, organization_id, "inactive", expected="active")
    assert await _session_status(users, session, "grant") == (False, None)
    nobody = await _session(pg, world, account_id=new_id())
    assert await _session_status(users, nobody, "grant") == (False, None)
    elsewhere = await _session(pg, world, account_id=(await build_world(pg)).user.id)
    assert await _session_status(users, elsewhere, "grant") == (False, None)


@pytest.mark.parametrize(
    "end",
    [
        "DELETE FROM sessions WHERE id = %(id)s",
        "UPDATE sessions SET consumed_at = now() WHERE id = %(id)s",
        "UPDATE sessions SET expires_at = now() WHERE id = %(id)s",
        "UPDATE sessions SET id = id || '2' WHERE id = %(id)s",
    ],
)
async def test_nobody_stands_in_a_session_that_has_ended(
    pg: Postgres, users: Users, world: World, end: str
) -> None:
    session = await _session(pg, world)
    other = (await build_world(pg)).organization.id
    assert await _session_status(users, session, "grant") == (True, None)
    theirs = msgspec.structs.replace(session, organization_id=other)
    assert await _session_status(users, theirs, "grant") is None
    await pg.execute(end, {"id": session.id})
    assert await _session_status(users, session, "grant") is None


async def _count(
    users: Users,
    organization_id: str,
    email: str,
    *,
    max_failed: int,
    now: float = 1e9,
    lock_seconds: int = 60,
) -> LoginAttempt | None:
    return await LoginAttempts(users._pg).count(
        organization_id, email, max_failed=max_failed, now=now, lock_seconds=lock_seconds
    )


async def _attempt(
    users: Users, world: World, max_failed: int, now: float = 1e9, lock_seconds: int = 60
) -> LoginAttempt:
    counted = await _count(
        users,
        world.organization.id,
        world.user.email.upper(),
        max_failed=max_failed,
        now=now,
        lock_seconds=lock_seconds,
    )
    assert counted is not None
    return counted


async def test_the_last_attempt_an_account_may_have_locks_it(
    pg: Postgres, users: Users, world: World
) -> None:
    before = pg.round_trips
    tried = [await _attempt(users, world, 3) for _ in range(4)]
    assert pg.round_trips == before + 4
    assert [each.user.status for each in tried] == ["active", "active", "locked", "locked"]
    assert [each.locked for each in tried] == [False, False, True, False]
    assert [each.locked_out for each in tried] == [False, False, False, True]
    assert not any(each.unlocked for each in tried)
    last = tried[-1].user
    assert (last.failed_login_count, last.locked_reason) == (3, "auto_lockout")
    assert last.locked_at == tried[2].user.locked_at
    assert last == await _found(users, world)


async def test_parallel_attempts_are_all_counted_until_one_locks(
    users: Users, world: World
) -> None:
    tried = await asyncio.gather(*(_attempt(users, world, 10) for _ in range(20)))
    judged = [each for each in tried if not each.locked_out]
    assert sorted(each.user.failed_login_count for each in judged) == list(range(1, 11))
    assert {each.user.failed_login_count for each in tried if each.locked_out} == {10}
    assert sum(each.user.status == "active" for each in tried) == 9
    assert [each.user.failed_login_count for each in tried if each.locked] == [10]


async def test_a_limit_of_zero_locks_nobody(users: Users, world: World) -> None:
    for _ in range(3):
        counted = await _attempt(users, world, 0)
    assert (counted.user.status, counted.user.failed_login_count) == ("active", 3)


async def test_a_lock_ends_when_it_is_due_and_the_count_goes_on(users: Users, world: World) -> None:
    await _attempt(users, world, 1)
    locked = await _found(users, world)
    assert locked.locked_at is not None
    early = await _attempt(users, world, 3, locked.locked_at + 59.9)
    assert (early.user.status, early.unlocked, early.locked) == ("locked", False, False)
    due = await _attempt(users, world, 3, locked.locked_at + 60)
    assert (due.unlocked, due.locked) == (True, False)
    assert (due.user.status, due.user.locked_at, due.user.locked_reason) == ("active", None, None)
    assert due.user.failed_login_count == 2


async def test_an_attempt_may_end_one_lock_and_begin_the_next(users: Users, world: World) -> None:
    await _attempt(users, world, 1)
    both = await _attempt(users, world, 1, 1e9 + 3600)
    assert (both.unlocked, both.locked, both.user.status) == (True, True, "locked")
    assert both.user.failed_login_count == 2


_DAY = 86_400


@pytest.mark.parametrize(
    ("failures", "limit", "lock_seconds", "expected"),
    [
        (5, 5, 900, 900),
        (6, 5, 900, 1800),
        (7, 5, 900, 3600),
        (9, 5, 900, 3600),
        (2_000_000_000, 5, 900, 3600),
        (7, 5, 10 * _DAY, 3600),
        (6, 5, 1, 2),
        (3, 100, 900, 900),
        (50, 0, 900, 900),
    ],
)
async def test_security_2_a_lock_lasts_twice_as_long_with_each_failure_up_to_an_hour(
    pg: Postgres, users: Users, world: World, failures: int, limit: int, lock_seconds: int,
    expected: int,
) -> None:  # fmt: skip
    await pg.execute(
        "UPDATE users SET status = 'locked', locked_reason = 'auto_lockout',"
        " locked_at = to_timestamp(1e9), failed_login_count = %(failures)s WHERE id = %(id)s",
        {"id": world.user.id, "failures": failures},
    )
    early = await _attempt(users, world, limit, 1e9 + expected - 1, lock_seconds)
    assert (early.locked_out, early.user.failed_login_count) == (True, failures)
    due = await _attempt(users, world, limit, 1e9 + expected, lock_seconds)
    assert (due.locked_out, due.unlocked) == (False, True)
    assert due.user.failed_login_count == failures + 1


async def test_security_2_a_year_of_one_guess_a_day_locks_nobody(
    attempts: LoginAttempts, users: Users, world: World
) -> None:
    """With a limit that a week of them would reach, at every hour that a patient one may choose."""
    for pause in (_DAY, _DAY + 7, _DAY - 3600):
        for day in range(365):
            guess = await _attempt(users, world, 3, 1e9 + day * pause)
            assert (guess.user.status, guess.locked) == ("active", False)
        await attempts.reset(world.user.id, world.organization.id)


async def test_security_2_failures_are_forgotten_a_day_after_the_first(
    users: Users, world: World
) -> None:
    tried = [await _attempt(users, world, 5, 1e9 + hour * 3600) for hour in (0, 6, 12, 23.9)]
    assert [each.user.failed_login_count for each in tried] == [1, 2, 3, 4]
    tried = [await _attempt(users, world, 5, 1e9 + hour * 3600) for hour in (24, 25, 47.9, 48.1)]
    assert [each.user.failed_login_count for each in tried] == [1, 2, 3, 1]


async def test_security_2_whoever_goes_on_guessing_has_a_few_guesses_a_day_more(
    users: Users, world: World
) -> None:
    """One at the end of each lock, and no lock longer than an hour."""
    judged, since, longest = 0, 0.0, 0.0
    for second in range(0, _DAY, 60):
        guess = await _attempt(users, world, 100, 1e9 + second, 900)
        judged += not guess.locked_out
        longest = max(longest, second - since if guess.locked_out else 0.0)
        since = second if guess.locked else since
    assert 100 <= judged <= 130
    assert longest <= 3600
    after = await _attempt(users, world, 100, 1e9 + _DAY + 3600)
    assert (after.user.status, after.user.failed_login_count) == ("active", 1)


async def test_security_2_a_count_of_an_earlier_version_is_forgotten_in_a_day_too(
    pg: Postgres, users: Users, world: World
) -> None:
    by_id = {"id": world.user.id}
    await pg.execute("UPDATE users SET failed_login_count = 9999 WHERE id = %(id)s", by_id)
    assert (await _attempt(users, world, 0, 1e9)).user.failed_login_count == 10_000
    # A process that does not know of the day counts on.
    await pg.execute(
        "UPDATE users SET failed_login_count = failed_login_count + 1 WHERE id = %(id)s", by_id
    )
    assert (await _attempt(users, world, 5, 1e9 + _DAY)).user.failed_login_count == 1


async def test_security_2_parallel_attempts_forget_once(users: Users, world: World) -> None:
    for _ in range(3):
        await _attempt(users, world, 9, 1e9)
    tried = await asyncio.gather(*(_attempt(users, world, 9, 1e9 + _DAY) for _ in range(6)))
    assert sorted(each.user.failed_login_count for each in tried) == [1, 2, 3, 4, 5, 6]


async def test_one_of_many_ends_a_lock(users: Users, world: World) -> None:
    await _attempt(users, world, 1)
    due = (await _found(users, world)).locked_at
    assert due is not None
    tried = await asyncio.gather(*(_attempt(users, world, 0, due + 60) for _ in range(20)))
    assert [each.user.failed_login_count for each in tried if each.unlocked] == [2]


async def test_a_lock_without_a_date_is_due(pg: Postgres, users: Users, world: World) -> None:
    await _attempt(users, world, 1)
    by_id = {"id": world.user.id}
    await pg.execute("UPDATE users SET locked_at = NULL WHERE id = %(id)s", by_id)
    assert (await _attempt(users, world, 3)).unlocked


async def test_an_attempt_is_given_back_with_the_lock_that_it_began(
    attempts: LoginAttempts, pg: Postgres, users: Users, world: World
) -> None:
    await _attempt(users, world, 2)
    before = await _found(users, world)
    last = await _attempt(users, world, 2)
    assert last.locked
    trips = pg.round_trips
    await attempts.decrement(last)
    assert pg.round_trips == trips + 1
    assert await _found(users, world) == before


async def test_a_lock_of_another_attempt_is_not_given_back(
    attempts: LoginAttempts, users: Users, world: World
) -> None:
    first, last = [await _attempt(users, world, 2) for _ in range(2)]
    await attempts.decrement(first)
    found = await _found(users, world)
    assert (found.auto_locked, found.failed_login_count) == (True, 1)
    later = await _attempt(users, world, 1, 4e9)
    assert later.locked
    await attempts.decrement(last)
    found = await _found(users, world)
    assert (found.auto_locked, found.locked_at) == (True, later.user.locked_at)


async def test_what_was_not_counted_is_not_given_back(
    attempts: LoginAttempts, users: Users, world: World
) -> None:
    await _attempt(users, world, 1)
    locked_out = await _attempt(users, world, 1)
    locked = await _found(users, world)
    await attempts.decrement(locked_out)
    assert await _found(users, world) == locked


async def test_a_lock_by_hand_is_not_given_back(
    attempts: LoginAttempts, users: Users, world: World
) -> None:
    last = await _attempt(users, world, 1)
    key = (world.user.id, world.organization.id)
    assert await users.set_status(*key, "active", expected="locked")
    assert await users.set_status(*key, "locked", expected="active", reason="fraud")
    locked = await _found(users, world)
    await attempts.decrement(last)
    assert await _found(users, world) == locked, "nor is anything counted below zero"


async def test_the_costs_of_stored_hashes_are_known_by_how_often_they_occur(
    passwords: UserPasswords,
    fresh_database_url: str,
) -> None:
    pg = await Postgres.open(fresh_database_url, 1)
    users, world = Users(pg), await build_world(pg)
    hashes = [
        *["$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA"] * 3,
        *["$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"] * 2,
        "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA",
        "$argon2i$v=19$m=9,t=1,p=1$c2FsdA$aGFzaA",
        "$2b$12$KIXabcdefghijklmnopqrstuv",
        "$argon2id$",
        None,
    ]
    for number, each in enumerate(hashes):
        await users.insert(
            factories.user(
                id=new_id(),
                organization_id=world.organization.id,
                email=f"{number}@example.com",
                password_hash=each,
            )
        )
    here = world.organization.id
    known = await UserPasswords(pg).costs("m=8,t=1,p=1")
    assert [each[:2] for each in known] == [(here, "m=65536,t=3,p=4"), (here, "m=19456,t=2,p=1")]
    assert known[0][2] > known[1][2]
    await pg.close()


@pytest.mark.parametrize("status", ["inactive", "suspended", "locked"])
@pytest.mark.parametrize("reason", ["fraud", None])
async def test_attempts_neither_lock_nor_unlock_what_is_closed_otherwise(
    pg: Postgres, users: Users, world: World, status: str, reason: str | None
) -> None:
    await pg.execute(
        "UPDATE users SET status = %(status)s, locked_reason = %(reason)s, locked_at = now()"
        " WHERE id = %(id)s",
        {"id": world.user.id, "status": status, "reason": reason},
    )
    before = await _found(users, world)
    for number in range(1, 4):
        counted = await _attempt(users, world, 1, 4e9)
        assert counted.locked is counted.unlocked is False
        assert counted.user == msgspec.structs.replace(before, failed_login_count=number)


async def test_a_sign_in_forgives_the_attempts(
    attempts: LoginAttempts, pg: Postgres, users: Users, world: World
) -> None:
    await _attempt(users, world, 1)
    assert await attempts.record_login(world.user)
    found = await _found(users, world)
    assert (found.status, found.locked_at, found.locked_reason) == ("active", None, None)
    assert found.failed_login_count == 0
    row = await pg.fetchrow(
        "SELECT login_count, last_login_at > now() - interval '1 minute', last_failed_login_at"
        " FROM users WHERE id = %(id)s",
        {"id": world.user.id},
    )
    assert row == (1, True, None)


async def test_attempts_are_forgiven_without_a_sign_in(
    attempts: LoginAttempts, pg: Postgres, users: Users, world: World
) -> None:
    await _attempt(users, world, 1)
    await attempts.reset(world.user.id, world.organization.id)
    found = await _found(users, world)
    assert (found.status, found.failed_login_count) == ("active", 0)
    row = await pg.fetchrow(
        "SELECT login_count, last_login_at FROM users WHERE id = %(id)s", {"id": world.user.id}
    )
    assert row == (0, None)


async def test_only_an_automatic_lock_is_forgiven(
    attempts: LoginAttempts, users: Users, world: World
) -> None:
    key = (world.user.id, world.organization.id)
    assert await users.set_status(*key, "locked", expected="active", reason="fraud")
    locked = await _found(users, world)
    await attempts.record_login(world.user)
    await attempts.reset(*key)
    assert await _found(users, world) == locked
    assert await users.set_status(*key, "suspended", expected="locked")
    await attempts.record_login(world.user)
    assert (await _found(users, world)).status == "suspended"


async def test_nobody_signs_in_with_what_has_changed_since_it_was_judged(
    attempts: LoginAttempts, passwords: UserPasswords, pg: Postgres, users: Users, world: World
) -> None:
    """A hash that was made anew is of the same password; one that was just chosen is not."""
    key = (world.user.id, world.organization.id)
    await passwords.set(*key, "another hash")
    assert not await attempts.record_login(world.user)
    assert not await attempts.record_login(world.user, known_browser=True)
    assert await attempts.record_login(await _found(users, world))
    judged = await _found(users, world)
    await pg.execute(
        "UPDATE users SET password_changed_at = now() - interval '11 minutes' WHERE id = %(id)s",
        {"id": world.user.id},
    )
    assert await passwords.replace_hash(*key, "made anew", expected="another hash")
    assert await attempts.record_login(judged)
    assert await users.set_status(*key, "suspended", expected="active")
    assert not await attempts.record_login(judged, known_browser=True)


async def test_a_failure_is_dated(
    attempts: LoginAttempts, pg: Postgres, users: Users, world: World
) -> None:
    await _attempt(users, world, 0)
    await attempts.record_failed_login(world.user.id, world.organization.id)
    row = await pg.fetchrow(
        "SELECT failed_login_count, last_failed_login_at > now() - interval '1 minute' FROM users"
        " WHERE id = %(id)s",
        {"id": world.user.id},
    )
    assert row == (1, True)


async def test_a_hash_is_replaced_unless_it_changed_meanwhile(
    passwords: UserPasswords, users: Users, world: World
) -> None:
    key = (world.user.id, world.organization.id)
    assert not await passwords.replace_hash(*key, "new", expected="other")
    assert not await passwords.replace_hash(*key, "new", expected=None)
    assert await passwords.replace_hash(*key, "new", expected=world.user.password_hash)
    assert (await _found(users, world)).password_hash == "new"


async def test_a_status_changes_from_the_one_expected(users: Users, world: World) -> None:
    key = (world.user.id, world.organization.id)
    assert not await users.set_status(*key, "active", expected="suspended")
    assert await users.set_status(*key, "suspended", expected="active")
    assert (await _found(users, world)).status == "suspended"


async def test_a_profile_is_written_and_nothing_beside_it(users: Users, world: World) -> None:
    key, before = (world.user.id, world.organization.id), await _found(users, world)
    after = await users.update(*key, {"given_name": "Augusta", "birthdate": None})
    found = await _found(users, world)
    assert found == msgspec.structs.replace(
        before, given_name="Augusta", birthdate=None, updated_at=found.updated_at
    )
    assert after == await users.find(world.user.id)
    assert after is not None
    assert after.version == 2
    assert await users.update(world.user.id, new_id(), {"given_name": "X"}) is None
    for unwritten in ("password_hash", "status", "organization_id", "version", "id"):
        with pytest.raises(ValueError, match="no columns"):
            await users.update(*key, {unwritten: "x"})


async def test_a_version_counts_changes_and_no_sign_ins(
    passwords: UserPasswords, attempts: LoginAttempts, users: Users, world: World
) -> None:
    async def version() -> int:
        found = await users.find(world.user.id)
        assert found is not None
        return found.version

    before = await version()
    await _attempt(users, world, 5)
    await attempts.record_login(world.user)
    await attempts.record_failed_login(world.user.id, world.organization.id)
    assert await version() == before
    key = world.user.id, world.organization.id
    assert await users.set_status(*key, "suspended", expected="active")
    assert await version() == before + 1
    await passwords.set(*key, None)
    assert await version() == before + 2


async def test_counting_is_no_change_of_a_person(
    attempts: LoginAttempts, users: Users, world: World
) -> None:
    """The claim updated_at (Core §5.1) is about the person's information."""
    before = (await _found(users, world)).updated_at
    await _attempt(users, world, 1)
    await attempts.record_login(world.user)
    await attempts.record_failed_login(world.user.id, world.organization.id)
    assert (await _found(users, world)).updated_at == before
