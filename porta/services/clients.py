"""Client service: OAuth clients, as administrators manage them (RFC 7591)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Literal

from porta.audit import events
from porta.audit.actors import Actor
from porta.errors import Conflict, Invalid
from porta.security import opaque
from porta.services.brands import merge_of_client
from porta.services.client_registration import (
    TERMS,
    ClientPatch,
    NewClient,
    columns_of,
    columns_of_change,
)
from porta.services.client_targets import WHAT, hold_client, record_of_client, visible
from porta.services.commands import NO_REASON, Command, Reasoned
from porta.services.fields import Id, SearchTerm
from porta.services.lifecycle import Lifecycle
from porta.services.permissions import ADMINISTRATION, check_all, needs
from porta.services.targets import changes_of, check_page, is_key, require
from storage.errors import AlreadyExists
from storage.models.applications import Application
from storage.models.clients import Client
from storage.models.organizations import ClientBrand, Organization
from storage.models.pages import Listed, Page
from storage.repositories.clients import SORTS

if TYPE_CHECKING:
    from storage.router import Storage

_ID_TOKEN_ALG = "id_token_signed_response_alg"


class ClientFilters(Command):
    """Which clients are listed."""

    organization_id: Id | None = None
    application_id: Id | None = None
    status: Literal["active", "inactive", "revoked"] | None = None
    search: SearchTerm | None = None
    """A part of the name, in any letter case."""


@needs("admin:client:create")
async def create(tx: Storage, actor: Actor, command: NewClient) -> Client:
    """Make a client, without secrets.

    Where the command is silent about the algorithm of ID tokens, the organization's is taken.
    Raises Invalid with every problem, also for an organization or application that there is not, or
    that is archived, Conflict when the client_id is taken, Forbidden where it would administer.
    """
    organization, application = await _find_owners(tx, actor, command)
    default = {_ID_TOKEN_ALG: organization.id_token_signed_response_alg}
    said = command.said()
    new = Client(
        id=str(uuid.uuid4()),
        organization_id=organization.id,
        application_id=application.id,
        client_id=command.client_id or opaque.new_value(),
        **columns_of({**default, **command.registration()}),
        **{name: said[name] for name in TERMS if name in said},
        brand=merge_of_client(None, command.brand),
    )
    _check_brand(new.brand, new.is_first_party)
    _check_introspects(new.introspects_organization, new.client_type)
    _check_revokes(actor, new.revokes_globally)
    try:
        await tx.clients.insert(new)
    except AlreadyExists:
        raise Conflict.at("clientId", message="another client has it") from None
    made = require(await tx.clients.find(new.client_id, organization.id), WHAT)
    await record_of_client(tx, actor, "client.created", None, made)
    return made


async def _find_owners(
    tx: Storage, actor: Actor, command: NewClient
) -> tuple[Organization, Application]:
    """Return whose client it will be. Raises Invalid, Forbidden."""
    organization = await tx.organizations.find_by_id(command.organization_id)
    if organization is None or not actor.sees(organization.id):
        raise Invalid.at("organizationId", message="there is no such organization")
    application = await tx.applications.find_by_key(command.application_id)
    if application is None:
        raise Invalid.at("applicationId", message="there is no such application")
    if "archived" in (organization.status, application.status):
        raise Invalid("an archived organization or application takes no more clients")
    if organization.is_super_admin or application.slug == ADMINISTRATION:
        check_all(actor, "a client of the administration")
    return organization, application


@needs("admin:client:read")
async def get(storage: Storage, actor: Actor, target: str) -> Client:
    """Return the client of this id or client_id. Raises NotFound."""
    found = await storage.clients.find_by_key(target) if is_key(target) else None
    return visible(actor, found)


@needs("admin:client:read")
async def list(
    storage: Storage, actor: Actor, page: Page, filters: ClientFilters
) -> Listed[Client]:
    """Return a page of the clients that the actor sees. Raises Invalid."""
    check_page(page, SORTS)
    asked = filters.organization_id
    if asked is not None and not actor.sees(asked):
        return Listed(rows=(), total=None if page.number is None else 0)
    return await storage.clients.list_page(
        page,
        organization_id=asked or actor.organization_id,
        application_id=filters.application_id,
        status=filters.status,
        search=filters.search,
    )


@needs("admin:client:update")
async def update(
    tx: Storage, actor: Actor, target: str, patch: ClientPatch, version: int | None = None
) -> Client:
    """Change what `patch` says of a client.

    Its type never changes: a secret that was public once is none. Raises NotFound,
    PreconditionFailed, Invalid with every problem of what changes, Forbidden for a client that
    administers.
    """
    stored = await hold_client(tx, actor, target, version)
    said = patch.said()
    if said.get("client_type", stored.client_type) != stored.client_type:
        raise Invalid.at("clientType", message="a client keeps the one that it was made with")
    registered = columns_of_change(stored, patch)
    columns = {**registered, **{name: said[name] for name in TERMS if name in said}}
    if "brand" in said:
        columns["brand"] = merge_of_client(stored.brand, patch.brand)
    changes = changes_of(stored, columns)
    if not changes:
        return stored
    _check_brand(
        columns.get("brand", stored.brand), columns.get("is_first_party", stored.is_first_party)
    )
    introspects = columns.get("introspects_organization", stored.introspects_organization)
    _check_introspects(introspects, stored.client_type)
    if changes.keys() & {"revokes_globally", "metadata"}:
        _check_revokes(actor, columns.get("revokes_globally", stored.revokes_globally))
    await tx.clients.update(stored.id, stored.organization_id, changes)
    after = require(await tx.clients.find(stored.client_id, stored.organization_id), WHAT)
    await record_of_client(tx, actor, "client.updated", stored, after)
    return after


@needs("admin:client:revoke")
async def revoke_tokens(
    tx: Storage,
    actor: Actor,
    target: str,
    command: Reasoned = NO_REASON,
    version: int | None = None,
) -> None:
    """End what was issued to a client until now, on every instance: codes, pushed requests, tokens
    of people and its own. It goes on with what is issued anew (decisions/0018).

    Raises NotFound, PreconditionFailed, Forbidden for a client that administers.
    """
    stored = await hold_client(tx, actor, target, version)
    await tx.clients.begin_era(stored.id, stored.organization_id)
    await events.record(
        tx,
        "client.tokens.revoked",
        organization_id=stored.organization_id,
        metadata={"client_id": stored.client_id, **command.told()},
        actor=actor,
    )


def _check_revokes(actor: Actor, revokes: bool) -> None:
    """Nobody grants what they do not hold: who names its keys can end what people hold."""
    if revokes:
        actor.check("admin:session:revoke")


def _check_brand(brand: ClientBrand | None, is_first_party: bool) -> None:
    """What people consent to must not look like a page of the organization that it is not of."""
    if brand is not None and not is_first_party:
        raise Invalid.at(
            "brand", message="a first-party client is needed: people consent to others"
        )


def _check_introspects(introspects: bool, client_type: str) -> None:
    if introspects and client_type != "confidential":
        raise Invalid.at(
            "introspectsOrganization", message="a confidential client is needed (RFC 7662 §2.1)"
        )


async def _write_status(tx: Storage, stored: Client, status: str, reason: str | None) -> Client:
    del reason
    if not await tx.clients.set_status(stored.id, stored.organization_id, status):
        raise Conflict.at("status", message="it changed at the same time")
    return require(await tx.clients.find(stored.client_id, stored.organization_id), WHAT)


_LIFECYCLE = Lifecycle(__name__, hold_client, _write_status, record_of_client)

deactivate = needs("admin:client:update")(
    _LIFECYCLE.change("deactivate", "active", to="inactive", event="client.deactivated")
)
"""Deactivate a client: it is refused, at once, and what it holds is ended for good."""
activate = needs("admin:client:update")(
    _LIFECYCLE.change("activate", "inactive", to="active", event="client.activated")
)
"""Make an inactive client active."""
revoke = needs("admin:client:revoke")(
    _LIFECYCLE.change("revoke", "active", "inactive", to="revoked", event="client.revoked")
)
"""Revoke a client for good."""
