"""The provisioning format, version 1.0: what a file may say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from porta.protocol.clients.client_metadata import DEFAULT_SCOPE
from porta.services.api_resources import NewApiResource
from porta.services.application_permissions import NewPermission
from porta.services.applications import NewApplication, NewModule
from porta.services.brands import LookPatch
from porta.services.claims import ClaimPatch
from porta.services.client_registration import ClaimMappingCommand, ClientId
from porta.services.client_secrets import SecretValue
from porta.services.fields import PermissionSlug
from porta.services.organization_fields import NewOrganization
from porta.services.provisioning.durations import end_of, parse_duration
from porta.services.provisioning.entries import (
    ENTRY,
    AccessTokenFormat,
    AccessTokenType,
    Algorithm,
    ClaimName,
    Entry,
    LoginMethods,
    Name,
    rule,
)
from porta.services.provisioning.people import UserEntry
from porta.services.provisioning.realms import ConnectionEntry, DomainEntry
from porta.services.roles import NewRole
from porta.text.timestamps import seconds_of


class ModuleEntry(NewModule):
    model_config = ENTRY


class PermissionEntry(NewPermission):
    """A permission; it is found by its slug."""

    model_config = ENTRY

    slug: PermissionSlug


class RoleEntry(NewRole):
    model_config = ENTRY

    permissions: tuple[str, ...] = ()


class ClaimDefinitionEntry(ClaimPatch):
    """A claim by the names of 1.x: what tokens call it is its slug, what people do is its name."""

    model_config = ENTRY

    name: Name
    slug: ClaimName


class SecretEntry(Entry):
    """A client secret. Without a `value` one is generated, and told once."""

    label: Name | None = None
    value: SecretValue | None = Field(None, repr=False)
    expires_at: datetime | None = None
    expires_in: Annotated[str, rule(parse_duration)] | None = None
    """A number and its unit: h(ours), d(ays), m(onths) or y(ears)."""

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.expires_at is not None and self.expires_in is not None:
            raise ValueError("expires_at and expires_in exclude each other")
        return self

    def end(self, now: float) -> float | None:
        """Return when the secret ends, in seconds since the epoch; a date without zone is UTC."""
        if self.expires_in is not None:
            return end_of(self.expires_in, datetime.fromtimestamp(now, UTC)).timestamp()
        return None if self.expires_at is None else seconds_of(self.expires_at)


class ClaimMappingEntry(ClaimMappingCommand):
    model_config = ENTRY


class ClientEntry(Entry):
    """A client, by the names of RFC 7591 §2 wherever they exist."""

    client_id: ClientId | None = None
    client_name: Name
    client_type: Literal["confidential", "public"]
    application_type: Literal["web", "native", "spa"] = "web"
    grant_types: tuple[str, ...] = ("authorization_code",)
    response_types: tuple[str, ...] | None = None
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    scope: str = DEFAULT_SCOPE
    token_endpoint_auth_method: str | None = None
    strict_auth_method: bool | None = None
    require_pkce: bool | None = None
    first_party: bool = True
    login_methods: LoginMethods | None = None
    access_token_format: AccessTokenFormat | None = None
    access_token_type: AccessTokenType = "at+jwt"
    access_token_signing_alg: Algorithm | None = None
    id_token_signed_response_alg: Algorithm | None = None
    id_token_claims: bool | None = None
    roles_claim: str | None = None
    claim_mappings: tuple[ClaimMappingEntry, ...] | None = None
    introspects_organization: bool = False
    revokes_globally: bool = False
    tells_all_roles: bool = False
    brand: LookPatch | None = None
    logo_uri: str | None = None
    client_uri: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    contacts: tuple[str, ...] | None = None
    jwks: dict[str, Any] | None = None
    default_max_age: int | None = Field(None, ge=0)
    require_auth_time: bool | None = None
    secret: SecretEntry | None = None

    def registration(self, *, only_said: bool = False) -> dict[str, Any]:
        """Return what is registered, by RFC 7591 names; a method left out is the file's default.

        `only_said` leaves out what the file is silent about.
        """
        default = "none" if self.client_type == "public" else "client_secret_post"
        apart = {"client_id", "secret", "first_party", "login_methods"}
        apart |= {"brand", "introspects_organization", "revokes_globally", "tells_all_roles"}
        named = self.model_dump(exclude=apart, exclude_none=True, exclude_unset=only_said)
        return named if only_said else {"token_endpoint_auth_method": default, **named}


class ApplicationEntry(NewApplication):
    model_config = ENTRY

    modules: tuple[ModuleEntry, ...] = ()
    permissions: tuple[PermissionEntry, ...] = ()
    roles: tuple[RoleEntry, ...] = ()
    claim_definitions: tuple[ClaimDefinitionEntry, ...] = ()
    clients: tuple[ClientEntry, ...] = ()


class ApiResourceEntry(NewApiResource):
    model_config = ENTRY


class OrganizationEntry(NewOrganization):
    model_config = ENTRY

    api_resources: tuple[ApiResourceEntry, ...] = ()
    applications: tuple[ApplicationEntry, ...] = ()
    connections: tuple[ConnectionEntry, ...] = ()
    domains: tuple[DomainEntry, ...] = ()
    users: tuple[UserEntry, ...] = ()


class Document(Entry):
    """One provisioning file."""

    version: Literal["1.0"]
    config: dict[str, Any] = Field(default_factory=dict)
    allow_passwords: bool = False
    organizations: tuple[OrganizationEntry, ...]
