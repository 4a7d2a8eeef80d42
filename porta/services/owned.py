"""Things of one organization: found by whoever sees them, held, and told of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from porta.audit.actors import Actor
from porta.audit.changes import record_change
from porta.services.targets import require, require_id, require_visible
from storage.models.clients import ApiResource
from storage.models.connections import Connection
from storage.models.domains import Domain

if TYPE_CHECKING:
    from storage.router import Storage

Thing = ApiResource | Connection | Domain
T = TypeVar("T", bound=Thing)
T_co = TypeVar("T_co", bound=Thing, covariant=True)


class Table(Protocol[T_co]):
    """The rows of one kind of thing, of whichever organization."""

    async def find(self, id: str, *, hold: bool = False) -> T_co | None: ...


async def find(
    table: Table[T],
    actor: Actor,
    target: str,
    within: str | None,
    what: str,
    version: int | None = None,
    *,
    hold: bool = False,
) -> T:
    """Return the thing of this id, of the organization `within` where that is told; `hold` keeps it
    from changing until the transaction ends. Raises NotFound, PreconditionFailed.
    """
    found = await table.find(require_id(target, what), hold=hold)
    return require(require_visible(actor, found, within, what), what, version)


async def record(
    id_name: str,
    tx: Storage,
    actor: Actor,
    event_type: str,
    before: Thing | None,
    after: Thing | None,
    setup_link_id: str | None = None,
) -> None:
    """Record that a thing `before` became `after`, at its organization; its id as `id_name`.
    Whoever did it by a set-up link is known by that alone: the actor is who made the link.
    """
    about = after or before
    assert about is not None, "one of the two is there"
    organization_id, told = about.organization_id, {id_name: about.id}
    if setup_link_id is not None:
        told["setup_link_id"] = setup_link_id
    await record_change(
        tx, actor, event_type, before, after, organization_id=organization_id, **told
    )
