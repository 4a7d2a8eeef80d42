"""Things as an administrator makes and changes them, for tests that stand on them."""

from __future__ import annotations

from typing import Any

from porta.audit.actors import SYSTEM
from porta.services import applications, organizations
from porta.services.applications import NewApplication
from porta.services.organizations import NewOrganization
from storage.models.applications import Application
from storage.models.organizations import Organization
from storage.router import Storage

_ORGANIZATION = {
    ("active", "suspended"): organizations.suspend,
    ("suspended", "active"): organizations.activate,
    ("active", "archived"): organizations.archive,
    ("suspended", "archived"): organizations.archive,
    ("archived", "active"): organizations.restore,
}

_APPLICATION = {
    "active": applications.activate,
    "inactive": applications.deactivate,
    "archived": applications.archive,
}


async def make_organization(
    storage: Storage, slug: str, name: str = "Acme", **more: Any
) -> Organization:
    command = NewOrganization.parse({"name": name, "slug": slug, **more})
    return await organizations.create(storage, SYSTEM, command)


async def set_organization_status(storage: Storage, id: str, status: str) -> Organization:
    stored = await storage.organizations.find_by_id(id)
    assert stored is not None
    return await _ORGANIZATION[stored.status, status](storage, SYSTEM, id)


async def make_application(
    storage: Storage, slug: str, name: str = "CRM", **more: Any
) -> Application:
    command = NewApplication.parse({"name": name, "slug": slug, **more})
    return await applications.create(storage, SYSTEM, command)


async def set_application_status(storage: Storage, target: str, status: str) -> Application:
    return await _APPLICATION[status](storage, SYSTEM, target)
