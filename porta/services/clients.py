"""Client service: OAuth clients and their secrets, as administrators manage them (RFC 7591)."""

from __future__ import annotations

import builtins
import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, Strict
from pydantic.alias_generators import to_camel

from porta.audit.actors import Actor
from porta.audit.changes import record_change
from porta.errors import Conflict, Forbidden, Invalid, NotFound, Problem
from porta.protocol.clients import client_metadata
from porta.protocol.clients.client_metadata import ClientMetadata, InvalidMetadata
from porta.security import opaque
from porta.security.keys import ALGORITHMS
from porta.security.passwords import Passwords
from porta.services.commands import ABSENT, NO_REASON, Command, Patch, Reasoned
from porta.services.fields import Flag, Id, LoginMethods, Name, SearchTerm, judged
from porta.services.lifecycle import CLIENT, event_of
from porta.services.permissions import ADMINISTRATION, check_all, needs
from porta.services.targets import changes_of, check_page, is_key, require, require_id
from porta.text.names import find_text_problem
from storage.errors import AlreadyExists
from storage.models.clients import Client, SecretEntry
from storage.models.pages import Listed, Page
from storage.repositories.clients import SORTS

if TYPE_CHECKING:
    from storage.router import Storage

WHAT, WHAT_SECRET = "Client", "Secret"
_CLIENT_ID = re.compile(r"[A-Za-z0-9._~-]{3,255}")
_SECRET = re.compile(r"[\x21-\x7e]{32,255}")
_ID_TOKEN_ALG = "id_token_signed_response_alg"
_TERMS = ("is_first_party", "login_methods", "introspects_organization", "tells_all_roles")
"""What only an administrator decides of a client, beside what it registers."""
_REGISTERED = frozenset(ClientMetadata.__dataclass_fields__) - {"metadata"}


def _find_client_id_problem(client_id: str) -> str | None:
    fits = _CLIENT_ID.fullmatch(client_id)
    return None if fits else "must be 3 to 255 of letters, digits, '.', '_', '~' and '-'"


def _find_secret_problem(secret: str) -> str | None:
    fits = _SECRET.fullmatch(secret)
    return None if fits else "must be 32 to 255 printable ASCII characters without spaces"


ClientId = Annotated[str, judged(_find_client_id_problem)]
SecretValue = Annotated[str, judged(_find_secret_problem)]
Word = Annotated[str, Field(max_length=2048), judged(find_text_problem)]
Words = Annotated[tuple[Word, ...], Field(max_length=50)]


class ClaimMappingCommand(Command):
    """What a client calls roles, permissions or a custom claim, and where it goes."""

    source: Word
    claim: Word | Words
    targets: Words | None = None


class ClientPatch(Patch):
    """What of a client may change. What may stand in it, `protocol/clients/client_metadata.py`
    says: the rules of RFC 7591 hold between members.
    """

    client_name: Name = ABSENT
    client_type: Literal["confidential", "public"] = ABSENT
    """It is said again at most: a secret that was public once is none."""
    application_type: Literal["web", "native", "spa"] = ABSENT
    redirect_uris: Words = ABSENT
    post_logout_redirect_uris: Words = ABSENT
    grant_types: Words = ABSENT
    response_types: Words = ABSENT
    scope: Word = ABSENT
    token_endpoint_auth_method: Word = ABSENT
    strict_auth_method: Flag | None = ABSENT
    allowed_origins: Words = ABSENT
    require_pkce: Flag = ABSENT
    access_token_format: Word = ABSENT
    access_token_type: Word = ABSENT
    access_token_signing_alg: Word = ABSENT
    id_token_signed_response_alg: Word = ABSENT
    id_token_claims: Flag | None = ABSENT
    roles_claim: Word | None = ABSENT
    claim_mappings: Annotated[tuple[ClaimMappingCommand, ...], Field(max_length=50)] | None = ABSENT
    logo_uri: Word | None = ABSENT
    client_uri: Word | None = ABSENT
    policy_uri: Word | None = ABSENT
    tos_uri: Word | None = ABSENT
    contacts: Words | None = ABSENT
    default_max_age: Annotated[int, Strict(), Field(ge=0, le=2**31)] | None = ABSENT
    require_auth_time: Flag | None = ABSENT
    is_first_party: Flag = ABSENT
    """A first-party client needs no consent."""
    login_methods: LoginMethods | None = ABSENT
    """Null takes the organization's."""
    introspects_organization: Flag = ABSENT
    """Whether it may introspect every token of its organization."""
    tells_all_roles: Flag = ABSENT
    """Whether it is told the roles of all applications, as by Porta 1.x."""

    def registration(self) -> dict[str, Any]:
        """Return what is registered, by RFC 7591 names; a null is left out."""
        named = self.model_dump(exclude_unset=True, exclude_none=True, by_alias=False)
        return {name: value for name, value in named.items() if name not in _APART}


class NewClient(ClientPatch):
    """A client to be made."""

    organization_id: Id
    application_id: Id
    client_name: Name
    client_id: ClientId | None = ABSENT
    """Chosen; without it, one is made."""


_APART = frozenset({*_TERMS, "organization_id", "application_id", "client_id"})


class NewSecret(Command):
    """One more secret of a confidential client. Without a `value`, 256 random bits are taken."""

    label: Name | None = ABSENT
    value: SecretValue | None = Field(None, repr=False)
    expires_at: datetime | None = None
    """A time without zone is UTC."""

    @property
    def end(self) -> float | None:
        """When it ends, in seconds since the epoch."""
        if self.expires_at is None:
            return None
        return self.expires_at.replace(tzinfo=self.expires_at.tzinfo or UTC).timestamp()


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
    default = {_ID_TOKEN_ALG: organization.id_token_signed_response_alg}
    said = command.said()
    new = Client(
        id=str(uuid.uuid4()),
        organization_id=organization.id,
        application_id=application.id,
        client_id=command.client_id or opaque.new_value(),
        **_columns({**default, **command.registration()}),
        **{name: said[name] for name in _TERMS if name in said},
    )
    _check_introspects(new.introspects_organization, new.client_type)
    try:
        await tx.clients.insert(new)
    except AlreadyExists:
        raise Conflict.at("clientId", message="another client has it") from None
    made = require(await tx.clients.find(new.client_id, organization.id), WHAT)
    await _record(tx, actor, "client.created", None, made)
    return made


@needs("admin:client:create")
async def create_with_secret(
    tx: Storage, actor: Actor, command: NewClient, secret: NewSecret, passwords: Passwords
) -> tuple[Client, tuple[SecretEntry, str] | None]:
    """Make a client as `create` does; a confidential one with a secret, and the value of that."""
    made = await create(tx, actor, command)
    if made.client_type != "confidential":
        return made, None
    return made, await _issue_secret(tx, actor, made, secret, passwords)


@needs("admin:client:read")
async def get(storage: Storage, actor: Actor, target: str) -> Client:
    """Return the client of this id or client_id. Raises NotFound."""
    found = await storage.clients.find_by_key(target) if is_key(target) else None
    return _visible(actor, found)


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
    PreconditionFailed, Invalid with every problem, Forbidden for a client that administers.
    """
    stored = await _held(tx, actor, target, version)
    said = patch.said()
    if said.get("client_type", stored.client_type) != stored.client_type:
        raise Invalid.at("clientType", message="a client keeps the one that it was made with")
    registered = _columns(_merged(stored, patch))
    columns = {**registered, **{name: said[name] for name in _TERMS if name in said}}
    changes = changes_of(stored, columns)
    if not changes:
        return stored
    introspects = columns.get("introspects_organization", stored.introspects_organization)
    _check_introspects(introspects, stored.client_type)
    await tx.clients.update(stored.id, stored.organization_id, changes)
    after = require(await tx.clients.find(stored.client_id, stored.organization_id), WHAT)
    await _record(tx, actor, "client.updated", stored, after)
    return after


@needs("admin:client:update")
async def deactivate(
    tx: Storage,
    actor: Actor,
    target: str,
    command: Reasoned = NO_REASON,
    version: int | None = None,
) -> Client:
    """Deactivate a client: it is refused, at once, and what it holds is ended for good.

    Raises NotFound, PreconditionFailed, Invalid where it is not active, Forbidden.
    """
    return await _set_status(tx, actor, target, "inactive", command, version)


@needs("admin:client:update")
async def activate(
    tx: Storage,
    actor: Actor,
    target: str,
    command: Reasoned = NO_REASON,
    version: int | None = None,
) -> Client:
    """Make an inactive client active. Raises as `deactivate` does."""
    return await _set_status(tx, actor, target, "active", command, version)


@needs("admin:client:revoke")
async def revoke(
    tx: Storage,
    actor: Actor,
    target: str,
    command: Reasoned = NO_REASON,
    version: int | None = None,
) -> Client:
    """Revoke a client for good. Raises as `deactivate` does."""
    return await _set_status(tx, actor, target, "revoked", command, version)


@needs("admin:client:read")
async def list_secrets(
    storage: Storage, actor: Actor, target: str
) -> builtins.tuple[SecretEntry, ...]:
    """Return the secrets of a client, the newest first, never their values. Raises NotFound."""
    client = await get(storage, actor, target)
    return await storage.clients.list_secrets(client.id, client.organization_id)


@needs("admin:client:update")
async def add_secret(
    tx: Storage, actor: Actor, target: str, command: NewSecret, passwords: Passwords
) -> tuple[SecretEntry, str]:
    """Give a confidential client one more secret; return it with its value, which nobody can read
    again. Raises NotFound, Invalid for a public client or one that is revoked, Forbidden.
    """
    client = await _held(tx, actor, target)
    if client.client_type != "confidential":
        raise Invalid("secret: a public client keeps none")
    if client.status == "revoked":
        raise Invalid("secret: a revoked client gets none")
    return await _issue_secret(tx, actor, client, command, passwords)


@needs("admin:client:revoke")
async def revoke_secret(tx: Storage, actor: Actor, target: str, secret_id: str) -> None:
    """End one secret of a client, at once and for good. Raises NotFound, Forbidden."""
    client, id = await _held(tx, actor, target), require_id(secret_id, WHAT_SECRET)
    if not await tx.clients.revoke_secret(client.id, client.organization_id, id):
        raise NotFound(f"{WHAT_SECRET} not found")
    await _record_secret(tx, actor, "client.secret.revoked", client, id)


async def _issue_secret(
    tx: Storage, actor: Actor, client: Client, command: NewSecret, passwords: Passwords
) -> tuple[SecretEntry, str]:
    secret = command.value or opaque.new_value()
    made = await tx.clients.add_secret(
        client.id,
        client.organization_id,
        secret_hash=await passwords.hash(secret),
        secret_sha256=opaque.sha256_hex(secret),
        label=command.label,
        expires_at=command.end,
    )
    if made is None:
        raise NotFound(f"{WHAT} not found")
    await _record_secret(tx, actor, "client.secret.generated", client, made.id)
    return made, secret


async def _set_status(
    tx: Storage,
    actor: Actor,
    target: str,
    status: str,
    command: Reasoned,
    version: int | None,
) -> Client:
    stored = await _held(tx, actor, target, version)
    event_type = event_of(CLIENT, stored.status, status)
    if not await tx.clients.set_status(stored.id, stored.organization_id, status):
        raise Conflict.at("status", message="it changed at the same time")
    after = require(await tx.clients.find(stored.client_id, stored.organization_id), WHAT)
    await _record(tx, actor, event_type, stored, after, **command.told())
    return after


async def _held(tx: Storage, actor: Actor, target: str, version: int | None = None) -> Client:
    """Return a client that is held. Who could change one that administers would be that client, or
    meet the administrators who sign in with it.
    """
    found = await tx.clients.find_by_key(target, hold=True) if is_key(target) else None
    client = require(_visible(actor, found), WHAT, version)
    if not actor.is_system:
        home = await tx.organizations.find_by_id(client.organization_id)
        owner = await tx.applications.find_by_key(client.application_id)
        if home is None or owner is None:
            raise Forbidden("a client without a home is nobody's to change")
        if home.is_super_admin or owner.slug == ADMINISTRATION:
            check_all(actor, "a client of the administration")
    return client


def _visible(actor: Actor, found: Client | None) -> Client:
    if found is None or not actor.sees(found.organization_id):
        raise NotFound(f"{WHAT} not found")
    return found


def _columns(registration: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return asdict(client_metadata.validate(registration, algorithms=ALGORITHMS))
    except InvalidMetadata as refusal:
        raise Invalid(
            problems=[
                Problem((to_camel(str(name)), *rest), problem.message)
                for problem in refusal.problems
                for name, *rest in [problem.path]
            ]
        ) from None


def _merged(stored: Client, patch: ClientPatch) -> dict[str, Any]:
    """Return what a client is registered as once the patch is applied.

    Silence changes nothing, but that response types follow grant types, and of two words for one
    thing the one that is said takes the place of the other.
    """
    said = patch.said()
    kept = {name: getattr(stored, name) for name in _REGISTERED} | dict(stored.metadata)
    if "grant_types" in said:
        del kept["response_types"]
    if any(mapping.source == "roles" for mapping in said.get("claim_mappings") or ()):
        del kept["roles_claim"]
    elif said.get("roles_claim"):
        kept["claim_mappings"] = [m for m in kept["claim_mappings"] if m.source != "roles"]
    return {**{k: v for k, v in kept.items() if k not in said}, **patch.registration()}


def _check_introspects(introspects: bool, client_type: str) -> None:
    if introspects and client_type != "confidential":
        raise Invalid.at(
            "introspectsOrganization", message="a confidential client is needed (RFC 7662 §2.1)"
        )


async def _record(
    tx: Storage,
    actor: Actor,
    event_type: str,
    before: Client | None,
    after: Client,
    **more: str,
) -> None:
    await record_change(
        tx,
        actor,
        event_type,
        before,
        after,
        fields=_TOLD,
        organization_id=after.organization_id,
        client_id=after.client_id,
        **more,
    )


_TOLD = frozenset(Client.__struct_fields__) - {
    *("secrets", "claim_definitions", "defines_roles", "defines_permissions"),
    *("client_id", "application_status"),
}


async def _record_secret(
    tx: Storage, actor: Actor, event_type: str, client: Client, secret_id: str
) -> None:
    await record_change(
        tx,
        actor,
        event_type,
        None,
        None,
        organization_id=client.organization_id,
        client_id=client.client_id,
        secret_id=secret_id,
    )
