"""Identities: an account becomes that of somebody who is known at another provider."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from porta.audit import events
from porta.audit.actors import Actor
from porta.emails import notices
from porta.protocol import endpoints
from porta.runtime import Runtime
from porta.tenants import home_realms
from porta.tenants.tenant import Tenant
from storage.models.artifact import artifact_id
from storage.models.connections import Connection
from storage.models.sign_ins import Link
from storage.models.users import User
from storage.router import Storage

LIFETIME = 600
"""Seconds for which somebody who was at another provider may say whose account is theirs."""
MOST = 20
"""How often one person may be somebody elsewhere."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who somebody is at a connection, to be linked to an account."""

    connection: Connection
    link: Link
    among: tuple[Connection, ...]
    """The active connections of the organization, found before any transaction."""

    @property
    def said(self) -> str:
        """What its owner recognizes: an address, or else a name, or else what is neither."""
        return self.link.email or self.link.name or self.link.subject

    def mark(self, user: User) -> str:
        """Return what a form says of what it showed: who was to be linked to whom."""
        return artifact_id(f"{user.id} {msgspec.json.encode(self.link).decode()}")


async def find_waiting(runtime: Runtime, tenant: Tenant, link: Link | None) -> Waiting | None:
    """Return what waits to be linked; None for what has waited for too long, or whose connection
    is there no more.
    """
    if link is None or not 0 <= runtime.clock() - link.at < LIFETIME:
        return None
    return among(await runtime.connections(tenant.id), link)


def among(connections: tuple[Connection, ...], link: Link) -> Waiting | None:
    """Return who is somebody at one of these connections; None where theirs is there no more."""
    for connection in connections:
        if connection.id == link.connection_id:
            return Waiting(connection, link, connections)
    return None


async def link(
    tx: Storage,
    runtime: Runtime,
    tenant: Tenant,
    user: User,
    waiting: Waiting,
    actor: Actor,
    *,
    tells: bool = True,
) -> bool:
    """Have an account be somebody's at a provider, and tell its owner by mail; once is enough.

    False where another account is, where there is no such connection any more, or where the person
    is too many already. Raises ElsewhereOnly where their domain requires another connection: there
    is nobody whom this one would let in.
    """
    link, key = waiting.link, (user.id, user.organization_id)
    home_realms.check_among(waiting.among, user.email, at=link.connection_id)
    held = await tx.identities.of_user(*key)
    who = (link.connection_id, link.issuer, link.subject)
    if any((each.connection_id, each.issuer, each.subject) == who for each in held):
        return True
    if len(held) >= MOST or not await tx.identities.add(
        link.connection_id, key[1], user.id, link.issuer, link.subject, link.email, link.name
    ):
        return False
    await events.record(
        tx, "user.identity.linked", organization_id=key[1], user_id=user.id,
        metadata={"connection_id": link.connection_id}, actor=actor,
    )  # fmt: skip
    if tells:
        await _tell(tx, runtime, tenant, user, waiting)
    return True


async def _tell(
    tx: Storage, runtime: Runtime, tenant: Tenant, user: User, waiting: Waiting
) -> None:
    """Tell by mail who may sign in to it now: an address, and no name, which somebody else may have
    chosen.
    """
    url = endpoints.absolute(tenant.issuer, endpoints.ACCOUNT)
    what, told = "identity_linked", {"connection": waiting.connection.name}
    if waiting.link.email is not None:
        what, told = "identity_linked_as", told | {"address": waiting.link.email}
    await notices.tell_change(tx, runtime.post, tenant.organization, user, what, url, **told)
