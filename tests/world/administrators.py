"""An installation with administrators of every kind, and tokens for them without a sign-in."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from porta.runtime import Runtime
from porta.security import opaque
from porta.services import administration, signing_keys
from porta.services.administration import Administration, Administrator
from storage.models.artifact import artifact_id
from storage.models.clients import Client
from storage.models.organizations import Organization
from storage.models.roles import Role
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests import factories
from tests.factories import new_id
from tests.world.waiting import eventually

PASSWORD = "quiet-otter-paints-seven-lamps"
SUPER = Administrator("super@admin.example", "Sue", "Perez", PASSWORD)


@dataclass(frozen=True)
class Installation:
    """What the tests administer, and who does."""

    runtime: Runtime
    made: Administration
    http: httpx.AsyncClient
    """The Admin API, as the super-admin asks it to furnish the tests."""

    @property
    def admin_id(self) -> str:
        """The super-admin organization."""
        return self.made.organization.id

    @property
    def audience(self) -> str:
        return f"{self.runtime.settings.issuer_base_url}/api/admin"

    @property
    def issuer(self) -> str:
        return f"{self.runtime.settings.issuer_base_url}/{self.made.organization.slug}"

    async def person(self, *roles: str, organization_id: str | None = None) -> User:
        """Make a person with these roles of the application `porta-admin`."""
        user = factories.user(
            id=new_id(),
            organization_id=organization_id or self.admin_id,
            email=f"{secrets.token_hex(6)}@admin.example",
            email_verified=True,
        )
        storage = self.runtime.storage.everywhere
        await storage.users.insert(user)
        for role in await self._roles():
            if role.slug in roles:
                await storage.user_roles.assign(user.id, user.organization_id, [role.id])
        return user

    async def person_with(self, *permissions: str) -> User:
        """Make a person with a role of their own, of just these permissions."""
        storage, application_id = self.runtime.storage.everywhere, self.made.application.id
        role = factories.role(application_id)
        await storage.roles.insert(role)
        known = await storage.roles.permissions(application_id)
        granted = [each.id for each in known if each.slug in permissions]
        if granted:
            await storage.roles.grant(role.id, granted)
        person = await self.person()
        await storage.user_roles.assign(person.id, person.organization_id, [role.id])
        return person

    async def execute(self, sql: str, **parameters: object) -> None:
        """Do what no administrator can, directly in the database."""
        url = self.runtime.settings.database_url
        postgres = await Postgres.open(url, 1, statement_timeout=60.0)
        await postgres.execute(sql, parameters)
        await postgres.close()

    async def fetch(self, sql: str, **parameters: object) -> list[Any]:
        """Look directly into the database."""
        url = self.runtime.settings.database_url
        postgres = await Postgres.open(url, 1, statement_timeout=60.0)
        rows = await postgres.fetch(sql, parameters)
        await postgres.close()
        return rows

    @asynccontextmanager
    async def limited(self, **settings: int) -> AsyncIterator[None]:
        """Set settings for a while, and wait until the server knows."""
        before = await self.runtime.storage.everywhere.system_config.all()
        try:
            await self._set(settings)
            yield
        finally:
            await self._set({name: before[name] for name in settings})

    async def _set(self, settings: dict[str, int]) -> None:
        for name, value in settings.items():
            await self.runtime.storage.everywhere.system_config.put(name, value, "number")

        async def known() -> bool:
            config = (await self.runtime.snapshot()).config
            return all(getattr(config, name) == value for name, value in settings.items())

        await eventually(known)

    @staticmethod
    def id_of(token: str) -> str:
        return artifact_id(token)

    async def app(self) -> str:
        """Make another application, and return its id."""
        application = factories.application()
        await self.runtime.storage.everywhere.applications.insert(application)
        return application.id

    async def empty_role(self) -> str:
        """Make a role of administrators that permits nothing, and return its id."""
        role = factories.role(self.made.application.id)
        await self.runtime.storage.everywhere.roles.insert(role)
        return role.id

    async def app_slug(self) -> str:
        """Make another application, and return its slug."""
        id = await self.app()
        (row,) = await self.fetch("SELECT slug FROM applications WHERE id = %(id)s", id=id)
        return str(row[0])

    async def post(self, path: str, body: Any) -> Any:
        """Make something as the super-admin, over the API; return its `data`."""
        return await self._send("POST", path, body)

    async def put(self, path: str, body: Any) -> Any:
        """Change something as the super-admin."""
        return await self._send("PUT", path, body)

    async def _send(self, method: str, path: str, body: Any) -> Any:
        answer = await self.http.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json()["data"] if answer.content else None

    async def roles(self) -> tuple[Role, ...]:
        """Return the roles of administrators."""
        return await self._roles()

    async def foreign_role(self, person: User, slug: str, permission: str) -> None:
        """Give a person a role of another application, with a permission of this name."""
        storage, application_id = self.runtime.storage.everywhere, await self.app()
        role = factories.role(application_id, slug=slug)
        granted = factories.permission(application_id, permission)
        await storage.roles.insert(role)
        await storage.roles.insert_permission(granted)
        await storage.roles.grant(role.id, [granted.id])
        await storage.user_roles.assign(person.id, person.organization_id, [role.id])

    async def organization(self, **changes: Any) -> Organization:
        """Make an ordinary organization."""
        slug = f"o{secrets.token_hex(6)}"
        organization = factories.organization(id=new_id(), name=slug, slug=slug, **changes)
        await self.runtime.storage.everywhere.organizations.insert(organization)
        return organization

    async def keys(self, organization_id: str) -> str:
        """Give an organization a ring of one key, and return its kid."""
        key = self.runtime.settings.signing_key_encryption_keys
        made = await signing_keys.ensure(
            self.runtime.storage.everywhere, key, ("ES256",),
            now=self.runtime.clock() - 600, lead=0, organization_id=organization_id,
        )  # fmt: skip
        return made[0].kid

    async def delegate(
        self, organization_id: str | None, *roles: str,
        user: User | None = None, client: Client | None = None,
    ) -> None:  # fmt: skip
        """Let a person or a client administer one organization; a client also all (None)."""
        await self.runtime.storage.everywhere.delegations.put(
            organization_id,
            [r.id for r in await self._roles() if r.slug in roles],
            user_id=user.id if user else None,
            client_id=client.id if client else None,
        )

    async def _roles(self) -> tuple[Role, ...]:
        return await self.runtime.storage.everywhere.roles.list(self.made.application.id)

    async def client(self, **fields: Any) -> Client:
        """Make a confidential client of the super-admin organization."""
        name = f"c{secrets.token_hex(6)}"
        given: dict[str, Any] = {
            "id": new_id(),
            "organization_id": self.admin_id,
            "application_id": self.made.application.id,
            "client_id": name,
            "client_name": name,
            "grant_types": ("authorization_code", "client_credentials"),
        }
        client = factories.client(**given | fields)
        await self.runtime.storage.everywhere.clients.insert(client)
        return client

    async def program(self, name: str, role: str) -> Any:
        """Make a client that administers every organization by itself, over the API; return it."""
        made = await self.post(
            "/clients",
            {
                "organizationId": self.admin_id,
                "applicationId": self.made.application.id,
                "clientName": name,
                "clientType": "confidential",
                "redirectUris": [],
                "grantTypes": ["client_credentials"],
            },
        )
        (id,) = [each.id for each in await self.roles() if each.slug == role]
        body = {"roleIds": [id], "organizationId": None}
        await self.put(f"/clients/{made['id']}/administration", body)
        return made

    async def token(
        self, user: User | None = None, client: Client | None = None, **fields: Any
    ) -> str:
        """Return an access token of a person, by default the super-admin, for a client."""
        user, client = user or self.made.user, client or self.made.client
        value = opaque.new_value()
        family = factories.family(
            client, user.id, organization_id=user.organization_id, grant_id=""
        )
        given: dict[str, Any] = {"scope": "openid", "audience": (self.issuer,)}
        given["expires_at"] = family.expires_at
        token = factories.access_token(family, value, **given | fields)
        await self.runtime.storage.tokens.redeem(family, 3600, token, 3600, None, 0)
        return value

    async def machine_token(self, client: Client, **fields: Any) -> str:
        """Return an access token that a client has for itself."""
        value = opaque.new_value()
        given: dict[str, Any] = {"audience": (self.issuer,), **fields}
        token = factories.client_credentials(client, value, **given)
        await self.runtime.storage.tokens.issue(token, 600)
        return value


@asynccontextmanager
async def installed(runtime: Runtime, url: str) -> AsyncIterator[Installation]:
    """Do what `porta init` does."""
    made = await administration.initialize(runtime.storage.everywhere, SUPER, runtime.passwords)
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        installation = Installation(runtime, made, http)
        http.headers.update(bearer(await installation.token()))
        yield installation


def bearer(token: str) -> dict[str, str]:
    """Return the header that presents a token."""
    return {"Authorization": f"Bearer {token}"}
