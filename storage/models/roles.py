"""Roles and permissions of an application."""

from __future__ import annotations

import msgspec


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `roles`. Times are seconds since the epoch."""

    id: str
    application_id: str
    name: str
    slug: str
    description: str | None = None
    created_at: float = 0.0
    updated_at: float = 0.0
    version: int = 0
    """How often it has changed; not written by hand."""


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `permissions`."""

    id: str
    application_id: str
    name: str
    slug: str
    description: str | None = None
    module_id: str | None = None
    created_at: float = 0.0
    version: int = 0


class HeldRole(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `user_roles`: who holds a role, and who gave it."""

    user_id: str
    role_id: str
    assigned_by: str | None
    created_at: float


class RoleWithPermissions(msgspec.Struct, frozen=True):
    """A role of an application by its slug, with the slugs of what it permits."""

    slug: str
    application_id: str
    permissions: tuple[str, ...]
