"""Sessions: a new value at each sign-in, one person each, one organization, and an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlsplit

import msgspec
import pytest
import pytest_asyncio

from porta.browser import binding, sessions
from porta.browser.binding import Browser
from porta.protocol.tokens.authentication import AuthenticationContext
from porta.runtime import Runtime
from porta.tenants import resolve
from porta.tenants.tenant import Tenant
from storage.models.artifact import artifact_id
from storage.models.artifacts import Session
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests.world.runtime import opened
from tests.world.waiting import eventually

ALICE = "00000000-0000-4000-8000-00000000000a"
BOB = "00000000-0000-4000-8000-00000000000b"


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["redis", "postgres"])
async def runtime(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[Runtime]:
    create, template = (request.getfixturevalue(n) for n in ("create_database", "template"))
    url = redis_url if request.param == "redis" else None
    async with opened(create(template), url) as made:
        yield made


@pytest_asyncio.fixture
async def tenant(runtime: Runtime) -> Tenant:
    return await resolve.resolve(runtime, "acme")


async def _sign_in(
    runtime: Runtime,
    tenant: Tenant,
    account: str = ALICE,
    before: Browser | None = None,
    before_commit: sessions.BeforeCommit | None = None,
) -> tuple[Session, Browser]:
    """Sign in, in the browser that was there `before` or in a new one; return what it presents."""
    secret = before.secret if before is not None and before.secret else binding.new_secret()
    session, value = await sessions.sign_in(
        runtime, tenant, account,
        context=AuthenticationContext(("pwd",), "urn:test", int(runtime.clock())),
        browser=artifact_id(secret), before_commit=before_commit,
    )  # fmt: skip
    return session, Browser(secret, value)


async def test_a_session_is_found_by_the_value_of_its_cookie(
    runtime: Runtime, tenant: Tenant
) -> None:
    session, value = await _sign_in(runtime, tenant)
    assert await sessions.find(runtime, tenant, value) == session
    for own in (value.session, value.secret):
        assert str(own) not in repr(session), "which it does not know itself"
    assert session.expires_at - session.created_at == tenant.config.session_ttl


@pytest.mark.parametrize(
    "change", [str.swapcase, lambda v: v[:-1], lambda v: v + "x", lambda v: f" {v}", lambda v: ""]
)
async def test_no_other_value_finds_it(runtime: Runtime, tenant: Tenant, change: object) -> None:
    session, value = await _sign_in(runtime, tenant)
    assert callable(change)
    right = value.session or ""
    for other in (change(right), session.id, session.uid, None, "é" * 43, "\ud800" * 43):
        assert await sessions.find(runtime, tenant, Browser(value.secret, other)) is None


async def test_security_12_it_counts_with_the_secret_of_its_browser_only(
    runtime: Runtime, tenant: Tenant
) -> None:
    session, value = await _sign_in(runtime, tenant)
    _, another = await _sign_in(runtime, tenant, BOB)
    for secret in (None, another.secret, value.session, session.browser, binding.new_secret()):
        assert await sessions.find(runtime, tenant, Browser(secret, value.session)) is None
    unbound = msgspec.structs.replace(session, id=artifact_id("u" * 43), uid="u", browser=None)
    await runtime.storage.artifacts.save(unbound, 600)
    for secret in (None, value.secret):
        assert await sessions.find(runtime, tenant, Browser(secret, "u" * 43)) is None
    assert await sessions.find(runtime, tenant, value) == session


async def test_another_organization_does_not_know_it(runtime: Runtime, tenant: Tenant) -> None:
    other = await resolve.resolve(runtime, "globex")
    session, value = await _sign_in(runtime, tenant)
    assert await sessions.find(runtime, other, value) is None
    assert (await _sign_in(runtime, other, before=value))[0].uid != session.uid
    assert await sessions.find(runtime, tenant, value) == session, "and does it no harm"


async def test_the_same_person_keeps_the_uid_and_gets_a_new_value(
    runtime: Runtime, tenant: Tenant
) -> None:
    first, old = await _sign_in(runtime, tenant)
    second, new = await _sign_in(runtime, tenant, before=old)
    assert (second.uid, second.created_at) == (first.uid, first.created_at)
    assert (new.secret, new.session == old.session) == (old.secret, False)
    assert await sessions.find(runtime, tenant, old) is None
    assert await sessions.find(runtime, tenant, new) == second


async def test_whoever_signs_in_again_has_authenticated_now(
    runtime: Runtime, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, old = await _sign_in(runtime, tenant)
    now = runtime.clock() + 100
    monkeypatch.setattr(runtime, "clock", lambda: now)
    second, value = await _sign_in(runtime, tenant, before=old)
    assert second.uid == first.uid
    assert second.authenticated_at >= first.authenticated_at + 100
    assert second.expires_at == second.authenticated_at + tenant.config.session_ttl
    assert await sessions.find(runtime, tenant, value) == second


async def test_another_person_ends_the_session_before(runtime: Runtime, tenant: Tenant) -> None:
    first, old = await _sign_in(runtime, tenant)
    second, new = await _sign_in(runtime, tenant, BOB, before=old)
    assert second.uid != first.uid
    assert await sessions.find(runtime, tenant, old) is None
    assert await sessions.find(runtime, tenant, new) == second


async def test_a_session_that_is_over_gives_its_uid_to_nobody(
    runtime: Runtime, tenant: Tenant
) -> None:
    first, value = await _sign_in(runtime, tenant)
    await sessions.sign_out(runtime, first)
    assert await sessions.find(runtime, tenant, value) is None
    second, _ = await _sign_in(runtime, tenant, before=value)
    assert second.uid != first.uid


async def test_a_session_of_before_a_suspension_gives_its_uid_to_nobody(
    runtime: Runtime, tenant: Tenant
) -> None:
    """What hung on it was ended for good (J.7): it must not come back with the next sign-in."""
    before, browser = await _sign_in(runtime, tenant)
    since = msgspec.structs.replace(tenant.organization, era=tenant.organization.era + 1)
    later = replace(tenant, organization=since)
    after, again = await _sign_in(runtime, later, before=browser)
    assert after.uid != before.uid
    assert await sessions.find(runtime, later, again) == after
    assert await sessions.find_by_uid(runtime, tenant, before.uid) is None


async def _living(runtime: Runtime, tenant: Tenant, *values: Browser) -> list[Session]:
    found = [await sessions.find(runtime, tenant, value) for value in values]
    return [session for session in found if session is not None]


async def test_of_sign_ins_side_by_side_one_session_is_left(
    runtime: Runtime, tenant: Tenant
) -> None:
    first, old = await _sign_in(runtime, tenant)
    made = await asyncio.gather(*(_sign_in(runtime, tenant, ALICE, old) for _ in range(4)))
    assert {session.uid for session, _ in made} == {first.uid}
    values = [old, *(value for _, value in made)]
    (left,) = await _living(runtime, tenant, *values)
    await sessions.sign_out(runtime, left)
    assert await _living(runtime, tenant, *values) == []


async def test_of_two_people_side_by_side_neither_gets_what_was_the_others(
    runtime: Runtime, tenant: Tenant
) -> None:
    first, old = await _sign_in(runtime, tenant)
    made = await asyncio.gather(
        *(_sign_in(runtime, tenant, account, old) for account in (ALICE, BOB, ALICE))
    )
    left = await _living(runtime, tenant, old, *(value for _, value in made))
    uids = [session.uid for session in left]
    assert first.uid not in uids, "that one ended when another person came"
    assert len(uids) == 1


async def test_a_logout_beside_a_sign_in_leaves_nothing_that_hangs_on_the_uid(
    runtime: Runtime, tenant: Tenant, pg: Postgres
) -> None:
    """The logout comes after the sign-in has read the session, and before it writes."""
    first, old = await _sign_in(runtime, tenant)
    logout: list[asyncio.Task[None]] = []

    async def log_out(_: Storage, uid: str) -> None:
        assert uid == first.uid
        logout.append(asyncio.create_task(sessions.sign_out(runtime, first)))
        await eventually(waits)

    async def waits() -> bool:
        row = await pg.fetchrow(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = %(name)s AND wait_event_type = 'Lock'",
            {"name": urlsplit(runtime.settings.database_url).path[1:]},
        )
        return row is not None and row[0] > 0

    session, new = await _sign_in(runtime, tenant, ALICE, old, log_out)
    await logout[0]
    assert session.uid == first.uid
    assert await _living(runtime, tenant, old, new) == []


@pytest.mark.parametrize("second", [ALICE, BOB])
async def test_security_10_the_sign_ins_of_one_browser_wait_for_each_other(
    runtime: Runtime, tenant: Tenant, pg: Postgres, second: str
) -> None:
    """None of them had a session to hold on to: the first has not written its own yet."""
    secret, late = Browser(binding.new_secret()), []

    async def sign_in_beside(_: Storage, uid: str) -> None:
        late.append(asyncio.create_task(_sign_in(runtime, tenant, second, secret)))
        await eventually(waits)

    async def waits() -> bool:
        row = await pg.fetchrow(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = %(name)s AND wait_event = 'advisory'",
            {"name": urlsplit(runtime.settings.database_url).path[1:]},
        )
        return row is not None and row[0] > 0

    first, value = await _sign_in(runtime, tenant, ALICE, secret, sign_in_beside)
    after, newer = await late[0]
    assert await _living(runtime, tenant, value, newer) == [after]
    assert (after.uid == first.uid) == (second == ALICE)


async def test_what_could_not_be_reserved_leaves_everything_as_it_was(
    runtime: Runtime, tenant: Tenant
) -> None:
    first, value = await _sign_in(runtime, tenant)
    reserved: list[str] = []

    async def refuse(_: Storage, uid: str) -> None:
        reserved.append(uid)
        raise LookupError

    for account in (ALICE, BOB):
        with pytest.raises(LookupError):
            await _sign_in(runtime, tenant, account, value, refuse)
    assert reserved[0] == first.uid
    assert reserved[1] != first.uid
    assert await sessions.find(runtime, tenant, value) == first
