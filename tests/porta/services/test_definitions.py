"""What applications define: modules, permissions, roles, claims; and API resources."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
import pytest_asyncio

from porta.audit.actors import SYSTEM, Actor
from porta.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed
from porta.protocol.features.resource_indicators import check_syntax
from porta.services import (
    api_resources,
    application_permissions,
    applications,
    claims,
    roles,
    user_claims,
    user_roles,
)
from porta.services.api_resources import ApiResourceFilters, ApiResourcePatch, NewApiResource
from porta.services.application_permissions import NewPermission, PermissionFilters, PermissionPatch
from porta.services.applications import (
    ApplicationFilters,
    ApplicationPatch,
    ModulePatch,
    NewApplication,
    NewModule,
)
from porta.services.claims import ClaimPatch, NewClaim
from porta.services.definitions import Deletion
from porta.services.permissions import PERMISSIONS
from porta.services.roles import NewRole, PermissionIds, RolePatch
from porta.services.user_claims import NewValue
from porta.services.user_roles import RoleIds
from storage.models.clients import ScopeText
from storage.models.pages import Page
from storage.models.roles import Permission, Role
from storage.models.users import User
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests.porta.services.audit import event_types, last_metadata
from tests.world.administered import make_application, make_organization, make_user

ALL = frozenset(PERMISSIONS)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crm(storage: Storage) -> str:
    return (await make_application(storage, "crm")).id


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def alice(storage: Storage) -> User:
    home = await make_organization(storage, "acme")
    return await make_user(storage, home.id, "alice@acme.test")


async def make_role(storage: Storage, application: str, name: str = "R") -> Role:
    command = NewRole.parse({"name": name, "slug": f"r{uuid4().hex}"})
    return await roles.create(storage, SYSTEM, application, command)


async def make_permission(storage: Storage, application: str) -> Permission:
    command = NewPermission.parse({"name": "P", "slug": f"crm:{uuid4().hex}:read"})
    return await application_permissions.create(storage, SYSTEM, application, command)


def ids(*things: Permission) -> PermissionIds:
    return PermissionIds.parse({"permissionIds": [each.id for each in things]})


async def test_an_application_lives_and_ends(storage: Storage, pg: Postgres) -> None:
    made = await make_application(storage, "shop", "Shop")
    assert await storage.applications.find_by_slug("shop") == made
    patch = ApplicationPatch.parse({"name": "The Shop", "description": "Sells"})
    after = await applications.update(storage, SYSTEM, "shop", patch, made.version)
    assert (after.name, after.description, after.version) == ("The Shop", "Sells", 2)
    with pytest.raises(PreconditionFailed):
        await applications.update(storage, SYSTEM, made.id, patch, made.version)
    assert await applications.update(storage, SYSTEM, made.id, patch) == after
    for change in (applications.deactivate, applications.activate, applications.archive):
        after = await change(storage, SYSTEM, made.id)
        assert await applications.get(storage, SYSTEM, "shop") == after
    for change in (applications.deactivate, applications.activate, applications.archive):
        with pytest.raises(Invalid):
            await change(storage, SYSTEM, "shop")
    assert await event_types(pg, "application_id", made.id) == [
        "app.created",
        "app.updated",
        "app.deactivated",
        "app.activated",
        "app.archived",
    ]
    told = await last_metadata(pg, "application_id", made.id, "app.updated")
    assert told["before"] == {"name": "Shop", "description": None}


@pytest.mark.parametrize("slug", ["", "ab", "admin", "system", "Shop", "a b c", str(UUID(int=7))])
def test_a_bad_application_slug(slug: str) -> None:
    for command in (NewApplication, NewModule):
        with pytest.raises(Invalid, match="slug: "):
            command.parse({"name": "X", "slug": slug})


async def test_an_application_slug_is_taken_once(storage: Storage, crm: str) -> None:
    with pytest.raises(Conflict, match="slug: "):
        await make_application(storage, "crm")


async def test_applications_are_listed_and_found_by_parts_of_their_names(storage: Storage) -> None:
    mark = uuid4().hex
    made = [await make_application(storage, f"{mark}-{n}", f"N{n} {mark}") for n in range(3)]
    page = Page(limit=2, sort="name", order="asc")
    filters = ApplicationFilters.parse({"search": mark.upper()})
    first = await applications.list(storage, SYSTEM, page, filters)
    assert first.next is not None
    page = msgspec.structs.replace(page, cursor=first.next)
    second = await applications.list(storage, SYSTEM, page, filters)
    assert [*first.rows, *second.rows] == made
    filters = ApplicationFilters.parse({"search": mark, "status": "archived"})
    assert (await applications.list(storage, SYSTEM, Page(), filters)).rows == ()


async def test_the_application_of_the_administration_stays(storage: Storage) -> None:
    if await storage.applications.find_by_slug("porta-admin") is None:
        await make_application(storage, "porta-admin", "Porta Admin")
    super_admin = Actor(permissions=ALL)
    for change in (applications.deactivate, applications.archive):
        with pytest.raises(Invalid, match="administration stays active"):
            await change(storage, super_admin, "porta-admin")
    lesser = Actor(permissions=ALL - {"admin:key:rotate"})
    with pytest.raises(Forbidden, match="administration is for super-admin"):
        await applications.update(storage, lesser, "porta-admin", ApplicationPatch(name="Mine now"))


async def test_modules(storage: Storage, crm: str, pg: Postgres) -> None:
    new = NewModule.parse({"name": "Deals", "slug": "deals"})
    made = await applications.create_module(storage, SYSTEM, crm, new)
    assert await applications.list_modules(storage, SYSTEM, "crm") == (made,)
    with pytest.raises(Conflict):
        await applications.create_module(storage, SYSTEM, crm, new)
    patch = ModulePatch.parse({"name": "All deals", "status": "inactive"})
    after = await applications.update_module(storage, SYSTEM, crm, made.id, patch, made.version)
    assert (after.name, after.status) == ("All deals", "inactive")
    assert await applications.get_module(storage, SYSTEM, crm, made.id) == after
    other = await make_application(storage, "other-modules")
    with pytest.raises(NotFound, match="Module not found"):
        await applications.update_module(storage, SYSTEM, other.id, made.id, patch)
    with pytest.raises(PreconditionFailed):
        await applications.update_module(storage, SYSTEM, crm, made.id, patch, made.version)
    assert await event_types(pg, "module_id", made.id) == [
        "app.module.created",
        "app.module.deactivated",
    ]


async def test_roles_and_permissions_reach_the_account(
    storage: Storage, crm: str, alice: User, pg: Postgres
) -> None:
    application = (await make_application(storage, "reaching")).id
    permission = await application_permissions.create(
        storage,
        SYSTEM,
        application,
        NewPermission.parse({"name": "Read", "slug": "crm:contacts:read"}),
    )
    role = await roles.create(
        storage, SYSTEM, application, NewRole.parse({"name": "Viewer", "slug": "viewer"})
    )
    await roles.grant(storage, SYSTEM, application, role.id, ids(permission))
    held = RoleIds.parse({"roleIds": [role.id]})
    await user_roles.assign(storage, SYSTEM, alice.id, held)
    facts = await storage.users.facts(alice.id, alice.organization_id, application)
    assert facts is not None
    assert (facts.roles, facts.permissions) == (("viewer",), ("crm:contacts:read",))
    assert await roles.list_granted(storage, SYSTEM, application, "viewer") == (permission,)
    assert role in await user_roles.list_roles(storage, SYSTEM, alice.id)
    assert permission in await user_roles.list_permissions(storage, SYSTEM, alice.id)
    holders = await user_roles.list_holders(storage, SYSTEM, application, "viewer", Page())
    assert [each.user_id for each in holders.rows] == [alice.id]
    await user_roles.assign(storage, SYSTEM, alice.id, held)  # which changes nothing
    with pytest.raises(Conflict, match="people hold this role"):
        await roles.delete(storage, SYSTEM, application, "viewer")
    with pytest.raises(Conflict, match="roles have this permission"):
        await application_permissions.delete(storage, SYSTEM, application, permission.id)
    await roles.revoke(storage, SYSTEM, application, role.id, ids(permission))
    await application_permissions.delete(storage, SYSTEM, application, permission.id)
    await roles.delete(storage, SYSTEM, application, "viewer", Deletion(force=True))
    facts = await storage.users.facts(alice.id, alice.organization_id, application)
    assert facts is not None
    assert (facts.roles, facts.permissions) == ((), ())
    assert await event_types(pg, "role_id", role.id) == [
        "role.created",
        "role.permissions.assigned",
        "role.permissions.removed",
        "role.deleted",
    ]
    assert "user.roles.assigned" in await event_types(pg, "user_id", alice.id)


async def test_names_of_roles_and_permissions_change(storage: Storage, crm: str) -> None:
    role, permission = await make_role(storage, crm), await make_permission(storage, crm)
    after = await roles.update(storage, SYSTEM, crm, role.slug, RolePatch(name="New"), role.version)
    assert (after.slug, after.name, after.version) == (role.slug, "New", 2)
    with pytest.raises(PreconditionFailed):
        await roles.update(storage, SYSTEM, crm, role.id, RolePatch(name="Late"), role.version)
    patch = PermissionPatch.parse({"description": "Reads"})
    changed = await application_permissions.update(
        storage, SYSTEM, crm, permission.slug, patch, permission.version
    )
    assert (changed.name, changed.description) == ("P", "Reads")
    assert await application_permissions.get(storage, SYSTEM, crm, permission.id) == changed
    with pytest.raises(PreconditionFailed):
        await application_permissions.update(
            storage, SYSTEM, crm, permission.id, PermissionPatch(name="L"), permission.version
        )


async def test_slugs_of_roles_and_permissions(storage: Storage, crm: str) -> None:
    role = NewRole.parse({"name": "X", "slug": "once"})
    await roles.create(storage, SYSTEM, crm, role)
    with pytest.raises(Conflict, match="slug: "):
        await roles.create(storage, SYSTEM, crm, role)
    with pytest.raises(Invalid, match="slug: "):
        NewRole.parse({"name": "X", "slug": "Not a slug"})
    permission = NewPermission.parse({"name": "X", "slug": "crm:once:only"})
    await application_permissions.create(storage, SYSTEM, crm, permission)
    with pytest.raises(Conflict, match="slug: "):
        await application_permissions.create(storage, SYSTEM, crm, permission)
    with pytest.raises(Invalid, match="slug: "):
        NewPermission.parse({"name": "X", "slug": "crm:x"})


async def test_a_permission_is_of_a_module_of_its_application(storage: Storage, crm: str) -> None:
    other = await make_application(storage, "with-modules")
    new = NewModule.parse({"name": "Deals", "slug": "deals"})
    module = await applications.create_module(storage, SYSTEM, other.id, new)
    said = {"name": "P", "slug": "crm:deals:read", "moduleId": module.id}
    with pytest.raises(Invalid, match="moduleId: "):
        async with storage.transaction() as tx:
            await application_permissions.create(tx, SYSTEM, crm, NewPermission.parse(said))
    made = await application_permissions.create(
        storage, SYSTEM, other.id, NewPermission.parse(said)
    )
    filters = PermissionFilters.parse({"moduleId": module.id.upper()})
    listed = await application_permissions.list(storage, SYSTEM, other.id, Page(), filters)
    assert listed.rows == (made,)
    listed = await application_permissions.list(storage, SYSTEM, crm, Page(), filters)
    assert listed.rows == ()


async def test_what_is_another_applications_is_not_found(storage: Storage, crm: str) -> None:
    other = (await make_application(storage, f"o-{uuid4().hex}")).id
    role, permission = await make_role(storage, other), await make_permission(storage, other)
    own = await make_role(storage, crm)
    claim = await claims.create(storage, SYSTEM, other, NewClaim.parse({"claimName": "theirs"}))
    calls: tuple[Callable[[], Any], ...] = (
        lambda: roles.get(storage, SYSTEM, crm, role.id),
        lambda: roles.update(storage, SYSTEM, crm, role.id, RolePatch(name="X")),
        lambda: roles.delete(storage, SYSTEM, crm, role.slug),
        lambda: application_permissions.get(storage, SYSTEM, crm, permission.id),
        lambda: application_permissions.delete(storage, SYSTEM, crm, permission.id),
        lambda: roles.get(storage, SYSTEM, "unknown", role.id),
        lambda: claims.get(storage, SYSTEM, crm, claim.id),
        lambda: claims.update(storage, SYSTEM, crm, "theirs", ClaimPatch(title="X")),
        lambda: claims.delete(storage, SYSTEM, crm, claim.id),
    )
    for call in calls:
        with pytest.raises(NotFound):
            await call()
    with pytest.raises(Invalid, match=r"permissionIds\[0\]: "):
        await roles.grant(storage, SYSTEM, crm, own.id, ids(permission))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def administration(storage: Storage) -> str:
    found = await storage.applications.find_by_slug("porta-admin")
    id = found.id if found else (await make_application(storage, "porta-admin")).id
    for slug in ("admin:user:read", "admin:role:assign", "admin:key:rotate"):
        command = NewPermission.parse({"name": slug, "slug": slug})
        await application_permissions.create(storage, SYSTEM, id, command)
    return id


async def _admin_role(storage: Storage, administration: str, *slugs: str) -> Role:
    known = {each.slug: each for each in await storage.roles.permissions(administration)}
    role = await make_role(storage, administration)
    command = ids(*(known[slug] for slug in slugs))
    await roles.grant(storage, SYSTEM, administration, role.id, command)
    return role


async def test_security_J2_nobody_grants_what_they_do_not_hold(
    storage: Storage, administration: str, alice: User
) -> None:
    known = {each.slug: each for each in await storage.roles.permissions(administration)}
    lesser = Actor(permissions=ALL - {"admin:key:rotate"})
    role = await _admin_role(storage, administration, "admin:user:read")
    more = await _admin_role(storage, administration, "admin:user:read", "admin:key:rotate")
    args = storage, lesser, administration
    calls: tuple[Callable[[], Any], ...] = (
        lambda: roles.grant(*args, role.id, ids(known["admin:key:rotate"])),
        lambda: roles.revoke(*args, more.id, ids(known["admin:key:rotate"])),
        lambda: roles.update(*args, more.id, RolePatch(name="Mine")),
        lambda: roles.delete(*args, more.id),
        lambda: application_permissions.create(
            *args, NewPermission.parse({"name": "X", "slug": "admin:any:thing"})
        ),
        lambda: application_permissions.update(*args, "admin:user:read", PermissionPatch(name="X")),
        lambda: application_permissions.delete(*args, "admin:user:read", Deletion(force=True)),
        lambda: user_roles.assign(storage, lesser, alice.id, RoleIds(role_ids=(more.id,))),
        lambda: user_roles.assign(storage, lesser, alice.id, RoleIds(role_ids=(role.id, more.id))),
        lambda: user_roles.remove(storage, lesser, alice.id, RoleIds(role_ids=(more.id,))),
    )
    for call in calls:
        with pytest.raises(Forbidden):
            await call()
    assert await storage.roles.granted(role.id) == (known["admin:user:read"],)
    assert more not in await storage.user_roles.of_user(alice.id, alice.organization_id)
    await roles.grant(*args, role.id, ids(known["admin:role:assign"]))
    await user_roles.assign(storage, lesser, alice.id, RoleIds(role_ids=(role.id,)))
    await user_roles.remove(storage, lesser, alice.id, RoleIds(role_ids=(role.id,)))


async def test_security_J2_nobody_changes_whoever_may_more(
    storage: Storage, administration: str
) -> None:
    home = await make_organization(storage, f"h-{uuid4().hex}")
    boss = await make_user(storage, home.id, "boss@a.test")
    role = await _admin_role(storage, administration, "admin:key:rotate")
    plain = await make_role(storage, (await make_application(storage, f"p-{uuid4().hex}")).id)
    await user_roles.assign(storage, SYSTEM, boss.id, RoleIds(role_ids=(role.id,)))
    lesser = Actor(permissions=ALL - {"admin:key:rotate"})
    with pytest.raises(Forbidden, match="may what you may not"):
        await user_roles.assign(storage, lesser, boss.id, RoleIds(role_ids=(plain.id,)))
    equal = Actor(permissions=ALL)
    await user_roles.assign(storage, equal, boss.id, RoleIds(role_ids=(plain.id,)))


async def test_the_role_that_permits_everything_stays(
    storage: Storage, administration: str
) -> None:
    role = await roles.create(
        storage, SYSTEM, administration, NewRole.parse({"name": "S", "slug": "porta-super-admin"})
    )
    known = await storage.roles.permissions(administration)
    await roles.grant(storage, SYSTEM, administration, role.id, ids(known[0]))
    with pytest.raises(Conflict, match="nobody could administer"):
        await roles.delete(storage, SYSTEM, administration, role.id, Deletion(force=True))
    with pytest.raises(Conflict, match="nobody could administer"):
        await roles.revoke(storage, SYSTEM, administration, role.id, ids(known[0]))
    admin = await storage.organizations.find_super_admin()
    assert admin is not None
    first = await make_user(storage, admin.id, "ada@a.test")
    await user_roles.assign(storage, SYSTEM, first.id, RoleIds(role_ids=(role.id,)))
    await storage.system_config.put("super_admin_user_id", first.id, "string")
    with pytest.raises(Forbidden, match="super-admin user"):
        await user_roles.remove(
            storage, Actor(permissions=ALL), first.id, RoleIds(role_ids=(role.id,))
        )


async def test_people_of_another_organization_are_not_found(
    storage: Storage, crm: str, alice: User
) -> None:
    role = await make_role(storage, crm)
    other = await make_organization(storage, f"x-{uuid4().hex}")
    bound = Actor(permissions=ALL, organization_id=other.id)
    command = RoleIds(role_ids=(role.id,))
    claim = await claims.create(storage, SYSTEM, crm, NewClaim.parse({"claimName": "hidden"}))
    value = NewValue.parse({"value": "x"})
    for actor, within in ((bound, None), (SYSTEM, other.id), (bound, alice.organization_id)):
        calls: tuple[Any, ...] = (
            partial(user_roles.list_roles, storage, actor, alice.id),
            partial(user_roles.list_permissions, storage, actor, alice.id),
            partial(user_roles.assign, storage, actor, alice.id, command),
            partial(user_roles.remove, storage, actor, alice.id, command),
            partial(user_claims.list_values, storage, actor, alice.id),
            partial(user_claims.set_value, storage, actor, crm, claim.id, alice.id, value),
            partial(user_claims.get_value, storage, actor, crm, claim.id, alice.id),
            partial(user_claims.delete_value, storage, actor, crm, claim.id, alice.id),
        )
        for call in calls:
            with pytest.raises(NotFound, match=r"^User not found$"):
                await call(within=within)
    await user_roles.assign(storage, SYSTEM, alice.id, command)
    for organization in ("", alice.organization_id, other.id):
        listed = await user_roles.list_holders(storage, bound, crm, role.id, Page(), organization)
        assert listed.rows == ()


async def test_claims_reach_the_account(
    storage: Storage, crm: str, alice: User, pg: Postgres
) -> None:
    said = {"claimName": "level", "claimType": "number"}
    made = await claims.create(storage, SYSTEM, crm, NewClaim.parse(said))
    assert (made.include_in_id_token, made.include_in_access_token) == (False, True)
    seven = NewValue.parse({"value": 7})
    value = await user_claims.set_value(storage, SYSTEM, crm, "level", alice.id, seven)
    assert await user_claims.get_value(storage, SYSTEM, crm, made.id, alice.id) == value
    assert await user_claims.set_value(storage, SYSTEM, crm, made.id, alice.id, seven) == value
    patch = ClaimPatch.parse({"includeInIdToken": True, "description": "How far"})
    changed = await claims.update(storage, SYSTEM, crm, "level", patch, made.version)
    assert changed in (await claims.list(storage, SYSTEM, crm, Page())).rows
    assert (changed, value) in await user_claims.list_values(storage, SYSTEM, alice.id)
    with pytest.raises(PreconditionFailed):
        await claims.update(storage, SYSTEM, crm, "level", patch, made.version)
    with pytest.raises(Conflict, match="claimType: people have values"):
        await claims.update(storage, SYSTEM, crm, "level", ClaimPatch(claim_type="string"))
    with pytest.raises(Conflict, match="claimName: "):
        await claims.create(storage, SYSTEM, crm, NewClaim.parse(said))
    with pytest.raises(Invalid, match="value: must be a finite number"):
        await user_claims.set_value(
            storage, SYSTEM, crm, made.id, alice.id, NewValue.parse({"value": "seven"})
        )
    facts = await storage.users.facts(alice.id, alice.organization_id, crm)
    assert facts is not None
    assert facts.claims == {"level": 7}
    await user_claims.delete_value(storage, SYSTEM, crm, made.id, alice.id)
    with pytest.raises(NotFound):
        await user_claims.delete_value(storage, SYSTEM, crm, made.id, alice.id)
    await claims.delete(storage, SYSTEM, crm, "level")
    assert await event_types(pg, "claim_id", made.id) == [
        "claim.defined",
        "claim.value.set",
        "claim.updated",
        "claim.value.deleted",
        "claim.deleted",
    ]
    assert "7" not in str(await last_metadata(pg, "claim_id", made.id, "claim.value.set"))[60:]


@pytest.mark.parametrize(
    "name", ["sub", "iss", "aud", "exp", "email", "roles", "acr", "cnf", "scope", "org_id", "sid"]
)
def test_a_reserved_claim_name(name: str) -> None:
    with pytest.raises(Invalid, match=r"claimName: .* is reserved"):
        NewClaim.parse({"claimName": name})


@pytest.mark.parametrize("name", ["", "1a", "A", "a-b", "a b", "_a", "a\n", "ä", "a" * 101])
def test_a_bad_claim_name(name: str) -> None:
    with pytest.raises(Invalid, match="claimName: must be 1 to 100"):
        NewClaim.parse({"claimName": name})


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
    home, identifier = alice.organization_id, "https://api.acme.test"
    said = {"identifier": identifier, "name": "API", "scopes": ["contacts:read"]}
    command = NewApiResource.parse(said)
    made = await api_resources.create(storage, SYSTEM, home, command)
    assert await storage.api_resources.find_all(home) == (made,)
    async with storage.transaction() as tx:
        with pytest.raises(Conflict, match="identifier: "):
            await api_resources.create(tx, SYSTEM, home, command)
        assert await api_resources.get(tx, SYSTEM, made.id) == made
    scope = {"name": "contacts:write", "title": "Change contacts"}
    patch = ApiResourcePatch.parse({"scopes": [scope], "accessTokenFormat": "opaque"})
    after = await api_resources.update(storage, SYSTEM, made.id, patch, made.version)
    assert after == msgspec.structs.replace(
        made,
        scopes=("contacts:write",),
        scope_texts={"contacts:write": ScopeText("Change contacts")},
        access_token_format="opaque",
        updated_at=after.updated_at,
        version=2,
    )
    with pytest.raises(PreconditionFailed):
        await api_resources.update(
            storage, SYSTEM, made.id, ApiResourcePatch(name="Late"), made.version
        )
    filters = ApiResourceFilters.parse({"search": "ACME.test"})
    listed = await api_resources.list(storage, SYSTEM, home, Page(), filters)
    assert listed.rows == (after,)
    other = await make_organization(storage, f"r-{uuid4().hex}")
    bound = Actor(permissions=ALL, organization_id=other.id)
    for actor, within in ((bound, None), (SYSTEM, other.id), (bound, home)):
        for call in (
            partial(api_resources.get, storage, actor, made.id),
            partial(api_resources.update, storage, actor, made.id, ApiResourcePatch(name="X")),
            partial(api_resources.delete, storage, actor, made.id),
        ):
            with pytest.raises(NotFound, match=r"^API resource not found$"):
                await call(within=within)
    with pytest.raises(NotFound, match=r"^Organization not found$"):
        await api_resources.create(storage, bound, home, command)
    await api_resources.delete(storage, SYSTEM, made.id)
    assert await storage.api_resources.find_all(home) == ()
    assert await event_types(pg, "api_resource_id", made.id) == [
        "api_resource.created",
        "api_resource.updated",
        "api_resource.deleted",
    ]


@pytest.mark.parametrize(
    "identifier",
    ["", "api", "/api", "https://api.test/#x", "https://a b", "https:", "a:" + "x" * 511,
     "a:\ud800"],
)  # fmt: skip
def test_a_bad_identifier(identifier: str) -> None:
    with pytest.raises(Invalid, match="identifier: "):
        NewApiResource.parse({"identifier": identifier, "name": "API"})


@pytest.mark.parametrize("identifier", ["https://api.test/*?x=%20", "urn:api", "a:" + "x" * 510])
def test_what_may_be_created_can_be_asked_for(identifier: str) -> None:
    command = NewApiResource.parse({"identifier": identifier, "name": "API"})
    check_syntax((command.identifier,))


@pytest.mark.parametrize("scope", ["", "a b", 'a"b', "ä", "openid", "offline_access", "a\n"])
def test_a_bad_scope(scope: str) -> None:
    with pytest.raises(Invalid, match=r"scopes\[1\]\.name: "):
        ApiResourcePatch.parse({"scopes": ["fine", scope]})
