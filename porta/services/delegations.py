"""Delegation service: who administers one organization, and which clients administer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porta.audit.actors import Actor
from porta.audit.changes import record_change
from porta.errors import Conflict, Forbidden, Invalid, NotFound
from porta.services import clients, organizations
from porta.services.commands import Command
from porta.services.fields import Id, Ids
from porta.services.people import hold_user, is_super_admin
from porta.services.permissions import ADMINISTRATION, check_all, needs
from storage.models.administrators import Delegation
from storage.models.clients import Client
from storage.models.organizations import Organization

if TYPE_CHECKING:
    from storage.router import Storage

WHAT = "Delegation"


class AdministratorRoles(Command):
    """Roles of the application of the administration."""

    role_ids: Ids


class MachineRoles(AdministratorRoles):
    """The same for a client, and where it has them."""

    organization_id: Id | None = None
    """Null is everywhere."""


@needs("admin:org:read", "admin:role:read")
async def list_administrators(
    storage: Storage, actor: Actor, organization: str
) -> tuple[Delegation, ...]:
    """Return who administers this organization and no other one. Raises NotFound."""
    found = await organizations.get(storage, actor, organization)
    return await storage.delegations.of_organization(found.id)


@needs("admin:org:read", "admin:role:assign", unbound=True)
async def delegate(
    tx: Storage, actor: Actor, organization: str, user: str, command: AdministratorRoles
) -> None:
    """Let a person of the administrators' organization administer this one, and nothing else.

    Raises NotFound, Conflict where they administer everything or another one, Invalid for roles of
    other applications, Forbidden for what the actor may not, and for the super-admin user.
    """
    target = await _ordinary(tx, actor, organization)
    admin = await tx.organizations.find_super_admin()
    person = await hold_user(tx, actor, user, admin.id if admin else None)
    if await is_super_admin(tx, person.id):
        raise Forbidden("the super-admin user keeps what makes it one")
    held = await tx.user_roles.permitted(person.id, person.organization_id, ADMINISTRATION)
    before = await tx.delegations.find(user_id=person.id)
    if held and before is None:
        raise Conflict("this person administers every organization; take those roles away first")
    if before is not None and before.organization_id not in (None, target.id):
        raise Conflict("this person administers another organization")
    await _check_may(tx, actor, command)
    await tx.delegations.put(target.id, command.role_ids, user_id=person.id)
    await record_change(
        tx, actor, "delegation.set", None, None, organization_id=target.id, user_id=person.id,
        role_ids=list(command.role_ids),
    )  # fmt: skip


@needs("admin:org:read", "admin:role:assign", unbound=True)
async def withdraw(tx: Storage, actor: Actor, organization: str, user: str) -> None:
    """Let a person administer this organization no more. Raises NotFound, Forbidden."""
    target = await organizations.get(tx, actor, organization)
    person = await hold_user(tx, actor, user)
    found = await tx.delegations.find(user_id=person.id)
    if found is None or found.organization_id != target.id:
        raise NotFound(f"{WHAT} not found")
    await tx.delegations.remove(user_id=person.id)
    await record_change(
        tx, actor, "delegation.removed", None, None, organization_id=target.id, user_id=person.id
    )


@needs("admin:client:read", "admin:role:read", unbound=True)
async def find_of_client(storage: Storage, actor: Actor, client: str) -> Delegation:
    """Return what a client administers. Raises NotFound."""
    stored = await clients.get(storage, actor, client)
    found = await storage.delegations.find(client_id=stored.id)
    if found is None:
        raise NotFound(f"{WHAT} not found")
    return found


@needs("admin:client:update", "admin:role:assign", unbound=True)
async def let_administer(
    tx: Storage, actor: Actor, client: str, command: MachineRoles
) -> Delegation:
    """Let a confidential client of the administrators' organization administer by itself.

    Raises NotFound, Invalid for another client and for roles of other applications, Forbidden for
    all but super-administrators.
    """
    stored = await _machine(tx, actor, client)
    if command.organization_id is not None:
        await _ordinary(tx, actor, command.organization_id)
    await _check_may(tx, actor, command)
    await tx.delegations.put(command.organization_id, command.role_ids, client_id=stored.id)
    await record_change(
        tx, actor, "delegation.set", None, None, organization_id=stored.organization_id,
        client_id=stored.client_id, role_ids=list(command.role_ids),
        delegated_to=command.organization_id,
    )  # fmt: skip
    return await find_of_client(tx, actor, stored.id)


@needs("admin:client:update", "admin:role:assign", unbound=True)
async def stop_administering(tx: Storage, actor: Actor, client: str) -> None:
    """Let a client administer no more. Raises NotFound, Forbidden."""
    stored = await _machine(tx, actor, client)
    if not await tx.delegations.remove(client_id=stored.id):
        raise NotFound(f"{WHAT} not found")
    await record_change(
        tx, actor, "delegation.removed", None, None, organization_id=stored.organization_id,
        client_id=stored.client_id,
    )  # fmt: skip


async def _ordinary(tx: Storage, actor: Actor, organization: str) -> Organization:
    target = await organizations.get(tx, actor, organization)
    if target.is_super_admin:
        raise Invalid("whoever administers the super-admin organization administers all of them")
    return target


async def _machine(tx: Storage, actor: Actor, client: str) -> Client:
    check_all(actor, "which clients administer")
    stored = await clients.get(tx, actor, client)
    admin = await tx.organizations.find_super_admin()
    if admin is None or stored.organization_id != admin.id:
        raise Invalid("only clients of the administrators' organization administer")
    if stored.client_type != "confidential":
        raise Invalid("a public client cannot prove that it is the one")
    return stored


async def _check_may(tx: Storage, actor: Actor, command: AdministratorRoles) -> None:
    known = await tx.user_roles.find_roles(command.role_ids)
    for index, id in enumerate(command.role_ids):
        if id not in known or known[id][1] != ADMINISTRATION:
            raise Invalid.at("roleIds", index, message="is no role of administrators")
    if not all(actor.holds(permissions) for _, _, permissions in known.values()):
        raise Forbidden("nobody grants what they do not hold themselves")
