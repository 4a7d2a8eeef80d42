"""Examples: devices at which one person is not asked for a second factor."""

from __future__ import annotations

from typing import Any

from tests.handlers.admin_api.examples import Example, example
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.handlers.admin_api.owned import add_absences
from tests.world.administrators import Installation

_MANY = "/organizations/{organizationId}/users/{userId}/trusted-devices"
_ONE = f"{_MANY}/{{deviceId}}"
_ADD = """
    INSERT INTO trusted_devices (organization_id, user_id, digest, era, user_agent, expires_at)
    VALUES (%(org)s, %(id)s, md5(%(id)s), 0, 'Firefox', now() + interval '1 day')
"""


async def with_device(installation: Installation) -> dict[str, str]:
    """Return the path of a person who trusts a device, with its id."""
    home = await installation.organization(trusted_device_days=30)
    person = await installation.person(organization_id=home.id)
    await installation.execute(_ADD, id=person.id, org=home.id)
    ((id,),) = await installation.fetch(
        f"SELECT id::text FROM trusted_devices WHERE user_id = '{person.id}'"
    )
    return {"organizationId": home.id, "userId": person.id, "deviceId": str(id)}


@example("GET", _MANY)
async def list_devices(installation: Installation) -> Example:
    def check(body: Any) -> None:
        (device,) = body["data"]
        assert (device["userAgent"], device["lastUsedAt"]) == ("Firefox", None)
        assert "digest" not in device

    path = await with_device(installation)
    del path["deviceId"]
    return Example(path, check=check)


@example("GET", _MANY)
async def list_devices_of_nobody(installation: Installation) -> Example:
    home = await installation.organization()
    return Example({"organizationId": home.id, "userId": NOBODY}, status=404)


@example("DELETE", _ONE)
async def remove_device(installation: Installation) -> Example:
    return Example(await with_device(installation), status=204)


add_absences("DELETE", _ONE, with_device, "deviceId")
