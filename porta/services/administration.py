"""Administration bootstrap: the application `porta-admin`, its roles, a first person."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from porta.audit import events
from porta.audit.actors import SYSTEM
from porta.errors import Conflict, Invalid, NotFound, Problem
from porta.security.passwords import Passwords
from porta.services import (
    application_permissions,
    applications,
    clients,
    roles,
    user_passwords,
    user_roles,
    users,
)
from porta.services.application_permissions import NewPermission
from porta.services.applications import NewApplication
from porta.services.client_registration import NewClient
from porta.services.permissions import ADMINISTRATION, PERMISSIONS
from porta.services.roles import NewRole, PermissionIds
from porta.services.user_fields import NewUser
from porta.services.user_roles import RoleIds
from storage.models.applications import Application
from storage.models.clients import Client
from storage.models.organizations import Organization
from storage.models.roles import Role
from storage.models.users import User

if TYPE_CHECKING:
    from storage.router import Storage

SUPER_ADMIN = "porta-super-admin"


@dataclass(frozen=True, slots=True)
class _RoleEntry:
    slug: str
    name: str
    description: str
    permissions: str
    """Patterns without the prefix `admin:`, separated by spaces."""


_ROLES = (
    _RoleEntry(SUPER_ADMIN, "Super Admin", "Everything", "*"),
    _RoleEntry(
        "porta-org-admin",
        "Organization Admin",
        "Organizations and their branding",
        "org:* stats:read",
    ),
    _RoleEntry(
        "porta-user-admin",
        "User Admin",
        "People, invitations, and their roles",
        "user:* role:assign role:read claim:read session:*",
    ),
    _RoleEntry(
        "porta-app-admin",
        "Application Admin",
        "Applications, clients, roles, permissions and claims",
        "app:* client:* role:create role:read role:update role:archive permission:* claim:*",
    ),
    _RoleEntry("porta-auditor", "Auditor", "Reads everything, changes nothing", "*:read"),
)
_CLI = {
    "client_name": "Porta Admin CLI",
    "client_type": "public",
    "application_type": "native",
    "token_endpoint_auth_method": "none",
    "redirect_uris": [
        "http://127.0.0.1/callback",
        "http://localhost/callback",
        "http://127.0.0.1/auth/callback",
    ],
    "post_logout_redirect_uris": ["http://127.0.0.1"],
    "grant_types": ["authorization_code", "refresh_token"],
    "scope": "openid profile email offline_access",
    "require_pkce": True,
}


@dataclass(frozen=True, slots=True)
class Administrator:
    """The first person who may do everything."""

    email: str
    given_name: str
    family_name: str
    password: str


@dataclass(frozen=True, slots=True)
class Administration:
    """What `initialize` made."""

    organization: Organization
    application: Application
    client: Client
    user: User
    roles: dict[str, int]
    """The number of permissions by the slug of the role."""


async def get_uninitialized(storage: Storage) -> Organization:
    """Return the super-admin organization. Raises NotFound without one, Conflict when done."""
    admin = await storage.organizations.find_super_admin()
    if admin is None:
        raise NotFound("There is no super-admin organization. Migrate first: porta migrate up")
    if await storage.applications.find_by_slug(ADMINISTRATION):
        raise Conflict(f"This installation is initialized: application {ADMINISTRATION} is there.")
    return admin


def check_administrator(person: Administrator, organization: Organization) -> None:
    """Raise Invalid for the address, a name, or a password that may not be chosen; with all of it
    where there is more than one problem.
    """
    names = [organization.name, person.email, person.given_name, person.family_name]
    problems: list[Problem] = []
    for check in (
        partial(_command, person),
        partial(user_passwords.check_new_password, person.password, organization, names),
    ):
        try:
            check()
        except Invalid as refusal:
            problems += refusal.problems
    lines = [f"{_SPELLED[problem.path[0]]}: {problem.message}" for problem in problems]
    if len(lines) > 1:
        listed = "".join(f"\n  {line}" for line in lines)
        raise Invalid(f"Some of this cannot be taken:{listed}", problems=problems)
    for line in lines:
        raise Invalid(line, problems=problems)


_SPELLED: dict[str | int, str] = {
    "email": "email",
    "given_name": "given name",
    "family_name": "family name",
    "password": "password",
}


def _command(person: Administrator) -> NewUser:
    return NewUser.parse({**asdict(person), "email_verified": True})


async def initialize(
    storage: Storage, person: Administrator, passwords: Passwords
) -> Administration:
    """Make the application, its permissions and roles, its command line client and its person.

    All of it or nothing. Raises Conflict when it was done before, NotFound before migrating,
    WeakPassword, and Invalid for the address or a name.
    """
    check_administrator(person, await get_uninitialized(storage))
    hashed = await passwords.hashed(person.password)
    async with storage.transaction() as tx:
        organization = await get_uninitialized(tx)
        application = await applications.create(
            tx, SYSTEM, NewApplication.parse({"name": "Porta Admin", "slug": ADMINISTRATION})
        )
        made, counts = await _make_roles(tx, application)
        home = {"organization_id": organization.id, "application_id": application.id}
        client = await clients.create(tx, SYSTEM, NewClient.parse({**_CLI, **home}))
        user = await users.create(tx, SYSTEM, organization.id, _command(person), hashed)
        held = RoleIds.parse({"role_ids": [made[SUPER_ADMIN].id]})
        await user_roles.assign(tx, SYSTEM, user.id, held)
        await tx.system_config.put(
            "super_admin_user_id", user.id, "string", "The person that porta init made"
        )
        await events.record(
            tx, "admin.initialized", organization_id=organization.id, user_id=user.id
        )
    return Administration(organization, application, client, user, counts)


async def _make_roles(
    tx: Storage, application: Application
) -> tuple[dict[str, Role], dict[str, int]]:
    permissions = [
        await application_permissions.create(
            tx, SYSTEM, application.id, NewPermission.parse({"name": name, "slug": slug})
        )
        for slug, name in PERMISSIONS.items()
    ]
    made: dict[str, Role] = {}
    counts: dict[str, int] = {}
    for entry in _ROLES:
        said = {"name": entry.name, "slug": entry.slug, "description": entry.description}
        role = await roles.create(tx, SYSTEM, application.id, NewRole.parse(said))
        granted = [each.id for each in permissions if _covers(entry.permissions, each.slug)]
        command = PermissionIds.parse({"permission_ids": granted})
        await roles.grant(tx, SYSTEM, application.id, role.id, command)
        made[entry.slug], counts[entry.slug] = role, len(granted)
    return made, counts


def _covers(patterns: str, slug: str) -> bool:
    name = slug.removeprefix("admin:")
    return any(fnmatchcase(name, pattern) for pattern in patterns.split())
