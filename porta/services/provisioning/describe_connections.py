"""Connections and domains of an organization, as a provisioning document has them.

No secret is in it. What is switched off says so; whether a domain is proven is a matter of its
record, and of where it is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from porta.services.pages import collect
from porta.services.provisioning.describe_brands import Entry, said
from storage.models.connections import Connection
from storage.models.domains import Domain
from storage.models.organizations import Organization

if TYPE_CHECKING:
    from storage.router import Storage

Roles = Mapping[str, tuple[str, str]]
"""Slugs of the application and of the role, by the id of the role."""
_PAGE = 100
_FIELDS = (
    *("name", "provider", "issuer", "client_id", "status"),
    *("creates_accounts", "trusts_second_factor"),
)
_LISTS = ("scopes", "allowed_tenants", "allowed_domains", "authoritative_domains")
_MAPPINGS = ("options", "claim_mapping")


async def find_connections(
    storage: Storage, organization: Organization
) -> tuple[Sequence[Connection], Roles]:
    """Return the connections of an organization by name, and the roles that they give."""
    fetch = partial(storage.connections.list_page, organization.id)
    found = sorted(await collect(fetch, _PAGE), key=lambda each: each.name)
    ids = [id for each in found for rule in each.role_mapping for id in rule.role_ids]
    known = await storage.user_roles.find_roles(ids) if ids else {}
    return found, {id: (application, slug) for id, (slug, application, _) in known.items()}


def describe_connection(connection: Connection, roles: Roles, applications: set[str]) -> Entry:
    """Return a connection, without what it gives at other `applications` than these."""
    rules = [
        {
            "claim": rule.claim,
            "value": rule.value,
            "roles": [
                {"app": roles[id][0], "role": roles[id][1]}
                for id in rule.role_ids
                if id in roles and roles[id][0] in applications
            ],
        }
        for rule in connection.role_mapping
    ]
    told = {
        **said(connection, _FIELDS),
        **{name: list(getattr(connection, name)) for name in _LISTS},
        **{name: dict(getattr(connection, name)) for name in _MAPPINGS},
        "role_mapping": [rule for rule in rules if rule["roles"]],
    }
    return {name: value for name, value in told.items() if value not in ([], {})}


async def describe_domains(
    storage: Storage, organization: Organization, connections: Sequence[Connection]
) -> list[Entry]:
    """Return the domains that an organization has claimed."""
    fetch = partial(storage.domains.list_page, organization.id)
    names = {each.id: each.name for each in connections}
    found = sorted(await collect(fetch, _PAGE), key=lambda each: each.domain)
    return [_domain(each, names) for each in found]


def _domain(domain: Domain, names: Mapping[str, str]) -> Entry:
    leads = names.get(domain.connection_id or "")
    return {
        "domain": domain.domain,
        **({"connection": leads} if leads is not None else {}),
        "mode": domain.mode,
    }
