"""Examples: passkeys of one person."""

from __future__ import annotations

from typing import Any

from tests.handlers.admin_api.examples import Example, example
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.handlers.admin_api.owned import add_absences
from tests.world.administrators import Installation

_MANY = "/organizations/{organizationId}/users/{userId}/passkeys"
_ONE = f"{_MANY}/{{passkeyId}}"
_ADD = """
    WITH named AS (
        INSERT INTO passkey_users (user_id, organization_id, handle)
        VALUES (%(id)s, %(org)s, md5(%(id)s))
    )
    INSERT INTO passkeys (organization_id, user_id, credential_id, public_key, name,
        backup_eligible, backed_up)
    VALUES (%(org)s, %(id)s, md5(%(id)s), 'k', 'Phone', TRUE, TRUE)
"""


async def with_passkey(installation: Installation) -> dict[str, str]:
    """Return the path of a person who has a passkey, with its id."""
    home = await installation.organization()
    person = await installation.person(organization_id=home.id)
    await installation.execute(_ADD, id=person.id, org=home.id)
    ((id,),) = await installation.fetch(
        f"SELECT id::text FROM passkeys WHERE user_id = '{person.id}'"
    )
    return {"organizationId": home.id, "userId": person.id, "passkeyId": str(id)}


@example("GET", _MANY)
async def list_passkeys(installation: Installation) -> Example:
    def check(body: Any) -> None:
        assert [each["name"] for each in body["data"]] == ["Phone"]
        assert "publicKey" not in str(body)

    path = await with_passkey(installation)
    del path["passkeyId"]
    return Example(path, check=check)


@example("GET", _MANY)
async def list_passkeys_of_nobody(installation: Installation) -> Example:
    home = await installation.organization()
    return Example({"organizationId": home.id, "userId": NOBODY}, status=404)


@example("GET", _ONE)
async def read_passkey(installation: Installation) -> Example:
    def check(body: Any) -> None:
        assert (body["data"]["name"], body["data"]["lastUsedAt"]) == ("Phone", None)

    return Example(await with_passkey(installation), check=check)


add_absences("GET", _ONE, with_passkey, "passkeyId")


async def _rename(installation: Installation) -> Example:
    def check(body: Any) -> None:
        assert body["data"]["name"] == "Tablet"

    path = await with_passkey(installation)
    return Example(path, body={"name": "Tablet"}, headers={"If-Match": '"1"'}, check=check)


async def _rename_badly(installation: Installation) -> Example:
    return Example(await with_passkey(installation), body={"name": ""}, status=400)


async def _rename_another_version(installation: Installation) -> Example:
    path = await with_passkey(installation)
    return Example(path, body={"name": "Tablet"}, headers={"If-Match": '"7"'}, status=412)


for _method in ("PUT", "PATCH"):
    for _make in (_rename, _rename_badly, _rename_another_version):
        example(_method, _ONE)(_make)
    add_absences(_method, _ONE, with_passkey, "passkeyId", body={"name": "Tablet"})


@example("DELETE", _ONE)
async def remove_passkey(installation: Installation) -> Example:
    return Example(await with_passkey(installation), status=204)


@example("DELETE", _ONE)
async def remove_another_version(installation: Installation) -> Example:
    path = await with_passkey(installation)
    return Example(path, headers={"If-Match": '"7"'}, status=412)


add_absences("DELETE", _ONE, with_passkey, "passkeyId")
