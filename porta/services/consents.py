"""Consents of a person: what each client was allowed, listed and withdrawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from porta.audit import events
from porta.audit.actors import Actor
from porta.errors import NotFound
from porta.services.people import find_user, hold_user
from porta.services.permissions import needs
from storage.models.artifacts import Grant
from storage.models.users import User

if TYPE_CHECKING:
    from storage.router import Storage

_WITHDRAWN = "consent_withdrawn"


class ConsentedClient(msgspec.Struct, frozen=True, kw_only=True):
    """What a person allowed a client, in all their sessions that live."""

    client_id: str
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    claims: tuple[str, ...]
    sessions: int
    consented_at: float
    """When first, in seconds since the epoch."""


@needs("admin:user:read", "admin:session:read")
async def list(
    storage: Storage, actor: Actor, target: str, *, within: str | None = None
) -> tuple[ConsentedClient, ...]:
    """Return what a person allowed, by client. A client of the organization's own that never asks
    is not among them. Raises NotFound.
    """
    return await list_own(storage, await find_user(storage, actor, target, within))


async def list_own(storage: Storage, user: User) -> tuple[ConsentedClient, ...]:
    """Return the same of a person, at whoever's wish, whose permission is their matter who call."""
    grants = await storage.personal_data.grants(user.id, user.organization_id)
    by_client: dict[str, tuple[Grant, ...]] = {}
    for grant in grants:
        if grant.consents:
            by_client[grant.client_id] = (*by_client.get(grant.client_id, ()), grant)
    return tuple(_together(client_id, by_client[client_id]) for client_id in sorted(by_client))


async def list_acting(storage: Storage, person: User) -> tuple[ConsentedClient, ...]:
    """Return every client that acts for a person, at whoever's wish; one of the organization's own
    that never asked is told without anything that was allowed.
    """
    asked = {each.client_id: each for each in await list_own(storage, person)}
    acting = await storage.consents.allowed(person.id, person.organization_id)
    unasked = ConsentedClient(
        client_id="", scopes=(), resources=(), claims=(), sessions=0, consented_at=0.0
    )
    return tuple(
        asked.get(each.client_id) or msgspec.structs.replace(unasked, client_id=each.client_id)
        for each in acting
    )


@needs("admin:session:revoke")
async def withdraw(
    tx: Storage, actor: Actor, target: str, client_id: str, *, within: str | None = None
) -> None:
    """Withdraw what a person allowed a client, and end every code and token that stands on it; a
    client that never asked loses what it holds as well.

    Raises NotFound, also where nothing is allowed, and Forbidden for who may what the actor may
    not.
    """
    person = await hold_user(tx, actor, target, within)
    if not await take_back(tx, actor, person, client_id):
        raise NotFound("Consent not found")


@needs("admin:session:revoke")
async def withdraw_all(
    tx: Storage, actor: Actor, target: str, *, within: str | None = None
) -> tuple[str, ...]:
    """Withdraw all that a person was asked for; return the clients. One of the organization's own
    that never asks keeps what it holds. Raises NotFound and Forbidden as `withdraw` does.
    """
    return await take_all_back(tx, actor, await hold_user(tx, actor, target, within))


async def take_back(tx: Storage, actor: Actor, person: User, client_id: str) -> bool:
    """Withdraw what `person` allowed a client, at whoever's wish: theirs, or an administrator's,
    whose permission is their matter who call. Tells whether there was something.
    """
    allowed = await tx.consents.allowed(person.id, person.organization_id)
    if client_id not in {each.client_id for each in allowed}:
        return False
    await _end(tx, actor, person, (client_id,))
    return True


async def take_all_back(tx: Storage, actor: Actor, person: User) -> tuple[str, ...]:
    """Do so with all that `person` was asked for; return the clients."""
    allowed = await tx.consents.allowed(person.id, person.organization_id)
    asked = tuple(each.client_id for each in allowed if each.is_consented)
    if asked:
        await _end(tx, actor, person, asked)
    return asked


async def _end(tx: Storage, actor: Actor, person: User, client_ids: tuple[str, ...]) -> None:
    await tx.consents.withdraw(person.id, person.organization_id, client_ids, _WITHDRAWN)
    for client_id in client_ids:
        await events.record(
            tx,
            "user.consent.withdrawn",
            organization_id=person.organization_id,
            user_id=person.id,
            metadata={"client_id": client_id},
            actor=actor,
        )


def _together(client_id: str, grants: tuple[Grant, ...]) -> ConsentedClient:
    consents = [consent for grant in grants for consent in grant.consents]
    return ConsentedClient(
        client_id=client_id,
        scopes=tuple(sorted({name for each in consents for name in each.scope})),
        resources=tuple(sorted({name for each in consents for name in each.resource})),
        claims=tuple(sorted({name for each in consents for name in each.claims})),
        sessions=len({grant.session_uid for grant in grants}),
        consented_at=float(min(grant.created_at for grant in grants)),
    )
