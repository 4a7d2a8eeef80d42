"""API resource service: what tokens can be asked for (RFC 8707), as administrators manage it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import msgspec

from porta.audit import events
from porta.audit.actors import SYSTEM, Actor
from porta.errors import Conflict, Invalid
from porta.protocol.errors import InvalidScope
from porta.protocol.features.resource_indicators import MAX_LENGTH, is_identifier
from porta.protocol.requests.scopes import OIDC_SCOPES, parse_scope
from porta.protocol.tokens.access_token import ACCESS_TOKEN_TYPES
from porta.services.signing_algorithms import parse_algorithm
from storage.errors import AlreadyExists
from storage.models.clients import ApiResource

if TYPE_CHECKING:
    from storage.router import Storage


def parse_identifier(identifier: str) -> str:
    """Return `identifier`. Raises Invalid unless a request can name it (RFC 8707 §2)."""
    if not is_identifier(identifier):
        raise Invalid(
            "identifier: an absolute URI without a fragment is needed (RFC 8707 §2), of at most"
            f" {MAX_LENGTH} characters"
        )
    return identifier


def parse_scopes(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """Return `scopes`. Raises Invalid for one that cannot be a scope or belongs to OpenID."""
    for scope in scopes:
        try:
            whole = parse_scope(scope) == (scope,)
        except InvalidScope:
            whole = False
        if not whole:
            raise Invalid("scopes: each is one word (RFC 6749 §3.3)")
        if scope in OIDC_SCOPES:
            raise Invalid(f"scopes: '{scope}' belongs to OpenID Connect")
    return scopes


async def create(storage: Storage, resource: ApiResource, *, actor: Actor = SYSTEM) -> ApiResource:
    """Store a new resource and return it with its id. Raises Invalid or Conflict."""
    parse_identifier(resource.identifier)
    _check(resource)
    new = msgspec.structs.replace(resource, id=str(uuid.uuid4()))
    async with storage.transaction() as tx:
        await _check_clients(tx, new)
        try:
            await tx.api_resources.insert(new)
        except AlreadyExists:
            raise Conflict("identifier: this organization has it already") from None
        await _record(tx, "api_resource.created", new, actor)
    return new


async def update(storage: Storage, resource: ApiResource, *, actor: Actor = SYSTEM) -> None:
    """Write everything of a resource but its identifier. Raises Invalid."""
    _check(resource)
    async with storage.transaction() as tx:
        await _check_clients(tx, resource)
        await tx.api_resources.update(resource)
        await _record(tx, "api_resource.updated", resource, actor)


def _check(resource: ApiResource) -> None:
    parse_scopes(resource.scopes)
    if resource.access_token_type not in (None, *ACCESS_TOKEN_TYPES):
        raise Invalid(f"access_token_type: must be one of: {', '.join(ACCESS_TOKEN_TYPES)}")
    if resource.access_token_signing_alg is not None:
        parse_algorithm(resource.access_token_signing_alg)


async def _check_clients(tx: Storage, resource: ApiResource) -> None:
    """A right that waits for whoever takes the name would be nobody's decision."""
    for client_id in resource.introspection_clients:
        client = await tx.clients.find(client_id, resource.organization_id)
        if client is None or client.status == "revoked" or client.client_type != "confidential":
            raise Invalid(
                f"introspection_clients: '{client_id}' is no confidential client of this"
                " organization"
            )


async def _record(tx: Storage, event_type: str, resource: ApiResource, actor: Actor) -> None:
    await events.record(
        tx,
        event_type,
        organization_id=resource.organization_id,
        metadata={"api_resource_id": resource.id},
        actor=actor,
    )
