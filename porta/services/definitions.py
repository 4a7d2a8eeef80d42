"""What an application defines is found by it: roles, permissions, claims and modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porta.errors import NotFound
from porta.services.targets import is_key, require
from storage.models.applications import Application

if TYPE_CHECKING:
    from storage.router import Storage

WHAT = "Application"


async def find_application(storage: Storage, target: str) -> Application:
    """Return the application of this id or slug. Raises NotFound."""
    found = await storage.applications.find_by_key(target) if is_key(target) else None
    return require(found, WHAT)


async def hold_application(tx: Storage, target: str, version: int | None = None) -> Application:
    """Return the application of this id or slug, and hold it until the transaction ends.

    Raises NotFound, PreconditionFailed.
    """
    if not is_key(target):
        raise NotFound(f"{WHAT} not found")
    return require(await tx.applications.find_by_key(target, hold=True), WHAT, version)
