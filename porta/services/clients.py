"""Client service: OAuth clients and their secrets, as administrators manage them (RFC 7591)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from porta.audit import events
from porta.audit.actors import SYSTEM, Actor
from porta.errors import Conflict, Invalid, NotFound
from porta.protocol.clients import client_metadata
from porta.security import opaque
from porta.security.keys import ALGORITHMS
from porta.security.passwords import Passwords
from porta.services.lifecycle import CLIENT, event_of
from storage.errors import AlreadyExists
from storage.models.applications import Application
from storage.models.clients import Client
from storage.models.organizations import Organization

if TYPE_CHECKING:
    from storage.router import Storage

_CLIENT_ID = re.compile(r"[A-Za-z0-9._~-]{3,255}")
_ID_TOKEN_ALG = "id_token_signed_response_alg"
_KEPT = (_ID_TOKEN_ALG, "require_pkce", "access_token_format")
_SECRET = re.compile(r"[\x21-\x7e]{32,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What only an administrator decides of a client, beside what it registers."""

    is_first_party: bool = True
    """A first-party client needs no consent."""
    login_methods: tuple[str, ...] | None = None
    """None takes the organization's."""
    introspects_organization: bool = False
    """Whether it may introspect every token of its organization."""
    tells_all_roles: bool = False
    """Whether it is told the roles of all applications, as by Porta 1.x."""


async def create(
    storage: Storage,
    organization: Organization,
    application: Application,
    registration: Mapping[str, Any],
    *,
    terms: Terms,
    client_id: str | None = None,
    actor: Actor = SYSTEM,
) -> Client:
    """Store a new client of what `registration` says by RFC 7591 names, without secrets.

    Where it is silent about the algorithm of ID tokens, the organization's is taken.

    Raises InvalidMetadata with every problem, Invalid for a chosen `client_id` that cannot be one
    or an organization or application that is archived, and Conflict when the client_id is taken.
    """
    if "archived" in (organization.status, application.status):
        raise Invalid("an archived organization or application takes no more clients")
    if client_id is not None and not _CLIENT_ID.fullmatch(client_id):
        raise Invalid("client_id: 3 to 255 letters, digits, '.', '_', '~' and '-'")
    new = Client(
        id=str(uuid.uuid4()),
        organization_id=organization.id,
        application_id=application.id,
        client_id=client_id or opaque.new_value(),
        **_columns(
            {_ID_TOKEN_ALG: organization.id_token_signed_response_alg, **registration}, terms
        ),
    )
    async with storage.transaction() as tx:
        try:
            await tx.clients.insert(new)
        except AlreadyExists:
            raise Conflict("client_id: another client has it") from None
        await _record(tx, "client.created", new, actor)
    return new


async def update(
    storage: Storage,
    client: Client,
    registration: Mapping[str, Any],
    *,
    terms: Terms,
    actor: Actor = SYSTEM,
) -> tuple[str, ...]:
    """Write what `registration` says of a client that exists; return the fields that changed.

    Its type never changes: a secret that was public once is none. Nor does silence change its need
    of PKCE, the algorithm of its ID tokens, or the form of its access tokens: an adopted client has
    opaque ones. Raises InvalidMetadata, Invalid.
    """
    kept = {name: getattr(client, name) for name in _KEPT}
    columns = _columns({**kept, **registration}, terms)
    if columns["client_type"] != client.client_type:
        raise Invalid("client_type: a client keeps the one it was made with")
    changed = tuple(name for name, value in columns.items() if getattr(client, name) != value)
    if changed:
        async with storage.transaction() as tx:
            await tx.clients.update(msgspec.structs.replace(client, **columns))
            await _record(tx, "client.updated", client, actor, changed=list(changed))
    return changed


async def set_status(
    storage: Storage, client_id: str, organization_id: str, status: str, *, actor: Actor = SYSTEM
) -> Client:
    """Activate, deactivate (`inactive`), or revoke for good (`revoked`). It works at once, and ends
    for good whatever was issued before.

    Raises NotFound for a client that this organization does not have, Invalid, and Conflict when
    somebody revoked it at the same moment.
    """
    async with storage.transaction() as tx:
        stored = await tx.clients.find(client_id, organization_id)
        if stored is None:
            raise NotFound("Client not found")
        event_type = event_of(CLIENT, stored.status, status)
        if not await tx.clients.set_status(stored.id, organization_id, status):
            raise Conflict("status: it changed at the same time")
        await _record(tx, event_type, stored, actor)
        return await tx.clients.find(client_id, organization_id) or stored


async def add_secret(
    storage: Storage,
    client: Client,
    passwords: Passwords,
    *,
    value: str | None = None,
    label: str | None = None,
    expires_at: float | None = None,
    actor: Actor = SYSTEM,
) -> str:
    """Give a confidential client one more secret and return it: nobody can read it again.

    Without a `value` 256 random bits are taken. `expires_at` is in seconds since the epoch.
    Raises Invalid.
    """
    if client.client_type != "confidential":
        raise Invalid("secret: a public client keeps none")
    if value is not None and not _SECRET.fullmatch(value):
        raise Invalid("secret: 32 to 255 printable ASCII characters without spaces are needed")
    secret = value or opaque.new_value()
    secret_hash = await passwords.hash(secret)
    async with storage.transaction() as tx:
        await tx.clients.add_secret(
            client.id,
            client.organization_id,
            secret_hash=secret_hash,
            secret_sha256=opaque.sha256_hex(secret),
            label=label,
            expires_at=expires_at,
        )
        await _record(tx, "client.secret.generated", client, actor)
    return secret


async def revoke_secret(
    storage: Storage, client: Client, secret_id: str, *, actor: Actor = SYSTEM
) -> None:
    """End one secret of `client`, at once and for good. Raises NotFound."""
    async with storage.transaction() as tx:
        if not await tx.clients.revoke_secret(client.id, client.organization_id, secret_id):
            raise NotFound("Secret not found")
        await _record(tx, "client.secret.revoked", client, actor, secret_id=secret_id)


def _columns(registration: Mapping[str, Any], terms: Terms) -> dict[str, Any]:
    metadata = client_metadata.validate(registration, algorithms=ALGORITHMS)
    if terms.introspects_organization and metadata.client_type != "confidential":
        raise Invalid("introspects_organization: a confidential client is needed (RFC 7662 §2.1)")
    return {**asdict(metadata), **asdict(terms)}


async def _record(
    tx: Storage, event_type: str, client: Client, actor: Actor, **more: object
) -> None:
    await events.record(
        tx,
        event_type,
        organization_id=client.organization_id,
        metadata={"client_id": client.client_id, **more},
        actor=actor,
    )
