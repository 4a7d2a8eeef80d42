"""An organization for one walk: its people, what they have, its clients, and another provider."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pyotp

from porta.audit.actors import SYSTEM
from porta.limits import rate_limits
from porta.runtime import Runtime
from porta.services import connections, session_control, user_passwords
from porta.services.connections import NewConnection
from porta.services.user_passwords import NewPassword
from porta.tenants import resolve
from storage.models.organizations import Organization
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests import factories
from tests.handlers.interactions.sign_ins.people import Person, Setting
from tests.world.authenticators import Authenticator
from tests.world.house import CALLBACK, PASSWORD
from tests.world.mail import mailed_codes
from tests.world.passkeys import give_passkey
from tests.world.second_factors import choose, person_with_totp
from tests.world.upstream import Provider

T = TypeVar("T")
CODES = ("ABCD2345", "WXYZ6789")


@dataclass
class Home:
    """What one walk walks in."""

    slug: str
    people: list[Person]
    users: list[User]
    clients: dict[bool, str]
    connection: str
    apps: dict[str, pyotp.TOTP] = field(default_factory=dict)
    codes: dict[str, list[str]] = field(default_factory=dict)
    """The recovery codes of each person that are left."""
    passkeys: dict[str, Authenticator] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """What every walk has, and the loop that it lives on; walks run in a thread."""

    runtime: Runtime
    postgres: Postgres
    base_url: str
    provider: Provider
    password_hash: str
    loop: asyncio.AbstractEventLoop

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    async def furnish(self, setting: Setting) -> Home:
        """Add somebody who has a second factor, and somebody who has none."""
        storage, mark = self.runtime.storage.everywhere, factories.new_id()
        organization = factories.organization(
            id=mark, slug=f"walk-{mark}", two_factor_policy=setting.policy,
            default_login_methods=("password", "magic_link", "passkey"),
            trusted_device_days=30 if setting.trusts_devices else 0,
        )  # fmt: skip
        await storage.organizations.insert(organization)
        first, app = await person_with_totp(
            self.runtime, self.postgres, *CODES, slug=organization.slug
        )
        second = factories.user(
            id=factories.new_id(), organization_id=mark,
            email=f"{factories.new_id()}@walk.example", password_hash=self.password_hash,
        )  # fmt: skip
        await storage.users.insert(second)
        home = Home(
            organization.slug,
            [Person(first.email, first.id, "app", len(CODES)), Person(second.email, second.id)],
            [first, second], await self._clients(organization), await self._connect(setting, mark),
            {first.id: app}, {first.id: [*CODES]},
        )  # fmt: skip
        if setting.factor == "mail":
            await self.give_mail(home, 0)
        if setting.passkey:
            for person, user in zip(home.people, home.users, strict=True):
                held = Authenticator(self.runtime.settings.issuer_base_url)
                await give_passkey(self.runtime, user, held)
                person.has_passkey, home.passkeys[person.id] = True, held
        return home

    async def _clients(self, organization: Organization) -> dict[bool, str]:
        storage, mark = self.runtime.storage.everywhere, organization.id
        application = factories.application(id=mark, slug=f"walk-{mark}")
        await storage.applications.insert(application)
        clients = {True: f"first-{mark}", False: f"third-{mark}"}
        for is_first, client_id in clients.items():
            await storage.clients.insert(
                factories.client(
                    id=factories.new_id(), organization_id=mark, application_id=mark,
                    client_id=client_id, redirect_uris=(CALLBACK,), client_type="public",
                    token_endpoint_auth_method="none", secrets=(), is_first_party=is_first,
                )
            )  # fmt: skip
        return clients

    async def _connect(self, setting: Setting, organization_id: str) -> str:
        """Connect the other provider, as an administrator does."""
        new = NewConnection.parse({
            "name": "Elsewhere", "provider": "openid", "issuer": self.provider.base,
            "client_id": "porta", "client_secret": "a secret of ours",
            "trusts_second_factor": setting.trusts_provider,
        })  # fmt: skip
        keys = self.runtime.settings.signing_key_encryption_keys
        async with self.runtime.storage.everywhere.transaction() as tx:
            made = await connections.create(tx, SYSTEM, organization_id, new, keys)
        return made.id

    async def give_mail(self, home: Home, who: int) -> None:
        """Have codes by mail be the second factor of a person."""
        await choose(self.postgres, home.users[who], "email")
        home.people[who].factor = "mail"

    async def last_mailed_code(self, person: Person) -> str:
        return (await mailed_codes(self.runtime, self.postgres, person.id))[0]

    async def another_password(self, person: Person, now: int) -> None:
        """Set a password, as an administrator does: whoever else had got in is out."""
        hashed = await user_passwords.hash_new(self.runtime.passwords, PASSWORD)
        assert hashed is not None
        new = NewPassword.parse({"password": PASSWORD})
        async with self.runtime.storage.everywhere.transaction() as tx:
            await user_passwords.set(tx, SYSTEM, person.id, new, hashed)
        await self.postgres.execute(  # by the clock of the walk, which is not that of the database
            "UPDATE users SET password_changed_at = to_timestamp(%(now)s) WHERE id = %(id)s",
            {"now": now, "id": person.id},
        )

    async def end_sessions(self, person: Person) -> None:
        """End all sessions of a person, as an administrator does."""
        async with self.runtime.storage.everywhere.transaction() as tx:
            await session_control.revoke_all(tx, SYSTEM, person.id)

    async def forgive(self, home: Home) -> None:
        """Forget how often people showed or were mailed something: limits are no matter here."""
        tenant = await resolve.resolve(self.runtime, home.slug)
        for person in home.people:
            await rate_limits.of_second_factor(tenant, person.id).reset(self.runtime)
            await rate_limits.of_choice(tenant, person.id).reset(self.runtime)
            await rate_limits.of_mailed_code(tenant, person.id).reset(self.runtime)
