"""Fields of an organization: what of it may be said, and how that is stored."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from pydantic import Field, Strict

from porta.errors import Invalid
from porta.services import brands
from porta.services.brands import BrandingPatch
from porta.services.commands import ABSENT, Patch, Slugged
from porta.services.fields import (
    Algorithm,
    Domains,
    Flag,
    LoginMethods,
    Name,
    OrganizationSlug,
    PageLocale,
    Registration,
    TrustedDays,
)
from storage.models.organizations import Organization

PasswordLength = Annotated[int, Strict(), Field(ge=8, le=64)]
TwoFactorPolicy = Literal[
    "optional", "encouraged", "required_email", "required_totp", "required_passkey", "required_any"
]
BRANDING = frozenset({each for each in Organization.__struct_fields__ if each.startswith("brand")})


class OrganizationPatch(Patch):
    """What of an organization may change. Its slug stands in every issuer, and does not."""

    name: Name = ABSENT
    default_locale: PageLocale = ABSENT
    default_login_methods: LoginMethods = ABSENT
    two_factor_policy: TwoFactorPolicy = ABSENT
    require_pkce: Flag = ABSENT
    id_token_claims: Flag = ABSENT
    id_token_signed_response_alg: Algorithm = ABSENT
    email_as_username: Flag = ABSENT
    registration: Registration = ABSENT
    registration_domains: Domains = ABSENT
    trusted_device_days: TrustedDays = ABSENT
    password_min_length: PasswordLength | None = ABSENT
    refuse_breached_passwords: Flag = ABSENT
    account_deletion: Flag = ABSENT
    branding: BrandingPatch | None = ABSENT


class NewOrganization(OrganizationPatch, Slugged):
    """An organization to be made. What is left out is as `storage.models.organizations` has it."""

    name: Name
    slug: OrganizationSlug = ABSENT


def columns_of(stored: Organization, patch: OrganizationPatch) -> dict[str, object]:
    """Return what is stored of what a patch says."""
    said = patch.said()
    said.pop("slug", None)
    branding = brands.merge(stored, said.pop("branding")) if "branding" in said else {}
    columns = {**said, **branding}
    _check_registration(msgspec.structs.replace(stored, **columns))
    return columns


def _check_registration(organization: Organization) -> None:
    """Who administers everything is chosen by who does already."""
    if organization.is_super_admin and organization.registration != "closed":
        raise Invalid.at("registration", message="the super-admin organization takes nobody in")
    if organization.is_super_admin and organization.account_deletion:
        raise Invalid.at("account_deletion", message="its administrators are let go first")
    if organization.registration == "domain" and not organization.registration_domains:
        raise Invalid.at("registration_domains", message="names a domain, where registration does")
