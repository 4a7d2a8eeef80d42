"""A password: verified at the same cost for everybody, counted, and renewed where it is old."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError

from porta.authn import password
from porta.authn.authenticator import LoginFailed
from porta.errors import Unavailable
from porta.limits import even_time
from porta.limits.origin import Origin
from porta.runtime import Runtime
from porta.security.passwords import DEFAULT, Parameters, Passwords
from porta.tenants import resolve
from porta.tenants.tenant import Tenant
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests import factories
from tests.conftest import SHIPPED_STEP
from tests.world.runtime import opened

RIGHT, WRONG = "a right and rather long password", "a wrong and rather long password"
ORIGIN = Origin("192.0.2.7", "a browser", "request-1")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def runtime(database_url: str) -> AsyncIterator[Runtime]:
    async with opened(database_url, None) as made:
        yield made


@pytest_asyncio.fixture
async def tenant(runtime: Runtime) -> Tenant:
    return await resolve.resolve(runtime, "acme")


@dataclass(slots=True)
class _Clock:
    now: float

    def __call__(self) -> float:
        return self.now


async def _person(runtime: Runtime, tenant: Tenant, **fields: Any) -> User:
    id = str(uuid4())
    user = factories.user(
        id=id,
        organization_id=tenant.id,
        email=f"{id}@acme.test",
        **({"password_hash": await runtime.passwords.hash(RIGHT)} | fields),
    )
    await runtime.storage.everywhere.users.insert(user)
    return user


async def _authenticate(
    runtime: Runtime,
    tenant: Tenant,
    email: str,
    text: str,
    origin: Origin,
    *,
    known_browser: bool = False,
    **how: Any,
) -> User:
    """Show a password, and be signed in: nothing else is asked for."""
    user = await password.authenticate(
        runtime, tenant, email, text, origin, known_browser=known_browser, **how
    )
    attempts = runtime.storage.everywhere.login_attempts
    assert await attempts.record_login(user, known_browser=known_browser)
    return user


async def _message(runtime: Runtime, tenant: Tenant, email: str, text: str) -> str:
    with pytest.raises(LoginFailed) as caught:
        await _authenticate(runtime, tenant, email, text, ORIGIN)
    return caught.value.message


async def test_the_right_password_is_counted_and_recorded(
    runtime: Runtime, tenant: Tenant, pg: Postgres
) -> None:
    user = await _person(runtime, tenant)
    await _message(runtime, tenant, user.email, WRONG)
    found = await _authenticate(runtime, tenant, user.email, RIGHT, ORIGIN)
    assert found.id == user.id
    row = await pg.fetchrow(
        "SELECT login_count, failed_login_count, last_login_at IS NOT NULL FROM users"
        " WHERE id = %(id)s",
        {"id": user.id},
    )
    assert row == (1, 0, True)
    events = await pg.fetch(
        "SELECT event_type, host(ip_address) FROM audit_log WHERE user_id = %(id)s"
        " ORDER BY sequence",
        {"id": user.id},
    )
    assert events == [("user.login.password.failed", "192.0.2.7")]


async def test_no_failure_is_answered_before_its_step(
    runtime: Runtime, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is done for an unknown, a known and a 1.x account takes different times."""
    monkeypatch.setattr(even_time, "STEP", 0.4)
    dear = Passwords(Parameters(memory_kib=65_536, passes=3))
    old = await _person(runtime, tenant, password_hash=await dear.hash(RIGHT))
    dear.close()
    known = await _person(runtime, tenant)
    for email, text in (("nobody@acme.test", WRONG), (known.email, WRONG), (old.email, WRONG),
                        (known.email, "x" * 2000)):  # fmt: skip
        began = time.monotonic()
        await _message(runtime, tenant, email, text)
        assert time.monotonic() - began >= 0.4
    monkeypatch.setattr(even_time, "STEP", 60)
    began = time.monotonic()
    await _authenticate(runtime, tenant, known.email, RIGHT, ORIGIN)
    assert time.monotonic() - began < 60, "who knows the password need not wait"


async def test_the_step_that_is_shipped_covers_every_failure(
    runtime: Runtime, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere it is too short to be seen."""
    step = SHIPPED_STEP
    assert step >= 0.2, "the work of a failure, on a machine of today, is well below it"
    monkeypatch.setattr(even_time, "STEP", step)
    known = await _person(runtime, tenant)
    for email in ("nobody@acme.test", known.email):
        began = time.monotonic()
        await _message(runtime, tenant, email, WRONG)
        assert time.monotonic() - began >= step


async def test_a_full_pool_tells_nothing_by_its_time_either(
    runtime: Runtime, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(even_time, "STEP", 0.4)
    known, full = await _person(runtime, tenant), Passwords(workers=1, queue=-1)
    monkeypatch.setattr(runtime, "passwords", full)
    for email in (known.email, "nobody@acme.test"):
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await _authenticate(runtime, tenant, email, RIGHT, ORIGIN)
        assert time.monotonic() - began >= 0.4
    full.close()


async def test_a_neighbours_person_is_nobody(runtime: Runtime, tenant: Tenant) -> None:
    globex = await resolve.resolve(runtime, "globex")
    user = await _person(runtime, tenant)
    assert await _message(runtime, globex, user.email, RIGHT) == "login.error_invalid"


@pytest.mark.parametrize("status", ["inactive", "suspended", "locked"])
async def test_the_state_is_told_after_the_password(
    runtime: Runtime, tenant: Tenant, status: str
) -> None:
    user = await _person(runtime, tenant, status=status)
    assert await _message(runtime, tenant, user.email, WRONG) == "login.error_invalid"
    assert await _message(runtime, tenant, user.email, RIGHT) == f"login.error_account_{status}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        RIGHT[:-1],
        RIGHT + " ",
        RIGHT.upper(),
        "x" * 1025,
        "é" * 600,
        RIGHT + "\x00",
        RIGHT + "\ud800",
    ],
)
async def test_anything_else_is_wrong(runtime: Runtime, tenant: Tenant, text: str) -> None:
    user = await _person(runtime, tenant)
    assert await _message(runtime, tenant, user.email, text) == "login.error_invalid"


async def test_whoever_is_asked_for_a_hash_is_computed(
    runtime: Runtime, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str | None] = []
    compare = Passwords._compare

    def watched(self: Passwords, stored: str | None, *more: Any) -> Any:
        hashed.append(stored)
        return compare(self, stored, *more)

    monkeypatch.setattr(Passwords, "_compare", watched)
    people = [
        (await _person(runtime, tenant)).email,
        (await _person(runtime, tenant, status="locked")).email,
        (await _person(runtime, tenant, status="inactive")).email,
        (await _person(runtime, tenant, password_hash=None)).email,
        (await _person(runtime, tenant, password_hash="$2b$12$not-ours")).email,
        "nobody@acme.test",
        "no address",
    ]
    for email in people:
        for text in (WRONG, "", "x" * 2000):
            hashed.clear()
            await _message(runtime, tenant, email, text)
            assert len(hashed) == 1, (email, len(text))


OF_1X, TODAY = Parameters(65_536, 3, 4), DEFAULT


@pytest.fixture
def paid(monkeypatch: pytest.MonkeyPatch) -> list[Parameters]:
    """Return the costs of the hashes that are computed, whether compared or in vain."""
    costs: list[Parameters] = []
    hash, verify = PasswordHasher.hash, PasswordHasher.verify

    def hashed(self: PasswordHasher, *args: Any, **kwargs: Any) -> str:
        costs.append(Parameters(self.memory_cost, self.time_cost, self.parallelism))
        return hash(self, *args, **kwargs)

    def verified(self: PasswordHasher, stored: str | bytes, *args: Any) -> bool:
        asked = extract_parameters(str(stored))
        cost = Parameters(asked.memory_cost, asked.time_cost, asked.parallelism)
        try:
            right = verify(self, stored, *args)
        except VerifyMismatchError:
            costs.append(cost)
            raise
        costs.append(cost)
        return right

    monkeypatch.setattr(PasswordHasher, "hash", hashed)
    monkeypatch.setattr(PasswordHasher, "verify", verified)
    return costs


@pytest.fixture
def hasher(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Passwords]:
    """Return the hasher of a runtime that has met nobody yet."""
    fresh = Passwords(TODAY)
    monkeypatch.setattr(runtime, "passwords", fresh)
    yield fresh
    fresh.close()


async def test_a_failure_costs_the_same_whoever_is_asked_for(
    runtime: Runtime, tenant: Tenant, hasher: Passwords, paid: list[Parameters]
) -> None:
    """Requirement F.4: dearer hashes of Porta 1.x, guessed at in parallel, tell who has one."""
    strict = _strict(tenant, max_failed_logins=1)
    old = _hash_of_1x()
    known, of_1x = await _person(runtime, tenant), await _person(runtime, tenant, password_hash=old)
    closed = await _person(runtime, tenant, password_hash=old)
    await _message(runtime, strict, closed.email, WRONG)
    cases = {
        "nobody": ("nobody@acme.test", RIGHT),
        "of today": (known.email, WRONG),
        "of 1.x": (of_1x.email, WRONG),
        "of 1.x, locked, right": (closed.email, RIGHT),
        "without a hash": ((await _person(runtime, tenant, password_hash=None)).email, WRONG),
        "no hash of ours": (
            (await _person(runtime, tenant, password_hash="$2b$12$not-ours")).email, WRONG
        ),
        "refused by argon2": (
            (await _person(runtime, tenant, password_hash=old[:31] + "$")).email, WRONG
        ),
        "huge": (of_1x.email, "x" * 2000),
    }  # fmt: skip
    for name, (email, text) in cases.items():
        paid.clear()
        await _message(runtime, tenant, email, text)
        assert sorted(paid) == sorted([TODAY, OF_1X]), name
    paid.clear()
    await _authenticate(runtime, tenant, known.email, RIGHT, ORIGIN)
    assert paid == [TODAY], "who knows the password pays for no other"


async def test_where_nothing_older_is_stored_a_failure_costs_one_hash(
    runtime: Runtime, tenant: Tenant, hasher: Passwords, paid: list[Parameters]
) -> None:
    known = await _person(runtime, tenant)
    for email in (known.email, "nobody@acme.test"):
        paid.clear()
        await _message(runtime, tenant, email, WRONG)
        assert paid == [TODAY]


def _hash_of_1x() -> str:
    return PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4).hash(RIGHT)


async def test_security_8_one_dear_row_makes_nobody_elses_failure_dearer(
    runtime: Runtime, tenant: Tenant, hasher: Passwords, paid: list[Parameters], pg: Postgres
) -> None:
    """Neither one beyond our bounds, which counts as wrong, nor a neighbour's within them."""
    globex = await resolve.resolve(runtime, "globex")
    for cost in ("m=262144,t=4,p=1", "m=65537,t=1,p=1", "m=64,t=5,p=1", "m=1048576,t=16,p=16"):
        stored = f"$argon2id$v=19${cost}$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"
        dear = await _person(runtime, tenant, password_hash=stored)
        for email in (dear.email, "nobody@acme.test"):
            paid.clear()
            assert await _message(runtime, tenant, email, RIGHT) == "login.error_invalid"
            assert paid == [TODAY]
        rows = await pg.fetch(
            "SELECT metadata->>'reason' FROM audit_log WHERE user_id = %(id)s", {"id": dear.id}
        )
        assert rows == [("needs_reset",)]
    of_1x = await _person(runtime, globex, password_hash=_hash_of_1x())
    await _message(runtime, globex, of_1x.email, WRONG)
    for at, expected in ((globex, [TODAY, OF_1X]), (tenant, [TODAY])):
        paid.clear()
        await _message(runtime, at, "nobody@acme.test", WRONG)
        assert paid == expected


@pytest.mark.parametrize("stored_raw", [True, False], ids=["hashed as typed", "normalised"])
async def test_K7_a_password_of_another_machine_signs_in_and_is_renewed(
    runtime: Runtime, tenant: Tenant, stored_raw: bool
) -> None:
    decomposed = "a sturdy bru\u0308cke over the river"
    composed = "a sturdy br\u00fccke over the river"
    stored = (
        PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4).hash(decomposed)
        if stored_raw
        else await runtime.passwords.hash(composed)
    )
    user = await _person(runtime, tenant, password_hash=stored)
    for typed in (decomposed, composed, decomposed):
        found = await _authenticate(runtime, tenant, user.email, typed, ORIGIN)
        assert found.id == user.id
    after = await _stored(runtime, user)
    assert (after.password_hash != stored) == stored_raw
    assert (after.password_hash or "").split("$")[3] == stored.split("$")[3], "never a cheaper one"
    assert after.failed_login_count == 0


async def test_the_reason_of_a_failure_is_told_to_the_audit_trail_alone(
    runtime: Runtime, tenant: Tenant, pg: Postgres
) -> None:
    strict = _strict(tenant, max_failed_logins=1)
    locked = await _person(runtime, tenant)
    cases = {
        "wrong_password": (await _person(runtime, tenant)).email,
        "no_password": (await _person(runtime, tenant, password_hash=None)).email,
        "locked": locked.email,
        "unknown_user": "nobody@acme.test",
    }
    await _message(runtime, strict, locked.email, WRONG)
    for reason, email in cases.items():
        origin = replace(ORIGIN, request_id=str(uuid4()))
        with pytest.raises(LoginFailed):
            await _authenticate(runtime, tenant, email, WRONG, origin)
        rows = await pg.fetch(
            "SELECT metadata->>'reason' FROM audit_log WHERE request_id = %(id)s",
            {"id": origin.request_id},
        )
        assert rows == [(reason,)]


async def test_an_old_hash_is_renewed_once_and_never_over_a_newer_one(
    runtime: Runtime, tenant: Tenant, pg: Postgres
) -> None:
    cheap = Passwords(Parameters(4096, 1, 1))
    old = await cheap.hash(RIGHT)
    cheap.close()
    user = await _person(runtime, tenant, password_hash=old)
    await asyncio.gather(
        *(_authenticate(runtime, tenant, user.email, RIGHT, ORIGIN) for _ in range(4))
    )
    found = await runtime.storage.everywhere.users.find_by_id(user.id, tenant.id)
    assert found is not None
    assert found.password_hash not in (old, None)
    assert (await runtime.passwords.verify(found.password_hash, RIGHT)) == (True, False)


async def test_a_lock_ends_by_the_clock(
    runtime: Runtime, tenant: Tenant, pg: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await _person(runtime, tenant, status="locked")
    await pg.execute(
        "UPDATE users SET locked_at = now(), locked_reason = 'auto_lockout',"
        " failed_login_count = 100 WHERE id = %(id)s",
        {"id": user.id},
    )
    clock, due = runtime.clock, tenant.config.lockout_duration_seconds
    monkeypatch.setattr(runtime, "clock", lambda: clock() + due - 5)
    assert await _message(runtime, tenant, user.email, RIGHT) == "login.error_invalid", (
        "a lock that guessing brought about does not tell which guess was right"
    )
    monkeypatch.setattr(runtime, "clock", lambda: clock() + due + 5)
    await _authenticate(runtime, tenant, user.email, RIGHT, ORIGIN)
    found = await _stored(runtime, user)
    assert (found.status, found.failed_login_count) == ("active", 0)


async def test_security_2_the_end_of_a_lock_is_worth_one_guess_and_each_waits_longer(
    runtime: Runtime, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requirement F.7: failures are counted over the end of a lock, which lasts an hour at most."""
    user, clock = await _person(runtime, tenant), _Clock(runtime.clock())
    strict = _strict(tenant, max_failed_logins=2, lockout_duration_seconds=900)
    monkeypatch.setattr(runtime, "clock", clock)
    for _ in range(2):
        await _message(runtime, strict, user.email, WRONG)
    for seconds in (900, 1800, 3600, 3600, 3600):
        clock.now += seconds - 5
        assert await _message(runtime, strict, user.email, RIGHT) == "login.error_invalid"
        clock.now += 5
        for text in (WRONG, RIGHT):
            assert await _message(runtime, strict, user.email, text) == "login.error_invalid"
        assert (await _stored(runtime, user)).auto_locked
    clock.now += 3600
    await _authenticate(runtime, strict, user.email, RIGHT, ORIGIN)
    assert (await _stored(runtime, user)).failed_login_count == 0


async def test_security_2_a_known_browser_is_not_locked_out_by_strangers(
    runtime: Runtime, tenant: Tenant, pg: Postgres
) -> None:
    user, strict = await _person(runtime, tenant), _strict(tenant, max_failed_logins=3)
    for _ in range(5):
        await _message(runtime, strict, user.email, WRONG)
    locked = await _stored(runtime, user)
    assert locked.auto_locked
    found = await _authenticate(runtime, strict, user.email, RIGHT, ORIGIN, known_browser=True)
    assert (found.id, found.status) == (user.id, "active")
    assert await _stored(runtime, user) == locked, "it buys the strangers nothing"
    assert await _message(runtime, strict, user.email, RIGHT) == "login.error_invalid"
    with pytest.raises(LoginFailed) as caught:
        await _authenticate(runtime, strict, user.email, WRONG, ORIGIN, known_browser=True)
    assert caught.value.message == "login.error_invalid"
    assert (await _told(pg, user))[-3:] == ["password.failed"] * 3


@pytest.mark.parametrize("status", ["inactive", "suspended", "locked"])
async def test_security_2_a_known_browser_opens_nothing_that_is_closed_by_hand(
    runtime: Runtime, tenant: Tenant, status: str
) -> None:
    user = await _person(runtime, tenant, status=status)
    for text, message in ((WRONG, "login.error_invalid"), (RIGHT, f"login.error_account_{status}")):
        with pytest.raises(LoginFailed) as caught:
            await _authenticate(runtime, tenant, user.email, text, ORIGIN, known_browser=True)
        assert caught.value.message == message
    assert (await _stored(runtime, user)).status == status


async def test_security_2_a_full_pool_gives_a_known_browser_nothing_back_of_the_strangers(
    runtime: Runtime, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, full = await _person(runtime, tenant), Passwords(workers=1, queue=-1)
    await _message(runtime, tenant, user.email, WRONG)
    monkeypatch.setattr(runtime, "passwords", full)
    with pytest.raises(Unavailable):
        await _authenticate(runtime, tenant, user.email, RIGHT, ORIGIN, known_browser=True)
    full.close()
    assert (await _stored(runtime, user)).failed_login_count == 1


async def test_of_parallel_guesses_at_the_end_of_a_lock_one_is_judged(
    runtime: Runtime, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, asked, clock = await _person(runtime, tenant), [], runtime.clock
    strict = _strict(tenant, max_failed_logins=2)
    for _ in range(2):
        await _message(runtime, strict, user.email, WRONG)
    compare = Passwords._compare

    def watched(self: Passwords, stored: str | None, *more: Any) -> Any:
        asked.append(stored)
        return compare(self, stored, *more)

    monkeypatch.setattr(Passwords, "_compare", watched)
    monkeypatch.setattr(runtime, "clock", lambda: clock() + 905)
    await asyncio.gather(*(_message(runtime, strict, user.email, WRONG) for _ in range(9)))
    assert [each for each in asked if each is not None] == [user.password_hash]
    assert len(asked) == 9, "the others cost as much and compare nothing"
    assert (await _stored(runtime, user)).failed_login_count == 3


def _strict(tenant: Tenant, **config: int) -> Tenant:
    return replace(tenant, config=msgspec.structs.replace(tenant.config, **config))


async def _told(pg: Postgres, user: User) -> list[str]:
    """Return the events of a person, oldest first."""
    rows = await pg.fetch(
        "SELECT event_type FROM audit_log WHERE user_id = %(id)s ORDER BY sequence",
        {"id": user.id},
    )
    return [row[0].removeprefix("user.").removeprefix("login.") for row in rows]


async def _stored(runtime: Runtime, user: User) -> User:
    found: User | None = await runtime.storage.everywhere.users.find_by_id(
        user.id, user.organization_id
    )
    assert found is not None
    return found


async def test_the_attempt_that_reaches_the_limit_is_judged(
    runtime: Runtime, tenant: Tenant, pg: Postgres
) -> None:
    user, strict = await _person(runtime, tenant), _strict(tenant, max_failed_logins=3)
    for _ in range(2):
        await _message(runtime, strict, user.email, WRONG)
    found = await _authenticate(runtime, strict, user.email, RIGHT, ORIGIN)
    assert found.status == "active"
    after = await _stored(runtime, user)
    assert (after.status, after.locked_at, after.failed_login_count) == ("active", None, 0)
    assert await _told(pg, user) == ["password.failed", "password.failed"]


async def test_what_follows_the_limit_is_refused_without_telling(
    runtime: Runtime, tenant: Tenant, pg: Postgres
) -> None:
    user, strict = await _person(runtime, tenant), _strict(tenant, max_failed_logins=3)
    for text in (WRONG, WRONG, WRONG, RIGHT, WRONG):
        assert await _message(runtime, strict, user.email, text) == "login.error_invalid"
    after = await _stored(runtime, user)
    assert (after.auto_locked, after.failed_login_count) == (True, 3), "two were not judged"
    failed = "password.failed"
    assert await _told(pg, user) == [failed, failed, failed, "auto_locked", failed, failed]


@pytest.mark.parametrize("status", ["inactive", "suspended", "locked"])
async def test_a_state_is_guessed_at_as_rarely_as_a_password(
    runtime: Runtime, tenant: Tenant, pg: Postgres, status: str
) -> None:
    user = await _person(runtime, tenant, status=status)
    strict = _strict(tenant, max_failed_logins=3)
    state = f"login.error_account_{status}"
    for text, message in (
        (WRONG, "login.error_invalid"), (RIGHT, state),
        (WRONG, "login.error_invalid"), (WRONG, "login.error_invalid"), (RIGHT, state),
        *[(WRONG, "login.error_invalid")] * 3, (RIGHT, "login.error_invalid"),
    ):  # fmt: skip
        assert await _message(runtime, strict, user.email, text) == message
    assert (await _stored(runtime, user)).status == status
    assert set(await _told(pg, user)) == {"password.failed"}
    lax = _strict(tenant, max_failed_logins=0)
    assert await _message(runtime, lax, user.email, RIGHT) == state


@pytest.mark.parametrize("limit", [1, 2, 0])
async def test_an_attempt_that_nobody_could_judge_is_taken_back(
    runtime: Runtime, tenant: Tenant, pg: Postgres, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """Whoever fills the pool locks nobody out."""
    user, strict = await _person(runtime, tenant), _strict(tenant, max_failed_logins=limit)
    right, full = runtime.passwords, Passwords(workers=1, queue=-1)
    monkeypatch.setattr(runtime, "passwords", full)
    for email in (user.email, user.email, user.email, "nobody@acme.test"):
        with pytest.raises(Unavailable):
            await _authenticate(runtime, strict, email, RIGHT, ORIGIN)
    full.close()
    after = await _stored(runtime, user)
    assert (after.status, after.locked_at, after.locked_reason) == ("active", None, None)
    assert after.failed_login_count == 0
    assert await _told(pg, user) == []
    monkeypatch.setattr(runtime, "passwords", right)
    await _authenticate(runtime, strict, user.email, RIGHT, ORIGIN)


async def test_a_full_pool_ends_no_lock_and_forgives_no_failure(
    runtime: Runtime, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, strict = await _person(runtime, tenant), _strict(tenant, max_failed_logins=2)
    for _ in range(2):
        await _message(runtime, strict, user.email, WRONG)
    locked = await _stored(runtime, user)
    full = Passwords(workers=1, queue=-1)
    monkeypatch.setattr(runtime, "passwords", full)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await _authenticate(runtime, strict, user.email, RIGHT, ORIGIN)
    full.close()
    assert await _stored(runtime, user) == locked
    assert (locked.auto_locked, locked.failed_login_count) == (True, 2)


async def test_a_right_password_needs_no_room_for_a_newer_hash(
    runtime: Runtime, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    cheap = Passwords(Parameters(4096, 1, 1))
    old = await cheap.hash(RIGHT)
    cheap.close()
    user = await _person(runtime, tenant, password_hash=old)

    async def no_room(self: Passwords, *_: Any, **__: Any) -> str:
        raise Unavailable("full", retry_after=1)

    monkeypatch.setattr(Passwords, "hash", no_room)
    await _authenticate(runtime, tenant, user.email, RIGHT, ORIGIN)
    after = await _stored(runtime, user)
    assert (after.password_hash, after.failed_login_count) == (old, 0), "it is renewed another day"


async def test_the_end_of_a_lock_is_told_once(
    runtime: Runtime, tenant: Tenant, pg: Postgres
) -> None:
    user = await _person(runtime, tenant)
    await _message(runtime, _strict(tenant, max_failed_logins=1), user.email, WRONG)
    over = _strict(tenant, lockout_duration_seconds=0)
    await asyncio.gather(*(_message(runtime, over, user.email, WRONG) for _ in range(5)))
    assert (await _told(pg, user)).count("auto_unlocked") == 1
    assert (await _stored(runtime, user)).failed_login_count == 6


async def test_only_a_failure_is_dated(runtime: Runtime, tenant: Tenant, pg: Postgres) -> None:
    user = await _person(runtime, tenant)
    dated = "SELECT last_failed_login_at IS NOT NULL FROM users WHERE id = %(id)s"
    await _authenticate(runtime, tenant, user.email, RIGHT, ORIGIN)
    assert await pg.fetchrow(dated, {"id": user.id}) == (False,)
    await _message(runtime, tenant, user.email, WRONG)
    assert await pg.fetchrow(dated, {"id": user.id}) == (True,)


async def test_a_password_takes_two_statements(runtime: Runtime, tenant: Tenant) -> None:
    user = await _person(runtime, tenant)
    before = runtime.storage.round_trips
    await _authenticate(runtime, tenant, user.email, RIGHT, ORIGIN)
    assert runtime.storage.round_trips.postgres == before.postgres + 2
