"""Checks of a connection: what its provider needs, and that its maker may do all that it does."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from porta.audit.actors import Actor
from porta.errors import Conflict, Invalid
from porta.protocol.federation.provider import Provider
from porta.security.apple_secret import find_key_problem
from porta.services import owned
from porta.services.owned import T, Table
from porta.services.permissions import ADMINISTRATION, check_all
from porta.services.targets import find_home
from storage.models.connections import Connection
from storage.models.organizations import Organization

if TYPE_CHECKING:
    from storage.router import Storage


def check_right(actor: Actor, home: Organization) -> None:
    """Raise Forbidden where administrators sign in: whoever decides whose word is taken for them,
    is each of them.
    """
    if home.is_super_admin:
        check_all(actor, "where administrators sign in")


async def hold_with_right(
    tx: Storage,
    table: Table[T],
    actor: Actor,
    target: str,
    within: str | None,
    what: str,
    version: int | None = None,
) -> tuple[T, Organization]:
    """Return what says where people sign in, held, and its organization. Raises NotFound,
    PreconditionFailed, Forbidden.
    """
    stored = await owned.find(table, actor, target, within, what, version, hold=True)
    home = await find_home(tx, actor, stored.organization_id)
    check_right(actor, home)
    return stored, home


async def check_powers(tx: Storage, actor: Actor, wanted: Connection) -> None:
    """Raise Forbidden, or Invalid for a role: a connection does nothing that whoever makes it may
    not do themselves, and gives nobody what administrators have.
    """
    if wanted.creates_accounts:
        actor.check("admin:user:create")
    if wanted.authoritative_domains:
        actor.check("admin:user:update")
    if not wanted.role_mapping:
        return
    actor.check("admin:role:assign")
    ids = [id for rule in wanted.role_mapping for id in rule.role_ids]
    known = await tx.user_roles.find_roles(ids)
    for index, rule in enumerate(wanted.role_mapping):
        for place, id in enumerate(rule.role_ids):
            _, application, _ = known.get(id, ("", ADMINISTRATION, frozenset()))
            if application == ADMINISTRATION:
                raise Invalid.at(
                    *("roleMapping", index, "roleIds", place),
                    message="there is no such role, or it is one of administrators",
                )


async def check_spared(tx: Storage, stored: Connection) -> None:
    """Raise Conflict where people of a domain sign in here and nowhere else: without it they could
    not, or by whatever was closed to them.
    """
    domain = await tx.domains.requires(stored.id, stored.organization_id)
    if domain is not None:
        raise Conflict(f"people of {domain} have to sign in here; change the domain first")


def check_fits(provider: Provider, wanted: Connection, secret: str | None) -> None:
    """Raise Invalid for what the provider cannot do without; `secret` is one that is new."""
    for name in provider.options:
        if name not in wanted.options:
            raise Invalid.at("options", message=f"must have {' and '.join(provider.options)}")
    if provider.has_tenants and not wanted.allowed_tenants:
        raise Invalid.at("allowedTenants", message="must name whose people are let in")
    if provider.makes_secret:
        problem = find_key_problem(secret) if secret else None
        if wanted.client_secret is None or problem:
            raise Invalid.at("clientSecret", message=problem or "must be the private key as PEM")


def check_options(provider: Provider, options: Collection[str]) -> None:
    """Raise Invalid for an option that the provider does not know: of what somebody says, and not
    of what a connection has from before that was refused.
    """
    for name in options:
        if name not in (*provider.options, *provider.more_options):
            raise Invalid.at("options", name, message=f"is nothing that {provider.name} asks for")
