"""Organizations: the tenants as they are stored."""

from __future__ import annotations

import msgspec


class Organization(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `organizations`. `updated_at` is seconds since the epoch."""

    id: str
    name: str
    slug: str
    status: str = "active"
    is_super_admin: bool = False
    branding_logo_url: str | None = None
    branding_favicon_url: str | None = None
    branding_primary_color: str | None = None
    branding_company_name: str | None = None
    branding_custom_css: str | None = None
    default_locale: str = "en"
    two_factor_policy: str = "optional"
    require_pkce: bool = False
    """Whether confidential clients need PKCE too, whatever they are registered for."""
    id_token_claims: bool = False
    """Whether ID tokens hold the claims of the scopes, where the client does not say."""
    id_token_signed_response_alg: str = "ES256"
    """What a client is registered for that does not name an algorithm."""
    email_as_username: bool = True
    """Whether `preferred_username` is the e-mail address of those who have no user name."""
    default_login_methods: tuple[str, ...] = ("password", "magic_link")
    updated_at: float = 0.0
    era: int = 0
    """How often its status has changed; not written by hand."""
