"""Definitions of an application, found within it: roles, permissions, claims and modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porta.audit.actors import Actor
from porta.errors import NotFound
from porta.services.commands import Command
from porta.services.fields import Flag
from porta.services.permissions import ADMINISTRATION, check_all
from porta.services.targets import is_key, require
from storage.models.applications import Application

if TYPE_CHECKING:
    from storage.router import Storage

WHAT = "Application"


class Deletion(Command):
    """Whether what others still refer to is deleted all the same."""

    force: Flag = False


GENTLY = Deletion()


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


def check_definer(actor: Actor, owner: Application) -> None:
    """Raise Forbidden where `actor` may not say what administrators can be permitted."""
    if owner.slug == ADMINISTRATION:
        check_all(actor, "what administrators can be permitted")
