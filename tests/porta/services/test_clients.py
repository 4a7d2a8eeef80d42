"""Clients and their secrets."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from porta.errors import Conflict, Invalid, NotFound
from porta.protocol.clients.client_metadata import InvalidMetadata
from porta.security.opaque import sha256_hex
from porta.security.passwords import Passwords
from porta.services import clients
from porta.services.clients import Terms
from storage.models.applications import Application
from storage.models.clients import Client
from storage.models.organizations import Organization
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests.administered import (
    make_application,
    make_organization,
    set_application_status,
    set_organization_status,
)
from tests.porta.services.audit import event_types

Home = tuple[Organization, Application]
WEB = {"client_name": "Web", "redirect_uris": ["https://acme.test/callback"]}
CHOSEN = "a-chosen-secret-of-enough-characters"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def home(storage: Storage) -> Home:
    return (
        await make_organization(storage, "acme"),
        await make_application(storage, "crm"),
    )


async def make(storage: Storage, home: Home, **more: Any) -> Client:
    return await clients.create(storage, *home, {**WEB, **more}, terms=Terms())


async def test_a_client_is_stored(storage: Storage, home: Home, pg: Postgres) -> None:
    made = await clients.create(
        storage,
        *home,
        {**WEB, "logo_uri": "https://acme.test/logo.png", "allowed_origins": ["https://acme.test"]},
        terms=Terms(is_first_party=False, login_methods=("password",)),
        client_id="stored-web",
    )
    found = await storage.clients.find("stored-web", home[0].id)
    assert found == made
    assert found.organization_id == home[0].id
    assert (found.is_first_party, found.login_methods) == (False, ("password",))
    assert found.metadata == {"logo_uri": "https://acme.test/logo.png"}
    assert await event_types(pg, "client_id", "stored-web") == ["client.created"]


async def test_a_client_id_is_made(storage: Storage, home: Home) -> None:
    first, second = await make(storage, home), await make(storage, home)
    assert len(first.client_id) == 43
    assert first.client_id != second.client_id


@pytest.mark.parametrize("client_id", ["", "ab", "with space", "a\nb", "ümlaut", "a" * 256, "a/b"])
async def test_a_bad_client_id(storage: Storage, home: Home, client_id: str) -> None:
    with pytest.raises(Invalid, match="client_id"):
        await clients.create(storage, *home, WEB, terms=Terms(), client_id=client_id)


async def test_a_client_id_is_taken_once(storage: Storage, home: Home) -> None:
    await clients.create(storage, *home, WEB, terms=Terms(), client_id="taken")
    with pytest.raises(Conflict):
        await clients.create(storage, *home, WEB, terms=Terms(), client_id="taken")


@pytest.mark.parametrize(
    "metadata",
    [
        {"redirect_uris": ["http://acme.test/callback"]},
        {"redirect_uris": ["https://acme.test/#fragment"]},
        {"grant_types": ["password"]},
        {"response_types": ["token"]},
        {"client_type": "public", "token_endpoint_auth_method": "client_secret_basic"},
        {"id_token_signed_response_alg": "none"},
        {"client_name": ""},
    ],
)
async def test_what_cannot_be_registered(
    storage: Storage, home: Home, metadata: dict[str, Any]
) -> None:
    made = await make(storage, home)
    with pytest.raises(InvalidMetadata):
        await make(storage, home, **metadata)
    with pytest.raises(InvalidMetadata):
        await clients.update(storage, made, {**WEB, **metadata}, terms=Terms())
    assert await storage.clients.find(made.client_id, made.organization_id) == made


async def test_an_update_tells_what_changed(storage: Storage, home: Home, pg: Postgres) -> None:
    made = await make(storage, home)
    said = {**WEB, "redirect_uris": ["https://acme.test/other"], "contacts": ["a@acme.test"]}
    terms = Terms(is_first_party=False)
    changed = await clients.update(storage, made, said, terms=terms)
    assert set(changed) == {"redirect_uris", "metadata", "is_first_party"}
    found = await storage.clients.find(made.client_id, made.organization_id)
    assert found is not None
    assert found.redirect_uris == ("https://acme.test/other",)
    assert not found.is_first_party
    assert await clients.update(storage, found, said, terms=terms) == ()
    assert await event_types(pg, "client_id", made.client_id) == [
        "client.created",
        "client.updated",
    ]


async def test_a_client_keeps_its_type(storage: Storage, home: Home) -> None:
    made = await make(storage, home)
    with pytest.raises(Invalid, match="client_type"):
        await clients.update(storage, made, {**WEB, "client_type": "public"}, terms=Terms())


async def test_the_ways_between_statuses(storage: Storage, home: Home, pg: Postgres) -> None:
    made = await make(storage, home)
    for status in ("inactive", "active", "revoked"):
        changed = await clients.set_status(storage, made.client_id, home[0].id, status)
        found = await storage.clients.find(made.client_id, made.organization_id)
        assert found == changed
        assert found.status == status
    assert await event_types(pg, "client_id", made.client_id) == [
        "client.created",
        "client.deactivated",
        "client.activated",
        "client.revoked",
    ]


@pytest.mark.parametrize("wanted", ["active", "inactive", "revoked"])
async def test_revoked_is_final(storage: Storage, home: Home, wanted: str) -> None:
    made = await make(storage, home)
    await clients.set_status(storage, made.client_id, home[0].id, "revoked")
    with pytest.raises(Invalid):
        await clients.set_status(storage, made.client_id, home[0].id, wanted)


async def test_another_organizations_client_is_unknown(storage: Storage, home: Home) -> None:
    made = await make(storage, home)
    other = await make_organization(storage, "other-org", "B")
    with pytest.raises(NotFound):
        await clients.set_status(storage, made.client_id, other.id, "revoked")
    with pytest.raises(NotFound):
        await clients.set_status(storage, "unknown", other.id, "revoked")
    assert await storage.clients.find(made.client_id, made.organization_id) == made


async def test_secrets_are_added_and_revoked(
    storage: Storage, home: Home, passwords: Passwords, pg: Postgres
) -> None:
    made = await make(storage, home)
    first = await clients.add_secret(storage, made, passwords, label="first")
    second = await clients.add_secret(storage, made, passwords, value=CHOSEN)
    assert (len(first), second) == (43, CHOSEN)
    found = await storage.clients.find(made.client_id, made.organization_id)
    assert found is not None
    assert {each.sha256 for each in found.secrets} == {sha256_hex(first), sha256_hex(CHOSEN)}

    (row,) = await pg.fetch(
        "SELECT id FROM client_secrets WHERE client_id = %(id)s AND label = 'first'",
        {"id": made.id},
    )
    other = await make(storage, home)
    with pytest.raises(NotFound):
        await clients.revoke_secret(storage, other, row[0])
    await clients.revoke_secret(storage, made, row[0])
    found = await storage.clients.find(made.client_id, made.organization_id)
    assert found is not None
    assert [each.sha256 for each in found.secrets] == [sha256_hex(CHOSEN)]
    with pytest.raises(NotFound):
        await clients.revoke_secret(storage, made, row[0])
    assert await event_types(pg, "client_id", made.client_id) == [
        "client.created",
        "client.secret.generated",
        "client.secret.generated",
        "client.secret.revoked",
    ]


async def test_an_expired_secret_is_none(
    storage: Storage, home: Home, passwords: Passwords
) -> None:
    made = await make(storage, home)
    await clients.add_secret(storage, made, passwords, expires_at=1000.0)
    await clients.add_secret(storage, made, passwords, value=CHOSEN, expires_at=4_000_000_000.0)
    found = await storage.clients.find(made.client_id, made.organization_id)
    assert found is not None
    assert [(each.sha256, each.expires_at) for each in found.secrets] == [
        (sha256_hex(CHOSEN), 4_000_000_000.0)
    ]


@pytest.mark.parametrize("value", ["short", "x" * 31, "x" * 256, "x" * 31 + " x", "x" * 32 + "\n"])
async def test_a_secret_that_cannot_be_chosen(
    storage: Storage, home: Home, passwords: Passwords, value: str
) -> None:
    made = await make(storage, home)
    with pytest.raises(Invalid) as refusal:
        await clients.add_secret(storage, made, passwords, value=value)
    assert value not in refusal.value.message


async def test_a_public_client_keeps_no_secret(
    storage: Storage, home: Home, passwords: Passwords
) -> None:
    made = await make(storage, home, client_type="public")
    with pytest.raises(Invalid, match="public"):
        await clients.add_secret(storage, made, passwords)


@pytest.mark.parametrize("archived", ["organization", "application"])
async def test_what_is_archived_takes_no_more_clients(storage: Storage, archived: str) -> None:
    slug = f"old-{archived}"
    organization = await make_organization(storage, slug, "O")
    application = await make_application(storage, slug)
    if archived == "organization":
        organization = await set_organization_status(storage, organization.id, "archived")
    else:
        application = await set_application_status(storage, slug, "archived")
    with pytest.raises(Invalid, match="archived"):
        await clients.create(storage, organization, application, WEB, terms=Terms())
