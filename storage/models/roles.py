"""Roles and permissions of an application."""

from __future__ import annotations

import msgspec


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `roles`."""

    id: str
    application_id: str
    name: str
    slug: str
    description: str | None = None


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `permissions`."""

    id: str
    application_id: str
    name: str
    slug: str
    description: str | None = None
    module_id: str | None = None


class RoleWithPermissions(msgspec.Struct, frozen=True):
    """A role of an application by its slug, with the slugs of what it permits."""

    slug: str
    application_id: str
    permissions: tuple[str, ...]
