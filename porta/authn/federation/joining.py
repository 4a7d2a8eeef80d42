"""Account resolution: which account somebody has who is known at another provider; linked, or made.

Whose it is, is found first, and nothing is written by that: what a sign-in takes over is written
where it is complete, in its transaction. An account alone is made before that, for factors to be
enrolled at.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Literal

from porta.audit import events
from porta.audit.actors import Actor
from porta.authn import identities
from porta.authn.authenticator import Evidence, LoginFailed
from porta.authn.identities import LIFETIME, MOST, Waiting
from porta.protocol.federation.profile import (
    Profile,
    check_domain,
    domain_of,
    fields_of,
    is_authoritative,
    lets_in,
    roles_of,
)
from porta.runtime import Runtime
from porta.tenants import home_realms
from porta.tenants.tenant import Tenant
from storage.models.connections import Connection
from storage.models.sign_ins import Brought, Link
from storage.models.users import User
from storage.router import Storage


@dataclass(frozen=True, slots=True)
class Found:
    """Whose account it is. `by` what: they are known, the provider answers for their address, or
    it is nobody's, and an account is to be made of it.
    """

    user: User
    by: Literal["identity", "address", "nothing"]


async def find_account(
    evidence: Evidence, connection: Connection, profile: Profile
) -> Found | None:
    """Return whose identity it is. None for who has to prove an account first: an address is no
    proof of one. Nothing is written.

    Raises NotLetIn; and ElsewhereOnly for an address that has to sign in at another connection.
    """
    check_domain(connection, profile.email)
    tenant, storage = evidence.tenant, evidence.runtime.storage
    identity = await storage.identities.find(
        connection.id, tenant.id, profile.issuer, profile.subject
    )
    if identity is not None:
        user = await storage.users.find_by_id(identity.user_id, tenant.id)
        return Found(user, "identity") if user is not None else None
    if profile.email is None or not profile.email_verified:
        return None
    # Before it is looked up: of each address alike, whoever has it.
    await home_realms.check(evidence.runtime, tenant, profile.email, at=connection.id)
    user = await storage.users.find_by_email(tenant.id, profile.email)
    if user is None:
        makes = connection.creates_accounts
        return Found(_new_user(evidence, connection, profile), "nothing") if makes else None
    if not is_authoritative(connection, profile) or not user.is_usable:
        return None
    return Found(user, "address") if await _is_free(storage, connection, user) else None


async def _is_free(storage: Storage, connection: Connection, user: User) -> bool:
    """Whether nobody of this connection has the account, and it may be one more. An address that is
    given to somebody new is no reason to give them the account with it.
    """
    linked = await storage.identities.of_user(user.id, user.organization_id)
    return len(linked) < MOST and all(each.connection_id != connection.id for each in linked)


def brought_by(connection: Connection, profile: Profile, found: Found, now: float) -> Brought:
    """Return what a sign-in of this profile, of `now`, takes over where it is complete."""
    held, _ = roles_of(connection, profile.claims)
    return Brought(
        link=link_of(connection, profile),
        is_new=found.by == "address",
        fields=fields_of(connection, profile.claims) if connection.claim_mapping else {},
        role_ids=tuple(sorted(held)),
        at=now,
    )


async def stands(runtime: Runtime, tenant: Tenant, user: User, brought: Brought) -> bool:
    """Whether what somebody said of them at a connection still says that they are this person."""
    waiting = await find_standing(runtime, tenant, brought)
    if waiting is None:
        return False
    if brought.is_new:
        return await _is_found(runtime.storage, waiting, user)
    who = (waiting.link.connection_id, tenant.id, waiting.link.issuer, waiting.link.subject)
    identity = await runtime.storage.identities.find(*who)
    if identity is None or identity.user_id != user.id:
        return False
    return not identity.was_used_after(brought.at)


async def _is_found(storage: Storage, waiting: Waiting, user: User) -> bool:
    """Whether the account of an address that the provider answers for is theirs."""
    connection, email = waiting.connection, waiting.link.email or ""
    if domain_of(email) not in connection.authoritative_domains:
        return False
    found = await storage.users.find_by_email(user.organization_id, email)
    same = found is not None and found.id == user.id
    return same and await _is_free(storage, connection, user)


async def find_standing(runtime: Runtime, tenant: Tenant, brought: Brought) -> Waiting | None:
    """Return who somebody is at a connection; None for what was said too long ago, or where that
    connection is there no more, or lets their address in no more.
    """
    if not 0 <= runtime.clock() - brought.at < LIFETIME:
        return None
    waiting = identities.among(await runtime.connections(tenant.id), brought.link)
    if waiting is None or not lets_in(waiting.connection, brought.link.email):
        return None
    return waiting


async def take_over(
    tx: Storage, evidence: Evidence, user: User, brought: Brought, waiting: Waiting | None
) -> User:
    """Write what a sign-in brings along, in its transaction, which holds the person: that the
    identity was used, or is linked, and what the connection of `waiting` maps to fields and roles.
    Return the person as they are then. `waiting` was found before (`find_standing`): whoever holds
    one connection to the database waits for no other one.

    Raises LoginFailed where they are not who was there any more, and ElsewhereOnly.
    """
    runtime, tenant, link = evidence.runtime, evidence.tenant, brought.link
    if waiting is None:
        raise LoginFailed("federation.error_unavailable", reason="connection_gone")
    if not brought.is_new:
        who = (link.connection_id, tenant.id, link.issuer, link.subject)
        used = await tx.identities.use(*who, link.email, link.name, at=brought.at)
        if used is None or used.user_id != user.id:
            raise LoginFailed("federation.error_invalid", reason="identity_gone")
    elif not await _is_found(tx, waiting, user) or not await identities.link(
        tx, runtime, tenant, user, waiting, _actor(evidence)
    ):
        raise LoginFailed("federation.error_linked", reason="linked_elsewhere")
    told = brought.fields.items()
    changes = {name: value for name, value in told if getattr(user, name) != value}
    changed = await tx.users.update(user.id, tenant.id, changes) if changes else None
    await _map_roles(tx, evidence, user, brought, waiting.connection)
    return changed or user


def link_of(connection: Connection, profile: Profile, at: int = 0) -> Link:
    """Return who somebody is at a connection; `at` is now, where it has to wait."""
    return Link(
        connection_id=connection.id,
        issuer=profile.issuer,
        subject=profile.subject,
        email=profile.email,
        name=profile.called,
        at=at,
    )


def _actor(evidence: Evidence) -> Actor:
    """Return who links by what a provider says: nobody who has proven to be anybody here."""
    return Actor(origin=evidence.origin)


def _new_user(evidence: Evidence, connection: Connection, profile: Profile) -> User:
    """Return an account of an address that the provider has verified, and nobody has here."""
    assert profile.email is not None
    fields: dict[str, Any] = fields_of(connection, profile.claims)
    return User(
        id=str(uuid.uuid4()),
        organization_id=evidence.tenant.id,
        email=profile.email,
        email_verified=True,
        **fields,
    )


async def create(
    evidence: Evidence, connection: Connection, profile: Profile, new: User
) -> User | None:
    """Make an account of who was found to have none, linked; None where somebody has it by now.
    Raises LoginFailed where they are somebody here by now: nobody would ever get into that account.
    """
    tenant_id = evidence.tenant.id
    active = await evidence.runtime.connections(tenant_id)
    known = Waiting(connection, link_of(connection, profile), active)
    # Who serves a tenant makes nobody: this is what the administrator let the connection do.
    async with evidence.runtime.storage.everywhere.transaction() as tx:
        made = await tx.users.insert(new)
        if made is None:
            return None
        told = {"connection_id": connection.id}
        await events.record(
            tx, "user.created", organization_id=tenant_id, user_id=made.id, metadata=told,
            origin=evidence.origin,
        )  # fmt: skip
        # Nobody had the account before: there is nobody to be told.
        if not await identities.link(
            tx, evidence.runtime, evidence.tenant, made, known, _actor(evidence), tells=False
        ):
            raise LoginFailed("federation.error_linked", reason="linked_elsewhere")
    return made


async def _map_roles(
    tx: Storage, evidence: Evidence, user: User, brought: Brought, connection: Connection
) -> None:
    """Give somebody the roles that the connection maps, with their sign-in or not at all: of those
    that it names they hold what it gives, and no other.
    """
    tenant = evidence.tenant
    named = {id for rule in connection.role_mapping for id in rule.role_ids}
    if not named:
        return
    held = named.intersection(brought.role_ids)
    # Who serves a tenant gives no roles: these two statements are what its administrator mapped.
    roles = tx.everywhere.user_roles
    given = await roles.assign(user.id, tenant.id, sorted(held))
    taken = await roles.remove(user.id, tenant.id, sorted(named - held))
    for event, ids in (("user.roles.assigned", given), ("user.roles.removed", taken)):
        if ids:
            await events.record(
                tx, event, organization_id=tenant.id, user_id=user.id, origin=evidence.origin,
                metadata={"connection_id": brought.link.connection_id, "role_ids": sorted(ids)},
            )  # fmt: skip
