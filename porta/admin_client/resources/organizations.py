"""Organizations: models and routes of the resource.

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
    Happened,
    LookPatch,
    Reasoned,
    SentInvitation,
)


class Branding(BrandLook, frozen=True, kw_only=True):
    """How an organization looks; null is the look that everybody has."""

    custom_css: str | None


class BrandingPatch(LookPatch, frozen=True, kw_only=True):
    """How an organization looks."""

    custom_css: str | UnsetType | None = UNSET


class Deleted(Entity, frozen=True, kw_only=True):
    """What is gone, or would be."""

    deleted: bool
    dry_run: bool
    counts: dict[str, int]


class SlugState(Entity, frozen=True, kw_only=True):
    """Whether a slug can be had."""

    is_valid: bool
    available: bool
    slug: str
    error: str | None = None


class Asset(Entity, frozen=True, kw_only=True):
    """An uploaded image."""

    id: str
    organization_id: str
    asset_type: str
    content_type: str
    file_size: int
    url: str | None
    created_at: datetime
    updated_at: datetime


class Upload(Model, frozen=True, kw_only=True):
    """An image, in JSON; or send it as it is, with its media type."""

    data: str
    content_type: Literal[
        "image/png",
        "image/svg+xml",
        "image/x-icon",
        "image/vnd.microsoft.icon",
        "image/jpeg",
        "image/webp",
    ]


class SecondFactors(Entity, frozen=True, kw_only=True):
    """What an organization asks for, and what it could."""

    two_factor_policy: str
    valid_policies: tuple[str, ...]


class NewPolicy(Model, frozen=True, kw_only=True):
    """What is asked for from now on."""

    two_factor_policy: Literal[
        "optional",
        "encouraged",
        "required_email",
        "required_totp",
        "required_passkey",
        "required_any",
    ]


class Summary(Entity, frozen=True, kw_only=True):
    """How many people have a second factor."""

    total_users: int
    enabled_count: int
    disabled_count: int
    totp_count: int
    email_count: int
    compliance_rate: float


class CarriedClaim(Model, frozen=True, kw_only=True):
    """A claim that the person has then; its value is theirs."""

    application_id: str
    claim_definition_id: str


class CarriedRole(Model, frozen=True, kw_only=True):
    """A role that the person has once they have accepted."""

    application_id: str
    role_id: str


class ProvisioningDocument(Model, frozen=True, kw_only=True):
    """A file that `porta provision` and `POST /import` read (docs/provisioning.md)."""

    version: str
    organizations: tuple[dict[str, Any], ...]


class Organization(Entity, frozen=True, kw_only=True):
    """A tenant: an issuer of its own, with people and clients."""

    id: str
    name: str
    slug: str
    status: str
    is_super_admin: bool
    branding_logo_url: str | None
    branding_favicon_url: str | None
    branding_primary_color: str | None
    branding_company_name: str | None
    branding_custom_css: str | None
    branding: Branding
    default_locale: str
    two_factor_policy: str
    default_login_methods: tuple[str, ...]
    require_pkce: bool
    id_token_claims: bool
    id_token_signed_response_alg: str
    email_as_username: bool
    registration: str
    registration_domains: tuple[str, ...]
    trusted_device_days: int
    password_min_length: int | None
    refuse_breached_passwords: bool
    account_deletion: bool
    created_at: datetime
    updated_at: datetime


class OrganizationPatch(Model, frozen=True, kw_only=True):
    """What of an organization may change. Its slug stands in every issuer, and does not."""

    name: str | UnsetType = UNSET
    default_locale: str | UnsetType = UNSET
    default_login_methods: tuple[Literal["password", "magic_link", "passkey"], ...] | UnsetType = (
        UNSET
    )
    two_factor_policy: (
        Literal[
            "optional",
            "encouraged",
            "required_email",
            "required_totp",
            "required_passkey",
            "required_any",
        ]
        | UnsetType
    ) = UNSET
    require_pkce: bool | UnsetType = UNSET
    id_token_claims: bool | UnsetType = UNSET
    id_token_signed_response_alg: str | UnsetType = UNSET
    email_as_username: bool | UnsetType = UNSET
    registration: Literal["closed", "domain", "open"] | UnsetType = UNSET
    registration_domains: tuple[str, ...] | UnsetType = UNSET
    trusted_device_days: int | UnsetType = UNSET
    password_min_length: int | UnsetType | None = UNSET
    refuse_breached_passwords: bool | UnsetType = UNSET
    account_deletion: bool | UnsetType = UNSET
    branding: BrandingPatch | UnsetType | None = UNSET


class BrandingWithAssets(Branding, frozen=True, kw_only=True):
    """How an organization looks, with its uploaded images."""

    assets: tuple[Asset, ...]


class WaitingInvitation(Model, frozen=True, kw_only=True):
    """An invitation that nobody has accepted, and that was not taken back."""

    id: str
    user_id: str
    email: str
    given_name: str | None
    family_name: str | None
    status: str
    roles: tuple[CarriedRole, ...]
    claims: tuple[CarriedClaim, ...]
    client_id: str | None
    invited_by: str | None
    created_at: datetime
    expires_at: datetime


class NewOrganization(OrganizationPatch, frozen=True, kw_only=True):
    """An organization to be made. What is left out is as `storage.models.organizations` has it."""

    name: str
    slug: str | UnsetType = UNSET


class Branded(Organization, frozen=True, kw_only=True):
    """An organization; what Porta 1.x knows of its look stands a second time where 1.x's SDK looks
    for it.
    """

    logo_url: str | None
    favicon_url: str | None
    primary_color: str | None
    company_name: str | None
    custom_css: str | None


class OrganizationsResource(Resource):
    """Organizations."""

    async def create(self, body: NewOrganization, **once: Unpack[Once]) -> Organization:
        """Make an organization."""
        return await self._one(Organization, "POST", ("organizations",), body=body, **once)

    def list(
        self,
        *,
        sort_by: Literal["name", "created_at"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        status: Literal["active", "suspended", "archived"] | None = None,
        search: str | None = None,
        page_size: int = 100,
    ) -> Listed[Organization]:
        """List organizations."""
        return self._pages(
            Organization,
            ("organizations",),
            query={"sortBy": sort_by, "sortOrder": sort_order, "status": status, "search": search},
            page_size=page_size,
        )

    async def get(self, id_or_slug: str) -> Organization:
        """Read an organization."""
        return await self._one(Organization, "GET", ("organizations", id_or_slug))

    async def update(
        self, id_or_slug: str, body: OrganizationPatch, **condition: Unpack[Condition]
    ) -> Organization:
        """Change an organization: what is left out stays, null removes."""
        return await self._one(
            Organization, "PATCH", ("organizations", id_or_slug), body=body, **condition
        )

    async def delete(
        self, id_or_slug: str, *, dry_run: bool | None = None, **condition: Unpack[Condition]
    ) -> Deleted:
        """Delete an organization with its people and clients, or say what would go."""
        return await self._one(
            Deleted, "DELETE", ("organizations", id_or_slug), query={"dryRun": dry_run}, **condition
        )

    async def suspend(
        self, id_or_slug: str, body: Reasoned | None = None, **once: Unpack[ConditionalOnce]
    ) -> None:
        """Refuse its people and clients, and end what was issued."""
        return await self._nothing(
            "POST", ("organizations", id_or_slug, "suspend"), body=body, **once
        )

    async def activate(
        self, id_or_slug: str, body: Reasoned | None = None, **once: Unpack[ConditionalOnce]
    ) -> None:
        """End a suspension."""
        return await self._nothing(
            "POST", ("organizations", id_or_slug, "activate"), body=body, **once
        )

    async def archive(
        self, id_or_slug: str, body: Reasoned | None = None, **once: Unpack[ConditionalOnce]
    ) -> None:
        """Let it be as if it were gone."""
        return await self._nothing(
            "POST", ("organizations", id_or_slug, "archive"), body=body, **once
        )

    async def restore(
        self, id_or_slug: str, body: Reasoned | None = None, **once: Unpack[ConditionalOnce]
    ) -> None:
        """Make an archived organization active again."""
        return await self._nothing(
            "POST", ("organizations", id_or_slug, "restore"), body=body, **once
        )

    async def revoke_tokens(
        self, id_or_slug: str, body: Reasoned | None = None, **once: Unpack[ConditionalOnce]
    ) -> None:
        """End every session, code and token that was issued in it until now."""
        return await self._nothing(
            "POST", ("organizations", id_or_slug, "revoke-tokens"), body=body, **once
        )

    def history(
        self, id_or_slug: str, *, event_type: str | None = None, page_size: int = 100
    ) -> Listed[Happened]:
        """Tell what happened in an organization."""
        return self._pages(
            Happened,
            ("organizations", id_or_slug, "history"),
            query={"eventType": event_type},
            page_size=page_size,
        )

    async def validate_slug(self, *, slug: str) -> SlugState:
        """Tell whether a slug can be had."""
        return await self._one(
            SlugState, "GET", ("organizations", "validate-slug"), query={"slug": slug}
        )

    async def branding(self, id_or_slug: str) -> BrandingWithAssets:
        """Read how an organization looks."""
        return await self._one(BrandingWithAssets, "GET", ("organizations", id_or_slug, "branding"))

    async def update_branding(
        self, id_or_slug: str, body: BrandingPatch, **condition: Unpack[Condition]
    ) -> Branded:
        """Change how an organization looks: what is left out stays, null removes."""
        return await self._one(
            Branded, "PATCH", ("organizations", id_or_slug, "branding"), body=body, **condition
        )

    async def branding_assets(self, id_or_slug: str) -> tuple[Asset, ...]:
        """List the uploaded images of an organization."""
        return await self._all(Asset, "GET", ("organizations", id_or_slug, "branding", "assets"))

    async def get_branding(self, id_or_slug: str, asset_type: str) -> bytes:
        """Read an uploaded image."""
        return await self._content("GET", ("organizations", id_or_slug, "branding", asset_type))

    async def set_branding(
        self, id_or_slug: str, asset_type: str, body: Upload, **condition: Unpack[Condition]
    ) -> Asset:
        """Upload an image (logo, logo-dark, favicon), to be shown on the pages."""
        return await self._one(
            Asset,
            "PUT",
            ("organizations", id_or_slug, "branding", asset_type),
            body=body,
            **condition,
        )

    async def delete_branding(
        self, id_or_slug: str, asset_type: str, **condition: Unpack[Condition]
    ) -> None:
        """Delete an uploaded image."""
        return await self._nothing(
            "DELETE", ("organizations", id_or_slug, "branding", asset_type), **condition
        )

    async def two_factor_policy(self, id_or_slug: str) -> SecondFactors:
        """Read which second factors an organization asks for."""
        return await self._one(
            SecondFactors, "GET", ("organizations", id_or_slug, "two-factor", "policy")
        )

    async def set_two_factor_policy(
        self, id_or_slug: str, body: NewPolicy, **condition: Unpack[Condition]
    ) -> SecondFactors:
        """Change which second factors an organization asks for."""
        return await self._one(
            SecondFactors,
            "PUT",
            ("organizations", id_or_slug, "two-factor", "policy"),
            body=body,
            **condition,
        )

    async def two_factor_summary(self, id_or_slug: str) -> Summary:
        """Count who has a second factor."""
        return await self._one(
            Summary, "GET", ("organizations", id_or_slug, "two-factor", "summary")
        )

    def invitations(
        self,
        organization_id: str,
        *,
        status: Literal["pending", "expired"] | None = None,
        page_size: int = 100,
    ) -> Listed[WaitingInvitation]:
        """List the invitations of an organization that nobody has accepted."""
        return self._pages(
            WaitingInvitation,
            ("organizations", organization_id, "invitations"),
            query={"status": status},
            page_size=page_size,
        )

    async def invitations_resend(
        self, organization_id: str, invitation_id: str, **once: Unpack[Once]
    ) -> SentInvitation:
        """Send an invitation once more, with a new link: the earlier one ends."""
        return await self._one(
            SentInvitation,
            "POST",
            ("organizations", organization_id, "invitations", invitation_id, "resend"),
            **once,
        )

    async def delete_invitation(
        self, organization_id: str, invitation_id: str, **change: Unpack[Change]
    ) -> None:
        """Take an invitation back: its link ends."""
        return await self._nothing(
            "DELETE", ("organizations", organization_id, "invitations", invitation_id), **change
        )

    async def configuration(
        self, id_or_slug: str, *, people: bool | None = None
    ) -> ProvisioningDocument:
        """Export an organization as a provisioning file, without secrets."""
        return await self._plain(
            ProvisioningDocument,
            "GET",
            ("organizations", id_or_slug, "configuration"),
            query={"people": people},
        )
