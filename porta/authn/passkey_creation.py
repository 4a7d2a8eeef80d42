"""Creation of a passkey by the way, right after a sign-in, where the browser does so (§5.1.3.1)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from porta.audit import events
from porta.audit.actors import Actor
from porta.authn import authenticator_notice, passkey, passkey_options
from porta.authn.authenticator import LoginFailed
from porta.authn.passkey_options import Purpose
from porta.browser import account_visits, sessions
from porta.browser.account_visits import Visit
from porta.browser.binding import Browser
from porta.browser.open_interactions import OpenInteraction
from porta.limits.origin import Origin
from porta.runtime import Runtime
from porta.security import passkeys
from porta.security.passkeys import PasskeyRefused
from porta.tenants.tenant import Tenant
from storage.models.passkeys import NewPasskey
from storage.models.users import User
from storage.router import Storage


async def find_person(runtime: Runtime, opened: OpenInteraction, browser: Browser) -> Visit | None:
    """Return who signed in at this very interaction, in this browser; None where nobody did, or a
    trusted device stood for a factor: a passkey would be both of them for good (decisions/0050).
    """
    session = await sessions.find(runtime, opened.tenant, browser)
    signed_in = opened.interaction.session_uid
    if session is None or signed_in is None or session.uid != signed_in:
        return None
    if session.trusted_device is not None:
        return None
    user = await runtime.storage.users.find_by_id(session.account_id, opened.tenant.id)
    return Visit(session, user, is_recent=True) if user is not None and user.is_usable else None


async def keep(
    runtime: Runtime, opened: OpenInteraction, visit: Visit, credential: str, origin: Origin
) -> None:
    """Keep a passkey that the browser has just made for a person.

    Raises LoginFailed for what was not made for this, or was kept already; and VisitOver where
    the person or their session was ended meanwhile: a copy of it may have been found.
    """
    user = visit.user
    is_good = partial(passkey_options.is_good, runtime, opened, Purpose.CREATE, user)
    new = await _read(runtime, opened.tenant, credential, is_good, present=False)
    key = (user.id, user.organization_id)
    async with runtime.storage.transaction() as tx:
        await account_visits.hold(tx, visit)
        kept = await tx.passkeys.add(*key, passkey.name_of(new), new)
        if kept is None:
            raise LoginFailed(passkey.REFUSED, reason="too_many_or_twice")
        await events.record(
            tx, "user.passkey.added", organization_id=opened.tenant.id, user_id=user.id,
            origin=origin, metadata={"passkey_id": kept, "client_id": opened.client.client_id},
        )  # fmt: skip
        await authenticator_notice.queue(tx, runtime, opened.tenant, user, "passkey")


async def read_own(
    runtime: Runtime, tenant: Tenant, user: User, session_uid: str, credential: str
) -> NewPasskey:
    """Return the passkey that a person has made at their account, in this session; its challenge is
    used by that. Raises LoginFailed.
    """
    is_good = partial(passkey_options.is_good_own, runtime, user, session_uid)
    return await _read(runtime, tenant, credential, is_good, present=True)


async def keep_own(
    tx: Storage, runtime: Runtime, tenant: Tenant, user: User, new: NewPasskey, actor: Actor
) -> None:
    """Keep it, in a transaction that holds the person. Raises LoginFailed for one too many."""
    kept = await tx.passkeys.add(user.id, tenant.id, passkey.name_of(new), new)
    if kept is None:
        raise LoginFailed(passkey.REFUSED, reason="too_many_or_twice")
    await events.record(
        tx, "user.passkey.added", organization_id=tenant.id, user_id=user.id,
        metadata={"passkey_id": kept}, actor=actor,
    )  # fmt: skip
    await authenticator_notice.queue(tx, runtime, tenant, user, "passkey")


async def _read(
    runtime: Runtime,
    tenant: Tenant,
    credential: str,
    is_good: Callable[[str], bool],
    *,
    present: bool,
) -> NewPasskey:
    try:
        challenge = passkeys.challenge_of(credential)
        if not is_good(challenge):
            raise PasskeyRefused("challenge")
        ceremony = passkey_options.ceremony(runtime.settings, challenge)
        new = passkeys.verify_registration(ceremony, credential, present=present)
    except PasskeyRefused as refusal:
        raise LoginFailed(passkey.REFUSED, reason=str(refusal)) from None
    await passkey.use_challenge(runtime, tenant, challenge)
    return new
