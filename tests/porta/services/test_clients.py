"""Clients and their secrets."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio

from porta.audit.actors import SYSTEM, Actor
from porta.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed
from porta.security.opaque import sha256_hex
from porta.security.passwords import Passwords
from porta.services import client_secrets, clients
from porta.services.client_registration import ClientPatch, NewClient
from porta.services.client_secrets import NewSecret
from porta.services.clients import ClientFilters
from porta.services.permissions import PERMISSIONS
from storage.models.applications import Application
from storage.models.clients import Client, SecretEntry
from storage.models.organizations import Organization
from storage.models.pages import Page
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests.porta.services.audit import event_types, last_metadata
from tests.world.administered import (
    as_if_hashed,
    make_application,
    make_client,
    make_organization,
    set_application_status,
    set_client_status,
    set_organization_status,
)

Home = tuple[Organization, Application]
WEB = {"clientName": "Web", "redirectUris": ["https://acme.test/callback"]}
CHOSEN = "a-chosen-secret-of-enough-characters"
HASHED = as_if_hashed(CHOSEN)
ALL = frozenset(PERMISSIONS)


async def add_secret(
    storage: Storage, client: Client, passwords: Passwords, **said: Any
) -> tuple[SecretEntry, str]:
    command = NewSecret.parse(said)
    hashed = await client_secrets.hash_new(passwords, command)
    return await client_secrets.add(storage, SYSTEM, client.id, command, hashed)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def home(storage: Storage) -> Home:
    return await make_organization(storage, "acme"), await make_application(storage, "crm")


async def make(storage: Storage, home: Home, **more: Any) -> Client:
    return await make_client(storage, home[0].id, home[1].id, **{**WEB, **more})


async def test_a_client_is_stored(storage: Storage, home: Home, pg: Postgres) -> None:
    made = await make(
        storage,
        home,
        clientId="stored-web",
        logoUri="https://acme.test/logo.png",
        allowedOrigins=["https://acme.test"],
        isFirstParty=False,
        loginMethods=["password"],
    )
    assert await storage.clients.find("stored-web", home[0].id) == made
    assert (made.organization_id, made.version, made.status) == (home[0].id, 1, "active")
    assert (made.is_first_party, made.login_methods) == (False, ("password",))
    assert made.metadata == {"logo_uri": "https://acme.test/logo.png"}
    assert (made.client_type, made.is_adopted) == ("confidential", False)
    for key in ("stored-web", made.id):
        assert await clients.get(storage, SYSTEM, key) == made
    assert await event_types(pg, "client_id", "stored-web") == ["client.created"]


LOOK = {
    "companyName": "Shop",
    "links": {"support": "https://acme.test/help"},
    "texts": {"en": {"title": "Hi"}},
}


async def test_a_look_is_merged_and_goes(storage: Storage, home: Home, pg: Postgres) -> None:
    made = await make(storage, home, brand=LOOK)
    assert made.brand is not None
    assert (made.brand.company_name, made.brand.support_url) == ("Shop", "https://acme.test/help")

    async def change(brand: object) -> Client:
        patch = ClientPatch.parse({"brand": brand})
        return await clients.update(storage, SYSTEM, made.id, patch)

    more = (await change({"radius": 3, "links": {"support": None}})).brand
    assert more is not None
    assert (more.company_name, more.radius, more.support_url) == ("Shop", 3, None)
    assert more.texts[0].title == "Hi"
    nothing = {"radius": None, "companyName": None, "texts": None}
    assert (await change(nothing)).brand is None, "it looks as its organization"
    await change(LOOK)
    assert (await change(None)).brand is None
    assert await storage.clients.find(made.client_id, home[0].id) == await clients.get(
        storage, SYSTEM, made.id
    )
    assert set(await event_types(pg, "client_id", made.client_id)) == {
        "client.created",
        "client.updated",
    }


@pytest.mark.parametrize(
    ("look", "place"),
    [
        ({"customCss": "p{}"}, "brand.customCss"),
        ({"primaryColor": "red"}, "brand.primaryColor"),
        ({"logoUrl": "javascript:alert(1)"}, "brand.logoUrl"),
        ({"background": "picture"}, "brand.backgroundUrl"),
        ({"texts": {"tlh": {"title": "nuqneH"}}}, "brand.texts.tlh"),
        ({"companyName": "a\u202eb"}, "brand.companyName"),
    ],
)
async def test_a_look_that_no_page_has(
    storage: Storage, home: Home, look: dict[str, object], place: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await make(storage, home, brand=look)
    assert place in str(refused.value)


async def test_somebody_elses_client_has_no_look(storage: Storage, home: Home) -> None:
    """Its consent page would be taken for one of the organization."""
    with pytest.raises(Invalid, match="brand: "):
        await make(storage, home, brand=LOOK, isFirstParty=False)
    third, own = (
        await make(storage, home, isFirstParty=False),
        await make(storage, home, brand=LOOK),
    )

    async def change(client: Client, **said: object) -> Client:
        return await clients.update(storage, SYSTEM, client.id, ClientPatch.parse(said))

    with pytest.raises(Invalid, match="brand: "):
        await change(third, brand=LOOK)
    with pytest.raises(Invalid, match="brand: "):
        await change(own, isFirstParty=False)
    assert (await change(own, isFirstParty=False, brand=None)).brand is None
    assert (await change(third, brand=LOOK, isFirstParty=True)).brand is not None


async def test_a_client_id_is_made(storage: Storage, home: Home) -> None:
    first, second = await make(storage, home), await make(storage, home)
    assert len(first.client_id) == 43
    assert first.client_id != second.client_id


@pytest.mark.parametrize("client_id", ["", "ab", "with space", "a\nb", "ümlaut", "a" * 256, "a/b"])
async def test_a_bad_client_id(storage: Storage, home: Home, client_id: str) -> None:
    with pytest.raises(Invalid, match="clientId: "):
        await make(storage, home, clientId=client_id)


async def test_a_client_id_is_taken_once(storage: Storage, home: Home) -> None:
    await make(storage, home, clientId="taken")
    async with storage.transaction() as tx:
        with pytest.raises(Conflict, match="clientId: "):
            await make(tx, home, clientId="taken")
        await make(tx, home, clientId="beside-it")  # the transaction goes on


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ({"redirectUris": ["http://acme.test/callback"]}, "redirectUris[0]"),
        ({"redirectUris": ["https://a.test/", "https://a.test/#x"]}, "redirectUris[1]"),
        ({"redirectUris": ["javascript:alert(1)"]}, "redirectUris[0]"),
        ({"redirectUris": ["https://a.test/*"]}, "redirectUris[0]"),
        ({"grantTypes": ["password"]}, "grantTypes[0]"),
        ({"responseTypes": ["token"]}, "responseTypes[0]"),
        ({"idTokenSignedResponseAlg": "none"}, "idTokenSignedResponseAlg"),
        ({"clientName": ""}, "clientName"),
        ({"clientName": "a\u202eb"}, "clientName"),
        (
            {"tokenEndpointAuthMethod": "none", "clientType": "confidential"},
            "tokenEndpointAuthMethod",
        ),
        ({"logoUri": "javascript:alert(1)"}, "logoUri"),
        ({"defaultMaxAge": 10**20}, "defaultMaxAge"),
        ({"defaultMaxAge": "60"}, "defaultMaxAge"),
        ({"loginMethods": []}, "loginMethods"),
        ({"redirectUris": ["https://a.test/"] * 51}, "redirectUris"),
        ({"status": "revoked"}, "status"),
    ],
)
async def test_security_J4_what_cannot_be_registered(
    storage: Storage, home: Home, said: dict[str, Any], place: str
) -> None:
    made = await make(storage, home)
    with pytest.raises(Invalid) as refused:
        await make(storage, home, **said)
    assert place in [str(each).partition(": ")[0] for each in refused.value.problems]
    with pytest.raises(Invalid) as refused:
        await clients.update(storage, SYSTEM, made.id, ClientPatch.parse(said))
    assert place in [str(each).partition(": ")[0] for each in refused.value.problems]
    assert await storage.clients.find(made.client_id, made.organization_id) == made


async def test_every_problem_of_a_client_is_told_at_once(storage: Storage, home: Home) -> None:
    wrong = {"redirectUris": ["http://a.test/", "x"], "scope": 'a"b', "contacts": ["x\x00"]}
    with pytest.raises(Invalid) as refused:
        await make(storage, home, **{**wrong, "contacts": []})
    assert [str(each).partition(": ")[0] for each in refused.value.problems] == [
        "redirectUris[0]",
        "redirectUris[1]",
        "scope",
    ]


async def test_a_patch_changes_what_it_says(storage: Storage, home: Home, pg: Postgres) -> None:
    made = await make(
        storage, home, logoUri="https://acme.test/l.png", contacts=["x@acme.test"], requirePkce=True
    )
    said = {
        "redirectUris": ["https://acme.test/other"],
        "contacts": ["a@acme.test"],
        "isFirstParty": False,
        "logoUri": None,
    }
    after = await clients.update(
        storage, SYSTEM, made.client_id, ClientPatch.parse(said), made.version
    )
    assert after == msgspec.structs.replace(
        made,
        redirect_uris=("https://acme.test/other",),
        metadata={"contacts": ["a@acme.test"]},
        is_first_party=False,
        updated_at=after.updated_at,
        version=2,
    )
    assert await clients.update(storage, SYSTEM, made.id, ClientPatch.parse(said)) == after
    patch = ClientPatch(client_name="Late")
    with pytest.raises(PreconditionFailed):
        await clients.update(storage, SYSTEM, made.id, patch, made.version)
    assert await event_types(pg, "client_id", made.client_id) == [
        "client.created",
        "client.updated",
    ]
    told = await last_metadata(pg, "client_id", made.client_id)
    assert told["before"]["redirect_uris"] == ["https://acme.test/callback"]


async def test_a_client_keeps_its_type(storage: Storage, home: Home) -> None:
    made = await make(storage, home)
    patch = ClientPatch.parse({"clientType": "public"})
    with pytest.raises(Invalid, match="clientType: "):
        await clients.update(storage, SYSTEM, made.id, patch)
    patch = ClientPatch.parse({"tokenEndpointAuthMethod": "none"})
    with pytest.raises(Invalid, match="tokenEndpointAuthMethod: "):
        await clients.update(storage, SYSTEM, made.id, patch)
    public = await make(storage, home, clientType="public")
    patch = ClientPatch.parse({"introspectsOrganization": True})
    with pytest.raises(Invalid, match="introspectsOrganization: "):
        await clients.update(storage, SYSTEM, public.id, patch)


async def test_the_ways_between_statuses(storage: Storage, home: Home, pg: Postgres) -> None:
    made = await make(storage, home)
    for status in ("inactive", "active", "revoked"):
        changed = await set_client_status(storage, made.id, status)
        assert await storage.clients.find(made.client_id, made.organization_id) == changed
        assert changed.status == status
    assert await event_types(pg, "client_id", made.client_id) == [
        "client.created",
        "client.deactivated",
        "client.activated",
        "client.revoked",
    ]


async def break_rules(pg: Postgres, client: Client, **columns: Any) -> None:
    """Store what Porta 1.x let be registered, and we do not."""
    for name, value in columns.items():
        cast = "::text[]" if isinstance(value, list) else "::jsonb" if name == "metadata" else ""
        sql = f"UPDATE clients SET {name} = %(value)s{cast} WHERE id = %(id)s"
        await pg.execute(sql, {"value": value, "id": client.id})


BROKEN: tuple[dict[str, Any], ...] = (
    {"redirect_uris": ["http://app.acme.test/callback"]},
    {"post_logout_redirect_uris": ["javascript:alert(1)"]},
    {"allowed_origins": ["https://acme.test/path"]},
    {"scope": 'openid "quoted"'},
    {"application_type": "spa"},
    {"grant_types": ["password"], "response_types": ["token"]},
    {"redirect_uris": []},
    {"access_token_signing_alg": "none"},
    {"metadata": '{"logo_uri": "javascript:1", "contacts": ["a@acme.test"]}'},
)
HARMLESS: tuple[dict[str, Any], ...] = (
    {"clientName": "Renamed"},
    {"requirePkce": True},
    {"loginMethods": ["password"]},
    {"policyUri": "https://acme.test/policy"},
)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda each: "-".join(each))
async def test_only_what_a_patch_changes_is_judged(
    storage: Storage, home: Home, pg: Postgres, broken: dict[str, Any]
) -> None:
    """A client of Porta 1.x whose registration breaks a rule of ours can be renamed all the same;
    what is stored and not said stays, letter for letter.
    """
    made = await make(storage, home)
    await break_rules(pg, made, **broken)
    before = await storage.clients.find(made.client_id, made.organization_id)
    assert before is not None
    for patch in HARMLESS:
        await clients.update(storage, SYSTEM, made.id, ClientPatch.parse(patch))
    after = await storage.clients.find(made.client_id, made.organization_id)
    assert after is not None
    assert after.client_name == "Renamed"
    for name in broken:
        if name == "metadata":
            assert after.metadata == {**before.metadata, "policy_uri": "https://acme.test/policy"}
        else:
            assert getattr(after, name) == getattr(before, name)


@pytest.mark.parametrize("broken", BROKEN[:4], ids=lambda each: "-".join(each))
async def test_what_is_said_again_as_it_is_stored_is_no_change(
    storage: Storage, home: Home, pg: Postgres, broken: dict[str, Any]
) -> None:
    """Whoever sends the whole client back with another name changes the name."""
    made = await make(storage, home)
    await break_rules(pg, made, **broken)
    patch = ClientPatch.parse({**broken, "client_name": "Renamed"})
    assert (await clients.update(storage, SYSTEM, made.id, patch)).client_name == "Renamed"


@pytest.mark.parametrize(
    ("broken", "patch", "at"),
    [
        # what is said is judged
        (BROKEN[0], {"redirectUris": ["http://app.acme.test/other"]}, "redirectUris"),
        (BROKEN[3], {"scope": 'openid "otherwise"'}, "scope"),
        (BROKEN[7], {"accessTokenSigningAlg": "HS256"}, "accessTokenSigningAlg"),
        (BROKEN[8], {"logoUri": "javascript:2"}, "logoUri"),
        ({}, {"redirectUris": []}, "redirectUris"),
        # and what depends on it
        (
            {"redirect_uris": [], "grant_types": ["client_credentials"]},
            {"grantTypes": ["authorization_code"]},
            "redirectUris",
        ),
        (BROKEN[0], {"applicationType": "spa"}, "redirectUris"),
        (BROKEN[0], {"grantTypes": ["authorization_code", "refresh_token"]}, "redirectUris"),
        (BROKEN[1], {"applicationType": "native"}, "postLogoutRedirectUris"),
        ({"response_types": ["token"]}, {"responseTypes": []}, "responseTypes"),
        ({}, {"tokenEndpointAuthMethod": "none"}, "tokenEndpointAuthMethod"),
    ],
)
async def test_what_a_patch_changes_is_judged_with_what_depends_on_it(
    storage: Storage,
    home: Home,
    pg: Postgres,
    broken: dict[str, Any],
    patch: dict[str, Any],
    at: str,
) -> None:
    made = await make(storage, home)
    await break_rules(pg, made, **broken)
    with pytest.raises(Invalid, match=rf"{at}(\[\d\])?: "):
        await clients.update(storage, SYSTEM, made.id, ClientPatch.parse(patch))


@pytest.mark.parametrize("wanted", ["active", "inactive", "revoked"])
async def test_revoked_is_final(
    storage: Storage, home: Home, passwords: Passwords, wanted: str
) -> None:
    made = await make(storage, home)
    await set_client_status(storage, made.id, "revoked")
    with pytest.raises(Invalid):
        await set_client_status(storage, made.id, wanted)
    with pytest.raises(Invalid, match="revoked"):
        await client_secrets.add(storage, SYSTEM, made.id, NewSecret(), HASHED)


async def test_another_organizations_client_is_unknown(
    storage: Storage, home: Home, passwords: Passwords
) -> None:
    made = await make(storage, home)
    other = await make_organization(storage, "other-org", "B")
    bound = Actor(permissions=ALL, organization_id=other.id)
    for actor, targets in ((bound, (made.id, made.client_id)), (SYSTEM, (str(uuid4()), "", "a\0"))):
        for target in targets:
            for call in (
                partial(clients.get, storage, actor, target),
                partial(clients.update, storage, actor, target, ClientPatch(client_name="X")),
                partial(clients.deactivate, storage, actor, target),
                partial(clients.revoke, storage, actor, target),
                partial(client_secrets.list, storage, actor, target),
                partial(client_secrets.add, storage, actor, target, NewSecret(), HASHED),
                partial(client_secrets.revoke, storage, actor, target, str(uuid4())),
            ):
                with pytest.raises(NotFound, match=r"^Client not found$"):
                    await call()
    command = NewClient.parse({**WEB, "organizationId": home[0].id, "applicationId": home[1].id})
    with pytest.raises(Invalid, match="organizationId: there is no such organization"):
        await clients.create(storage, bound, command)
    for filters in (ClientFilters(), ClientFilters(organization_id=home[0].id)):
        assert (await clients.list(storage, bound, Page(), filters)).rows == ()
    assert await storage.clients.find(made.client_id, made.organization_id) == made


async def test_clients_are_listed_and_found(storage: Storage, home: Home) -> None:
    organization = await make_organization(storage, f"l-{uuid4().hex}")
    names = ["Alpha", "Beta", "Beta too"]
    made = [await make(storage, (organization, home[1]), clientName=name) for name in names]
    filters = ClientFilters(organization_id=organization.id)
    page, seen = Page(limit=2, sort="client_name", order="asc"), list[Client]()
    while True:
        listed = await clients.list(storage, SYSTEM, page, filters)
        seen += listed.rows
        if listed.next is None:
            break
        page = msgspec.structs.replace(page, cursor=listed.next)
    assert seen == made
    filters = ClientFilters.parse({"organizationId": organization.id, "search": "BETA"})
    assert len((await clients.list(storage, SYSTEM, Page(), filters)).rows) == 2


async def test_the_clients_of_the_administration_are_for_super_administrators(
    storage: Storage, home: Home, passwords: Passwords
) -> None:
    """Who could change where administrators are sent with their codes would be one of them."""
    admin = await storage.organizations.find_super_admin()
    assert admin is not None
    made = await make(storage, (admin, home[1]))
    lesser = Actor(permissions=ALL - {"admin:key:rotate"})
    command = NewClient.parse({**WEB, "organizationId": admin.id, "applicationId": home[1].id})
    for call in (
        partial(clients.create, storage, lesser, command),
        partial(clients.update, storage, lesser, made.id, ClientPatch(client_name="X")),
        partial(clients.deactivate, storage, lesser, made.id),
        partial(client_secrets.add, storage, lesser, made.id, NewSecret(), HASHED),
        partial(client_secrets.revoke, storage, lesser, made.id, str(uuid4())),
    ):
        with pytest.raises(Forbidden, match="client of the administration"):
            await call()
    whole = Actor(permissions=ALL)
    after = await clients.update(storage, whole, made.id, ClientPatch(client_name="X"))
    assert after.client_name == "X"


async def test_secrets_are_added_and_revoked(
    storage: Storage, home: Home, passwords: Passwords, pg: Postgres
) -> None:
    made = await make(storage, home)
    args = storage, SYSTEM, made.id
    entry, first = await add_secret(storage, made, passwords, label="first")
    chosen = NewSecret.parse({"value": CHOSEN})
    assert CHOSEN not in repr(chosen)
    _, second = await add_secret(storage, made, passwords, value=CHOSEN)
    assert (len(first), second, entry.label) == (43, CHOSEN, "first")
    found = await storage.clients.find(made.client_id, made.organization_id)
    assert found is not None
    assert {each.sha256 for each in found.secrets} == {sha256_hex(first), sha256_hex(CHOSEN)}
    listed = await client_secrets.list(*args)
    assert [each.label for each in listed] == [None, "first"]
    other = await make(storage, home)
    with pytest.raises(NotFound):
        await client_secrets.revoke(storage, SYSTEM, other.id, entry.id)
    await client_secrets.revoke(*args, entry.id)
    found = await storage.clients.find(made.client_id, made.organization_id)
    assert found is not None
    assert [each.sha256 for each in found.secrets] == [sha256_hex(CHOSEN)]
    for unknown in (entry.id, "x", "a\0"):
        with pytest.raises(NotFound):
            await client_secrets.revoke(*args, unknown)
    assert await event_types(pg, "client_id", made.client_id) == [
        "client.created",
        "client.secret.generated",
        "client.secret.generated",
        "client.secret.revoked",
    ]
    rows = await pg.fetch("SELECT metadata::text FROM audit_log")
    assert not any(CHOSEN in row[0] or first in row[0] for row in rows)


async def test_an_expired_secret_is_none(
    storage: Storage, home: Home, passwords: Passwords
) -> None:
    made = await make(storage, home)
    for said in (
        {"expiresAt": "1970-01-01T00:16:40Z"},
        {"value": CHOSEN, "expiresAt": "2096-10-02T07:06:40Z"},
    ):
        await add_secret(storage, made, passwords, **said)
    found = await storage.clients.find(made.client_id, made.organization_id)
    assert found is not None
    assert [(each.sha256, each.expires_at) for each in found.secrets] == [
        (sha256_hex(CHOSEN), 4_000_000_000.0)
    ]


@pytest.mark.parametrize("value", ["short", "x" * 31, "x" * 256, "x" * 31 + " x", "x" * 32 + "\n"])
def test_a_secret_that_cannot_be_chosen(value: str) -> None:
    with pytest.raises(Invalid, match="value: ") as refusal:
        NewSecret.parse({"value": value})
    assert value not in refusal.value.message


async def test_a_public_client_keeps_no_secret(
    storage: Storage, home: Home, passwords: Passwords
) -> None:
    made = await make(storage, home, clientType="public")
    with pytest.raises(Invalid, match="public"):
        await client_secrets.add(storage, SYSTEM, made.id, NewSecret(), HASHED)


@pytest.mark.parametrize("archived", ["organization", "application"])
async def test_what_is_archived_takes_no_more_clients(storage: Storage, archived: str) -> None:
    slug = f"old-{archived}"
    organization = await make_organization(storage, slug, "O")
    application = await make_application(storage, slug)
    if archived == "organization":
        await set_organization_status(storage, organization.id, "archived")
    else:
        await set_application_status(storage, slug, "archived")
    with pytest.raises(Invalid, match="archived"):
        await make(storage, (organization, application))


JWK = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "kid": "one",
}


async def test_who_may_end_what_people_hold_and_with_which_keys(
    storage: Storage, home: Home
) -> None:
    """Nobody grants what they do not hold; keys of a client with the right are as good as it."""
    lesser = Actor(permissions=ALL - {"admin:session:revoke"})
    keys = ClientPatch.parse({"jwks": {"keys": [JWK]}})
    let = ClientPatch.parse({"revokesGlobally": True})
    made = await make(storage, home)
    after = await clients.update(storage, lesser, made.id, keys)
    assert after.metadata["jwks"] == {"keys": [{**JWK, "use": "sig", "alg": "EdDSA"}]}
    with pytest.raises(Forbidden, match="admin:session:revoke"):
        await clients.update(storage, lesser, made.id, let)
    whole = Actor(permissions=ALL)
    assert (await clients.update(storage, whole, made.id, let)).revokes_globally
    other = ClientPatch.parse({"jwks": {"keys": [{**JWK, "kid": "two"}]}})
    with pytest.raises(Forbidden, match="admin:session:revoke"):
        await clients.update(storage, lesser, made.id, other)
    await clients.update(storage, lesser, made.id, ClientPatch(client_name="Other"))
    ended = await clients.update(storage, lesser, made.id, ClientPatch(revokes_globally=False))
    assert not ended.revokes_globally
    command = {**WEB, "organizationId": home[0].id, "applicationId": home[1].id}
    new = NewClient.parse({**command, "revokesGlobally": True})
    with pytest.raises(Forbidden, match="admin:session:revoke"):
        await clients.create(storage, lesser, new)


@pytest.mark.parametrize("jwks", [{}, {"keys": []}, {"keys": [{**JWK, "d": "AAAA"}]}])
async def test_keys_that_cannot_be_registered(
    storage: Storage, home: Home, jwks: dict[str, Any]
) -> None:
    made = await make(storage, home)
    with pytest.raises(Invalid, match="jwks: "):
        await clients.update(storage, SYSTEM, made.id, ClientPatch.parse({"jwks": jwks}))
