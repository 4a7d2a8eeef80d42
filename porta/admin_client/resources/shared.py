"""Models that several resources have.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from msgspec import UNSET, UnsetType

from porta.admin_client.model import Entity, Model


class Links(Model, frozen=True, kw_only=True):
    """Where the footer of every page leads."""

    support: str | None
    privacy: str | None
    terms: str | None
    imprint: str | None


class Words(Model, frozen=True, kw_only=True):
    """What an organization says on its pages in one language."""

    title: str | None
    lead: str | None
    help: str | None
    note: str | None


class BrandLinks(Model, frozen=True, kw_only=True):
    """Where the footer of every page leads."""

    support: str | UnsetType | None = UNSET
    privacy: str | UnsetType | None = UNSET
    terms: str | UnsetType | None = UNSET
    imprint: str | UnsetType | None = UNSET


class BrandWords(Model, frozen=True, kw_only=True):
    """What an organization says on its pages in one language."""

    title: str | UnsetType | None = UNSET
    lead: str | UnsetType | None = UNSET
    help: str | UnsetType | None = UNSET
    note: str | UnsetType | None = UNSET


class Reasoned(Model, frozen=True, kw_only=True):
    """A change of status, and why."""

    reason: str | UnsetType | None = UNSET


class Happened(Model, frozen=True, kw_only=True):
    """Something that happened."""

    id: str
    event_type: str
    actor_id: str | None
    metadata: dict[str, Any]
    created_at: datetime


class SentInvitation(Entity, frozen=True, kw_only=True):
    """An invitation whose mail is on its way."""

    id: str
    user_id: str
    email: str
    created: bool
    invitation_sent: bool
    expires_at: datetime


class Role(Entity, frozen=True, kw_only=True):
    """What people of an application may be."""

    id: str
    application_id: str
    name: str
    slug: str
    description: str | None
    created_at: datetime
    updated_at: datetime


class Permission(Entity, frozen=True, kw_only=True):
    """What a role may permit."""

    id: str
    application_id: str
    module_id: str | None
    name: str
    slug: str
    description: str | None
    created_at: datetime


class NewValue(Model, frozen=True, kw_only=True):
    """A person's value of a claim."""

    value: Any


class User(Entity, frozen=True, kw_only=True):
    """A person of an organization."""

    id: str
    organization_id: str
    email: str
    email_verified: bool
    has_password: bool
    password_changed_at: datetime | None
    given_name: str | None
    family_name: str | None
    middle_name: str | None
    nickname: str | None
    preferred_username: str | None
    profile_url: str | None
    picture_url: str | None
    website_url: str | None
    gender: str | None
    birthdate: str | None
    zoneinfo: str | None
    locale: str | None
    phone_number: str | None
    phone_number_verified: bool
    address_street: str | None
    address_locality: str | None
    address_region: str | None
    address_postal_code: str | None
    address_country: str | None
    two_factor_enabled: bool
    two_factor_method: str | None
    status: str
    locked_at: datetime | None
    locked_reason: str | None
    last_login_at: datetime | None
    login_count: int
    failed_login_count: int
    last_failed_login_at: datetime | None
    created_at: datetime
    updated_at: datetime


class AddressPatch(Model, frozen=True, kw_only=True):
    """Where a person lives (OpenID Connect Core §5.1.1)."""

    street: str | UnsetType | None = UNSET
    locality: str | UnsetType | None = UNSET
    region: str | UnsetType | None = UNSET
    postal_code: str | UnsetType | None = UNSET
    country: str | UnsetType | None = UNSET


class LockBody(Model, frozen=True, kw_only=True):
    """Why somebody is locked."""

    reason: str | UnsetType = UNSET


class NewPassword(Model, frozen=True, kw_only=True):
    """Another password, chosen by an administrator."""

    password: str


class ImportCredential(Model, frozen=True, kw_only=True):
    """A client of what was imported; with its secret, this once, where one was made."""

    organization: str
    application: str
    client_name: str
    client_id: str
    client_type: str
    secret_plaintext: str | None = None
    secret_label: str | None = None
    secret_expires_at: datetime | None = None


class ImportLine(Model, frozen=True, kw_only=True):
    """One thing of what was imported."""

    type: str
    slug: str
    name: str
    changes: str | None = None
    reason: str | None = None
    lost: tuple[str, ...] | None = None


class ImportProblem(Model, frozen=True, kw_only=True):
    """Why something cannot be."""

    path: str
    message: str


class ShownSecret(Entity, frozen=True, kw_only=True):
    """A secret that was just made, with its value."""

    id: str
    client_id: str
    label: str | None
    plaintext: str
    secret: str
    expires_at: datetime | None
    created_at: datetime


class Delegated(Entity, frozen=True, kw_only=True):
    """Who administers, what for, and with which roles."""

    user_id: str | None
    client_id: str | None
    organization_id: str | None
    role_ids: tuple[str, ...]


class Progress(Model, frozen=True, kw_only=True):
    """How far a job is."""

    done: int
    total: int | None
    message: str | None


class BrandLook(Entity, frozen=True, kw_only=True):
    """How pages look; null is what everybody has, or the organization of a client."""

    primary_color: str | None
    company_name: str | None
    logo_url: str | None
    favicon_url: str | None
    ink_color: str | None
    page_color: str | None
    card_color: str | None
    radius: int | None
    font: str | None
    background: str | None
    background_url: str | None
    card_position: str | None
    logo_dark_url: str | None
    home_url: str | None
    links: Links
    texts: dict[str, Words]


class LookPatch(Model, frozen=True, kw_only=True):
    """How pages look; of a client, where that is not as its organization."""

    primary_color: str | UnsetType | None = UNSET
    company_name: str | UnsetType | None = UNSET
    logo_url: str | UnsetType | None = UNSET
    favicon_url: str | UnsetType | None = UNSET
    ink_color: str | UnsetType | None = UNSET
    page_color: str | UnsetType | None = UNSET
    card_color: str | UnsetType | None = UNSET
    radius: int | UnsetType | None = UNSET
    font: str | UnsetType | None = UNSET
    background: str | UnsetType | None = UNSET
    background_url: str | UnsetType | None = UNSET
    card_position: str | UnsetType | None = UNSET
    logo_dark_url: str | UnsetType | None = UNSET
    home_url: str | UnsetType | None = UNSET
    links: BrandLinks | UnsetType | None = UNSET
    texts: dict[str, BrandWords | None] | UnsetType | None = UNSET


class UserPatch(Model, frozen=True, kw_only=True):
    """What of a person may change; password and status have ways of their own."""

    email: str | UnsetType = UNSET
    email_verified: bool | UnsetType = UNSET
    given_name: str | UnsetType | None = UNSET
    family_name: str | UnsetType | None = UNSET
    middle_name: str | UnsetType | None = UNSET
    nickname: str | UnsetType | None = UNSET
    preferred_username: str | UnsetType | None = UNSET
    profile_url: str | UnsetType | None = UNSET
    picture_url: str | UnsetType | None = UNSET
    website_url: str | UnsetType | None = UNSET
    gender: str | UnsetType | None = UNSET
    birthdate: date | UnsetType | None = UNSET
    zoneinfo: str | UnsetType | None = UNSET
    locale: str | UnsetType | None = UNSET
    phone_number: str | UnsetType | None = UNSET
    phone_number_verified: bool | UnsetType = UNSET
    address: AddressPatch | UnsetType | None = UNSET


class ImportReport(Model, frozen=True, kw_only=True):
    """What an import did, or would do. With an error nothing was done."""

    mode: str
    created: tuple[ImportLine, ...] | None = None
    updated: tuple[ImportLine, ...] | None = None
    skipped: tuple[ImportLine, ...] | None = None
    errors: tuple[ImportProblem, ...] | None = None
    credentials: tuple[ImportCredential, ...] | None = None
    notes: tuple[ImportProblem, ...] | None = None
    job_id: str | None = None
