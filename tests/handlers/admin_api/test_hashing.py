"""Nothing is hashed while a transaction holds a connection of the pool."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from porta.protocol.clients.client_auth import match_secret
from porta.services.provisioning import build_document, provision
from storage.postgres.driver import Postgres
from tests import factories
from tests.world.administrators import Installation

PASSWORD = "seven-lamps-for-quiet-otters"


@dataclass(slots=True)
class Held:
    """The next hash begins, and waits."""

    began: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    made, hash = Held(), PasswordHasher.hash

    def wait(self: PasswordHasher, text: bytes) -> str:
        made.began.set()
        made.go_on.wait(60)
        return hash(self, text)

    monkeypatch.setattr(PasswordHasher, "hash", wait)
    yield made
    made.go_on.set()


async def open_transactions(pg: Postgres) -> int:
    (row,) = await pg.fetch(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
    )
    return int(row[0])


async def while_hashing(held: Held, pg: Postgres, call: Awaitable[Any]) -> tuple[int, Any]:
    """Return how many transactions are open while `call` hashes, and what it returns then."""
    running = asyncio.ensure_future(call)
    try:
        assert await asyncio.to_thread(held.began.wait, 60)
        seen = await open_transactions(pg)
    finally:
        held.go_on.set()
        result = await running
    return seen, result


async def test_administrators_passwords_and_secrets(
    api: httpx.AsyncClient, installation: Installation, held: Held, pg: Postgres
) -> None:
    home = await installation.organization()
    application = factories.application()
    await installation.runtime.storage.everywhere.applications.insert(application)
    client = {
        "organizationId": home.id,
        "applicationId": application.id,
        "clientName": "Web",
        "redirectUris": ["https://acme.test/callback"],
    }
    people = f"/organizations/{home.id}/users"
    asked: list[tuple[str, dict[str, Any]]] = [
        (people, {"email": "new@acme.test", "password": PASSWORD}),
        ("/clients", client),
    ]
    made = []
    for path, body in asked:
        held.began.clear()
        held.go_on.clear()
        seen, answer = await while_hashing(held, pg, api.post(path, json=body))
        assert (seen, answer.status_code) == (0, 201), path
        made.append(answer.json()["data"]["id"])
    user, client_id = made
    for path, body in (
        (f"{people}/{user}/password", {"password": PASSWORD}),
        (f"/users/{user}/password", {"password": PASSWORD}),
        (f"/clients/{client_id}/secrets", {}),
    ):
        held.began.clear()
        held.go_on.clear()
        seen, answer = await while_hashing(held, pg, api.post(path, json=body))
        assert seen == 0, path
        assert answer.is_success


async def test_what_nobody_may_choose_is_refused_before_it_is_hashed(
    api: httpx.AsyncClient, installation: Installation, held: Held
) -> None:
    home = await installation.organization()
    path = f"/organizations/{home.id}/users"
    answer = await api.post(path, json={"email": "a@acme.test", "password": "short"})
    assert answer.status_code == 400
    wrong = {"organizationId": home.id, "applicationId": home.id, "clientName": "Web"}
    assert (await api.post("/clients", json=wrong)).status_code == 400
    assert not held.began.is_set()


async def test_a_provisioning_file(installation: Installation, held: Held, pg: Postgres) -> None:
    client = {
        "client_name": "Machine",
        "client_type": "confidential",
        "grant_types": ["client_credentials"],
    }
    document = build_document(
        "seed",
        {
            "version": "1.0",
            "allow_passwords": True,
            "organizations": [
                {
                    "name": "Hashed",
                    "slug": "hashed",
                    "users": [{"email": "a@hashed.test", "password": PASSWORD}],
                    "applications": [{"name": "H", "slug": "hashed", "clients": [client]}],
                }
            ],
        },
    )
    runtime = installation.runtime
    run = provision(
        runtime.storage.everywhere, document, passwords=runtime.passwords, now=time.time()
    )
    seen, report = await while_hashing(held, pg, run)
    assert (seen, report.errors) == (0, [])
    (credential,) = report.credentials
    organization = await runtime.storage.everywhere.organizations.find_by_slug("hashed")
    assert organization is not None
    user = await runtime.storage.everywhere.users.find_by_email(organization.id, "a@hashed.test")
    assert user is not None
    assert (await runtime.passwords.verify(user.password_hash, PASSWORD)).ok
    found = await runtime.storage.everywhere.clients.find(credential.client_id, organization.id)
    assert found is not None
    assert match_secret(found, credential.client_secret or "", time.time()).alive
