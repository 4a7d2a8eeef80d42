"""Things as an administrator makes and changes them, for tests that stand on them."""

from __future__ import annotations

from typing import Any

from porta.audit.actors import SYSTEM
from porta.security.passwords import Hashed, Parameters, Passwords
from porta.services import applications, clients, organizations, users
from porta.services.applications import NewApplication
from porta.services.client_registration import NewClient
from porta.services.commands import Reasoned
from porta.services.organization_fields import NewOrganization
from porta.services.user_fields import NewUser
from porta.services.user_passwords import hash_new
from porta.services.users import Locking
from storage.models.applications import Application
from storage.models.clients import Client
from storage.models.organizations import Organization
from storage.models.users import UserProfile
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

_USER = {
    ("active", "inactive"): users.deactivate,
    ("inactive", "active"): users.reactivate,
    ("active", "suspended"): users.suspend,
    ("suspended", "active"): users.unsuspend,
    ("locked", "active"): users.unlock,
}
_CLIENT = {
    "active": clients.activate,
    "inactive": clients.deactivate,
    "revoked": clients.revoke,
}
_PASSWORDS = Passwords(Parameters(memory_kib=8, passes=1, lanes=1))


def as_if_hashed(text: str) -> Hashed:
    """Return a password or secret with a hash that nothing verifies."""
    return Hashed(text, "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAA")


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


async def make_user(storage: Storage, organization: str, email: str, **more: Any) -> UserProfile:
    command = NewUser.parse({"email": email, **more})
    hashed = await hash_new(_PASSWORDS, command.password)
    return await users.create(storage, SYSTEM, organization, command, hashed)


async def set_user_status(
    storage: Storage, id: str, status: str, reason: str = "asked for"
) -> UserProfile:
    stored = await storage.users.find(id)
    assert stored is not None
    if status == "locked":
        return await users.lock(storage, SYSTEM, id, Locking(reason=reason))
    return await _USER[stored.status, status](storage, SYSTEM, id, Reasoned(reason=reason))


async def make_client(
    storage: Storage, organization_id: str, application_id: str, **said: Any
) -> Client:
    """Make a client of what is said, by the names of RFC 7591 or of JSON."""
    home = {"organization_id": organization_id, "application_id": application_id}
    return await clients.create(storage, SYSTEM, NewClient.parse({**said, **home}))


async def set_client_status(storage: Storage, target: str, status: str) -> Client:
    return await _CLIENT[status](storage, SYSTEM, target)
