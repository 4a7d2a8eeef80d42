"""Creation of a passkey by the way, right after a sign-in, where the browser does so (§5.1.3.1)."""

from __future__ import annotations

from porta.audit import events
from porta.authn import authenticator_notice, passkey, passkey_options
from porta.authn.authenticator import LoginFailed
from porta.authn.passkey_options import Purpose
from porta.browser import sessions
from porta.browser.binding import Browser
from porta.browser.open_interactions import OpenInteraction
from porta.limits.origin import Origin
from porta.runtime import Runtime
from porta.security import passkeys
from porta.security.passkeys import PasskeyRefused
from storage.models.users import User


async def find_person(runtime: Runtime, opened: OpenInteraction, browser: Browser) -> User | None:
    """Return who signed in at this very interaction, in this browser; None where nobody did."""
    session = await sessions.find(runtime, opened.tenant, browser)
    signed_in = opened.interaction.session_uid
    if session is None or signed_in is None or session.uid != signed_in:
        return None
    user = await runtime.storage.users.find_by_id(session.account_id, opened.tenant.id)
    return user if user is not None and user.is_usable else None


async def keep(
    runtime: Runtime, opened: OpenInteraction, user: User, credential: str, origin: Origin
) -> None:
    """Keep a passkey that the browser has just made for a person.

    Raises LoginFailed for what was not made for this, or was kept already.
    """
    try:
        challenge = passkeys.challenge_of(credential)
        if not passkey_options.is_good(runtime, opened, Purpose.CREATE, user, challenge):
            raise PasskeyRefused("challenge")
        ceremony = passkey_options.ceremony(runtime.settings, challenge)
        new = passkeys.verify_registration(ceremony, credential, present=False)
    except PasskeyRefused as refusal:
        raise LoginFailed(passkey.REFUSED, reason=str(refusal)) from None
    await passkey.use_challenge(runtime, opened.tenant, challenge)
    key = (user.id, user.organization_id)
    async with runtime.storage.transaction() as tx:
        kept = await tx.passkeys.add(*key, passkey.name_of(new), new)
        if kept is None:
            raise LoginFailed(passkey.REFUSED, reason="too_many_or_twice")
        await events.record(
            tx, "user.passkey.added", organization_id=opened.tenant.id, user_id=user.id,
            origin=origin, metadata={"passkey_id": kept, "client_id": opened.client.client_id},
        )  # fmt: skip
        await authenticator_notice.queue(tx, runtime, opened.tenant, user, "passkey")
