"""Bounds: of many who come at once, at two servers, nobody gets what is one too many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio

from porta.audit.actors import SYSTEM
from porta.errors import Conflict, TooManyRequests
from porta.runtime import Runtime
from porta.services import connections, invitation_letters, invitations
from porta.services.connections import NewConnection
from porta.services.invitation_fields import NewInvitation
from storage.models.passkeys import NewPasskey
from storage.models.users import User
from storage.repositories import passkeys
from storage.router import Storage
from tests import factories
from tests.world.served import settings_for

_AT_ONCE = 10


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def runtimes(database_url: str) -> AsyncIterator[tuple[Runtime, Runtime]]:
    """Two processes, as far as the database can tell."""
    settings = settings_for(database_url, None, issuer_base_url="https://id.example.com")
    first, second = await Runtime.open(settings), await Runtime.open(settings)
    yield first, second
    await first.close()
    await second.close()


@pytest_asyncio.fixture(loop_scope="session")
async def person(runtimes: tuple[Runtime, Runtime]) -> User:
    """Somebody, alone in their organization."""
    storage = runtimes[0].storage.everywhere
    home = factories.organization(id=factories.new_id(), slug=f"b-{factories.new_id()}")
    await storage.organizations.insert(home)
    user = factories.user(
        id=factories.new_id(), organization_id=home.id, email=f"{factories.new_id()}@a.test"
    )
    await storage.users.insert(user)
    await storage.passkeys.handle(user.id, home.id, factories.new_id())
    return user


async def _connect(runtime: Runtime, person: User, tx: Storage) -> bool:
    said = {
        "name": factories.new_id(), "provider": "google", "clientId": "x", "clientSecret": "y",
    }  # fmt: skip
    command = NewConnection.parse(said)
    keys = runtime.settings.signing_key_encryption_keys
    try:
        await connections.create(tx, SYSTEM, person.organization_id, command, keys)
    except Conflict:
        return False
    return True


async def _keep_passkey(runtime: Runtime, person: User, tx: Storage) -> bool:
    new = NewPasskey(
        credential_id=factories.new_id(), public_key=b"key", sign_count=0, backup_eligible=True,
        backed_up=False,
    )  # fmt: skip
    return await tx.passkeys.add(person.id, person.organization_id, "Key", new) is not None


async def _invite(runtime: Runtime, person: User, tx: Storage) -> bool:
    command, home = NewInvitation.parse({"email": person.email}), person.organization_id
    try:
        await invitations.invite(tx, SYSTEM, home, command, post=runtime.post)
    except TooManyRequests:
        return False
    return True


@dataclass(frozen=True)
class Bound:
    """How many there may be, and one more of them, or False."""

    most: int
    add: Callable[[Runtime, User, Storage], Awaitable[bool]]


BOUNDS = {
    "connections of an organization": Bound(connections.MOST, _connect),
    "passkeys of a person": Bound(passkeys.MOST, _keep_passkey),
    "invitations of a person": Bound(invitation_letters.MOST_TO_PERSON, _invite),
}


@pytest.mark.parametrize("name", BOUNDS)
async def test_nobody_gets_one_too_many(
    runtimes: tuple[Runtime, Runtime], person: User, name: str
) -> None:
    bound = BOUNDS[name]

    async def add(runtime: Runtime) -> bool:
        async with runtime.storage.everywhere.transaction() as tx:
            return await bound.add(runtime, person, tx)

    first, second = runtimes
    for _ in range(bound.most - 2):
        assert await add(first)
    everybody = [each for each in (first, second) for _ in range(_AT_ONCE)]
    made = await asyncio.gather(*map(add, everybody))
    assert made.count(True) == 2
