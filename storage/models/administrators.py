"""Administrators: whoever an access token acts for at the Admin API, and what they may do."""

from __future__ import annotations

import msgspec

from storage.models.artifacts import AccessToken, ClientCredentials


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever holds an access token of the super-admin organization, as they stand now."""

    organization_id: str
    """The super-admin organization."""
    slug: str
    era: int
    """That of the organization and of the client: a token of another one is refused."""
    client_id: str
    """The internal id of the client."""
    application: str
    """The slug of its application."""
    user_id: str | None = None
    """None for a client that acts for itself."""
    email: str | None = None
    delegated_to: str | None = None
    """The one organization that they may administer; None for all of them."""
    permissions: tuple[str, ...] = ()


class Presented(msgspec.Struct, frozen=True):
    """An access token that lives, with its holder."""

    token: AccessToken | ClientCredentials
    holder: Holder


class Entrance(msgspec.Struct, frozen=True):
    """Where administrators sign in: the slug of their organization, and a public client of it."""

    slug: str
    client_id: str | None


class Delegation(msgspec.Struct, frozen=True, kw_only=True):
    """A person or a client with roles of the admin application, as a rule for one organization."""

    user_id: str | None
    client_id: str | None
    """The internal id."""
    organization_id: str | None
    role_ids: tuple[str, ...]
