"""Examples: refresh families, listed and ended."""

from __future__ import annotations

from typing import Any

from storage.models.tokens import TokenFamily
from tests import factories
from tests.handlers.admin_api.examples import Example, example
from tests.world.administrators import Installation

_ONE = "/refresh-families/{familyId}"


async def family(installation: Installation, home: str | None = None) -> TokenFamily:
    """Return the family of a person and a client of an organization of their own."""
    home = home or (await installation.organization()).id
    person = await installation.person(organization_id=home)
    client = await installation.client(organization_id=home)
    made = factories.family(client, person.id)
    refresh, access = factories.refresh_token(made), factories.access_token(made)
    await installation.runtime.storage.tokens.redeem(made, 3600, access, 600, refresh, 3600)
    return made


@example("GET", "/refresh-families")
async def list_families(installation: Installation) -> Example:
    made = await family(installation)

    def check(body: Any) -> None:
        (found,) = body["data"]
        assert (found["id"], found["clientId"]) == (made.id, made.client_id)
        assert found["scopes"] == ["openid", "profile", "offline_access"]

    return Example(query={"userId": made.account_id}, check=check)


@example("GET", "/refresh-families")
async def list_families_of_all(installation: Installation) -> Example:
    del installation
    return Example(query={"activeOnly": "false"}, status=400)


@example("GET", _ONE)
async def read_family(installation: Installation) -> Example:
    made = await family(installation)

    def check(body: Any) -> None:
        found = body["data"]
        assert (found["userId"], found["sessionId"]) == (made.account_id, made.session_uid)
        assert found["revokedAt"] is None

    return Example({"familyId": made.id}, check=check)


@example("GET", _ONE)
async def read_no_family(installation: Installation) -> Example:
    del installation
    return Example({"familyId": "none"}, status=404)


@example("DELETE", _ONE)
async def end_family(installation: Installation) -> Example:
    return Example({"familyId": (await family(installation)).id})


@example("DELETE", _ONE)
async def end_no_family(installation: Installation) -> Example:
    del installation
    return Example({"familyId": "f" * 64}, status=404)
