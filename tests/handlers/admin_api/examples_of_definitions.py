"""Examples: applications with their modules, roles, permissions and claims; who has them."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.handlers.admin_api.examples import STALE, Example, example, shows
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.world.administrators import Installation

APP = "/applications/{applicationId}"
MODULE = f"{APP}/modules/{{moduleId}}"
ROLE = f"{APP}/roles/{{roleId}}"
PERMISSION = f"{APP}/permissions/{{permissionId}}"
CLAIM = f"{APP}/claims/{{claimId}}"
VALUE = f"{CLAIM}/users/{{userId}}"
OF_USER = "/organizations/{organizationId}/users/{userId}"


@dataclass(frozen=True)
class World:
    """An application that defines one of everything, and somebody who holds and has it."""

    path: dict[str, str]
    slug: str
    claim_name: str


async def _world(installation: Installation) -> World:
    application = await installation.app()
    name = f"c{secrets.token_hex(6)}"
    post = installation.post
    base = f"/applications/{application}"
    module = await post(f"{base}/modules", {"name": "Module"})
    role = await post(f"{base}/roles", {"name": "Role"})
    permission = await post(f"{base}/permissions", {"name": "P", "slug": "a:b:c"})
    claim = await post(f"{base}/claims", {"claimName": name})
    person = await installation.person()
    path = {
        "applicationId": application,
        "moduleId": module["id"],
        "roleId": role["id"],
        "permissionId": permission["id"],
        "claimId": claim["id"],
        "userId": person.id,
        "organizationId": person.organization_id,
    }
    return World(path, role["slug"], name)


async def _held(installation: Installation) -> World:
    """Let the person hold the role, the role permit, and the claim have a value."""
    world = await _world(installation)
    put = installation.put
    roles = OF_USER.format_map(world.path) + "/roles"
    await put(roles, {"roleIds": [world.path["roleId"]]})
    await put(
        ROLE.format_map(world.path) + "/permissions",
        {"permissionIds": [world.path["permissionId"]]},
    )
    await put(VALUE.format_map(world.path), {"value": "x"})
    return world


Build = Callable[[Installation], Awaitable[World]]


def _good(
    method: str,
    path: str,
    *,
    build: Build = _world,
    body: Any = None,
    query: dict[str, Any] | None = None,
    check: Any = None,
) -> None:
    @example(method, path)
    async def good(installation: Installation) -> Example:
        world = await build(installation)
        sent = body(world) if callable(body) else body
        return Example(world.path, query=_spelled(world, query), body=sent, check=check)


def _bad(
    method: str,
    path: str,
    status: int,
    *,
    build: Build = _world,
    body: Any = None,
    query: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    **other: str,
) -> None:
    @example(method, path)
    async def bad(installation: Installation) -> Example:
        world = await build(installation)
        sent = body(world) if callable(body) else body
        return Example(
            {**world.path, **other},
            query=_spelled(world, query),
            body=sent,
            headers=headers or {},
            status=status,
        )

    bad.__name__ = f"bad_{status}"


def _spelled(world: World, query: dict[str, Any] | None) -> dict[str, Any]:
    return {
        name: value.format_map(world.path) if isinstance(value, str) else value
        for name, value in (query or {}).items()
    }


def _has(count: int, **fields: Any) -> Any:
    def check(body: Any) -> None:
        assert len(body["data"]) == body["total"] == count
        assert {name: body["data"][0][name] for name in fields} == fields

    return check


def _slug() -> str:
    return f"s{secrets.token_hex(6)}"


@example("POST", "/applications")
async def create_application(installation: Installation) -> Example:
    del installation
    slug = _slug()
    body = {"name": "Shop", "slug": slug, "organizationId": NOBODY}
    return Example(body=body, check=shows(slug=slug, status="active", description=None))


@example("POST", "/applications")
async def create_what_is_there(installation: Installation) -> Example:
    return Example(body={"name": "A", "slug": await installation.app_slug()}, status=409)


@example("POST", "/applications")
async def create_without_a_name(installation: Installation) -> Example:
    del installation
    return Example(body={"slug": _slug()}, status=400)


@example("GET", "/applications")
async def find_application(installation: Installation) -> Example:
    slug = await installation.app_slug()
    return Example(query={"search": slug}, check=_has(1, slug=slug))


@example("GET", APP)
async def read_by_slug(installation: Installation) -> Example:
    slug = await installation.app_slug()
    return Example({"applicationId": slug}, check=shows(slug=slug))


_bad("GET", APP, 404, applicationId=NOBODY)
for method in ("PUT", "PATCH"):
    _good(method, APP, body={"description": "Sells"}, check=shows(description="Sells"))
    _bad(method, APP, 404, body={"name": "A"}, applicationId=NOBODY)
    _bad(method, APP, 400, body={"name": ""})
    _bad(method, APP, 412, body={"name": "A"}, headers=STALE)


def _in_status(status: str) -> Build:
    async def build(installation: Installation) -> World:
        application = await installation.app()
        await installation.execute(
            "UPDATE applications SET status = %(status)s WHERE id = %(id)s",
            status=status, id=application,
        )  # fmt: skip
        return World({"applicationId": application}, "", "")

    return build


for name, start, refused in (
    ("activate", "inactive", "active"),
    ("restore", "inactive", "archived"),
    ("deactivate", "active", "archived"),
    ("archive", "inactive", "archived"),
):
    _good("POST", f"{APP}/{name}", build=_in_status(start), body={"reason": "because"})
    _bad("POST", f"{APP}/{name}", 400, build=_in_status(refused))
    _bad("POST", f"{APP}/{name}", 404, build=_in_status(start), applicationId=NOBODY)


def _made(body: Any) -> None:
    assert "app.module.created" in {each["eventType"] for each in body["data"]}
    assert body["hasMore"] is False


_good("GET", f"{APP}/history", check=_made)
_bad("GET", f"{APP}/history", 404, applicationId=NOBODY)

_good("POST", f"{APP}/modules", body={"name": "New module"}, check=shows(slug="new-module"))
_bad("POST", f"{APP}/modules", 404, body={"name": "New module"}, applicationId=NOBODY)
_bad("POST", f"{APP}/modules", 409, body={"name": "Module"})
_good("GET", f"{APP}/modules", check=_has(1, slug="module", isActive=True))
_bad("GET", f"{APP}/modules", 404, applicationId=NOBODY)
_good("GET", MODULE, check=shows(slug="module"))
_bad("GET", MODULE, 404, moduleId=NOBODY)
for method in ("PUT", "PATCH"):
    _good(method, MODULE, body={"name": "Other"}, check=shows(name="Other"))
    _bad(method, MODULE, 404, body={"name": "Other"}, moduleId=NOBODY)
    _bad(method, MODULE, 412, body={"name": "Other"}, headers=STALE)
for method, path in (("POST", f"{MODULE}/deactivate"), ("DELETE", MODULE)):
    _good(method, path)
    _bad(method, path, 404, moduleId=NOBODY)


async def _administration(installation: Installation) -> World:
    """The application of the administration, its super-admin's role, and a permission of it."""
    application = installation.made.application.id
    storage = installation.runtime.storage.everywhere
    (role,) = [r for r in await installation.roles() if r.slug == "porta-super-admin"]
    permission = next(iter(await storage.roles.permissions(application)))
    person = await installation.person()
    path = {
        "applicationId": application,
        "roleId": role.id,
        "permissionId": permission.id,
        "userId": person.id,
        "organizationId": person.organization_id,
    }
    return World(path, role.slug, "")


def _permission_ids(world: World) -> dict[str, list[str]]:
    return {"permissionIds": [world.path["permissionId"]]}


async def _with_another_role(installation: Installation) -> World:
    world = await _world(installation)
    path = f"/applications/{world.path['applicationId']}/roles"
    await installation.post(path, {"name": "Another"})
    return world


_good("POST", f"{APP}/roles", body={"name": "New"}, check=shows(slug="new"))
_bad("POST", f"{APP}/roles", 404, body={"name": "New"}, applicationId=NOBODY)
_bad("POST", f"{APP}/roles", 409, body={"name": "Role"})
_good("GET", f"{APP}/roles", check=_has(1, slug="role"))
_bad("GET", f"{APP}/roles", 404, applicationId=NOBODY)
_good("GET", ROLE, check=shows(slug="role"))
_bad("GET", ROLE, 404, roleId=NOBODY)
for method in ("PUT", "PATCH"):
    _good(method, ROLE, body={"description": "Does"}, check=shows(description="Does"))
    _good(method, ROLE, body={"slug": "clerk"}, check=shows(slug="clerk", name="Role"))
    _bad(method, ROLE, 409, build=_with_another_role, body={"slug": "another"})
    _bad(method, ROLE, 400, build=_administration, body={"slug": "another"})
    _bad(method, ROLE, 404, body={"name": "A"}, roleId=NOBODY)
    _bad(method, ROLE, 412, body={"name": "A"}, headers=STALE)
_good("DELETE", ROLE)
_good("DELETE", ROLE, build=_held, query={"force": "true"})
_bad("DELETE", ROLE, 409, build=_held)
_bad("DELETE", ROLE, 404, roleId=NOBODY)
_bad("DELETE", ROLE, 412, headers=STALE)
_good("POST", f"{ROLE}/archive")
_bad("POST", f"{ROLE}/archive", 409, build=_held)
_bad("POST", f"{ROLE}/archive", 404, roleId=NOBODY)
_good("GET", f"{ROLE}/permissions", build=_held, check=_has(1, slug="a:b:c"))
_bad("GET", f"{ROLE}/permissions", 404, roleId=NOBODY)
for method, build in (("PUT", _world), ("DELETE", _held)):
    _good(method, f"{ROLE}/permissions", build=build, body=_permission_ids)
    _bad(method, f"{ROLE}/permissions", 404, body=_permission_ids, roleId=NOBODY)
    _bad(method, f"{ROLE}/permissions", 400, body={"permissionIds": [NOBODY]})
_bad("DELETE", f"{ROLE}/permissions", 409, build=_administration, body=_permission_ids)
_good("GET", f"{ROLE}/users", build=_held, query={"orgId": "{organizationId}"}, check=_has(1))
_bad("GET", f"{ROLE}/users", 404, query={"orgId": "{organizationId}"}, roleId=NOBODY)
_bad("GET", f"{ROLE}/users", 400)


def _is_named_after_it(body: Any) -> None:
    assert body["data"]["slug"].endswith(":general:export-it")


_good(
    "POST",
    f"{APP}/permissions",
    body=lambda world: {"name": "N", "slug": "x:y:z", "moduleId": world.path["moduleId"]},
    check=shows(slug="x:y:z"),
)
_good("POST", f"{APP}/permissions", body={"name": "Export it"}, check=_is_named_after_it)
_bad("POST", f"{APP}/permissions", 400, body={"name": "輸出"})
_bad("POST", f"{APP}/permissions", 404, body={"name": "N", "slug": "x:y:z"}, applicationId=NOBODY)
_bad("POST", f"{APP}/permissions", 409, body={"name": "N", "slug": "a:b:c"})
_bad("POST", f"{APP}/permissions", 400, body={"name": "N", "slug": "x:y:z", "moduleId": NOBODY})
_good("GET", f"{APP}/permissions", check=_has(1, slug="a:b:c"))
_bad("GET", f"{APP}/permissions", 404, applicationId=NOBODY)
_good("GET", PERMISSION, check=shows(slug="a:b:c"))
_bad("GET", PERMISSION, 404, permissionId=NOBODY)
for method in ("PUT", "PATCH"):
    _good(method, PERMISSION, body={"name": "New"}, check=shows(name="New"))
    _bad(method, PERMISSION, 404, body={"name": "New"}, permissionId=NOBODY)
    _bad(method, PERMISSION, 412, body={"name": "New"}, headers=STALE)
_good("DELETE", PERMISSION)
_good("DELETE", PERMISSION, build=_held, query={"force": "true"})
_bad("DELETE", PERMISSION, 409, build=_held)
_bad("DELETE", PERMISSION, 404, permissionId=NOBODY)
_bad("DELETE", PERMISSION, 412, headers=STALE)
_good("POST", f"{PERMISSION}/archive")
_bad("POST", f"{PERMISSION}/archive", 409, build=_held)
_bad("POST", f"{PERMISSION}/archive", 404, permissionId=NOBODY)
_good("GET", f"{PERMISSION}/roles", build=_held, check=_has(1, slug="role"))
_bad("GET", f"{PERMISSION}/roles", 404, permissionId=NOBODY)

_good("POST", f"{APP}/claims", body={"claimName": "level"}, check=shows(claimType="string"))
_good(
    "POST",
    f"{APP}/claims",
    body={"name": "Level", "slug": "level", "valueType": "number"},
    check=shows(name="Level", slug="level", valueType="number", claimName="level"),
)
_bad("POST", f"{APP}/claims", 404, body={"claimName": "level"}, applicationId=NOBODY)
_bad("POST", f"{APP}/claims", 400, body={"claimName": "email"})
_bad("POST", f"{APP}/claims", 409, body=lambda world: {"claimName": world.claim_name})
_good("GET", f"{APP}/claims", check=_has(1, claimType="string", includeInAccessToken=True))
_bad("GET", f"{APP}/claims", 404, applicationId=NOBODY)
_good("GET", CLAIM, check=shows(includeInIdToken=False))
_bad("GET", CLAIM, 404, claimId=NOBODY)
for method in ("PUT", "PATCH"):
    _good(method, CLAIM, body={"includeInIdToken": True}, check=shows(includeInIdToken=True))
    _good(method, CLAIM, body={"name": "Rank"}, check=shows(title="Rank", name="Rank"))
    _bad(method, CLAIM, 404, body={"title": "T"}, claimId=NOBODY)
    _bad(method, CLAIM, 409, build=_held, body={"claimType": "number"})
    _bad(method, CLAIM, 412, body={"title": "T"}, headers=STALE)
_good("DELETE", CLAIM, build=_held)
_bad("DELETE", CLAIM, 404, claimId=NOBODY)
_bad("DELETE", CLAIM, 412, headers=STALE)
_good("POST", f"{CLAIM}/archive")
_bad("POST", f"{CLAIM}/archive", 404, claimId=NOBODY)


def _one_value(body: Any) -> None:
    (each,) = body["data"]
    assert each["value"]["value"] == "x"
    assert each["definition"]["claimType"] == "string"


_good("GET", f"{APP}/claims/users/{{userId}}", build=_held, check=_one_value)
_bad("GET", f"{APP}/claims/users/{{userId}}", 404, userId=NOBODY)
_good("GET", VALUE, build=_held, check=shows(value="x"))
_bad("GET", VALUE, 404)
_good("PUT", VALUE, body={"value": "y"}, check=shows(value="y"))
_bad("PUT", VALUE, 400, body={"value": 1})
_bad("PUT", VALUE, 404, body={"value": "y"}, userId=NOBODY)
_good("DELETE", VALUE, build=_held)
_bad("DELETE", VALUE, 404)

_good("GET", f"{OF_USER}/claims", build=_held, check=_has(1, value="x"))
_bad("GET", f"{OF_USER}/claims", 404, organizationId=NOBODY)
_good("PUT", f"{OF_USER}/claims/{{claimId}}", body={"value": "y"}, check=shows(value="y"))
_bad("PUT", f"{OF_USER}/claims/{{claimId}}", 400, body={"value": None})
_bad("PUT", f"{OF_USER}/claims/{{claimId}}", 404, body={"value": "y"}, organizationId=NOBODY)
_good("DELETE", f"{OF_USER}/claims/{{claimId}}", build=_held)
_bad("DELETE", f"{OF_USER}/claims/{{claimId}}", 404)


def _role_ids(world: World) -> dict[str, list[str]]:
    return {"roleIds": [world.path["roleId"]]}


_good("GET", f"{OF_USER}/roles", build=_held, check=_has(1, roleSlug="role", slug="role"))
_bad("GET", f"{OF_USER}/roles", 404, userId=NOBODY)
_good("POST", f"{OF_USER}/roles", body=lambda world: {"roleId": world.path["roleId"]})
_good("PUT", f"{OF_USER}/roles", body=_role_ids)
_good("DELETE", f"{OF_USER}/roles", build=_held, body=_role_ids)
for method in ("POST", "PUT", "DELETE"):
    _bad(method, f"{OF_USER}/roles", 404, body=_role_ids, organizationId=NOBODY)
    _bad(method, f"{OF_USER}/roles", 400, body={"roleIds": [NOBODY]})
    _bad(method, f"{OF_USER}/roles", 400, body={})
_good("DELETE", f"{OF_USER}/roles/{{roleId}}", build=_held)
_bad("DELETE", f"{OF_USER}/roles/{{roleId}}", 404, userId=NOBODY)
_bad("DELETE", f"{OF_USER}/roles/{{roleId}}", 400, roleId=NOBODY)
_good("GET", f"{OF_USER}/roles/permissions", build=_held, check=_has(1, slug="a:b:c"))
_bad("GET", f"{OF_USER}/roles/permissions", 404, userId=NOBODY)
