"""Browser session: sign in, find, sign out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from porta.browser.binding import Browser
from porta.limits.origin import Origin
from porta.protocol.tokens.authentication import AuthenticationContext
from porta.runtime import Runtime
from porta.security import opaque
from porta.tenants.resolve import era_of, find_client
from porta.tenants.tenant import Tenant
from storage.models.artifact import artifact_id
from storage.models.artifacts import Session
from storage.models.clients import Client
from storage.router import Storage

_LONGEST_AGENT = 256
First = Callable[[Storage], Awaitable[object]]
"""Called with the transaction of a sign-in while it holds nothing yet."""
BeforeCommit = Callable[[Storage, str], Awaitable[object]]
"""Called with the transaction of a sign-in, and the uid that its session will have."""


async def find(runtime: Runtime, tenant: Tenant, browser: Browser) -> Session | None:
    """Return the living session that the browser presents at this organization.

    It counts together with the secret of its browser only: whoever plants a session in somebody
    else's browser, so that they act in the wrong account, cannot plant that (security 12).
    """
    value = browser.session
    if value is None or browser.secret is None or not opaque.well_formed(value):
        return None
    session = _current(tenant, await runtime.storage.artifacts.find(Session, value, tenant.id))
    return session if session is not None and session.browser == browser.digest else None


async def find_by_uid(runtime: Runtime, tenant: Tenant, uid: str) -> Session | None:
    """Return the living session of this `uid` at this organization."""
    return _current(tenant, await runtime.storage.artifacts.find_by(Session, tenant.id, uid=uid))


async def find_last_client(runtime: Runtime, tenant: Tenant, session: Session) -> Client | None:
    """Return the client that was signed in to last, where it is one that lives."""
    client_id = await runtime.storage.tokens.find_last_client(session)
    return await find_client(runtime, tenant, client_id) if client_id else None


def _current(tenant: Tenant, session: Session | None) -> Session | None:
    """A session that began before the organization was last suspended is none."""
    return session if session is not None and session.era == era_of(tenant) else None


async def sign_in(
    runtime: Runtime,
    tenant: Tenant,
    account_id: str,
    *,
    context: AuthenticationContext,
    browser: str,
    origin: Origin | None = None,
    first: First | None = None,
    before_commit: BeforeCommit | None = None,
    trusted_device: str | None = None,
) -> tuple[Session, str]:
    """Open a session and return it with the value of its cookie. `context` is what was shown.

    `browser` is the digest of the secret of the browser. Whatever session that had before gives
    way: the same account keeps its uid, and so what hangs on it; another account's session ends,
    with everything it issued. Either way the old cookie is dead: nothing that a browser knew
    before a sign-in is worth anything after. Sign-ins of one browser wait for each other, so that
    one session is left of them, which a logout can end.

    `trusted_device` is where the second factor was not asked for, if so. `first` is called before
    any session is held, `before_commit` before any changes; what they raise leaves all as it was.
    """
    value, now = opaque.new_value(), int(runtime.clock())
    session = Session(
        id=artifact_id(value),
        organization_id=tenant.id,
        era=era_of(tenant),
        uid=opaque.new_value(),
        account_id=account_id,
        created_at=now,
        authenticated_at=context.auth_time,
        expires_at=now + tenant.config.session_ttl,
        amr=context.amr,
        acr=context.acr,
        browser=browser,
        address=origin.address if origin else None,
        user_agent=origin.user_agent[:_LONGEST_AGENT] if origin else None,
        trusted_device=trusted_device,
    )
    life = min(tenant.config.session_ttl, tenant.config.session_idle_ttl)
    async with runtime.storage.transaction() as tx:
        if first is not None:
            await first(tx)
        return await _open(tx, session, life, before_commit), value


async def _open(
    tx: Storage, session: Session, life: int, before_commit: BeforeCommit | None
) -> Session:
    """Save the session of a browser in place of those that it had; `life` is in seconds."""
    assert session.browser is not None
    held = await tx.sessions.find_for_update(session.browser, session.organization_id)
    same = (session.account_id, session.era)
    own = next((each for each in held if (each.account_id, each.era) == same), None)
    if own is not None:
        session = replace(session, uid=own.uid, created_at=own.created_at)
        if session.authenticated_at == own.authenticated_at:
            # More was shown beside it (RFC 9470): it ends when it was to.
            session = replace(session, expires_at=own.expires_at)
    if before_commit is not None:
        await before_commit(tx, session.uid)
    for each in held:
        if each.uid != session.uid:
            await tx.end_session(each)
    if own is not None:
        await tx.replace_session(own, session, life)
    else:
        await tx.artifacts.save(session, life)
    return session


async def sign_out(runtime: Runtime, session: Session) -> None:
    """End the session, its grants and every token issued from it, refresh tokens included."""
    await runtime.storage.end_session(session)
