"""Home-realm discovery: which identity provider the people of a proven domain sign in at.

Everything is said of a domain, never of a person: of each address alike, whoever has it
(decisions/0047). An organization without domains pays nothing for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from porta.errors import Invalid, PortaError
from porta.runtime import Runtime
from porta.tenants.tenant import Tenant
from porta.text.email_addresses import ascii_domain_form, canonical_email
from storage.models.connections import Connection
from storage.models.sign_ins import Link


@dataclass(frozen=True, slots=True)
class HomeRealm:
    """Where an address is at home."""

    domain: str
    connection: Connection
    required: bool
    """Whether it signs in there, and in no other way."""


class ElsewhereOnly(PortaError):
    """An address that signs in at its provider alone."""

    status = 403
    code = "provider_required"

    def __init__(self, realm: HomeRealm) -> None:
        super().__init__("its domain signs in at its provider", reason="provider_required")
        self.realm = realm


async def find(runtime: Runtime, tenant: Tenant, address: str) -> HomeRealm | None:
    """Return where an address, as it was typed, is at home; None for most."""
    return find_among(await runtime.connections(tenant.id), address)


def find_among(connections: tuple[Connection, ...], address: str) -> HomeRealm | None:
    """Return where an address is at home, of the active connections of an organization."""
    if not any(each.domains for each in connections):
        return None
    domain = _domain_of(address)
    for connection in connections:
        for led in connection.domains:
            if led.domain == domain:
                return HomeRealm(led.domain, connection, led.required)
    return None


async def find_required(runtime: Runtime, tenant: Tenant, address: str) -> HomeRealm | None:
    """Return where an address has to sign in, and in no other way; None for most."""
    realm = await find(runtime, tenant, address)
    return realm if realm is not None and realm.required else None


async def check(
    runtime: Runtime,
    tenant: Tenant,
    address: str,
    linking: Link | None = None,
    *,
    at: str | None = None,
) -> None:
    """Raise ElsewhereOnly for an address that has to sign in at its provider, and does not: `at` is
    the connection that its person comes from.

    Who comes from there as this very address, and has to prove whose account that is (`linking`),
    does so here once.
    """
    check_among(await runtime.connections(tenant.id), address, linking, at=at)


def check_among(
    connections: tuple[Connection, ...],
    address: str,
    linking: Link | None = None,
    *,
    at: str | None = None,
) -> None:
    """Raise ElsewhereOnly as `check`, of the active connections of an organization: whoever is in a
    transaction found them before it, and waits for no second connection to the database.
    """
    realm = find_among(connections, address)
    if realm is None or not realm.required or realm.connection.id == at:
        return
    if linking is not None and linking.connection_id == realm.connection.id:
        told = _canonical(linking.email or "")
        if told is not None and told == _canonical(address):
            return
    raise ElsewhereOnly(realm)


def _domain_of(address: str) -> str:
    try:
        return ascii_domain_form(canonical_email(address)).rpartition("@")[2]
    except Invalid:
        return ""


def _canonical(address: str) -> str | None:
    try:
        return canonical_email(address)
    except Invalid:
        return None
