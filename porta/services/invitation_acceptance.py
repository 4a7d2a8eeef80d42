"""Invitation acceptance: whoever has the link is the person it names, and gets what it carries.

It proves the address and sets a first password, where passwords are a way to sign in; nobody is
signed in by it, and a password that somebody has already stays (requirement G.6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from porta.audit import events
from porta.audit.actors import SYSTEM, Actor
from porta.limits.origin import Origin
from porta.protocol.clients.client_links import find_home
from porta.runtime import Runtime
from porta.security import link_tokens
from porta.services import pending_email, pre_assignments, welcome
from porta.services.password_reset import LinkOver, Refused, hash_by_link
from porta.services.pre_assignments import Given
from porta.services.welcome import Typed
from porta.tenants import resolve
from porta.tenants.tenant import Tenant
from storage.models.auth_tokens import LinkKind
from storage.models.clients import Client
from storage.models.invitations import PendingInvitation
from storage.models.users import UserProfile

if TYPE_CHECKING:
    from storage.router import Storage

_KIND = LinkKind.INVITATION


@dataclass(frozen=True, slots=True)
class Offer:
    """An invitation that can be accepted: for whom, and what is asked of them."""

    user: UserProfile
    carried: PendingInvitation
    client: Client | None
    """Where they are led to in the end."""
    asks_password: bool

    @property
    def asks_names(self) -> tuple[str, ...]:
        """The names that are missing, of somebody who has not been here yet."""
        if self.user.password_hash is not None or self.user.login_count:
            return ()
        names = ("given_name", "family_name")
        return tuple(each for each in names if getattr(self.user, each) is None)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of it."""

    offer: Offer
    given: Given
    home_url: str | None
    """The page of the client that it leads to."""


async def find(runtime: Runtime, tenant: Tenant, token: str) -> Offer:
    """Return what a link offers; nothing is used up. Raises LinkOver, for a person who is not
    active too.
    """
    digest, storage = link_tokens.digest_of(token), runtime.storage
    link = digest and await storage.auth_tokens.find(_KIND, digest, tenant.id)
    carried = digest and link and await storage.invitations.find_link(digest, tenant.id)
    user = carried and await storage.users.find(carried.user_id, organization_id=tenant.id)
    if not carried or not user or not user.is_usable:
        raise LinkOver("the invitation is unknown, used, taken back or over")
    client_id = carried.details.client_id
    client = await resolve.find_client(runtime, tenant, client_id) if client_id else None
    methods = client.login_methods if client else None
    if methods is None:
        methods = tenant.organization.default_login_methods
    asks = "password" in methods and user.password_hash is None
    return Offer(user, carried, client, asks)


async def accept(
    runtime: Runtime, tenant: Tenant, token: str, typed: Typed, origin: Origin
) -> Accepted:
    """Use the link: the address is proven, the first password set, roles and claims are given as
    far as who sent it may give them now, and a welcome is mailed; all of it, or nothing.

    Raises Refused, before the link is used, LinkOver, Throttled where many hash by one link, and
    Unavailable where there is no room to.
    """
    offer = await find(runtime, tenant, token)
    if problems := welcome.find_problems(
        tenant, offer.user, typed, offer.asks_names, asks_password=offer.asks_password
    ):
        raise Refused(problems)
    hashed = None
    if offer.asks_password:
        hashed = await hash_by_link(runtime, tenant, token, typed.password, origin)
    home_url = find_home(offer.client) if offer.client else None
    letter = welcome.write(runtime, tenant, offer.user, offer.client, home_url)
    # Who invites is of another organization, and what they give is an administrator's to write.
    async with runtime.storage.everywhere.transaction() as tx:
        user = await _use(tx, tenant, offer, token, hashed)
        await _become(tx, tenant, user, typed, offer, hashed)
        inviter = await _inviter(tx, offer.carried)
        given = await pre_assignments.give(tx, inviter, user, offer.carried.details)
        await _record(tx, tenant, offer, given, origin)
        await runtime.post.queue(
            tx, "welcome", letter, to=user.email, organization_id=tenant.id,
            lifetime=welcome.NOTICE, user_id=user.id,
        )  # fmt: skip
    return Accepted(offer, given, home_url)


async def _use(
    tx: Storage, tenant: Tenant, offer: Offer, token: str, hashed: str | None
) -> UserProfile:
    """Use the link up, and return its person, held. Raises LinkOver for who comes second."""
    held = await tx.users.find(offer.user.id, organization_id=tenant.id, hold=True)
    link = await tx.auth_tokens.use(_KIND, link_tokens.digest_of(token) or "", tenant.id)
    if link is None or held is None or held.id != link.user_id or not held.is_usable:
        raise LinkOver("the invitation was used, or taken back, meanwhile")
    if hashed is not None and held.password_hash is not None:
        raise LinkOver("the person was given a password meanwhile")
    return held


async def _become(
    tx: Storage, tenant: Tenant, user: UserProfile, typed: Typed, offer: Offer, hashed: str | None
) -> None:
    changes: dict[str, object] = {} if user.email_verified else {"email_verified": True}
    for name in offer.asks_names:
        if said := typed.names.get(name):
            changes[name] = said
    if changes:
        await tx.users.update(user.id, tenant.id, changes)
    if hashed is not None:
        await tx.user_passwords.set(user.id, tenant.id, hashed)
        await tx.auth_tokens.end_resets(user.id, tenant.id)
        await pending_email.end(tx, user, "user.invite.accepted")


async def _inviter(tx: Storage, carried: PendingInvitation) -> Actor | None:
    """Return who sent it, with the rights that they have now; None for who administers no more."""
    key = (carried.invited_by, carried.invited_by_client)
    if key == (None, None):
        return SYSTEM if carried.details.by_system else None
    found = await tx.administrators.find_rights(*key)
    if found is None:
        return None
    organization_id, permissions = found
    return Actor(
        user_id=carried.invited_by,
        client_id=carried.invited_by_client,
        organization_id=organization_id,
        permissions=permissions,
    )


async def _record(tx: Storage, tenant: Tenant, offer: Offer, given: Given, origin: Origin) -> None:
    told = {"invitation_id": offer.carried.id, "password": offer.asks_password}
    await events.record(
        tx, "user.invite.accepted", organization_id=tenant.id, user_id=offer.user.id,
        metadata=told, origin=origin,
    )  # fmt: skip
    if not (given.roles or given.claims or given.left_out):
        return
    left_out = [{"kind": kind, "id": id, "reason": reason} for kind, id, reason in given.left_out]
    applied = {"role_ids": given.roles, "claim_ids": given.claims, "left_out": left_out}
    await events.record(
        tx, "user.invite.pre_assignments_applied", organization_id=tenant.id,
        user_id=offer.user.id, metadata=applied, origin=origin,
    )  # fmt: skip
