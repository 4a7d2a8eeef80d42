"""Sign-in with a password: checked, counted, locked; telling nothing before it was right."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from porta import events
from porta.errors import PortaError
from porta.origin import Origin
from porta.runtime import Runtime
from porta.tenant import Tenant
from storage.models.users import User

FAILURE_STEP = 0.25
"""Seconds. A failure is answered at a whole number of these after it began."""
_MAX_PASSWORD = 1024  # bytes; longer ones are refused before hashing


class LoginFailed(PortaError):
    """A sign-in that did not succeed; `message` is the key of a text in the catalogs."""

    status = 200
    code = "login_failed"


@dataclass(frozen=True, slots=True)
class _Attempt:
    runtime: Runtime
    tenant: Tenant
    email: str
    origin: Origin

    async def record(self, kind: str, user: User | None, **metadata: Any) -> None:
        event = events.event(
            kind,
            organization_id=self.tenant.id,
            user_id=user.id if user else None,
            metadata=metadata,
            origin=self.origin,
        )
        await events.record(self.runtime.storage, event)


async def authenticate(
    runtime: Runtime, tenant: Tenant, email: str, password: str, origin: Origin
) -> User:
    """Return the active user whose password this is; raises LoginFailed.

    `email` is in its canonical form, or anything at all, which then belongs to nobody.

    An unknown address, a wrong password and an account that may not sign in look alike in text
    and in time: a hash is computed for each, and the answer waits for the next FAILURE_STEP, since
    hashes of Porta 1.x are dearer and a known account is also counted. The state of an account is
    told only to somebody who knows its password.
    """
    began = time.monotonic()
    try:
        return await _authenticate(runtime, tenant, email, password, origin)
    except LoginFailed:
        await asyncio.sleep((began - time.monotonic()) % FAILURE_STEP)
        raise


async def _authenticate(
    runtime: Runtime, tenant: Tenant, email: str, password: str, origin: Origin
) -> User:
    attempt = _Attempt(runtime, tenant, email, origin)
    user = await runtime.storage.users.find_by_email(tenant.id, attempt.email)
    user = await _unlock_when_due(attempt, user)
    stored = user.password_hash if user is not None else None
    if len(password.encode("utf-8", "surrogatepass")) > _MAX_PASSWORD:
        stored, password = None, ""
    verdict = await runtime.passwords.verify(stored, password)
    # Guessing goes unanswered while it keeps an account locked: the right guess looks wrong.
    if user is None or not verdict.ok or user.auto_locked:
        await _refuse(attempt, user)
        raise LoginFailed("login.error_invalid")
    if user.status != "active":
        await attempt.record("user.login.password.failed", user, reason=user.status)
        raise LoginFailed(f"login.error_account_{user.status}")
    if _needs_second_factor(tenant, user):
        await attempt.record("user.login.password.failed", user, reason="second_factor")
        raise LoginFailed("login.error_second_factor")
    if verdict.needs_rehash:
        await _rehash(attempt, user, password)
    await runtime.storage.users.record_login(user.id, tenant.id)
    await attempt.record("user.login.password", user)
    return user


def _needs_second_factor(tenant: Tenant, user: User) -> bool:
    """Whether a password alone is not enough. Asking for more is not built yet, so we refuse:
    a database of Porta 1.x must not lose its second factors by being taken over.
    """
    return user.two_factor_enabled or tenant.organization.two_factor_policy != "optional"


async def _unlock_when_due(attempt: _Attempt, user: User | None) -> User | None:
    if user is None or not user.auto_locked:
        return user
    due = (user.locked_at or 0) + attempt.tenant.config.lockout_duration_seconds
    if attempt.runtime.clock() < due:
        return user
    unlocked: User | None = await attempt.runtime.storage.users.unlock(user.id, attempt.tenant.id)
    await attempt.record("user.auto_unlocked", user)
    return unlocked


async def _refuse(attempt: _Attempt, user: User | None) -> None:
    """Count the failure of a known account; the last one it may have locks it."""
    await attempt.record("user.login.password.failed", user)
    if user is None or user.status != "active":
        return
    failed = await attempt.runtime.storage.users.record_failed_login(
        user.id, attempt.tenant.id, attempt.tenant.config.max_failed_logins
    )
    if failed is not None and failed.status == "locked":
        await attempt.record("user.auto_locked", failed, failed_count=failed.failed_login_count)


async def _rehash(attempt: _Attempt, user: User, password: str) -> None:
    fresh = await attempt.runtime.passwords.hash(password)
    await attempt.runtime.storage.users.set_password_hash(
        user.id, attempt.tenant.id, fresh, expected=user.password_hash
    )
