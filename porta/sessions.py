"""The browser session: sign in, find, sign out."""

from __future__ import annotations

from porta.runtime import Runtime
from porta.security import opaque
from porta.tenant import Tenant
from storage.models.artifacts import Session, artifact_id


async def find(runtime: Runtime, tenant: Tenant, value: str | None) -> Session | None:
    """Return the living session that a cookie's `value` stands for at this organization."""
    if value is None or not opaque.well_formed(value):
        return None
    return await runtime.storage.artifacts.find(Session, value, tenant.id)


async def sign_in(
    runtime: Runtime,
    tenant: Tenant,
    account_id: str,
    *,
    amr: tuple[str, ...],
    acr: str,
    previous: str | None,
) -> tuple[Session, str]:
    """Open a session and return it with the value of its cookie.

    `previous` is the uid of the session the browser arrived with. The same account keeps that uid,
    and so what hangs on it; another account's session ends, with everything it issued. Either way
    the old cookie is dead: nothing that a browser knew before a sign-in is worth anything after.
    """
    artifacts = runtime.storage.artifacts
    value, now = opaque.new_value(), int(runtime.clock())
    old = await artifacts.find_by(Session, tenant.id, uid=previous) if previous else None
    same = old is not None and old.account_id == account_id
    session = Session(
        id=artifact_id(value),
        organization_id=tenant.id,
        uid=old.uid if old is not None and same else opaque.new_value(),
        account_id=account_id,
        created_at=old.created_at if old is not None and same else now,
        authenticated_at=now,
        expires_at=now + tenant.config.session_ttl,
        amr=amr,
        acr=acr,
    )
    await artifacts.save(session, tenant.config.session_ttl)
    if old is not None and same:
        await artifacts.delete(old)
    elif old is not None:
        await runtime.storage.end_session(old)
    return session, value


async def sign_out(runtime: Runtime, session: Session) -> None:
    """End the session, its grants and every token issued from it, refresh tokens included."""
    await runtime.storage.end_session(session)
