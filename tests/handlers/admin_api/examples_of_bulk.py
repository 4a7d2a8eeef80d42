"""Examples: changes of many at once."""

from __future__ import annotations

from typing import Any

from tests.handlers.admin_api.examples import Example, example
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.world.administrators import Installation


@example("POST", "/bulk/organizations/status")
async def organizations(installation: Installation) -> Example:
    made = await installation.organization()
    ids = [made.id, NOBODY, installation.admin_id]

    def check(body: Any) -> None:
        assert (body["total"], body["succeeded"], body["failed"]) == (3, 1, 2)
        first, second, third = body["results"]
        assert (first["previousStatus"], first["newStatus"]) == ("active", "suspended")
        assert not second["success"]
        assert "super-admin" in third["error"]

    return Example(body={"ids": ids, "action": "suspend", "reason": "late"}, check=check)


@example("POST", "/bulk/users/status")
async def users(installation: Installation) -> Example:
    home, other = await installation.organization(), await installation.organization()
    own = await installation.person(organization_id=home.id)
    foreign = await installation.person(organization_id=other.id)
    body = {"ids": [own.id, foreign.id], "action": "lock", "organizationId": home.id}

    def check(answer: Any) -> None:
        mine, theirs = answer["results"]
        assert mine["newStatus"] == "locked"
        assert theirs["error"] == "User not found"

    return Example(body=body, check=check)


@example("POST", "/bulk/users/status")
async def activate_whoever_is_suspended(installation: Installation) -> Example:
    home = await installation.organization()
    person = await installation.person(organization_id=home.id)
    await installation.post(f"/users/{person.id}/suspend", {})
    body = {"ids": [person.id], "action": "activate", "organizationId": home.id}

    def check(answer: Any) -> None:
        assert answer["results"][0]["previousStatus"] == "suspended"
        assert answer["results"][0]["newStatus"] == "active"

    return Example(body=body, check=check)


@example("POST", "/bulk/users/status")
async def protect_the_super_admin(installation: Installation) -> Example:
    body = {
        "ids": [installation.made.user.id],
        "action": "deactivate",
        "organizationId": installation.admin_id,
    }

    def check(answer: Any) -> None:
        assert answer["failed"] == 1

    return Example(body=body, check=check)
