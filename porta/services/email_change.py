"""Change of one's own address: a link to the new one, and a word, with a way to refuse, to the old.

What is answered tells nobody whether somebody has the address that was asked for: it does as much,
at the same time, and only the mail differs (requirement F.4).
"""

from __future__ import annotations

from dataclasses import dataclass

from porta.audit import events
from porta.audit.actors import Actor
from porta.browser import account_visits
from porta.browser.account_visits import Visit
from porta.emails import notices
from porta.limits import mailed_links
from porta.limits.even_time import in_steps
from porta.limits.origin import Origin
from porta.runtime import Runtime
from porta.security import link_tokens, opaque
from porta.services import (
    email_change_letters,
    email_undo,
    former_addresses,
    pending_email,
    typed_address,
)
from porta.services.email_change_letters import Addressed
from porta.services.password_reset import LinkOver
from porta.services.typed_address import NoAddress
from porta.tenants import home_realms
from porta.tenants.home_realms import ElsewhereOnly
from porta.tenants.tenant import Tenant
from storage.errors import AlreadyExists
from storage.models.artifact import artifact_id
from storage.models.artifacts import EmailChange, FormerLetter
from storage.models.users import User, UserProfile
from storage.router import Storage


@dataclass(frozen=True, slots=True)
class Found:
    """A change that can be made."""

    change: EmailChange
    user: UserProfile


async def ask(
    runtime: Runtime, tenant: Tenant, visit: Visit, typed: str, language: str, actor: Actor,
    origin: Origin,
) -> None:  # fmt: skip
    """Mail a link to another address, which nobody has here; to one that somebody has, that it is
    so; and to the address of before how this is refused, or undone, unless this leads back to where
    such a letter went. An earlier wish of the person is over; the letters about it are not.

    Raises NoAddress, Throttled before anything is stored or sent, VisitOver, and Unavailable where
    the queue is full; and ElsewhereOnly for who has to sign in at a provider: another address would
    be a way around it. None is taken that has to, either, whoever has it (NoAddress).
    """
    await home_realms.check(runtime, tenant, visit.user.email)
    address = typed_address.read(typed)
    if address == visit.user.email:
        raise NoAddress("account.email_same")
    if await home_realms.find_required(runtime, tenant, address) is not None:
        raise NoAddress("account.email_to_elsewhere")
    async with in_steps():
        await mailed_links.count_email_change(runtime, tenant, visit.user.id, address, origin)
        taken = await runtime.storage.users.find_by_email(tenant.id, address)
        change, letters = _write(runtime, tenant, visit, address, taken, language)
        ttl = tenant.config.email_change_ttl
        async with runtime.storage.transaction() as tx:
            held = await account_visits.hold(tx, visit)
            if held.email != change.sent_from:
                raise NoAddress("account.changed_meanwhile")
            await tx.artifacts.save(change, ttl)
            is_home = await former_addresses.is_home(tx, held, address, runtime.clock())
            if not is_home:
                await former_addresses.check_room(tx, held, runtime.clock())
                await _remember(tx, runtime, tenant, held, change, change.refusal)
            for template, letter, to, person in letters[:1] if is_home else letters:
                lifetime = ttl if to == address else notices.LIFETIME
                await runtime.post.queue(
                    tx, template, letter, to=to, organization_id=tenant.id, lifetime=lifetime,
                    user_id=person,
                )  # fmt: skip
            await events.record(
                tx, "user.email_change.requested", organization_id=tenant.id, user_id=held.id,
                metadata={"known": taken is not None}, actor=actor,
            )  # fmt: skip


async def find(runtime: Runtime, tenant: Tenant, token: str) -> Found:
    """Return the change that a link confirms; nothing is used up. Raises LinkOver, also for who has
    to sign in at a provider by now, or would have to at that address.
    """
    found = await _find(runtime.storage, tenant, token)
    try:
        for address in (found.user.email, found.change.email):
            await home_realms.check(runtime, tenant, address)
    except ElsewhereOnly:
        raise LinkOver("the person signs in at a provider alone by now") from None
    return found


async def complete(runtime: Runtime, tenant: Tenant, token: str, origin: Origin) -> str:
    """Use the link: its address is the person's, and proven; return it. Their sessions, and who
    they are elsewhere, stay; where it leads them home all sessions end, since somebody else may
    have led them away.

    Raises LinkOver, also where the session in which it was asked for has ended: whoever had got in,
    asked for it and was signed out gains nothing. And where somebody has the address by now.
    """
    found = await find(runtime, tenant, token)
    try:
        async with runtime.storage.transaction() as tx:
            await tx.users.find(found.user.id, organization_id=tenant.id, hold=True)
            now = await _find(tx, tenant, token)
            await tx.artifacts.delete(now.change)
            await _take(tx, runtime, tenant, now, origin)
    except AlreadyExists:
        raise LinkOver("somebody has the address by now") from None
    return found.change.email


async def withdraw(runtime: Runtime, visit: Visit, actor: Actor) -> bool:
    """Give up what the person of `visit` waits for; tell whether there was something. The letter to
    the address of before stays good. Raises VisitOver.
    """
    async with runtime.storage.transaction() as tx:
        held = await account_visits.hold(tx, visit)
        return await pending_email.end(tx, held, "person", actor=actor)


def _write(
    runtime: Runtime, tenant: Tenant, visit: Visit, address: str, taken: User | None, language: str
) -> tuple[EmailChange, tuple[Addressed, Addressed]]:
    """Return the change that is asked for, and the letters that tell of it."""
    user, confirmation, refusal = visit.user, link_tokens.new_token(), link_tokens.new_token()
    change = EmailChange(
        id=artifact_id(EmailChange.value_of(user.id)), organization_id=tenant.id,
        account_id=user.id, session_uid=visit.session.uid, email=address, sent_from=user.email,
        confirmation=confirmation.digest, refusal=refusal.digest,
        asked_at=runtime.clock(),
    )  # fmt: skip
    letters = email_change_letters.write(
        runtime, tenant, change, user, taken, language,
        f"{user.id}{confirmation.value}", f"{user.id}{refusal.value}",
    )  # fmt: skip
    return change, letters


async def _remember(
    tx: Storage, runtime: Runtime, tenant: Tenant, user: User, change: EmailChange, digest: str
) -> None:
    """Keep what a letter to the address of before is known by."""
    now = runtime.clock()
    letter = FormerLetter(
        digest=digest, email=change.sent_from, wanted=change.email,
        at=change.asked_at or now, until=now + tenant.config.email_undo_ttl,
    )  # fmt: skip
    await former_addresses.remember(tx, user, letter, now)


async def _find(storage: Storage, tenant: Tenant, token: str) -> Found:
    """Return the change that the token confirms, where it can still be made."""
    person, digest = link_tokens.of_person(token)
    if digest is None:
        raise LinkOver
    change = await storage.artifacts.find(EmailChange, EmailChange.value_of(person), tenant.id)
    if change is None or not opaque.equal(change.confirmation, digest):
        raise LinkOver
    user = await storage.users.find(change.account_id, organization_id=tenant.id)
    if user is None or not user.is_usable or user.email != change.sent_from:
        raise LinkOver
    living = await storage.session_lists.of_person(user.id, tenant.id, 1, only=change.session_uid)
    if not living:
        raise LinkOver
    return Found(change, user)


async def _take(
    tx: Storage, runtime: Runtime, tenant: Tenant, found: Found, origin: Origin
) -> None:
    key = found.user.id, tenant.id
    columns = {"email": found.change.email, "email_verified": True}
    await tx.users.update(*key, columns)
    await tx.auth_tokens.end_resets(*key)
    await events.record(
        tx, "user.email_change.completed", organization_id=tenant.id, user_id=found.user.id,
        origin=origin,
    )  # fmt: skip
    now = runtime.clock()
    if await former_addresses.is_home(tx, found.user, found.change.email, now):
        await former_addresses.come_home(tx, found.user, found.change.email, now)
        await tx.end_account(*key, "user.email_change.completed")
        await email_undo.tell(tx, runtime, tenant, found.user)
        return
    token = link_tokens.new_token()
    await _remember(tx, runtime, tenant, found.user, found.change, token.digest)
    value = f"{found.user.id}{token.value}"
    letter = email_change_letters.write_done(runtime, tenant, found.user, value)
    await notices.queue(tx, runtime.post, letter.template, letter.letter, found.user, to=letter.to)
