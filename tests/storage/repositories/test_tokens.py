"""Tokens: families live and die as one, whoever races whom."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import msgspec
import pytest

from storage.models.artifact import artifact_id
from storage.models.artifacts import ARTIFACTS, ClientCredentials, Grant, RefreshToken, Session
from storage.models.tokens import Rotation, TokenFamily
from storage.postgres.driver import Postgres
from storage.repositories.tokens import Tokens
from storage.stores.postgres import PostgresStore
from tests import factories
from tests.factories import new_value
from tests.storage.repositories.racers import Job, race
from tests.world.rows import World, build_world, give_rights

GRACE = 10


@pytest.fixture
def tokens(pg: Postgres) -> Tokens:
    return Tokens(pg)


async def _issue(
    tokens: Tokens, world: World, access: str, refresh: str, family: TokenFamily | None = None
) -> TokenFamily:
    family = family or world.family()
    first = world.refresh(family, refresh)
    assert await tokens.redeem(family, 3600, world.access(family, access), 600, first, 3600)
    return family


async def _rotate(
    tokens: Tokens,
    world: World,
    family: TokenFamily,
    old: str,
    successor: str,
    *,
    access: str | None = None,
    grace: float = GRACE,
) -> Rotation:
    rotated = await tokens.rotate(
        world.refresh(family, old),
        world.refresh(family, successor, 1),
        3600,
        world.access(family, access),
        600,
        grace,
    )
    return rotated.rotation


async def _alive(tokens: Tokens, world: World, *values: str) -> list[bool]:
    return [await tokens.find(value, world.organization.id) is not None for value in values]


async def _age(pg: Postgres, value: str, seconds: float) -> None:
    await pg.execute(
        "UPDATE artifacts SET consumed_at = consumed_at - %(s)s * interval '1 second'"
        " WHERE id = %(id)s",
        {"id": artifact_id(value), "s": seconds},
    )


def _credentials(world: World, value: str) -> ClientCredentials:
    return factories.client_credentials(
        world.client,
        value,
        scope="read",
        audience=("https://api.example.com",),
        issued_at=1,
        expires_at=2,
    )


# issue and find


async def test_a_client_credentials_token_is_found_as_it_was_issued(
    tokens: Tokens, world: World
) -> None:
    token = _credentials(world, "machine")
    await tokens.issue(token, 60)
    found = await tokens.find("machine", world.organization.id)
    assert found is not None
    assert found.token == token


async def test_a_token_is_gone_when_its_time_is_up(
    pg: Postgres, tokens: Tokens, world: World
) -> None:
    await tokens.issue(_credentials(world, "short"), 60)
    assert await tokens.find("short", world.organization.id)
    ended = await pg.execute(
        "UPDATE artifacts SET expires_at = now()"
        " WHERE id = %(id)s AND expires_at <= now() + interval '60 seconds'",
        {"id": artifact_id("short")},
    )
    assert ended == 1, "its time was limited"
    assert await tokens.find("short", world.organization.id) is None


async def test_only_the_digest_of_a_value_is_stored(
    pg: Postgres, tokens: Tokens, world: World
) -> None:
    access, refresh = new_value(), new_value()
    await _issue(tokens, world, access, refresh)
    rows = await pg.fetch("SELECT row_to_json(a) FROM artifacts a")
    assert not [row for row in rows if access in row[0] or refresh in row[0]]


async def test_a_token_of_another_organization_is_unknown_and_unharmed(
    pg: Postgres, tokens: Tokens, world: World
) -> None:
    other = (await build_world(pg)).organization.id
    access, refresh = new_value(), new_value()
    family = await _issue(tokens, world, access, refresh)
    assert await tokens.find(access, other) is None
    assert await tokens.find_access(access, other) is None
    assert await tokens.find_refresh(refresh, other) is None
    assert not await tokens.revoke_token(refresh, other, world.client.client_id)
    await tokens.revoke_family(family.id, other, family.client_id, "test")
    assert await _alive(tokens, world, access, refresh) == [True, True]


async def test_a_refresh_token_is_no_access_token(tokens: Tokens, world: World) -> None:
    access, refresh = new_value(), new_value()
    await _issue(tokens, world, access, refresh)
    assert await tokens.find_access(refresh, world.organization.id) is None
    assert await tokens.find_refresh(access, world.organization.id) is None


async def test_what_was_consumed_cannot_be_used(tokens: Tokens, world: World) -> None:
    access, refresh, successor = new_value(), new_value(), new_value()
    family = await _issue(tokens, world, access, refresh)
    await _rotate(tokens, world, family, refresh, successor)
    assert await _alive(tokens, world, refresh, successor) == [False, True]


async def test_other_artifacts_are_no_tokens(pg: Postgres, tokens: Tokens, world: World) -> None:
    grant = factories.grant(
        id=artifact_id("grant"),
        organization_id=world.organization.id,
        account_id=world.user.id,
        client_id=world.client.client_id,
        session_uid="s",
        created_at=1,
    )
    await PostgresStore(pg).save(ARTIFACTS[Grant], grant, 60)
    assert await tokens.find("grant", world.organization.id) is None


async def test_tests_a_token_whose_client_moved_to_another_organization_is_unknown(
    pg: Postgres, tokens: Tokens, world: World
) -> None:
    other, access, refresh = await build_world(pg), new_value(), new_value()
    await give_rights(pg, world)
    await _issue(tokens, world, access, refresh)
    organization_id = world.organization.id
    found = await tokens.find_access(access, organization_id)
    assert found is not None
    assert found.account.roles == ("editor",)
    await pg.execute(
        "UPDATE clients SET organization_id = %(to)s WHERE id = %(id)s",
        {"to": other.organization.id, "id": world.client.id},
    )
    for asked in (organization_id, other.organization.id):
        assert await tokens.find_access(access, asked) is None
        assert await tokens.find_refresh(refresh, asked) is None
    presented = await tokens.find(access, organization_id)
    assert presented is not None
    assert presented.account is not None
    assert (presented.account.roles, presented.account.claims) == ((), {})


@pytest.mark.parametrize("status", ["inactive", "suspended", "locked"])
async def test_tokens_of_an_account_that_is_not_active_are_dead(
    pg: Postgres, tokens: Tokens, world: World, status: str
) -> None:
    access, refresh = new_value(), new_value()
    await _issue(tokens, world, access, refresh)
    await pg.execute(
        "UPDATE users SET status = %(status)s WHERE id = %(id)s",
        {"id": world.user.id, "status": status},
    )
    assert await _alive(tokens, world, access, refresh) == [False, False]
    assert await tokens.find_access(access, world.organization.id) is None
    found = await tokens.find_refresh(refresh, world.organization.id)
    assert found is not None
    assert found.account.user.status == status


async def test_tokens_of_a_deleted_account_are_dead(
    pg: Postgres, tokens: Tokens, world: World
) -> None:
    access, refresh = new_value(), new_value()
    await _issue(tokens, world, access, refresh)
    await pg.execute("DELETE FROM users WHERE id = %(id)s", {"id": world.user.id})
    assert await _alive(tokens, world, access, refresh) == [False, False]
    assert await tokens.find_access(access, world.organization.id) is None
    assert await tokens.find_refresh(refresh, world.organization.id) is None


async def test_a_token_comes_with_the_facts_of_its_clients_application_only(
    pg: Postgres, tokens: Tokens, world: World
) -> None:
    elsewhere = (await build_world(pg)).application.id
    await give_rights(pg, world)
    await give_rights(pg, world, elsewhere, role="owner", claim="budget")
    access, refresh = new_value(), new_value()
    family = await _issue(tokens, world, access, refresh)
    found = await tokens.find_access(access, world.organization.id)
    assert found is not None
    assert found.account.roles == ("editor",)
    assert found.account.permissions == ("doc:page:read", "doc:page:write")
    assert found.account.claims == {"department": "R&D", "limits": {"max": 3}}
    assert found.account.user.given_name == "Ada"
    assert found.session_uid == family.session_uid
    assert found.family_expires_at == pytest.approx(family.expires_at, abs=3)


async def test_what_an_opaque_value_cannot_say_is_found_with_it(
    pg: Postgres, tokens: Tokens, world: World
) -> None:
    """A JWT says it itself: its look-up is the lighter one."""
    await give_rights(pg, world)
    access, signed, refresh, machine = new_value(), f"a.{new_value()}.c", new_value(), new_value()
    await _issue(tokens, world, access, refresh)
    await _issue(tokens, world, signed, new_value())
    await tokens.issue(_credentials(world, machine), 60)
    found = await tokens.find(access, world.organization.id)
    assert found is not None
    assert found.account == (await tokens.find_access(access, world.organization.id)).account  # type: ignore[union-attr]
    assert found.account is not None
    assert found.account.roles == ("editor",)
    for value in (signed, refresh, machine):
        found = await tokens.find(value, world.organization.id)
        assert found is not None
        assert found.account is None


# redeem


async def test_a_code_founds_one_family(tokens: Tokens, world: World) -> None:
    access, refresh, second = new_value(), new_value(), new_value()
    family = await _issue(tokens, world, access, refresh)
    again = await tokens.redeem(family, 3600, world.access(family, second), 600, None, 0)
    assert not again
    assert await _alive(tokens, world, access, refresh, second) == [True, True, False]


async def test_a_family_may_have_no_refresh_token(
    pg: Postgres, tokens: Tokens, world: World
) -> None:
    family, access = world.family(), new_value()
    assert await tokens.redeem(family, 3600, world.access(family, access), 600, None, 0)
    rows = await pg.fetch("SELECT kind FROM artifacts WHERE family_id = %(id)s", {"id": family.id})
    assert rows == [("AccessToken",)]
    assert await _alive(tokens, world, access) == [True]


async def test_of_fifty_redeemers_in_two_processes_one_wins(
    database_url: str, tokens: Tokens, world: World
) -> None:
    job = Job("redeem", database_url, world, new_value())
    assert Counter(await race(job)) == {"True": 1, "False": 49}


async def test_killing_a_code_kills_what_it_founded(tokens: Tokens, world: World) -> None:
    access, refresh = new_value(), new_value()
    family = await _issue(tokens, world, access, refresh)
    await tokens.revoke_code(family, "code_replayed")
    assert await _alive(tokens, world, access, refresh) == [False, False]


async def test_a_code_killed_before_it_is_redeemed_founds_a_dead_family(
    tokens: Tokens, world: World
) -> None:
    access, refresh = new_value(), new_value()
    family = world.family()
    await tokens.revoke_code(family, "code_replayed")
    await _issue(tokens, world, access, refresh, family)  # the one that won the code
    assert await _alive(tokens, world, access, refresh) == [False, False]
    assert not await tokens.redeem(family, 3600, world.access(family), 600, None, 0)
    assert await _rotate(tokens, world, family, refresh, new_value()) is Rotation.GONE


async def test_nothing_outlives_its_family(pg: Postgres, tokens: Tokens, world: World) -> None:
    access, refresh = new_value(), new_value()
    family = await _issue(tokens, world, access, refresh)
    await pg.execute(
        "UPDATE token_families SET expires_at = now() WHERE id = %(id)s", {"id": family.id}
    )
    assert await _alive(tokens, world, access, refresh) == [False, False]
    assert await _rotate(tokens, world, family, refresh, new_value()) is Rotation.GONE


# rotate


async def test_rotation_puts_a_successor_in_the_place_of_a_token(
    tokens: Tokens, world: World
) -> None:
    old, new, access = new_value(), new_value(), new_value()
    family = await _issue(tokens, world, new_value(), old)
    rotation = await _rotate(tokens, world, family, old, new, access=access)
    assert rotation is Rotation.ROTATED
    found = await tokens.find_refresh(new, world.organization.id)
    assert found is not None
    assert isinstance(found.token, RefreshToken)
    assert found.token.generation == 1
    assert await _alive(tokens, world, access, new, old) == [True, True, False]
    before = await tokens.find_refresh(old, world.organization.id)
    assert before is not None, "it is found, for whoever has to ask again within the grace"


async def test_fifty_in_the_grace_get_one_successor(
    pg: Postgres, database_url: str, tokens: Tokens, world: World
) -> None:
    old, new = new_value(), new_value()
    family = await _issue(tokens, world, new_value(), old)
    answers = await race(Job("rotate", database_url, world, old, new))
    assert Counter(answers) == {"rotated": 50}
    rows = await pg.fetch(
        "SELECT kind, count(*) FROM artifacts WHERE family_id = %(id)s GROUP BY kind",
        {"id": family.id},
    )
    assert dict(rows) == {"RefreshToken": 2, "AccessToken": 51}


async def test_security_11_fifty_who_derive_different_successors_get_one(
    pg: Postgres, database_url: str, tokens: Tokens, world: World
) -> None:
    old = new_value()
    family = await _issue(tokens, world, new_value(), old)
    answers = await race(Job("rotate", database_url, world, old))
    assert Counter(answers) == {"rotated": 50}
    rows = await pg.fetch(
        "SELECT a.id FROM artifacts a JOIN artifacts old ON old.successor_id = a.id"
        " WHERE old.id = %(old)s AND a.family_id = %(family)s",
        {"old": artifact_id(old), "family": family.id},
    )
    (standing,) = rows
    refresh_tokens = await pg.fetch(
        "SELECT id FROM artifacts WHERE family_id = %(family)s AND kind = 'RefreshToken'",
        {"family": family.id},
    )
    assert {row[0] for row in refresh_tokens} == {artifact_id(old), standing[0]}


async def test_security_11_whoever_derives_another_successor_notices_its_use(
    tokens: Tokens, world: World
) -> None:
    old, new = new_value(), new_value()
    family = await _issue(tokens, world, new_value(), old)
    assert await _rotate(tokens, world, family, old, new) is Rotation.ROTATED
    assert await _rotate(tokens, world, family, new, new_value()) is Rotation.ROTATED
    assert await _rotate(tokens, world, family, old, new_value()) is Rotation.REUSED


async def test_reuse_after_the_grace_revokes_the_family(
    pg: Postgres, tokens: Tokens, world: World
) -> None:
    access, old, new, late = new_value(), new_value(), new_value(), new_value()
    family = await _issue(tokens, world, access, old)
    await _rotate(tokens, world, family, old, new)
    await _age(pg, old, GRACE + 1)
    assert await _rotate(tokens, world, family, old, new, access=late) is Rotation.REUSED
    assert await _alive(tokens, world, access, new, late) == [False, False, False]
    rows = await pg.fetch(
        "SELECT revoked_reason FROM token_families WHERE id = %(id)s", {"id": family.id}
    )
    assert rows == [("refresh_token_reused",)]
    assert await _rotate(tokens, world, family, new, new_value()) is Rotation.GONE


async def test_reuse_inside_the_grace_does_not_prolong_it(
    pg: Postgres, tokens: Tokens, world: World
) -> None:
    old, new = new_value(), new_value()
    family = await _issue(tokens, world, new_value(), old)
    for _ in range(3):
        assert await _rotate(tokens, world, family, old, new) is Rotation.ROTATED
        await _age(pg, old, GRACE / 2 - 1)
    assert await _rotate(tokens, world, family, old, new) is Rotation.REUSED


async def test_whoever_used_the_successor_had_the_answer(tokens: Tokens, world: World) -> None:
    old, new, newest = new_value(), new_value(), new_value()
    family = await _issue(tokens, world, new_value(), old)
    assert await _rotate(tokens, world, family, old, new) is Rotation.ROTATED
    assert await _rotate(tokens, world, family, new, newest) is Rotation.ROTATED
    assert await _rotate(tokens, world, family, old, new) is Rotation.REUSED
    assert await _rotate(tokens, world, family, newest, new_value()) is Rotation.GONE


async def test_without_grace_the_second_use_is_reuse(tokens: Tokens, world: World) -> None:
    old, new = new_value(), new_value()
    family = await _issue(tokens, world, new_value(), old)
    assert await _rotate(tokens, world, family, old, new, grace=0) is Rotation.ROTATED
    assert await _rotate(tokens, world, family, old, new, grace=0) is Rotation.REUSED


async def test_without_grace_a_caller_who_began_earlier_is_no_exception(
    pg: Postgres, tokens: Tokens, world: World
) -> None:
    old, new = new_value(), new_value()
    family = await _issue(tokens, world, new_value(), old)
    async with pg.transaction() as tx:
        await tx.fetch("SELECT 1")  # its clock stands still from here on
        assert await _rotate(tokens, world, family, old, new, grace=0) is Rotation.ROTATED
        assert await _rotate(Tokens(tx), world, family, old, new, grace=0) is Rotation.REUSED


async def test_a_token_of_another_client_or_organization_does_not_rotate(
    pg: Postgres, tokens: Tokens, world: World
) -> None:
    other = await build_world(pg)
    old = new_value()
    family = await _issue(tokens, world, new_value(), old)
    for field, foreign in (
        ("client_id", other.client.client_id),
        ("organization_id", other.organization.id),
    ):
        token = msgspec.structs.replace(world.refresh(family, old), **{field: foreign})
        successor, access = other.refresh(family), other.access(family)
        rotated = await tokens.rotate(token, successor, 3600, access, 600, GRACE)
        assert rotated.rotation is Rotation.GONE
    assert await _alive(tokens, world, old) == [True]


async def test_an_expired_token_does_not_rotate(pg: Postgres, tokens: Tokens, world: World) -> None:
    old = new_value()
    family = await _issue(tokens, world, new_value(), old)
    await pg.execute(
        "UPDATE artifacts SET expires_at = now() WHERE id = %(id)s", {"id": artifact_id(old)}
    )
    assert await _rotate(tokens, world, family, old, new_value()) is Rotation.GONE


async def test_an_access_token_does_not_rotate(tokens: Tokens, world: World) -> None:
    access = new_value()
    family = await _issue(tokens, world, access, new_value())
    assert await _rotate(tokens, world, family, access, new_value()) is Rotation.GONE


async def test_a_rotation_racing_a_revocation_leaves_nothing_alive(
    tokens: Tokens, world: World
) -> None:
    for _ in range(20):
        access, old, new, fresh = (new_value() for _ in range(4))
        family = await _issue(tokens, world, access, old)
        await asyncio.gather(
            _rotate(tokens, world, family, old, new, access=fresh),
            tokens.revoke_token(old, world.organization.id, world.client.client_id),
            _rotate(tokens, world, family, old, new),
        )
        assert await _alive(tokens, world, access, old, new, fresh) == [False] * 4


async def test_a_rotation_beside_a_revocation_under_way_leaves_nothing_alive(
    pg: Postgres, tokens: Tokens, world: World
) -> None:
    old, new = new_value(), new_value()
    family = await _issue(tokens, world, new_value(), old)
    async with pg.transaction() as tx:
        await Tokens(tx).revoke_family(family.id, world.organization.id, family.client_id, "test")
        rotation = asyncio.ensure_future(_rotate(tokens, world, family, old, new))
        await asyncio.sleep(0.1)
    await rotation
    assert await _alive(tokens, world, old, new) == [False, False]


# revoke


async def test_revoking_a_refresh_token_revokes_its_family(tokens: Tokens, world: World) -> None:
    access, refresh = new_value(), new_value()
    await _issue(tokens, world, access, refresh)
    assert await tokens.revoke_token(refresh, world.organization.id, world.client.client_id)
    assert await _alive(tokens, world, access, refresh) == [False, False]


async def test_a_consumed_refresh_token_still_revokes_its_family(
    tokens: Tokens, world: World
) -> None:
    old, new = new_value(), new_value()
    family = await _issue(tokens, world, new_value(), old)
    await _rotate(tokens, world, family, old, new)
    assert await tokens.revoke_token(old, world.organization.id, world.client.client_id)
    assert await _alive(tokens, world, new) == [False]


async def test_revoking_an_access_token_leaves_its_family(tokens: Tokens, world: World) -> None:
    access, refresh = new_value(), new_value()
    await _issue(tokens, world, access, refresh)
    assert await tokens.revoke_token(access, world.organization.id, world.client.client_id)
    assert await _alive(tokens, world, access, refresh) == [False, True]


async def test_a_client_revokes_its_own_tokens_only(tokens: Tokens, world: World) -> None:
    access, refresh = new_value(), new_value()
    await _issue(tokens, world, access, refresh)
    for value in (access, refresh, new_value()):
        assert not await tokens.revoke_token(value, world.organization.id, "another")
    assert await _alive(tokens, world, access, refresh) == [True, True]


# sessions


async def _begin_session(pg: Postgres, world: World) -> Session:
    session = world.session(new_value())
    await PostgresStore(pg).save(ARTIFACTS[Session], session, 3600)
    return session


def _grant(world: World, session_uid: str) -> Grant:
    return factories.grant(
        id=artifact_id(new_value()),
        organization_id=world.organization.id,
        account_id=world.user.id,
        client_id=world.client.client_id,
        session_uid=session_uid,
        created_at=1,
    )


async def test_ending_a_session_ends_everything_issued_in_it(
    pg: Postgres, tokens: Tokens, world: World
) -> None:
    session = await _begin_session(pg, world)
    inside, outside = (new_value(), new_value()), (new_value(), new_value())
    await _issue(tokens, world, *inside, world.family(session_uid=session.uid))
    await _issue(tokens, world, *outside)
    grants = [_grant(world, uid) for uid in (session.uid, "another")]
    store = PostgresStore(pg)
    for grant in grants:
        await store.save(ARTIFACTS[Grant], grant, 60)
    await tokens.end_session(session)
    assert await store.find(ARTIFACTS[Session], session.id, world.organization.id) is None
    assert await _alive(tokens, world, *inside, *outside) == [False, False, True, True]
    organization_id = world.organization.id
    left = [await store.find(ARTIFACTS[Grant], each.id, organization_id) for each in grants]
    assert left == [None, grants[1]]


async def test_tests_the_end_of_a_session_leaves_another_organizations_of_its_uid(
    pg: Postgres, tokens: Tokens, world: World
) -> None:
    other, store = await build_world(pg), PostgresStore(pg)
    session, access, refresh = await _begin_session(pg, world), new_value(), new_value()
    theirs = msgspec.structs.replace(other.session(session.uid), id=artifact_id(new_value()))
    await store.save(ARTIFACTS[Session], theirs, 3600)
    await _issue(tokens, other, access, refresh, other.family(session_uid=session.uid))
    given = _grant(other, session.uid)
    await store.save(ARTIFACTS[Grant], given, 60)
    assert await tokens.end_session(session) == {session.id}
    organization_id = other.organization.id
    assert await store.find(ARTIFACTS[Session], theirs.id, organization_id) == theirs
    assert await store.find(ARTIFACTS[Grant], given.id, organization_id) == given
    assert await _alive(tokens, other, access, refresh) == [True, True]


async def test_the_end_of_an_account_leaves_another_organizations_of_its_ids(
    pg: Postgres, tokens: Tokens, world: World
) -> None:
    """Account and session of the same ids elsewhere: whatever hangs on them stays."""
    home, store = await build_world(pg), PostgresStore(pg)
    other = replace(home, user=msgspec.structs.replace(home.user, id=world.user.id))
    session, access = await _begin_session(pg, world), new_value()
    theirs = other.session(session.uid)
    await store.save(ARTIFACTS[Session], theirs, 3600)
    await tokens.redeem(family := other.family(), 3600, other.access(family, access), 600, None, 0)
    given = _grant(other, session.uid)
    await store.save(ARTIFACTS[Grant], given, 60)
    ended = await tokens.end_account(world.user.id, world.organization.id, "locked")
    assert ended == [session.id]
    organization_id = other.organization.id
    assert await store.find(ARTIFACTS[Session], theirs.id, organization_id) == theirs
    assert await store.find(ARTIFACTS[Grant], given.id, organization_id) == given
    revoked = "SELECT revoked_at FROM token_families WHERE id = %(id)s"
    assert await pg.fetch(revoked, {"id": family.id}) == [(None,)]


async def test_where_a_token_was_asked_for_is_told_to_its_organization(
    pg: Postgres, tokens: Tokens, world: World
) -> None:
    token = msgspec.structs.replace(world.refresh(world.family()), address="192.0.2.7")
    await tokens.redeem(
        family := world.family(), 60, world.access(family), 60,
        msgspec.structs.replace(token, family_id=family.id), 60,
    )  # fmt: skip
    other = (await build_world(pg)).organization.id
    assert await tokens.find_address(token.id, world.organization.id) == "192.0.2.7"
    assert await tokens.find_address(token.id, other) is None


async def test_a_code_of_an_ended_session_founds_nothing(
    pg: Postgres, tokens: Tokens, world: World
) -> None:
    session, access = await _begin_session(pg, world), new_value()
    await tokens.end_session(session)
    family = world.family(session_uid=session.uid)
    assert not await tokens.redeem(family, 3600, world.access(family, access), 600, None, 0)
    assert await _alive(tokens, world, access) == [False]


async def test_a_redemption_racing_the_end_of_its_session_leaves_nothing_alive(
    pg: Postgres, tokens: Tokens, world: World
) -> None:
    for _ in range(20):
        session = await _begin_session(pg, world)
        family = world.family(session_uid=session.uid)
        access = new_value()
        await asyncio.gather(
            tokens.redeem(family, 3600, world.access(family, access), 600, None, 0),
            tokens.end_session(session),
        )
        assert await _alive(tokens, world, access) == [False]


async def test_the_end_of_a_session_waits_for_a_redemption_under_way(
    pg: Postgres, tokens: Tokens, world: World
) -> None:
    session, access = await _begin_session(pg, world), new_value()
    family = world.family(session_uid=session.uid)
    async with pg.transaction() as tx:
        assert await Tokens(tx).redeem(family, 3600, world.access(family, access), 600, None, 0)
        end = asyncio.ensure_future(tokens.end_session(session))
        await asyncio.sleep(0.1)
        assert not end.done()
    await end
    assert await _alive(tokens, world, access) == [False]


# budgets


async def test_every_operation_is_one_round_trip(
    pg: Postgres, tokens: Tokens, world: World
) -> None:
    family, old, new = world.family(), new_value(), new_value()
    organization_id, client_id = world.organization.id, world.client.client_id
    redeem = tokens.redeem(
        family, 3600, world.access(family), 600, world.refresh(family, old), 3600
    )
    for operation in (
        tokens.issue(_credentials(world, new_value()), 60),
        redeem,
        tokens.find(old, organization_id),
        tokens.find_refresh(old, organization_id),
        tokens.find_access(old, organization_id),
        _rotate(tokens, world, family, old, new),
        tokens.revoke_token(new, organization_id, client_id),
        tokens.revoke_family(family.id, organization_id, family.client_id, "test"),
        tokens.revoke_code(family, "test"),
        tokens.end_session(world.session("uid")),
    ):
        before = pg.round_trips
        await operation
        assert pg.round_trips == before + 1
