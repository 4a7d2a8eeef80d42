"""Examples: API resources."""

from __future__ import annotations

import secrets
from typing import Any

from tests.handlers.admin_api.examples import Example, example
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.world.administrators import Installation

ALL = "/organizations/{organizationId}/api-resources"
ONE = f"{ALL}/{{resourceId}}"
STALE = {"If-Match": '"999"'}


def _body() -> dict[str, Any]:
    return {
        "identifier": f"https://api.example/{secrets.token_hex(6)}",
        "name": "API",
        "scopes": ["read", {"name": "write", "title": "Change it"}],
    }


async def _home(installation: Installation) -> dict[str, str]:
    return {"organizationId": (await installation.organization()).id, "resourceId": NOBODY}


async def _made(installation: Installation) -> tuple[dict[str, str], dict[str, Any]]:
    path = await _home(installation)
    made = await installation.post(ALL.format_map(path), _body())
    return {**path, "resourceId": made["id"]}, made


def _is(**fields: Any) -> Any:
    def check(body: Any) -> None:
        assert {name: body["data"][name] for name in fields} == fields

    return check


@example("POST", ALL)
async def create(installation: Installation) -> Example:
    def check(body: Any) -> None:
        assert [each["name"] for each in body["data"]["scopes"]] == ["read", "write"]
        assert body["data"]["scopes"][1]["title"] == "Change it"

    return Example(await _home(installation), body=_body(), check=check)


@example("POST", ALL)
async def create_with_a_fragment(installation: Installation) -> Example:
    body = {**_body(), "identifier": "https://api.example/#x"}
    return Example(await _home(installation), body=body, status=400)


@example("POST", ALL)
async def create_what_is_there(installation: Installation) -> Example:
    path, made = await _made(installation)
    return Example(path, body={**_body(), "identifier": made["identifier"]}, status=409)


@example("POST", ALL)
async def create_for_none(installation: Installation) -> Example:
    del installation
    return Example({"organizationId": NOBODY}, body=_body(), status=404)


@example("GET", ALL)
async def find(installation: Installation) -> Example:
    path, made = await _made(installation)

    def check(body: Any) -> None:
        assert [each["id"] for each in body["data"]] == [made["id"]]

    return Example(path, query={"search": made["identifier"][-8:]}, check=check)


@example("GET", ALL)
async def find_of_none(installation: Installation) -> Example:
    del installation
    return Example({"organizationId": NOBODY}, status=404)


@example("GET", ONE)
async def read(installation: Installation) -> Example:
    path, made = await _made(installation)
    return Example(path, check=_is(identifier=made["identifier"], status="active"))


@example("GET", ONE)
async def read_at_another_organization(installation: Installation) -> Example:
    path, _ = await _made(installation)
    other = await installation.organization()
    return Example({**path, "organizationId": other.id}, status=404)


def _changes(method: str) -> None:
    @example(method, ONE)
    async def change(installation: Installation) -> Example:
        path, _ = await _made(installation)
        return Example(path, body={"accessTokenTtl": 60}, check=_is(accessTokenTtl=60, name="API"))

    @example(method, ONE)
    async def change_none(installation: Installation) -> Example:
        return Example(await _home(installation), body={"name": "A"}, status=404)

    @example(method, ONE)
    async def change_to_what_cannot_be(installation: Installation) -> Example:
        path, _ = await _made(installation)
        return Example(path, body={"introspectionClients": ["nobody"]}, status=400)

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
