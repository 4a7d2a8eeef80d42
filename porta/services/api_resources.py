"""API resource service: what tokens can be asked for (RFC 8707), as administrators manage it."""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, Strict

from porta.audit.actors import Actor
from porta.errors import Conflict, Invalid
from porta.services import owned
from porta.services.api_resource_fields import Scope, find_identifier_fault, once
from porta.services.commands import ABSENT, Command, Patch
from porta.services.fields import Algorithm, Name, SearchTerm, judged
from porta.services.permissions import needs
from porta.services.targets import changes_of, check_page, find_home, is_key, write_changes
from porta.text.names import find_text_problem
from storage.models.clients import ApiResource, ScopeText
from storage.models.pages import Listed, Page
from storage.repositories.api_resources import SORTS

if TYPE_CHECKING:
    from storage.router import Storage

WHAT = "API resource"
_record = partial(owned.record, "api_resource_id")
_LONGEST_TTL = 10 * 31_536_000
"""Seconds."""


class ApiResourcePatch(Patch):
    """What of a resource may change. Its identifier stands in tokens, and does not."""

    name: Name = ABSENT
    scopes: Annotated[tuple[Scope, ...], Field(max_length=200), AfterValidator(once)] = ABSENT
    access_token_format: Literal["jwt", "opaque"] | None = ABSENT
    access_token_ttl: Annotated[int, Strict(), Field(ge=1, le=_LONGEST_TTL)] | None = ABSENT
    """Seconds; null takes the system's."""
    access_token_type: Literal["at+jwt", "JWT"] | None = ABSENT
    """Null takes the client's, as it does for the algorithm."""
    access_token_signing_alg: Algorithm | None = ABSENT
    introspection_clients: Annotated[
        tuple[Annotated[str, Field(max_length=255), judged(find_text_problem)], ...],
        Field(max_length=100),
    ] = ABSENT
    """The client_ids of those that may introspect the tokens it is sent (RFC 7662 §4)."""
    status: Literal["active", "inactive"] = ABSENT


class NewApiResource(ApiResourcePatch):
    """A resource to be made."""

    name: Name
    identifier: Annotated[str, judged(find_identifier_fault)]


class ApiResourceFilters(Command):
    """Which resources are listed."""

    search: SearchTerm | None = None
    """A part of the name or identifier, in any letter case."""


@needs("admin:client:create")
async def create(
    tx: Storage, actor: Actor, organization: str, command: NewApiResource
) -> ApiResource:
    """Make a resource of an organization (id or slug). Raises NotFound, Invalid, Conflict."""
    home = await find_home(tx, actor, organization)
    columns = _columns(command)
    await _check_clients(tx, home.id, columns)
    new = ApiResource(id=str(uuid.uuid4()), organization_id=home.id, **columns)
    made = await tx.api_resources.insert(new)
    if made is None:
        raise Conflict.at("identifier", message="this organization has it already")
    await _record(tx, actor, "api_resource.created", None, made)
    return made


@needs("admin:client:read")
async def get(
    storage: Storage, actor: Actor, target: str, *, within: str | None = None
) -> ApiResource:
    """Return the resource of this id, of the organization `within` where that is named. Raises
    NotFound.
    """
    return await owned.find(storage.api_resources, actor, target, within, WHAT)


@needs("admin:client:read")
async def list(
    storage: Storage, actor: Actor, organization: str, page: Page, filters: ApiResourceFilters
) -> Listed[ApiResource]:
    """Return a page of the resources of an organization. Raises NotFound, Invalid."""
    check_page(page, SORTS)
    home = await find_home(storage, actor, organization)
    return await storage.api_resources.list_page(home.id, page, search=filters.search)


@needs("admin:client:update")
async def update(
    tx: Storage,
    actor: Actor,
    target: str,
    patch: ApiResourcePatch,
    version: int | None = None,
    *,
    within: str | None = None,
) -> ApiResource:
    """Change what `patch` says of a resource. Raises NotFound, PreconditionFailed, Invalid."""
    stored = await owned.find(tx.api_resources, actor, target, within, WHAT, version, hold=True)
    changes = changes_of(stored, _columns(patch))
    await _check_clients(tx, stored.organization_id, changes)
    return await write_changes(
        stored, changes, WHAT,
        partial(tx.api_resources.update, stored.id, stored.organization_id),
        partial(_record, tx, actor, "api_resource.updated"),
    )  # fmt: skip


@needs("admin:client:revoke")
async def delete(
    tx: Storage,
    actor: Actor,
    target: str,
    version: int | None = None,
    *,
    within: str | None = None,
) -> ApiResource:
    """Delete a resource: no token can be asked for it any more. Return what it was.

    Raises NotFound, PreconditionFailed.
    """
    stored = await owned.find(tx.api_resources, actor, target, within, WHAT, version, hold=True)
    await tx.api_resources.delete(stored.id, stored.organization_id)
    await _record(tx, actor, "api_resource.deleted", stored, None)
    return stored


async def _check_clients(tx: Storage, organization_id: str, columns: dict[str, Any]) -> None:
    """A right that waits for whoever takes the name would be nobody's decision."""
    for index, client_id in enumerate(columns.get("introspection_clients", ())):
        client = await tx.clients.find(client_id, organization_id) if is_key(client_id) else None
        if client is None or client.status == "revoked" or client.client_type != "confidential":
            raise Invalid.at(
                *("introspectionClients", index),
                message=f"'{client_id}' is no confidential client of this organization",
            )


def _columns(patch: ApiResourcePatch) -> dict[str, Any]:
    said = patch.said()
    if "scopes" in said:
        texts = {scope.name: scope.text for scope in said["scopes"]}
        said["scope_texts"] = {name: text for name, text in texts.items() if text != ScopeText()}
        said["scopes"] = tuple(scope.name for scope in said["scopes"])
    return said
