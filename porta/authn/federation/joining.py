"""Joining: which account somebody has who is known at another provider; linked, or made.

Whose it is, is found first, and nothing is written by that: what a sign-in takes over is written
when there is nothing left that refuses it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Literal

from porta.audit import events
from porta.audit.actors import Actor
from porta.authn import identities
from porta.authn.authenticator import Evidence
from porta.authn.identities import Waiting
from porta.protocol.federation.profile import (
    Profile,
    check_domain,
    fields_of,
    is_authoritative,
    roles_of,
)
from porta.tenants import home_realms
from storage.models.connections import Connection
from storage.models.sign_ins import Link
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
    # An address that is given to somebody new is no reason to give them the account with it.
    linked = await storage.identities.of_user(user.id, tenant.id)
    if any(each.connection_id == connection.id for each in linked):
        return None
    return Found(user, "address")


async def take_over(
    evidence: Evidence, connection: Connection, profile: Profile, found: Found
) -> User | None:
    """Write what a sign-in brings along: that the identity was used, is linked, or is of an account
    that is made; and what the connection maps. None where that is so no more, and somebody has to
    prove an account after all.
    """
    if found.by == "nothing":
        return await _create(evidence, connection, profile, found.user)
    storage, tenant, user = evidence.runtime.storage, evidence.tenant, found.user
    async with storage.transaction() as tx:
        if found.by == "identity":
            who = (profile.issuer, profile.subject, profile.email, profile.called)
            used = await tx.identities.use(connection.id, tenant.id, *who)
            if used is None or used.user_id != user.id:
                return None
        else:
            waits = Waiting(connection, link_of(connection, profile))
            actor = _actor(evidence)
            if not await identities.link(tx, evidence.runtime, tenant, user, waits, actor):
                return None
    return await _update(evidence, connection, profile, user)


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


async def _create(
    evidence: Evidence, connection: Connection, profile: Profile, new: User
) -> User | None:
    tenant_id = evidence.tenant.id
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
        known = Waiting(connection, link_of(connection, profile))
        # Nobody had the account before: there is nobody to be told.
        await identities.link(
            tx, evidence.runtime, evidence.tenant, made, known, _actor(evidence), tells=False
        )
        await _map_roles(tx, evidence, connection, profile, made)
    return made


async def _update(evidence: Evidence, connection: Connection, profile: Profile, user: User) -> User:
    """Take over what the connection maps, at each sign-in; what it does not map stays."""
    told = fields_of(connection, profile.claims) if connection.claim_mapping else {}
    changes = {name: value for name, value in told.items() if getattr(user, name) != value}
    if not changes and not connection.role_mapping:
        return user
    async with evidence.runtime.storage.everywhere.transaction() as tx:
        if changes:
            user = await tx.users.update(user.id, evidence.tenant.id, changes) or user
        await _map_roles(tx, evidence, connection, profile, user)
    return user


async def _map_roles(
    tx: Storage, evidence: Evidence, connection: Connection, profile: Profile, user: User
) -> None:
    """Of the roles that the mapping names, somebody holds those that it gives, and no other."""
    held, named = roles_of(connection, profile.claims)
    if not named:
        return
    tenant_id = evidence.tenant.id
    given = await tx.user_roles.assign(user.id, tenant_id, sorted(held))
    taken = await tx.user_roles.remove(user.id, tenant_id, sorted(named - held))
    for event, ids in (("user.roles.assigned", given), ("user.roles.removed", taken)):
        if ids:
            await events.record(
                tx, event, organization_id=tenant_id, user_id=user.id, origin=evidence.origin,
                metadata={"connection_id": connection.id, "role_ids": sorted(ids)},
            )  # fmt: skip
