"""Examples: who one person is at other providers."""

from __future__ import annotations

from typing import Any

from tests.handlers.admin_api.examples import Example, example
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.handlers.admin_api.owned import add_absences
from tests.world.administrators import Installation

_MANY = "/organizations/{organizationId}/users/{userId}/identities"
_ONE = f"{_MANY}/{{identityId}}"
_ADD = """
    WITH connected AS (
        INSERT INTO connections (id, organization_id, provider, name, issuer, client_id)
        VALUES (gen_random_uuid(), %(org)s, 'openid', 'Workforce', 'https://id.example', 'c')
        RETURNING id
    )
    INSERT INTO identities (organization_id, connection_id, user_id, issuer, subject, email)
    SELECT %(org)s, id, %(id)s, 'https://id.example', 's-1', 'ada@people.example' FROM connected
"""


async def with_identity(installation: Installation) -> dict[str, str]:
    """Return the path of a person who is somebody elsewhere, with the id of that."""
    home = await installation.organization()
    person = await installation.person(organization_id=home.id)
    await installation.execute(_ADD, id=person.id, org=home.id)
    ((id,),) = await installation.fetch(
        f"SELECT id::text FROM identities WHERE user_id = '{person.id}'"
    )
    return {"organizationId": home.id, "userId": person.id, "identityId": str(id)}


@example("GET", _MANY)
async def list_identities(installation: Installation) -> Example:
    def check(body: Any) -> None:
        (told,) = body["data"]
        assert (told["connectionName"], told["subject"]) == ("Workforce", "s-1")
        assert (told["email"], told["name"]) == ("ada@people.example", None)

    path = await with_identity(installation)
    del path["identityId"]
    return Example(path, check=check)


@example("GET", _MANY)
async def list_identities_of_nobody(installation: Installation) -> Example:
    home = await installation.organization()
    return Example({"organizationId": home.id, "userId": NOBODY}, status=404)


@example("DELETE", _ONE)
async def unlink(installation: Installation) -> Example:
    return Example(await with_identity(installation), status=204)


add_absences("DELETE", _ONE, with_identity, "identityId")
