"""What applications define: modules, permissions, roles, claims; and API resources."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from porta.errors import Conflict, Invalid, NotFound
from porta.protocol.features.resource_indicators import check_syntax
from porta.services import api_resources, applications, claims, roles, users
from storage.models.applications import Application, ApplicationModule
from storage.models.claims import ClaimDefinition
from storage.models.clients import ApiResource
from storage.models.roles import Permission, Role
from storage.models.users import User
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests.administered import make_organization
from tests.porta.services.audit import event_types


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crm(storage: Storage) -> str:
    return (await applications.create(storage, Application(id="", name="CRM", slug="crm"))).id


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def alice(storage: Storage) -> User:
    home = await make_organization(storage, "acme")
    return await users.create(
        storage, User(id="", organization_id=home.id, email="alice@acme.test")
    )


async def test_an_application_lives_and_ends(storage: Storage, pg: Postgres) -> None:
    made = await applications.create(storage, Application(id="", name="Shop", slug="shop"))
    assert await storage.applications.find_by_slug("shop") == made
    renamed = msgspec.structs.replace(made, name="The Shop", slug="other", description="Sells")
    await applications.update(storage, renamed)
    found = await storage.applications.find_by_slug("shop")
    assert found is not None
    assert (found.name, found.description) == ("The Shop", "Sells")
    for status in ("inactive", "active", "archived"):
        assert (await applications.set_status(storage, "shop", status)).status == status
    with pytest.raises(Invalid):
        await applications.set_status(storage, "shop", "active")
    with pytest.raises(NotFound):
        await applications.set_status(storage, "unknown", "archived")
    assert await event_types(pg, "application_id", made.id) == [
        "app.created",
        "app.updated",
        "app.deactivated",
        "app.activated",
        "app.archived",
    ]


@pytest.mark.parametrize("slug", ["", "ab", "admin", "system", "Shop", "a b c"])
async def test_a_bad_application_slug(storage: Storage, crm: str, slug: str) -> None:
    with pytest.raises(Invalid):
        await applications.create(storage, Application(id="", name="X", slug=slug))
    module = ApplicationModule(id="", application_id=crm, name="X", slug=slug)
    with pytest.raises(Invalid):
        await applications.create_module(storage, module)


async def test_an_application_slug_is_taken_once(storage: Storage, crm: str) -> None:
    with pytest.raises(Conflict):
        await applications.create(storage, Application(id="", name="CRM", slug="crm"))


async def test_modules(storage: Storage, crm: str) -> None:
    new = ApplicationModule(id="", application_id=crm, name="Deals", slug="deals")
    made = await applications.create_module(storage, new)
    assert await storage.applications.modules(crm) == (made,)
    with pytest.raises(Conflict):
        await applications.create_module(storage, new)
    changed = msgspec.structs.replace(made, name="All deals", status="inactive")
    await applications.update_module(storage, changed)
    assert await storage.applications.modules(crm) == (changed,)


async def test_roles_and_permissions_reach_the_account(
    storage: Storage, crm: str, alice: User, pg: Postgres
) -> None:
    permission = await roles.create_permission(
        storage, Permission(id="", application_id=crm, name="Read", slug="crm:contacts:read")
    )
    role = await roles.create(
        storage, Role(id="", application_id=crm, name="Viewer", slug="viewer")
    )
    await roles.grant(storage, role, permission)
    await roles.assign(storage, alice, role)
    facts = await storage.users.facts(alice.id, alice.organization_id, crm)
    assert facts is not None
    assert (facts.roles, facts.permissions) == (("viewer",), ("crm:contacts:read",))
    assert await storage.roles.granted(role.id) == {permission.id}
    assert await storage.roles.assigned(alice.id, alice.organization_id) == {role.id}
    assert await event_types(pg, "role_id", role.id) == [
        "role.created",
        "role.permissions.assigned",
        "user.roles.assigned",
    ]


async def test_names_of_roles_and_permissions_change(storage: Storage, crm: str) -> None:
    permission = await roles.create_permission(
        storage, Permission(id="", application_id=crm, name="Old", slug="crm:old:name")
    )
    role = await roles.create(storage, Role(id="", application_id=crm, name="Old", slug="old"))
    await roles.update(storage, msgspec.structs.replace(role, name="New", slug="new"))
    await roles.update_permission(
        storage, msgspec.structs.replace(permission, description="New", slug="crm:new:name")
    )
    assert ("old", "New") in [(each.slug, each.name) for each in await storage.roles.list(crm)]
    found = {each.slug: each.description for each in await storage.roles.permissions(crm)}
    assert found["crm:old:name"] == "New"
    assert "crm:new:name" not in found


async def test_slugs_of_roles_and_permissions(storage: Storage, crm: str) -> None:
    role = Role(id="", application_id=crm, name="X", slug="once")
    await roles.create(storage, role)
    with pytest.raises(Conflict):
        await roles.create(storage, role)
    with pytest.raises(Invalid):
        await roles.create(storage, msgspec.structs.replace(role, slug="Not a slug"))
    permission = Permission(id="", application_id=crm, name="X", slug="crm:once:only")
    await roles.create_permission(storage, permission)
    with pytest.raises(Conflict):
        await roles.create_permission(storage, permission)
    with pytest.raises(Invalid):
        await roles.create_permission(storage, msgspec.structs.replace(permission, slug="crm:x"))


async def test_claims_reach_the_account(storage: Storage, crm: str, alice: User) -> None:
    made = await claims.define(
        storage, crm, ClaimDefinition(id="", claim_name="level", claim_type="number")
    )
    await claims.set_value(storage, alice, made, 7)
    assert await storage.claims.values(alice.id, alice.organization_id) == {made.id: 7}
    changed = msgspec.structs.replace(made, include_in_id_token=True)
    await claims.update(storage, changed, description="How far")
    assert changed in await storage.claims.definitions(crm)
    with pytest.raises(Conflict):
        await claims.define(storage, crm, made)
    with pytest.raises(Invalid):
        await claims.set_value(storage, alice, made, "seven")
    facts = await storage.users.facts(alice.id, alice.organization_id, crm)
    assert facts is not None
    assert facts.claims == {"level": 7}


@pytest.mark.parametrize(
    "name", ["sub", "iss", "aud", "exp", "email", "roles", "acr", "cnf", "scope", "org_id", "sid"]
)
async def test_a_reserved_claim_name(storage: Storage, crm: str, name: str) -> None:
    with pytest.raises(Invalid, match="reserved"):
        await claims.define(storage, crm, ClaimDefinition(id="", claim_name=name))


@pytest.mark.parametrize("name", ["", "1a", "A", "a-b", "a b", "_a", "a\n", "ä", "a" * 101])
async def test_a_bad_claim_name(storage: Storage, crm: str, name: str) -> None:
    with pytest.raises(Invalid, match="claim name"):
        await claims.define(storage, crm, ClaimDefinition(id="", claim_name=name))


@pytest.mark.parametrize(
    ("claim_type", "value"),
    [
        ("string", ""),
        ("string", "x"),
        ("number", 0),
        ("number", -1.5),
        ("boolean", False),
        ("json", {}),
        ("json", [1, {"a": None}]),
    ],
)
def test_a_claim_value(claim_type: str, value: Any) -> None:
    claims.check_claim_value(claim_type, value)


@pytest.mark.parametrize(
    ("claim_type", "value"),
    [
        ("string", 1),
        ("string", None),
        ("number", "1"),
        ("number", True),
        ("number", math.nan),
        ("number", math.inf),
        ("boolean", 0),
        ("boolean", "true"),
        ("json", "text"),
        ("json", None),
    ],
)
def test_no_claim_value(claim_type: str, value: Any) -> None:
    with pytest.raises(Invalid):
        claims.check_claim_value(claim_type, value)


async def test_api_resources(storage: Storage, alice: User, pg: Postgres) -> None:
    new = ApiResource(
        id="",
        organization_id=alice.organization_id,
        identifier="https://api.acme.test",
        name="API",
        scopes=("contacts:read",),
    )
    made = await api_resources.create(storage, new)
    assert await storage.api_resources.find_all(alice.organization_id) == (made,)
    with pytest.raises(Conflict):
        await api_resources.create(storage, new)
    changed = msgspec.structs.replace(
        made, scopes=("contacts:write",), access_token_format="opaque"
    )
    await api_resources.update(storage, changed)
    assert await storage.api_resources.find_all(alice.organization_id) == (changed,)
    assert await event_types(pg, "api_resource_id", made.id) == [
        "api_resource.created",
        "api_resource.updated",
    ]


@pytest.mark.parametrize(
    "identifier",
    ["", "api", "/api", "https://api.test/#x", "https://a b", "https:", "a:" + "x" * 511],
)  # fmt: skip
def test_a_bad_identifier(identifier: str) -> None:
    with pytest.raises(Invalid):
        api_resources.parse_identifier(identifier)


@pytest.mark.parametrize("identifier", ["https://api.test/*?x=%20", "urn:api", "a:" + "x" * 510])
def test_what_may_be_created_can_be_asked_for(identifier: str) -> None:
    assert api_resources.parse_identifier(identifier) == identifier
    check_syntax((identifier,))


@pytest.mark.parametrize("scope", ["", "a b", 'a"b', "ä", "openid", "offline_access", "a\n"])
def test_a_bad_scope(scope: str) -> None:
    with pytest.raises(Invalid):
        api_resources.parse_scopes((scope,))
