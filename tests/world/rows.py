"""Rows that a test stands on: an organization with an application, a client and a person."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

from storage.models.applications import Application
from storage.models.artifacts import AccessToken, RefreshToken, Session
from storage.models.claims import ClaimDefinition
from storage.models.clients import Client
from storage.models.organizations import Organization
from storage.models.tokens import TokenFamily
from storage.models.users import User
from storage.postgres.driver import Postgres
from storage.repositories.applications import Applications
from storage.repositories.claims import Claims
from storage.repositories.clients import Clients
from storage.repositories.organizations import Organizations
from storage.repositories.roles import Roles
from storage.repositories.user_roles import UserRoles
from storage.repositories.users import Users
from tests import factories
from tests.factories import new_id, new_value


@dataclass(frozen=True)
class World:
    """Each has ids of its own, so any number of them fit into one database."""

    organization: Organization
    application: Application
    client: Client
    user: User

    def family(self, code: str | None = None, **changes: Any) -> TokenFamily:
        return factories.family(self.client, self.user.id, code, **changes)

    def access(self, family: TokenFamily, value: str | None = None) -> AccessToken:
        return factories.access_token(family, value)

    def refresh(
        self, family: TokenFamily, value: str | None = None, generation: int = 0
    ) -> RefreshToken:
        return factories.refresh_token(family, value, generation=generation)

    def session(self, uid: str) -> Session:
        now = int(time.time())
        return factories.session(
            self.organization.id, uid=uid, account_id=self.user.id,
            created_at=now, authenticated_at=now, expires_at=now + 3600,
        )  # fmt: skip


async def build_world(pg: Postgres) -> World:
    """Insert a new organization with everything in it."""
    name = secrets.token_hex(4)
    organization = factories.organization(
        id=new_id(), name=f"Organization {name}", slug=f"org-{name}"
    )
    application = factories.application(name=f"Application {name}", slug=f"app-{name}")
    client = factories.client(
        id=new_id(),
        organization_id=organization.id,
        application_id=application.id,
        client_id=new_value(),
        client_name="A client",
        redirect_uris=("https://rp.example.com/cb", "com.example.app:/cb"),
        allowed_origins=("https://spa.example.com",),
    )
    user = factories.user(
        id=new_id(),
        organization_id=organization.id,
        email=f"Ada-{name}@example.com",
        given_name="Ada",
        birthdate="1815-12-10",
        password_hash="$argon2id$v=19$hash",
    )
    await Organizations(pg).insert(organization)
    stored = await Applications(pg).insert(application)
    assert stored is not None
    await Clients(pg).insert(client)
    known = await Clients(pg).find(client.client_id, organization.id)
    assert known is not None
    await Users(pg).insert(user)
    return World(organization, stored, known, user)


async def give_rights(
    pg: Postgres,
    world: World,
    application_id: str | None = None,
    *,
    role: str = "editor",
    claim: str = "department",
) -> None:
    """Give the person a role with two permissions, and two claims, at this application."""
    application_id = application_id or world.application.id
    given = factories.role(application_id, slug=role)
    roles = Roles(pg)
    await roles.insert(given)
    for slug in ("doc:page:write", "doc:page:read"):
        permission = factories.permission(application_id, slug)
        await roles.insert_permission(permission)
        await roles.grant(given.id, [permission.id])
    await UserRoles(pg).assign(world.user.id, world.organization.id, [given.id])
    for claim_name, value in ((claim, "R&D"), ("limits", {"max": 3})):
        definition = ClaimDefinition(
            id=new_id(), claim_name=claim_name, claim_type="json", application_id=application_id
        )
        await Claims(pg).insert_definition(definition)
        await Claims(pg).set_value(world.user.id, world.organization.id, definition.id, value)
