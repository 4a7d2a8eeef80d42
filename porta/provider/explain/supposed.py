"""What is supposed: person, client and organization as they are stored, or as what-if has them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from msgspec import Struct, structs

from porta.errors import Invalid, NotFound
from porta.provider.explain.question import Question, WhatIf
from porta.runtime import Runtime
from porta.tenants.tenant import Tenant
from storage.models.clients import Client
from storage.models.roles import RoleWithPermissions
from storage.models.users import AccountFacts

R = TypeVar("R", bound=Struct)
STATUSES = {
    "user_status": ("active", "inactive", "suspended", "locked"),
    "client_status": ("active", "inactive", "revoked"),
    "organization_status": ("active", "suspended", "archived"),
}


@dataclass(frozen=True, slots=True)
class Supposed:
    """Who asks for whose tokens, where."""

    tenant: Tenant
    client: Client
    facts: AccountFacts


async def find(runtime: Runtime, tenant: Tenant, question: Question) -> Supposed:
    """Return what the question is about, read anew.

    Raises NotFound for a client or a person that the organization does not have, and Invalid for a
    what-if that cannot be.
    """
    what_if, storage = question.what_if, runtime.storage
    _check_statuses(what_if)
    client = await storage.clients.find(question.client_id, tenant.id)
    if client is None:
        raise NotFound("Client not found")
    facts = await storage.users.facts(
        question.user_id, tenant.id, client.application_id, all_roles=client.tells_all_roles
    )
    if facts is None:
        raise NotFound("User not found")
    organization = _with_status(tenant.organization, what_if.organization_status)
    supposed = _with_status(client, what_if.client_status)
    if what_if.first_party is not None:
        supposed = structs.replace(supposed, is_first_party=what_if.first_party)
    return Supposed(
        replace(tenant, organization=organization),
        supposed,
        await _facts(runtime, tenant, client, facts, what_if),
    )


async def _facts(
    runtime: Runtime, tenant: Tenant, client: Client, facts: AccountFacts, what_if: WhatIf
) -> AccountFacts:
    user = _with_status(facts.user, what_if.user_status)
    values = {**facts.claims, **what_if.claims}
    claims = {name: value for name, value in values.items() if value is not None}
    if not what_if.roles and not what_if.without_roles:
        return structs.replace(facts, user=user, claims=claims)
    read = runtime.storage.explanations
    added = await read.roles(client.application_id, what_if.roles)
    unknown = set(what_if.roles) - {role.slug for role in added}
    if unknown:
        raise Invalid(f"roles: the application has no role '{min(unknown)}'")
    held = await read.held_roles(facts.user.id, tenant.id)
    told = [r for r in held if client.tells_all_roles or r.application_id == client.application_id]
    kept = [r for r in told if r.slug not in what_if.without_roles]
    roles, permissions = _told([*kept, *added])
    return structs.replace(facts, user=user, claims=claims, roles=roles, permissions=permissions)


def _told(roles: Iterable[RoleWithPermissions]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return roles and permissions as `AccountFacts` has them: each once, in order."""
    all = tuple(roles)
    return (
        tuple(sorted({role.slug for role in all})),
        tuple(sorted({permission for role in all for permission in role.permissions})),
    )


def _check_statuses(what_if: WhatIf) -> None:
    for name, allowed in STATUSES.items():
        status = getattr(what_if, name)
        if status is not None and status not in allowed:
            raise Invalid(f"{name}: must be one of: {', '.join(allowed)}")


def _with_status(record: R, status: str | None) -> R:
    return record if status is None else structs.replace(record, status=status)
