"""Sessions as administrators handle them, and people their own: listed, and ended with all that
hangs on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from porta.audit import events
from porta.audit.actors import Actor
from porta.errors import NotFound
from porta.services import pending_email
from porta.services.commands import NO_REASON, Reasoned
from porta.services.people import hold_user
from porta.services.permissions import needs
from porta.services.targets import list_seen
from storage.models.artifacts import Session
from storage.models.pages import Listed, Page
from storage.models.sessions import SessionEntry, SessionFilter
from storage.models.users import User

if TYPE_CHECKING:
    from storage.router import Storage

_UNKNOWN = "Session not found"
_BY_ADMINISTRATOR = "revoked_by_administrator"
_MOST = 50


@needs("admin:session:read")
async def list_sessions(
    storage: Storage, actor: Actor, wanted: SessionFilter, page: Page
) -> Listed[SessionEntry]:
    """Return a page of sessions; whoever administers one organization sees its own."""
    return await list_seen(actor, wanted, page, storage.session_lists.list)


@needs("admin:session:read")
async def get(storage: Storage, actor: Actor, session_id: str) -> SessionEntry:
    """Return a session. Raises NotFound."""
    return await _get(storage, actor, session_id)


@needs("admin:session:revoke")
async def revoke(storage: Storage, actor: Actor, session_id: str) -> None:
    """End a session with its grants and tokens, refresh tokens included; once is enough.

    Raises NotFound, and Forbidden for that of somebody who may what the actor may not.
    """
    async with storage.transaction() as tx:
        found = await _get(tx, actor, session_id)
        await hold_user(tx, actor, found.user_id)
        if await _end(tx, found.organization_id, found.id):
            await _record(tx, actor, found.user_id, found.organization_id, session_id=found.id)


@needs("admin:session:revoke")
async def revoke_all(
    tx: Storage,
    actor: Actor,
    target: str,
    command: Reasoned = NO_REASON,
    version: int | None = None,
    *,
    within: str | None = None,
) -> int:
    """End every session of a person, and every code and token of theirs, on every instance; return
    how many sessions lived. Who signs in anew goes on.

    Raises NotFound, PreconditionFailed, and Forbidden for who may what the actor may not.
    """
    person = await hold_user(tx, actor, target, within, version)
    living = await tx.session_lists.count_living(person.id, person.organization_id)
    await tx.end_account(person.id, person.organization_id, _BY_ADMINISTRATOR)
    await events.record(
        tx,
        "user.tokens.revoked",
        organization_id=person.organization_id,
        user_id=person.id,
        metadata={"sessions": living, **command.told()},
        actor=actor,
    )
    return living


async def list_own(storage: Storage, person: User) -> tuple[SessionEntry, ...]:
    """Return the living sessions of a person, the one used last first, _MOST at most. Whose wish
    it is, is the matter of who calls, as with what follows.
    """
    return await storage.session_lists.of_person(person.id, person.organization_id, _MOST)


async def end_own(tx: Storage, actor: Actor, person: User, session_id: str) -> bool:
    """End a session of `person`, with its grants and tokens; tell whether there was one."""
    key = (person.id, person.organization_id)
    living = await tx.session_lists.of_person(*key, 1, only=session_id)
    if not living or not await _end(tx, person.organization_id, session_id):
        return False
    await _record(tx, actor, *key, session_id=session_id)
    return True


async def end_others(tx: Storage, actor: Actor, person: User, kept: str) -> int:
    """End every session of `person` but `kept`, the one in which they ask for it, have the second
    factor asked for at every device again, and give up a change of address; return how many
    sessions there were.
    """
    ended, key = 0, (person.id, person.organization_id)
    # Held: of two browsers that do so at once, one has ended the other by the time that it asks.
    await tx.users.find(person.id, organization_id=person.organization_id, hold=True)
    if not await tx.session_lists.of_person(*key, 1, only=kept):
        return 0
    # Whoever has the cookies of the one that is kept may have asked for it.
    await pending_email.end(tx, person, "session.revoked", actor=actor)
    # First, as in `end_account`: who signs in by one meanwhile is done by then, and is ended too.
    devices = await tx.trusted_devices.remove_all(*key)
    while others := await tx.session_lists.of_person(*key, _MOST, but=kept):
        found = [await _end(tx, person.organization_id, each.id) for each in others]
        ended += sum(found)
        if not any(found):
            break
    if ended or devices:
        await _record(tx, actor, *key, sessions=ended, devices=devices)
    return ended


async def _end(tx: Storage, organization_id: str, session_id: str) -> bool:
    session = await tx.artifacts.find_by(Session, organization_id, uid=session_id)
    if session is None:  # it ended, or was not used for too long
        return False
    await tx.end_session(session)
    return True


async def _record(
    tx: Storage, actor: Actor, user_id: str, organization_id: str, **told: str | int
) -> None:
    await events.record(
        tx, "session.revoked", organization_id=organization_id, user_id=user_id,
        metadata=told, actor=actor,
    )  # fmt: skip


async def _get(storage: Storage, actor: Actor, session_id: str) -> SessionEntry:
    found = await storage.session_lists.find(session_id)
    if found is None or not actor.sees(found.organization_id):
        raise NotFound(_UNKNOWN)
    return found
