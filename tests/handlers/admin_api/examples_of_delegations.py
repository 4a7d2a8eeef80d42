"""Examples: administrators of one organization, and clients that administer."""

from __future__ import annotations

from typing import Any

from tests.handlers.admin_api.examples import Example, example
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.world.administrators import Installation

LIST = "/organizations/{idOrSlug}/administrators"
ONE = f"{LIST}/{{userId}}"
MACHINE = "/clients/{clientId}/administration"


async def _roles(installation: Installation, slug: str = "porta-auditor") -> dict[str, Any]:
    return {"roleIds": [role.id for role in await installation.roles() if role.slug == slug]}


async def _path(installation: Installation, *roles: str) -> dict[str, str]:
    person = await installation.person(*roles)
    return {"idOrSlug": (await installation.organization()).id, "userId": person.id}


async def _delegated(installation: Installation) -> dict[str, str]:
    path = await _path(installation)
    await installation.put(ONE.format_map(path), await _roles(installation))
    return path


@example("GET", LIST)
async def administrators(installation: Installation) -> Example:
    path = await _delegated(installation)

    def check(body: Any) -> None:
        assert [each["userId"] for each in body["data"]] == [path["userId"]]
        assert body["data"][0]["organizationId"] == path["idOrSlug"]

    return Example(path, check=check)


@example("GET", LIST)
async def administrators_of_none(installation: Installation) -> Example:
    del installation
    return Example({"idOrSlug": NOBODY}, status=404)


@example("PUT", ONE)
async def delegate(installation: Installation) -> Example:
    # With no role at all: else whoever has the permissions of the route would grant more.
    empty = await installation.empty_role()
    return Example(await _path(installation), body={"roleIds": [empty]})


@example("PUT", ONE)
async def delegate_to_none(installation: Installation) -> Example:
    path = {**await _path(installation), "userId": NOBODY}
    return Example(path, body=await _roles(installation), status=404)


@example("PUT", ONE)
async def delegate_to_a_tenants_own(installation: Installation) -> Example:
    home = await installation.organization()
    person = await installation.person(organization_id=home.id)
    path = {"idOrSlug": home.id, "userId": person.id}
    return Example(path, body=await _roles(installation), status=404)


@example("PUT", ONE)
async def delegate_to_who_may_everything(installation: Installation) -> Example:
    path = await _path(installation, "porta-auditor")
    return Example(path, body=await _roles(installation), status=409)


@example("PUT", ONE)
async def delegate_a_second_organization(installation: Installation) -> Example:
    path = await _delegated(installation)
    path["idOrSlug"] = (await installation.organization()).id
    return Example(path, body=await _roles(installation), status=409)


@example("PUT", ONE)
async def delegate_what_is_no_role(installation: Installation) -> Example:
    return Example(await _path(installation), body={"roleIds": [NOBODY]}, status=400)


@example("PUT", ONE)
async def delegate_the_super_admin_organization(installation: Installation) -> Example:
    path = {**await _path(installation), "idOrSlug": installation.admin_id}
    return Example(path, body=await _roles(installation), status=400)


@example("DELETE", ONE)
async def withdraw(installation: Installation) -> Example:
    path = await _path(installation)
    empty = {"roleIds": [await installation.empty_role()]}
    await installation.put(ONE.format_map(path), empty)
    return Example(path)


@example("DELETE", ONE)
async def withdraw_what_is_not_there(installation: Installation) -> Example:
    return Example(await _path(installation), status=404)


@example("GET", MACHINE)
async def administration(installation: Installation) -> Example:
    client = await installation.client()
    await installation.delegate(None, "porta-auditor", client=client)

    def check(body: Any) -> None:
        assert body["data"]["clientId"] == client.id
        assert body["data"]["organizationId"] is None

    return Example({"clientId": client.id}, check=check)


@example("GET", MACHINE)
async def no_administration(installation: Installation) -> Example:
    return Example({"clientId": (await installation.client()).id}, status=404)


@example("PUT", MACHINE)
async def let_administer(installation: Installation) -> Example:
    client, home = await installation.client(), await installation.organization()
    body = {**await _roles(installation), "organizationId": home.id}

    def check(answer: Any) -> None:
        assert answer["data"]["organizationId"] == home.id

    return Example({"clientId": client.id}, body=body, check=check)


@example("PUT", MACHINE)
async def let_none_administer(installation: Installation) -> Example:
    return Example({"clientId": NOBODY}, body=await _roles(installation), status=404)


@example("PUT", MACHINE)
async def let_a_tenants_client_administer(installation: Installation) -> Example:
    home = await installation.organization()
    client = await installation.client(organization_id=home.id)
    return Example({"clientId": client.id}, body=await _roles(installation), status=400)


@example("PUT", MACHINE)
async def let_a_public_client_administer(installation: Installation) -> Example:
    client = await installation.client(client_type="public")
    return Example({"clientId": client.id}, body=await _roles(installation), status=400)


@example("DELETE", MACHINE)
async def stop_administering(installation: Installation) -> Example:
    client = await installation.client()
    await installation.delegate(None, "porta-auditor", client=client)
    return Example({"clientId": client.id})


@example("DELETE", MACHINE)
async def stop_what_does_not(installation: Installation) -> Example:
    return Example({"clientId": (await installation.client()).id}, status=404)
