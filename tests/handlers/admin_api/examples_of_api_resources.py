"""Examples: API resources."""

from __future__ import annotations

import secrets
from typing import Any

from tests.handlers.admin_api.examples import Example, example, shows
from tests.handlers.admin_api.owned import Owned, only
from tests.world.administrators import Installation

ALL = "/organizations/{organizationId}/api-resources"
ONE = f"{ALL}/{{resourceId}}"


def _body() -> dict[str, Any]:
    return {
        "identifier": f"https://api.example/{secrets.token_hex(6)}",
        "name": "API",
        "scopes": ["read", {"name": "write", "title": "Change it"}],
    }


RESOURCE = Owned(ALL, "resourceId", _body, {"name": "A"})


@example("POST", ALL)
async def create(installation: Installation) -> Example:
    def check(body: Any) -> None:
        assert [each["name"] for each in body["data"]["scopes"]] == ["read", "write"]
        assert body["data"]["scopes"][1]["title"] == "Change it"

    return Example(await RESOURCE.home(installation), body=_body(), check=check)


@example("POST", ALL)
async def create_with_a_fragment(installation: Installation) -> Example:
    body = {**_body(), "identifier": "https://api.example/#x"}
    return Example(await RESOURCE.home(installation), body=body, status=400)


@example("POST", ALL)
async def create_what_is_there(installation: Installation) -> Example:
    path, made = await RESOURCE.make(installation)
    return Example(path, body={**_body(), "identifier": made["identifier"]}, status=409)


@example("GET", ALL)
async def find(installation: Installation) -> Example:
    path, made = await RESOURCE.make(installation)
    return Example(path, query={"search": made["identifier"][-8:]}, check=only(made))


@example("GET", ONE)
async def read(installation: Installation) -> Example:
    path, made = await RESOURCE.make(installation)
    return Example(path, check=shows(identifier=made["identifier"], status="active"))


def _changes(method: str) -> None:
    @example(method, ONE)
    async def change(installation: Installation) -> Example:
        path, _ = await RESOURCE.make(installation)
        return Example(
            path, body={"accessTokenTtl": 60}, check=shows(accessTokenTtl=60, name="API")
        )

    @example(method, ONE)
    async def change_to_what_cannot_be(installation: Installation) -> Example:
        path, _ = await RESOURCE.make(installation)
        return Example(path, body={"introspectionClients": ["nobody"]}, status=400)


_changes("PUT")
_changes("PATCH")


RESOURCE.add_examples()
