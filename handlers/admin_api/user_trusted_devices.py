"""Trusted devices of one person: where a second factor is not asked for, and an end to that."""

from __future__ import annotations

from pydantic import Field

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Items, Moment, Shown
from porta.services import user_trusted_devices
from porta.services.permissions import needed_by

_MANY = "/organizations/{organizationId}/users/{userId}/trusted-devices"
_ONE = f"{_MANY}/{{deviceId}}"


class TrustedDevice(Shown):
    """A browser at which a person is not asked for their second factor until it expires."""

    id: str
    user_agent: str | None = Field(description="What it called itself")
    ip_address: str | None = Field(description="Where it was when it was trusted")
    created_at: Moment
    last_used_at: Moment | None
    expires_at: Moment


async def _list(call: Call) -> Answer:
    user, within = call.id("userId"), call.id("organizationId")
    found = await user_trusted_devices.list(call.storage, call.actor, user, within=within)
    return Answer(Items(data=tuple(map(TrustedDevice.model_validate, found)), total=len(found)))


async def _remove(call: Call) -> Answer:
    user, within, device = call.id("userId"), call.id("organizationId"), call.id("deviceId")
    await user_trusted_devices.remove(call.storage, call.actor, user, device, within=within)
    return Answer()


ROUTES = (
    Route(
        "GET",
        _MANY,
        "List the devices at which a person is not asked for their second factor",
        _list,
        permissions=needed_by(user_trusted_devices.list),
        response=Items[TrustedDevice],
        delegable=True,
    ),
    Route(
        "DELETE",
        _ONE,
        "Have the second factor asked for at a device again",
        _remove,
        permissions=needed_by(user_trusted_devices.remove),
        delegable=True,
    ),
)
