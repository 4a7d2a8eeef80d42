"""Connection service: the identity providers of an organization, as administrators manage them."""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from pydantic import Field

from porta.audit.actors import Actor
from porta.errors import Conflict, Invalid
from porta.protocol.federation import PROVIDERS
from porta.security.connection_secrets import seal_secret
from porta.security.encryption import EncryptionKeys
from porta.services import owned
from porta.services.commands import ABSENT, Command, Patch
from porta.services.connection_checks import (
    check_fits,
    check_options,
    check_powers,
    check_right,
    check_spared,
    hold_with_right,
)
from porta.services.connection_fields import (
    ClaimName,
    ClaimSources,
    ClientSecret,
    Issuer,
    Options,
    RuleValue,
    Scopes,
    Tenants,
)  # fmt: skip
from porta.services.fields import Domains, Flag, Ids, Name, judged, one_of
from porta.services.permissions import needs
from porta.services.targets import changes_of, check_page, find_home
from porta.text.names import find_name_problem
from storage.models.connections import Connection, RoleRule
from storage.models.pages import Listed, Page
from storage.repositories.connections import SORTS

if TYPE_CHECKING:
    from storage.router import Storage

WHAT = "Connection"
_record = partial(owned.record, "connection_id")
MOST = 20
"""Connections of an organization."""


class Rule(Command):
    """Whoever has `value` in `claim` holds these roles, and nobody else holds them."""

    claim: ClaimName
    value: RuleValue
    role_ids: Ids


class ConnectionPatch(Patch):
    """What of a connection may change. Its provider and issuer say who people are, and do not."""

    name: Name = ABSENT
    client_id: Annotated[str, Field(min_length=1, max_length=255), judged(find_name_problem)] = (
        ABSENT
    )
    client_secret: ClientSecret | None = ABSENT
    """Never shown again; of Apple the private key. Null removes it."""
    scopes: Scopes = ABSENT
    """Beside those that the provider needs."""
    options: Options = ABSENT
    claim_mapping: ClaimSources = ABSENT
    role_mapping: Annotated[tuple[Rule, ...], Field(max_length=100)] = ABSENT
    allowed_tenants: Tenants = ABSENT
    allowed_domains: Domains = ABSENT
    authoritative_domains: Domains = ABSENT
    creates_accounts: Flag = ABSENT
    trusts_second_factor: Flag = ABSENT
    status: Literal["active", "inactive"] = ABSENT


class NewConnection(ConnectionPatch):
    """A connection to be made."""

    name: Name
    provider: Annotated[str, one_of(tuple(PROVIDERS))]
    issuer: Issuer = ABSENT
    """Needed of `openid` and `oauth2`; else the provider's own, unless it runs elsewhere too."""
    client_id: Annotated[str, Field(min_length=1, max_length=255), judged(find_name_problem)]


@needs("admin:org:update")
async def create(
    tx: Storage,
    actor: Actor,
    organization: str,
    command: NewConnection,
    keys: EncryptionKeys,
) -> Connection:
    """Make a connection of an organization (id or slug). Raises NotFound, Invalid, Conflict,
    Forbidden.
    """
    home = await find_home(tx, actor, organization)
    check_right(actor, home)
    return await _add(tx, actor, build(home.id, command, str(uuid.uuid4()), keys))


def build(
    organization_id: str, command: NewConnection, id: str, keys: EncryptionKeys
) -> Connection:
    """Return the connection that a command says, which is nowhere yet. Raises Invalid."""
    provider = PROVIDERS[command.provider]
    issuer = command.issuer or provider.issuer
    if issuer is None:
        raise Invalid.at("issuer", message="must be given for this provider")
    columns = _columns(command, id, keys) | {"provider": provider.name, "issuer": issuer}
    new = Connection(id=id, organization_id=organization_id, **columns)
    check_options(provider, new.options)
    check_fits(provider, new, command.client_secret)
    return new


@needs("admin:org:update")
async def add(tx: Storage, actor: Actor, new: Connection, setup_link_id: str) -> Connection:
    """Make a connection that was built before, by a set-up link. Raises NotFound, Conflict,
    Forbidden.
    """
    check_right(actor, await find_home(tx, actor, new.organization_id))
    return await _add(tx, actor, new, setup_link_id)


async def _add(
    tx: Storage, actor: Actor, new: Connection, setup_link_id: str | None = None
) -> Connection:
    await check_powers(tx, actor, new)
    if await tx.connections.hold_count(new.organization_id) >= MOST:
        raise Conflict(f"an organization has {MOST} connections at most")
    made = await tx.connections.insert(new)
    if made is None:
        raise Conflict.at("name", message="this organization has it already")
    await _record(tx, actor, "connection.created", None, made, setup_link_id)
    return made


@needs("admin:org:read")
async def get(
    storage: Storage, actor: Actor, target: str, *, within: str | None = None
) -> Connection:
    """Return the connection of this id. Raises NotFound."""
    return await owned.find(storage.connections, actor, target, within, WHAT)


@needs("admin:org:read")
async def list(storage: Storage, actor: Actor, organization: str, page: Page) -> Listed[Connection]:
    """Return a page of the connections of an organization. Raises NotFound, Invalid."""
    check_page(page, SORTS)
    home = await find_home(storage, actor, organization)
    return await storage.connections.list_page(home.id, page)


@needs("admin:org:update")
async def update(
    tx: Storage,
    actor: Actor,
    target: str,
    patch: ConnectionPatch,
    keys: EncryptionKeys,
    version: int | None = None,
    *,
    within: str | None = None,
) -> Connection:
    """Change what `patch` says of a connection. Raises as `create`, and PreconditionFailed."""
    stored, _ = await hold_with_right(tx, tx.connections, actor, target, within, WHAT, version)
    columns = _columns(patch, stored.id, keys)
    changes = changes_of(stored, columns)
    if not changes:
        return stored
    wanted: Connection = msgspec.structs.replace(stored, **changes)
    provider = PROVIDERS[stored.provider]
    if provider.options_say_who and "options" in changes:
        raise Conflict.at("options", message="say who people are: make another connection")
    check_options(provider, changes.get("options", ()))
    check_fits(provider, wanted, patch.client_secret)
    await check_powers(tx, actor, wanted)
    if stored.status == "active" and wanted.status != "active":
        await check_spared(tx, stored)
    after = await tx.connections.update(stored.id, stored.organization_id, changes)
    if after is None:
        raise Conflict.at("name", message="this organization has it already")
    await _record(tx, actor, "connection.updated", stored, after)
    return after


@needs("admin:org:update")
async def delete(
    tx: Storage,
    actor: Actor,
    target: str,
    version: int | None = None,
    *,
    within: str | None = None,
) -> Connection:
    """Delete a connection, and who is whom there. Return what it was.

    Raises NotFound, PreconditionFailed, Forbidden, and Conflict where a domain requires it.
    """
    stored, _ = await hold_with_right(tx, tx.connections, actor, target, within, WHAT, version)
    await check_spared(tx, stored)
    await tx.connections.delete(stored.id, stored.organization_id)
    await _record(tx, actor, "connection.deleted", stored, None)
    return stored


def _columns(patch: ConnectionPatch, id: str, keys: EncryptionKeys) -> dict[str, Any]:
    said = patch.said()
    if said.get("client_secret") is not None:
        said["client_secret"] = seal_secret(said["client_secret"].strip(), id, keys)
    if "role_mapping" in said:
        said["role_mapping"] = tuple(
            RoleRule(claim=rule.claim, value=rule.value, role_ids=rule.role_ids)
            for rule in said["role_mapping"]
        )
    return said
