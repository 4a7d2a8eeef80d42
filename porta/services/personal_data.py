"""Personal data service: all that is kept of a person, handed out (GDPR Art. 15, 20) and erased
(Art. 17).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from porta.audit import events
from porta.audit.actors import Actor
from porta.emails.post import SEND_MAIL
from porta.errors import Forbidden
from porta.services import audit_trail, former_addresses, pending_email, people
from porta.services.commands import Command
from porta.services.fields import Flag
from porta.services.pages import collect
from porta.services.people import WHAT, find_user, hold_user
from porta.services.permissions import needs
from porta.services.targets import require
from storage.models.artifacts import EmailChange, FormerLetter, Grant
from storage.models.audit import AuditEntry, AuditFilter
from storage.models.claims import ClaimDefinition, ClaimValue
from storage.models.connections import Identity
from storage.models.organizations import Organization
from storage.models.passkeys import Passkey
from storage.models.personal_data import AssignedRole, Authorization, SentLink
from storage.models.sessions import SessionEntry, SessionFilter
from storage.models.trusted_devices import TrustedDevice
from storage.models.users import UserProfile

if TYPE_CHECKING:
    from storage.router import Storage

MOST = 10_000
"""Entries of the trail, sessions and authorizations that are told, the newest of each."""
_PAGE = 500
_MAILS = (SEND_MAIL.name,)


class Purge(Command):
    """Whether a person is really to be erased, which nothing brings back."""

    confirm_purge: Flag = False
    dry_run: Flag = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalRecord:
    """All that is kept of a person. No secret, and no hash of one, is in what is told of it."""

    user: UserProfile
    organization: Organization
    roles: tuple[AssignedRole, ...]
    claims: tuple[tuple[ClaimDefinition, ClaimValue], ...]
    grants: tuple[Grant, ...]
    authorizations: tuple[Authorization, ...]
    sessions: tuple[SessionEntry, ...]
    links: tuple[SentLink, ...]
    passkeys: tuple[Passkey, ...]
    identities: tuple[Identity, ...]
    devices: tuple[TrustedDevice, ...]
    put_off_until: float | None
    """Until when a second factor is not offered to them: seconds since the epoch."""
    email_change: EmailChange | None
    """The address that they asked for, and did not confirm yet."""
    letters: tuple[FormerLetter, ...]
    """Those that went to addresses which they had, or have."""
    happened: tuple[AuditEntry, ...]
    """What the trail tells of what was done to them; beside it what they did."""
    done: tuple[AuditEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """What is gone of a person, or would be."""

    user_id: str
    anonymized_email: str
    counts: dict[str, int]
    anonymized_audit_entries: int
    dry_run: bool


@needs("admin:user:read", "admin:role:read", "admin:claim:read", "admin:session:read")
async def export(
    storage: Storage, actor: Actor, target: str, *, within: str | None = None
) -> PersonalRecord:
    """Return all that is kept of a person, and note that it was handed out. Raises NotFound."""
    return await hand_out(storage, actor, await find_user(storage, actor, target, within))


async def hand_out(storage: Storage, actor: Actor, user: UserProfile) -> PersonalRecord:
    """Return the same of a person, at whoever's wish, whose permission is their matter who call."""
    key = user.id, user.organization_id
    data = storage.personal_data
    record = PersonalRecord(
        user=user,
        organization=require(await storage.organizations.find_by_id(key[1]), WHAT),
        roles=await data.roles(*key),
        claims=await storage.claims.of_user(*key),
        grants=await data.grants(*key),
        authorizations=await data.authorizations(*key, MOST),
        sessions=await _sessions(storage, user),
        links=await data.links(user.id),
        passkeys=await storage.passkeys.list(*key),
        identities=await storage.identities.of_user(*key),
        devices=await storage.trusted_devices.list_kept(*key),
        put_off_until=await data.put_off_until(*key),
        email_change=await pending_email.find_kept(storage, user),
        letters=await former_addresses.find_kept(storage, user),
        happened=await _trail(storage, AuditFilter(user_id=user.id)),
        done=await _trail(storage, AuditFilter(actor_id=user.id)),
    )
    await events.record(
        storage, "user.exported", organization_id=key[1], user_id=user.id, actor=actor
    )
    return record


@needs("admin:user:archive")
async def purge(
    tx: Storage, actor: Actor, target: str, *, within: str | None = None, dry_run: bool = False
) -> Purged:
    """Erase a person: whatever hangs on them is deleted, their row is emptied, and the trail keeps
    that something happened to this id, and no more. Or tell what that would be.

    Their id stays, with nothing at it: no other person ever has it (requirement E.2). Raises
    NotFound, and Forbidden for whoever may what the actor may not, and for administrators: those
    who were one are first let go.
    """
    user = await hold_user(tx, actor, target, within)
    return await erase(tx, actor, user, dry_run=dry_run)


async def erase(tx: Storage, actor: Actor, user: UserProfile, *, dry_run: bool = False) -> Purged:
    """Erase a person who is held, at whoever's wish, whose permission is their matter who call.

    Raises Forbidden for administrators.
    """
    await check_not_administering(tx, user)
    key = user.id, user.organization_id
    email = f"purged-{user.id}@purged.local"
    counts = await tx.personal_data.count(*key, _MAILS)
    trail = await tx.audit_chain.count_erasable(user.id)
    if not dry_run:
        await tx.end_account(*key, "user.purged")  # no copy of a session outlives its row
        await tx.personal_data.delete(*key, _MAILS)
        await pending_email.forget(tx, user)
        await former_addresses.forget(tx, user)
        await tx.personal_data.blank(*key, email)
        await tx.invitations.forget_inviter(user.id)
        trail = await audit_trail.erase_person(tx, actor, *key)
        await events.record(
            tx,
            "user.purged",
            organization_id=user.organization_id,
            user_id=user.id,
            metadata={"counts": counts, "audit_entries": trail},
            actor=actor,
        )
    return Purged(
        user_id=user.id,
        anonymized_email=email,
        counts=counts,
        anonymized_audit_entries=trail,
        dry_run=dry_run,
    )


async def check_not_administering(tx: Storage, user: UserProfile) -> None:
    """Raise Forbidden for whoever administers the installation: they are let go first."""
    if await people.is_super_admin(tx, user.id):
        raise Forbidden("Cannot delete the super-admin user")
    home = require(await tx.organizations.find_by_id(user.organization_id), WHAT)
    if home.is_super_admin:
        raise Forbidden("Cannot purge users belonging to the super-admin organization")


async def _sessions(storage: Storage, user: UserProfile) -> tuple[SessionEntry, ...]:
    wanted = SessionFilter(organization_id=user.organization_id, user_id=user.id, active_only=False)
    fetch = partial(storage.session_lists.list, wanted)
    return tuple(await collect(fetch, _PAGE, most=MOST, order="desc"))


async def _trail(storage: Storage, wanted: AuditFilter) -> tuple[AuditEntry, ...]:
    fetch = partial(storage.audit.list, wanted)
    return tuple(await collect(fetch, _PAGE, most=MOST, order="desc"))
