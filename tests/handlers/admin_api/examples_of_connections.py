"""Examples: connections to identity providers."""

from __future__ import annotations

import secrets
from typing import Any

from tests.handlers.admin_api.examples import Example, example
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.world.administrators import Installation

ALL = "/organizations/{organizationId}/connections"
ONE = f"{ALL}/{{connectionId}}"
STALE = {"If-Match": '"999"'}


def _body() -> dict[str, Any]:
    return {
        "name": f"Acme {secrets.token_hex(6)}",
        "provider": "openid",
        "issuer": "https://id.example",
        "clientId": "porta",
        "clientSecret": "correct horse battery",
        "allowedDomains": ["Acme.Example"],
    }


async def _home(installation: Installation) -> dict[str, str]:
    return {"organizationId": (await installation.organization()).id, "connectionId": NOBODY}


async def _made(installation: Installation) -> tuple[dict[str, str], dict[str, Any]]:
    path = await _home(installation)
    made = await installation.post(ALL.format_map(path), _body())
    return {**path, "connectionId": made["id"]}, made


def _is(**fields: Any) -> Any:
    def check(body: Any) -> None:
        assert {name: body["data"][name] for name in fields} == fields
        assert "horse" not in str(body)

    return check


@example("POST", ALL)
async def create(installation: Installation) -> Example:
    told = {"hasClientSecret": True, "allowedDomains": ["acme.example"], "status": "active"}
    return Example(await _home(installation), body=_body(), check=_is(**told))


@example("POST", ALL)
async def create_for_all_but_one_tenant(installation: Installation) -> Example:
    body = {"name": "Microsoft", "provider": "entra", "clientId": "x"}
    return Example(await _home(installation), body=body, status=400)


@example("POST", ALL)
async def create_without_an_issuer(installation: Installation) -> Example:
    body = {"name": "Acme", "provider": "openid", "clientId": "x"}
    return Example(await _home(installation), body=body, status=400)


@example("POST", ALL)
async def create_what_is_there(installation: Installation) -> Example:
    path, made = await _made(installation)
    return Example(path, body={**_body(), "name": made["name"]}, status=409)


@example("POST", ALL)
async def create_for_none(installation: Installation) -> Example:
    del installation
    return Example({"organizationId": NOBODY}, body=_body(), status=404)


@example("GET", ALL)
async def find(installation: Installation) -> Example:
    path, made = await _made(installation)

    def check(body: Any) -> None:
        assert [each["id"] for each in body["data"]] == [made["id"]]

    return Example(path, query={"sortBy": "name"}, check=check)


@example("GET", ALL)
async def find_of_none(installation: Installation) -> Example:
    del installation
    return Example({"organizationId": NOBODY}, status=404)


@example("GET", ONE)
async def read(installation: Installation) -> Example:
    path, made = await _made(installation)
    back = f"/federation/{made['id']}/callback"
    return Example(path, check=_is(issuer="https://id.example", redirectPath=back))


@example("GET", ONE)
async def read_at_another_organization(installation: Installation) -> Example:
    path, _ = await _made(installation)
    other = await installation.organization()
    return Example({**path, "organizationId": other.id}, status=404)


def _changes(method: str) -> None:
    @example(method, ONE)
    async def change(installation: Installation) -> Example:
        path, _ = await _made(installation)
        body = {"status": "inactive", "clientSecret": None}
        return Example(path, body=body, check=_is(status="inactive", hasClientSecret=False))

    @example(method, ONE)
    async def change_none(installation: Installation) -> Example:
        return Example(await _home(installation), body={"name": "A"}, status=404)

    @example(method, ONE)
    async def change_whose_word_is_taken(installation: Installation) -> Example:
        path, _ = await _made(installation)
        return Example(path, body={"issuer": "https://evil.example"}, status=400)

    @example(method, ONE)
    async def change_to_a_name_that_is_there(installation: Installation) -> Example:
        path, _ = await _made(installation)
        other = await installation.post(ALL.format_map(path), _body())
        return Example(path, body={"name": other["name"]}, status=409)

    @example(method, ONE)
    async def change_to_roles_that_are_none(installation: Installation) -> Example:
        path, _ = await _made(installation)
        rule = {"claim": "groups", "value": "staff", "roleIds": [NOBODY]}
        return Example(path, body={"roleMapping": [rule]}, status=400)

    @example(method, ONE)
    async def change_what_was_changed(installation: Installation) -> Example:
        path, _ = await _made(installation)
        return Example(path, body={"name": "A"}, headers=STALE, status=412)


_changes("PUT")
_changes("PATCH")


@example("DELETE", ONE)
async def delete(installation: Installation) -> Example:
    return Example((await _made(installation))[0])


@example("DELETE", ONE)
async def delete_none(installation: Installation) -> Example:
    return Example(await _home(installation), status=404)


@example("DELETE", ONE)
async def delete_what_was_changed(installation: Installation) -> Example:
    return Example((await _made(installation))[0], headers=STALE, status=412)
