"""Target of a change: held, visible to who acts, and of the version that was read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from porta.audit.actors import Actor
from porta.errors import Invalid, NotFound, PreconditionFailed, Problem
from storage.models.audit import AuditFilter
from storage.models.organizations import Organization
from storage.models.pages import Listed, Page
from storage.models.refresh_families import FamilyFilter
from storage.models.sessions import SessionFilter
from storage.repositories.columns import is_id

if TYPE_CHECKING:
    from storage.router import Storage

MOST_ROWS = 100
"""Rows of a page."""
DEEPEST = 100_000
"""Rows that pages by number lead through: beyond it, a cursor is as fast as at the beginning."""


class Versioned(Protocol):
    """A record that counts its changes."""

    @property
    def version(self) -> int: ...


class Owned(Protocol):
    """A record of one organization."""

    @property
    def organization_id(self) -> str: ...


V = TypeVar("V", bound=Versioned)
R = TypeVar("R", bound=Owned)
L = TypeVar("L")
F = TypeVar("F", AuditFilter, FamilyFilter, SessionFilter)


def require(record: V | None, what: str, version: int | None = None) -> V:
    """Return what was found. Raises NotFound, or PreconditionFailed where it is of another
    `version` than the one that was read, if that is told.
    """
    if record is None:
        raise NotFound(f"{what} not found")
    if version is not None and version != record.version:
        raise PreconditionFailed(f"{what} has changed since it was read; read it again")
    return record


def check_sees(actor: Actor, organization_id: str, what: str) -> None:
    """Raise NotFound, as for what does not exist, where an organization does not for the actor."""
    if not actor.sees(organization_id):
        raise NotFound(f"{what} not found")


def require_visible(actor: Actor, found: R | None, within: str | None, what: str) -> R:
    """Return what was found, of an organization that exists for the actor, and of the organization
    `within` where that is told. Raises NotFound.
    """
    if found is None or within not in (None, found.organization_id):
        raise NotFound(f"{what} not found")
    check_sees(actor, found.organization_id, what)
    return found


async def list_seen(
    actor: Actor, wanted: F, page: Page, find: Callable[[F, Page], Awaitable[Listed[L]]]
) -> Listed[L]:
    """Return a page of what `find` has of all that is wanted: of one organization alone, where the
    actor administers that; nothing where another one is wanted.
    """
    if actor.organization_id is not None:
        if wanted.organization_id not in (None, actor.organization_id):
            return Listed(rows=(), total=0)
        wanted = msgspec.structs.replace(wanted, organization_id=actor.organization_id)
    return await find(wanted, page)


async def find_home(storage: Storage, actor: Actor, organization: str) -> Organization:
    """Return the organization of an id or slug that exists for the actor. Raises NotFound."""
    found = await storage.organizations.find_by_key(organization) if is_key(organization) else None
    if found is None or not actor.sees(found.id):
        raise NotFound("Organization not found")
    return found


def is_key(text: str) -> bool:
    """Whether `text` can be an id or a slug: only then a store is asked for it."""
    return 0 < len(text) <= 255 and text.isascii() and text.isprintable()


def changes_of(stored: object, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of `columns` that differ from what is stored."""
    return {name: value for name, value in columns.items() if getattr(stored, name) != value}


async def write_changes(
    stored: V,
    changes: Mapping[str, Any],
    what: str,
    write: Callable[[Mapping[str, Any]], Awaitable[V | None]],
    record: Callable[[V, V], Awaitable[None]],
) -> V:
    """Write what is changed of a record, where anything is, and record what it was and is; return
    it as it is then. Raises NotFound for what is gone.
    """
    if not changes:
        return stored
    after = require(await write(changes), what)
    await record(stored, after)
    return after


def check_page(page: Page, sorts: Collection[str]) -> None:
    """Raise Invalid, with every problem, for a page that a list does not have."""
    problems = []
    if not 1 <= page.limit <= MOST_ROWS:
        problems.append(Problem(("limit",), f"must be 1 to {MOST_ROWS}"))
    if page.sort not in sorts:
        problems.append(Problem(("sort",), f"must be one of: {', '.join(sorts)}"))
    if page.order not in ("asc", "desc"):
        problems.append(Problem(("order",), "must be one of: asc, desc"))
    if page.number is not None and not 1 <= page.number <= DEEPEST // max(page.limit, 1):
        problems.append(Problem(("page",), f"must be 1 or more, within the first {DEEPEST} rows"))
    if problems:
        raise Invalid(problems=problems)


def require_id(text: str, what: str) -> str:
    """Return `text`, which is spelled as an id. Raises NotFound for everything else."""
    if not is_id(text):
        raise NotFound(f"{what} not found")
    return text.lower()
