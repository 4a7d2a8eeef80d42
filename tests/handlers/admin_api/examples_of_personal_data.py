"""Examples: a person's data handed out, and a person erased."""

from __future__ import annotations

from typing import Any

from storage.models.users import User
from tests.handlers.admin_api.examples import Example, example
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.world.administrators import Installation

ONE = "/organizations/{organizationId}/users/{userId}"


async def _person(installation: Installation) -> User:
    home = await installation.organization()
    return await installation.person(organization_id=home.id)


def _at(person: User) -> dict[str, str]:
    return {"organizationId": person.organization_id, "userId": person.id}


@example("GET", f"{ONE}/export")
async def export(installation: Installation) -> Example:
    person = await _person(installation)

    def check(body: Any) -> None:
        told = body["data"]
        assert told["user"]["email"] == person.email
        assert told["organization"]["id"] == person.organization_id
        assert (told["roles"], told["customClaims"], told["oidcSessions"]) == ([], [], 0)
        assert (told["trustedDevices"], told["formerAddresses"]) == ([], [])
        assert (told["emailChange"], told["twoFactor"]["putOffUntil"]) == (None, None)
        assert "passwordHash" not in told["user"]

    return Example(_at(person), check=check)


@example("GET", f"{ONE}/export")
async def export_nobody(installation: Installation) -> Example:
    return Example({**_at(await _person(installation)), "userId": NOBODY}, status=404)


@example("POST", f"{ONE}/purge")
async def purge(installation: Installation) -> Example:
    person = await _person(installation)

    def check(body: Any) -> None:
        told = body["data"]
        assert (told["userId"], told["dryRun"]) == (person.id, False)
        assert told["anonymizedEmail"] == f"purged-{person.id}@purged.local"

    return Example(_at(person), body={"confirmPurge": True}, check=check)


@example("POST", f"{ONE}/purge")
async def purge_by_header(installation: Installation) -> Example:
    person = await _person(installation)
    return Example(_at(person), headers={"X-Confirm-Purge": "true"})


@example("POST", f"{ONE}/purge")
async def tell_what_would_go(installation: Installation) -> Example:
    person = await _person(installation)

    def check(body: Any) -> None:
        assert body["data"]["dryRun"]

    return Example(_at(person), body={"dryRun": True}, check=check)


@example("POST", f"{ONE}/purge")
async def purge_without_confirming(installation: Installation) -> Example:
    def check(body: Any) -> None:
        assert [each["path"] for each in body["details"]] == ["confirmPurge"]

    return Example(_at(await _person(installation)), body={}, status=400, check=check)


@example("POST", f"{ONE}/purge")
async def purge_nobody(installation: Installation) -> Example:
    at = {**_at(await _person(installation)), "userId": NOBODY}
    return Example(at, body={"confirmPurge": True}, status=404)
