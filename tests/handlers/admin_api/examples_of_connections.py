"""Examples: connections to identity providers."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any

from tests.handlers.admin_api.examples import Example, example, shows
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.handlers.admin_api.owned import Owned, only
from tests.world.administrators import Installation

ALL = "/organizations/{organizationId}/connections"
ONE = f"{ALL}/{{connectionId}}"


def _body() -> dict[str, Any]:
    return {
        "name": f"Acme {secrets.token_hex(6)}",
        "provider": "openid",
        "issuer": "https://id.example",
        "clientId": "porta",
        "clientSecret": "correct horse battery",
        "allowedDomains": ["Acme.Example"],
    }


CONNECTION = Owned(ALL, "connectionId", _body, {"name": "A"})
_is = partial(shows, "horse")


@example("POST", ALL)
async def create(installation: Installation) -> Example:
    told = {"hasClientSecret": True, "allowedDomains": ["acme.example"], "status": "active"}
    return Example(await CONNECTION.home(installation), body=_body(), check=_is(**told))


@example("POST", ALL)
async def create_for_all_but_one_tenant(installation: Installation) -> Example:
    body = {"name": "Microsoft", "provider": "entra", "clientId": "x"}
    return Example(await CONNECTION.home(installation), body=body, status=400)


@example("POST", ALL)
async def create_without_an_issuer(installation: Installation) -> Example:
    body = {"name": "Acme", "provider": "openid", "clientId": "x"}
    return Example(await CONNECTION.home(installation), body=body, status=400)


@example("POST", ALL)
async def create_what_is_there(installation: Installation) -> Example:
    path, made = await CONNECTION.make(installation)
    return Example(path, body={**_body(), "name": made["name"]}, status=409)


@example("GET", ALL)
async def find(installation: Installation) -> Example:
    path, made = await CONNECTION.make(installation)
    return Example(path, query={"sortBy": "name"}, check=only(made))


@example("GET", ONE)
async def read(installation: Installation) -> Example:
    path, made = await CONNECTION.make(installation)
    back = f"/federation/{made['id']}/callback"
    return Example(path, check=_is(issuer="https://id.example", redirectPath=back))


def _changes(method: str) -> None:
    @example(method, ONE)
    async def change(installation: Installation) -> Example:
        path, _ = await CONNECTION.make(installation)
        body = {"status": "inactive", "clientSecret": None}
        return Example(path, body=body, check=_is(status="inactive", hasClientSecret=False))

    @example(method, ONE)
    async def change_whose_word_is_taken(installation: Installation) -> Example:
        path, _ = await CONNECTION.make(installation)
        return Example(path, body={"issuer": "https://evil.example"}, status=400)

    @example(method, ONE)
    async def change_to_a_name_that_is_there(installation: Installation) -> Example:
        path, _ = await CONNECTION.make(installation)
        other = await installation.post(ALL.format_map(path), _body())
        return Example(path, body={"name": other["name"]}, status=409)

    @example(method, ONE)
    async def change_to_roles_that_are_none(installation: Installation) -> Example:
        path, _ = await CONNECTION.make(installation)
        rule = {"claim": "groups", "value": "staff", "roleIds": [NOBODY]}
        return Example(path, body={"roleMapping": [rule]}, status=400)


_changes("PUT")
_changes("PATCH")


CONNECTION.add_examples()
