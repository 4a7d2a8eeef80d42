"""Clients: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Unpack

from msgspec import UNSET, UnsetType

from porta.admin_client.listing import Listed
from porta.admin_client.model import Entity, Model
from porta.admin_client.resource import Change, Condition, ConditionalOnce, Once, Resource
from porta.admin_client.resources.shared import (
    BrandLook,
    Delegated,
    Happened,
    LookPatch,
    Reasoned,
    ShownSecret,
)


class Mapping(Model, frozen=True, kw_only=True):
    """What a client calls a claim, and where it goes."""

    source: str
    claim: str | tuple[str, ...]
    targets: tuple[str, ...]


class ClaimMappingCommand(Model, frozen=True, kw_only=True):
    """What a client calls roles, permissions or a custom claim, and where it goes."""

    source: str
    claim: str | tuple[str, ...]
    targets: tuple[str, ...] | UnsetType | None = UNSET


class MailPreview(Entity, frozen=True, kw_only=True):
    """A mail in the look of a client; its link leads nowhere."""

    subject: str
    sender_name: str
    html: str
    text: str


class MachineRoles(Model, frozen=True, kw_only=True):
    """The same for a client, and where it has them."""

    role_ids: tuple[str, ...]
    organization_id: str | UnsetType | None = UNSET


class Client(Entity, frozen=True, kw_only=True):
    """An OAuth client of an organization."""

    id: str
    organization_id: str
    application_id: str
    client_id: str
    client_name: str
    name: str
    client_type: str
    application_type: str
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    response_types: tuple[str, ...]
    scope: str
    token_endpoint_auth_method: str
    allowed_origins: tuple[str, ...]
    require_pkce: bool
    login_methods: tuple[str, ...] | None
    status: str
    is_first_party: bool
    access_token_format: str
    access_token_type: str
    access_token_signing_alg: str
    id_token_signed_response_alg: str
    id_token_claims: bool | None
    roles_claim: str | None
    claim_mappings: tuple[Mapping, ...]
    introspects_organization: bool
    revokes_globally: bool
    tells_all_roles: bool
    brand: BrandLook | None
    logo_uri: str | None
    client_uri: str | None
    policy_uri: str | None
    tos_uri: str | None
    contacts: tuple[str, ...] | None
    jwks: dict[str, Any] | None
    default_max_age: int | None
    require_auth_time: bool | None
    strict_auth_method: bool | None
    created_at: datetime
    updated_at: datetime


class ClientPatch(Model, frozen=True, kw_only=True):
    """What of a client is to change."""

    client_name: str | UnsetType = UNSET
    client_type: Literal["confidential", "public"] | UnsetType = UNSET
    application_type: Literal["web", "native", "spa"] | UnsetType = UNSET
    redirect_uris: tuple[str, ...] | UnsetType = UNSET
    post_logout_redirect_uris: tuple[str, ...] | UnsetType = UNSET
    grant_types: tuple[str, ...] | UnsetType = UNSET
    response_types: tuple[str, ...] | UnsetType = UNSET
    scope: str | UnsetType = UNSET
    token_endpoint_auth_method: str | UnsetType = UNSET
    strict_auth_method: bool | UnsetType | None = UNSET
    allowed_origins: tuple[str, ...] | UnsetType = UNSET
    require_pkce: bool | UnsetType = UNSET
    access_token_format: str | UnsetType = UNSET
    access_token_type: str | UnsetType = UNSET
    access_token_signing_alg: str | UnsetType = UNSET
    id_token_signed_response_alg: str | UnsetType = UNSET
    id_token_claims: bool | UnsetType | None = UNSET
    roles_claim: str | UnsetType | None = UNSET
    claim_mappings: tuple[ClaimMappingCommand, ...] | UnsetType | None = UNSET
    logo_uri: str | UnsetType | None = UNSET
    client_uri: str | UnsetType | None = UNSET
    policy_uri: str | UnsetType | None = UNSET
    tos_uri: str | UnsetType | None = UNSET
    contacts: tuple[str, ...] | UnsetType | None = UNSET
    default_max_age: int | UnsetType | None = UNSET
    require_auth_time: bool | UnsetType | None = UNSET
    is_first_party: bool | UnsetType = UNSET
    login_methods: tuple[Literal["password", "magic_link", "passkey"], ...] | UnsetType | None = (
        UNSET
    )
    introspects_organization: bool | UnsetType = UNSET
    revokes_globally: bool | UnsetType = UNSET
    brand: LookPatch | UnsetType | None = UNSET
    jwks: dict[str, Any] | UnsetType | None = UNSET
    tells_all_roles: bool | UnsetType = UNSET


class WholeClient(Client, frozen=True, kw_only=True):
    """A client with what it takes from its organization."""

    effective_login_methods: tuple[str, ...]


class ClientBody(ClientPatch, frozen=True, kw_only=True):
    """A client to be made; a confidential one gets a secret."""

    client_name: str
    organization_id: str
    application_id: str
    client_id: str | UnsetType | None = UNSET
    secret_label: str | UnsetType | None = UNSET


class CreatedClient(WholeClient, frozen=True, kw_only=True):
    """A client that was just made; and again under `client`, as Porta 1.x answered."""

    client: WholeClient
    secret: ShownSecret | None


class ClientsResource(Resource):
    """Clients."""

    async def create(self, body: ClientBody, **once: Unpack[Once]) -> CreatedClient:
        """Make a client; a confidential one gets a secret, which is shown this once."""
        return await self._one(CreatedClient, "POST", ("clients",), body=body, **once)

    def list(
        self,
        *,
        sort_by: Literal["client_name", "created_at"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        organization_id: str | None = None,
        application_id: str | None = None,
        status: Literal["active", "inactive", "revoked"] | None = None,
        search: str | None = None,
        page_size: int = 100,
    ) -> Listed[Client]:
        """List clients."""
        return self._pages(
            Client,
            ("clients",),
            query={
                "sortBy": sort_by,
                "sortOrder": sort_order,
                "organizationId": organization_id,
                "applicationId": application_id,
                "status": status,
                "search": search,
            },
            page_size=page_size,
        )

    async def get(self, client_id: str) -> WholeClient:
        """Read a client, by id or client_id."""
        return await self._one(WholeClient, "GET", ("clients", client_id))

    async def update(
        self, client_id: str, body: ClientPatch, **condition: Unpack[Condition]
    ) -> WholeClient:
        """Change a client: what is left out stays, null removes."""
        return await self._one(WholeClient, "PATCH", ("clients", client_id), body=body, **condition)

    async def activate(
        self, client_id: str, body: Reasoned | None = None, **once: Unpack[ConditionalOnce]
    ) -> None:
        """Make an inactive client active."""
        return await self._nothing("POST", ("clients", client_id, "activate"), body=body, **once)

    async def restore(
        self, client_id: str, body: Reasoned | None = None, **once: Unpack[ConditionalOnce]
    ) -> None:
        """The same, as some clients call it."""
        return await self._nothing("POST", ("clients", client_id, "restore"), body=body, **once)

    async def deactivate(
        self, client_id: str, body: Reasoned | None = None, **once: Unpack[ConditionalOnce]
    ) -> None:
        """Refuse a client, and end what it holds."""
        return await self._nothing("POST", ("clients", client_id, "deactivate"), body=body, **once)

    async def revoke(
        self, client_id: str, body: Reasoned | None = None, **once: Unpack[ConditionalOnce]
    ) -> None:
        """Revoke a client for good."""
        return await self._nothing("POST", ("clients", client_id, "revoke"), body=body, **once)

    async def revoke_tokens(
        self, client_id: str, body: Reasoned | None = None, **once: Unpack[ConditionalOnce]
    ) -> None:
        """End every code and token that was issued to it until now."""
        return await self._nothing(
            "POST", ("clients", client_id, "revoke-tokens"), body=body, **once
        )

    def history(
        self, client_id: str, *, event_type: str | None = None, page_size: int = 100
    ) -> Listed[Happened]:
        """Tell what was done to a client."""
        return self._pages(
            Happened,
            ("clients", client_id, "history"),
            query={"eventType": event_type},
            page_size=page_size,
        )

    async def mail_preview(
        self,
        client_id: str,
        *,
        mail: Literal["magic_link", "otp_code", "password_reset", "registration"],
        locale: str | None = None,
    ) -> MailPreview:
        """Show a mail of a sign-in in the look of its client."""
        return await self._one(
            MailPreview,
            "GET",
            ("clients", client_id, "mail-preview"),
            query={"mail": mail, "locale": locale},
        )

    async def administration(self, client_id: str) -> Delegated:
        """Read what a client administers by itself."""
        return await self._one(Delegated, "GET", ("clients", client_id, "administration"))

    async def set_administration(
        self, client_id: str, body: MachineRoles, **change: Unpack[Change]
    ) -> Delegated:
        """Let a client administer by itself (client credentials); for super-administrators."""
        return await self._one(
            Delegated, "PUT", ("clients", client_id, "administration"), body=body, **change
        )

    async def delete_administration(self, client_id: str, **change: Unpack[Change]) -> None:
        """Let a client administer no more; for super-administrators."""
        return await self._nothing("DELETE", ("clients", client_id, "administration"), **change)
