"""Trusted devices of one person: where a second factor is not asked for, and an end to that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porta.audit import events
from porta.audit.actors import Actor
from porta.errors import NotFound
from porta.services.people import find_user, hold_user
from porta.services.permissions import needs
from storage.models.trusted_devices import TrustedDevice
from storage.models.users import User
from storage.repositories.columns import is_id

if TYPE_CHECKING:
    from storage.router import Storage

_UNKNOWN = "Trusted device not found"


@needs("admin:user:read")
async def list(
    storage: Storage, actor: Actor, target: str, *, within: str | None = None
) -> tuple[TrustedDevice, ...]:
    """Return the devices that a person trusts, the oldest first. Raises NotFound."""
    user = await find_user(storage, actor, target, within)
    return await storage.trusted_devices.list(user.id, user.organization_id)


@needs("admin:user:2fa")
async def remove(
    tx: Storage, actor: Actor, target: str, device_id: str, *, within: str | None = None
) -> None:
    """Have the second factor asked for at a device again. What is signed in there stays.

    Raises NotFound, Forbidden.
    """
    user = await hold_user(tx, actor, target, within)
    if not await remove_own(tx, actor, user, device_id):
        raise NotFound(_UNKNOWN)


async def remove_own(tx: Storage, actor: Actor, person: User, device_id: str) -> bool:
    """The same for a device of `person`, whose wish it is; tell whether there was one."""
    key = (person.id, person.organization_id)
    if not is_id(device_id) or not await tx.trusted_devices.remove(device_id, *key):
        return False
    await _record(tx, actor, person, device_id=device_id)
    return True


async def remove_all_own(tx: Storage, actor: Actor, person: User) -> int:
    """Forget every device of `person`; return how many there were."""
    gone = await tx.trusted_devices.remove_all(person.id, person.organization_id)
    if gone:
        await _record(tx, actor, person, devices=gone)
    return gone


async def _record(tx: Storage, actor: Actor, person: User, **told: str | int) -> None:
    await events.record(
        tx, "user.device.removed", organization_id=person.organization_id, user_id=person.id,
        metadata=told, actor=actor,
    )  # fmt: skip
