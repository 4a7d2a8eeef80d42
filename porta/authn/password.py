"""Sign-in with a password: counted, locked, checked; telling nothing before it was right."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import msgspec

from porta.audit import events
from porta.authn.authenticator import Authenticator, Evidence, LoginFailed
from porta.errors import Unavailable
from porta.limits.address_blocks import address_block
from porta.limits.even_time import wait_for_step
from porta.limits.fair_queue import Asker
from porta.limits.origin import Origin
from porta.protocol.tokens.authentication import Kind
from porta.runtime import Runtime
from porta.security.password_text import MAX_BYTES, is_normal
from porta.security.passwords import is_too_dear
from porta.tenants.tenant import Tenant
from storage.models.users import LoginAttempt, User


@dataclass(frozen=True, slots=True)
class _Attempt:
    runtime: Runtime
    tenant: Tenant
    email: str
    origin: Origin
    known_browser: bool
    counts: bool

    @property
    def asker(self) -> Asker:
        return asker_of(self.tenant, self.origin)

    async def record(self, kind: str, user: User | None, **metadata: Any) -> None:
        await events.record(
            self.runtime.storage,
            kind,
            organization_id=self.tenant.id,
            user_id=user.id if user else None,
            metadata=metadata,
            origin=self.origin,
        )


def asker_of(tenant: Tenant, origin: Origin) -> Asker:
    """Return whose share of the places for hashing a sign-in takes."""
    return Asker(tenant.id, address_block(origin.address))


async def authenticate(
    runtime: Runtime,
    tenant: Tenant,
    email: str,
    password: str,
    origin: Origin,
    *,
    known_browser: bool = False,
    counts: bool = True,
) -> User:
    """Return the active user whose password this is; raises LoginFailed. Nobody is signed in by it.

    An attempt that does not count, the last one of a pair (`rate_limits.Throttled`), locks nothing;
    nor is it compared behind a lock.

    `email` is in its canonical form, or anything at all, which then belongs to nobody. A
    `known_browser` was counted by itself: no guesses of strangers lock it out.

    An unknown address, a wrong password and an account that may not sign in look alike in text
    and in time: the same hashes are computed for each, and the answer waits for the next step of
    `limits/even_time.py`, since the failure of a known account is also dated. The state of
    an account is told only to somebody who knows its password, and did not guess for long.

    Raises Unavailable when there is no room to judge; the attempt then counts for nothing, which
    takes a statement more for a known account, and waits likewise.
    """
    began = time.monotonic()
    attempt = _Attempt(
        runtime, tenant, email, origin, known_browser, counts=counts and not known_browser
    )
    try:
        return await _authenticate(attempt, password)
    except (LoginFailed, Unavailable):
        await wait_for_step(began)
        raise


async def _authenticate(attempt: _Attempt, password: str) -> User:
    runtime, tenant = attempt.runtime, attempt.tenant
    counted = await (_count(attempt) if attempt.counts else _find(attempt))
    # Behind a lock no guess is compared: the right one costs what a wrong one does.
    closed = counted is None or _is_closed(attempt, counted)
    stored = None if counted is None or closed else counted.user.password_hash
    if len(password.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        stored, password = None, ""
    try:
        verdict = await runtime.passwords.verify(stored, password, attempt.asker)
    except Unavailable:
        if counted is not None and attempt.counts:
            await runtime.storage.login_attempts.decrement(counted)
        raise
    if counted is None or not verdict.ok:
        await _refuse(attempt, counted, closed=closed)
        raise LoginFailed("login.error_invalid")
    user = _as_judged(attempt, counted)
    await _check_status(attempt, user)
    if verdict.needs_rehash and (not tenant.config.way_back or is_normal(password)):
        # Porta 1.x, should it come back, compares what was typed with what it was hashed from.
        return await _rehash(attempt, user, password)
    return user


async def _find(attempt: _Attempt) -> LoginAttempt | None:
    user = await attempt.runtime.storage.users.find_by_email(attempt.tenant.id, attempt.email)
    return LoginAttempt(user, locked=False, unlocked=False) if user is not None else None


async def _count(attempt: _Attempt) -> LoginAttempt | None:
    """Count before anything is judged: parallel guesses cannot outrun the lock."""
    config = attempt.tenant.config
    counted: LoginAttempt | None = await attempt.runtime.storage.login_attempts.count(
        attempt.tenant.id,
        attempt.email,
        max_failed=config.max_failed_logins,
        now=attempt.runtime.clock(),
        lock_seconds=config.lockout_duration_seconds,
    )
    if counted is not None and counted.unlocked:
        await attempt.record("user.auto_unlocked", counted.user)
    return counted


def _is_closed(attempt: _Attempt, counted: LoginAttempt) -> bool:
    """Whether there were too many attempts before this one: then the right guess looks wrong.

    An account that is not active is not locked for it, but tells its state no more.
    """
    if attempt.known_browser:
        return False
    limit = attempt.tenant.config.max_failed_logins
    failed = counted.user.failed_login_count + (0 if attempt.counts else 1)
    too_many = 0 < limit < failed
    return counted.locked_out or (too_many and not counted.locked)


def _as_judged(attempt: _Attempt, counted: LoginAttempt) -> User:
    """The last attempt before a lock is still judged as one at an active account, and so is that
    of a browser which the lock is not for.
    """
    if not (counted.locked or (attempt.known_browser and counted.user.auto_locked)):
        return counted.user
    return msgspec.structs.replace(
        counted.user, status="active", locked_at=None, locked_reason=None
    )


async def _check_status(attempt: _Attempt, user: User) -> None:
    """Raise LoginFailed when a right password is not enough. It was no failure of its owner."""
    if user.status == "active":
        return
    if not attempt.known_browser:
        await attempt.runtime.storage.login_attempts.reset(user.id, attempt.tenant.id)
    await attempt.record("user.login.password.failed", user, reason=user.status)
    raise LoginFailed(f"login.error_account_{user.status}")


async def _refuse(attempt: _Attempt, counted: LoginAttempt | None, *, closed: bool) -> None:
    user = counted.user if counted else None
    reason = _reason(user, closed=closed)
    await attempt.record("user.login.password.failed", user, reason=reason)
    if counted is not None:
        await attempt.runtime.storage.login_attempts.record_failed_login(
            counted.user.id, attempt.tenant.id
        )
    if counted is not None and counted.locked:
        failed = counted.user.failed_login_count
        await attempt.record("user.auto_locked", counted.user, failed_count=failed)


def _reason(user: User | None, *, closed: bool) -> str:
    """Return why an attempt failed: for the audit trail and the log, and nobody else."""
    if user is None:
        return "unknown_user"
    if closed:
        return "locked"
    if user.password_hash is None:
        return "no_password"
    return "needs_reset" if is_too_dear(user.password_hash) else "wrong_password"


async def _rehash(attempt: _Attempt, user: User, password: str) -> User:
    """Return the person with the hash that they have then."""
    try:
        fresh = await attempt.runtime.passwords.hash(
            password, attempt.asker, instead_of=user.password_hash
        )
    except Unavailable:
        return user  # The password was right; its hash is renewed another day.
    replaced = await attempt.runtime.storage.user_passwords.replace_hash(
        user.id, attempt.tenant.id, fresh, expected=user.password_hash
    )
    if not replaced:
        return await _reread(attempt, user, password)
    return msgspec.structs.replace(user, password_hash=fresh)


async def _reread(attempt: _Attempt, user: User, password: str) -> User:
    """Return the person with the hash that somebody else has stored meanwhile, if it is of the same
    password. Raises LoginFailed.
    """
    now = await attempt.runtime.storage.users.find_by_id(user.id, attempt.tenant.id)
    stored = now.password_hash if now is not None else None
    verdict = await attempt.runtime.passwords.verify(stored, password, attempt.asker)
    if not verdict.ok:
        raise LoginFailed("login.error_invalid", reason="changed_meanwhile")
    return msgspec.structs.replace(user, password_hash=stored)


async def _verify(evidence: Evidence) -> User:
    return await authenticate(
        evidence.runtime,
        evidence.tenant,
        evidence.email,
        evidence.form.get("password") or "",
        evidence.origin,
        known_browser=evidence.known_browser,
        counts=evidence.counts,
    )


def _check_room(runtime: Runtime, tenant: Tenant, origin: Origin) -> None:
    runtime.passwords.check_room(asker_of(tenant, origin))


AUTHENTICATOR = Authenticator(
    name="password",
    kind=Kind.KNOWLEDGE,
    amr=("pwd",),
    verify=_verify,
    event="user.login.password",
    admit=_check_room,
)
