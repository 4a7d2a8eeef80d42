"""Organizations: the tenants as they are stored."""

from __future__ import annotations

import msgspec


class BrandTexts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an organization says on its pages in one language (a BCP 47 tag), in plain text."""

    language: str
    title: str | None = None
    """The heading of the sign-in page."""
    lead: str | None = None
    """A sentence below it."""
    help: str | None = None
    """Where people get help, below every page."""
    note: str | None = None
    """What stands at the very end of every page."""


class Brand(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How an organization looks, beyond what Porta 1.x knows; None is Porta's own."""

    ink_color: str | None = None
    """Of text, as `#rrggbb`; so are all colours."""
    page_color: str | None = None
    card_color: str | None = None
    radius: int | None = None
    """Of the card's corners, in CSS pixels; what stands on it follows."""
    font: str | None = None
    background: str | None = None
    """`glow`, `plain` or `picture`, which is that of `background_url`."""
    background_url: str | None = None
    card_position: str | None = None
    """`center`, or `start`: where lines begin."""
    logo_dark_url: str | None = None
    home_url: str | None = None
    """Where people find the organization's applications."""
    support_url: str | None = None
    privacy_url: str | None = None
    terms_url: str | None = None
    imprint_url: str | None = None
    texts: tuple[BrandTexts, ...] = ()


class ClientBrand(Brand, frozen=True, kw_only=True, omit_defaults=True):
    """How a client looks where it looks other than its organization; None is as that does."""

    primary_color: str | None = None
    company_name: str | None = None
    logo_url: str | None = None
    favicon_url: str | None = None


class BrandAsset(msgspec.Struct, frozen=True, kw_only=True):
    """An uploaded image. Times are seconds since the epoch."""

    id: str
    name: str
    """Of its key, and in its address: it changes with the content."""
    content_type: str
    size: int
    """Bytes."""
    created_at: float
    updated_at: float


class BrandAssets(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The uploaded images of an organization, each in the place of the URL of that name."""

    logo: BrandAsset | None = None
    logo_dark: BrandAsset | None = None
    favicon: BrandAsset | None = None


class Organization(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `organizations`. Times are seconds since the epoch."""

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
    brand: Brand = Brand()
    brand_assets: BrandAssets = BrandAssets()
    default_login_methods: tuple[str, ...] = ("password", "magic_link")
    registration: str = "closed"
    """Who may make an account for themselves: nobody, with an address of one of the domains
    (`domain`), or anybody (`open`).
    """
    registration_domains: tuple[str, ...] = ()
    trusted_device_days: int = 0
    """For how many days a device may be trusted not to ask for a second factor; 0 for none."""
    password_min_length: int | None = None
    """Characters of a new password, where that is more than everybody is asked for."""
    refuse_breached_passwords: bool = False
    """Whether no password is chosen that was seen in a leak."""
    account_deletion: bool = False
    """Whether people may delete their own accounts."""
    updated_at: float = 0.0
    era: int = 0
    """How often its status has changed; not written by hand."""
    created_at: float = 0.0
    version: int = 0
    """How often it has changed; not written by hand."""
