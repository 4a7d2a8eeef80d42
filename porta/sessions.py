"""The browser session: sign in, find, sign out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from porta.runtime import Runtime
from porta.security import opaque
from porta.tenancy import era_of
from porta.tenant import Tenant
from storage.models.artifacts import Session, artifact_id
from storage.router import Storage

Reserve = Callable[[Storage, str], Awaitable[object]]
"""Called with the transaction of a sign-in, and the uid that its session will have."""


async def find(runtime: Runtime, tenant: Tenant, value: str | None) -> Session | None:
    """Return the living session that a cookie's `value` stands for at this organization."""
    if value is None or not opaque.well_formed(value):
        return None
    return _current(tenant, await runtime.storage.artifacts.find(Session, value, tenant.id))


async def find_by_uid(runtime: Runtime, tenant: Tenant, uid: str) -> Session | None:
    """Return the living session of this `uid` at this organization."""
    return _current(tenant, await runtime.storage.artifacts.find_by(Session, tenant.id, uid=uid))


def _current(tenant: Tenant, session: Session | None) -> Session | None:
    """A session that began before the organization was last suspended is none."""
    return session if session is not None and session.era == era_of(tenant) else None


async def sign_in(
    runtime: Runtime,
    tenant: Tenant,
    account_id: str,
    *,
    amr: tuple[str, ...],
    acr: str,
    previous: str | None,
    reserve: Reserve | None = None,
) -> tuple[Session, str]:
    """Open a session and return it with the value of its cookie.

    `previous` is the uid of the session the browser arrived with. The same account keeps that uid,
    and so what hangs on it; another account's session ends, with everything it issued. Either way
    the old cookie is dead: nothing that a browser knew before a sign-in is worth anything after.

    `reserve` is called with the uid before anything changes; what it raises leaves all as it was.
    """
    value, now = opaque.new_value(), int(runtime.clock())
    session = Session(
        id=artifact_id(value),
        organization_id=tenant.id,
        era=era_of(tenant),
        uid=opaque.new_value(),
        account_id=account_id,
        created_at=now,
        authenticated_at=now,
        expires_at=now + tenant.config.session_ttl,
        amr=amr,
        acr=acr,
    )
    async with runtime.storage.transaction() as tx:
        old = await tx.sessions.hold(previous, tenant.id) if previous else None
        if old is not None and old.account_id == account_id:
            session = replace(session, uid=old.uid, created_at=old.created_at)
        if reserve is not None:
            await reserve(tx, session.uid)
        await _put_in_place(tx, old, session, tenant.config.session_ttl)
    return session, value


async def _put_in_place(tx: Storage, old: Session | None, session: Session, ttl: int) -> None:
    if old is not None and old.uid == session.uid:
        await tx.replace_session(old, session, ttl)
        return
    if old is not None:
        await tx.end_session(old)
    await tx.artifacts.save(session, ttl)


async def sign_out(runtime: Runtime, session: Session) -> None:
    """End the session, its grants and every token issued from it, refresh tokens included."""
    await runtime.storage.end_session(session)
