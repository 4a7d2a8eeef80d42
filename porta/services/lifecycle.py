"""Lifecycle: a change of status, whatever it is of: from where it leads, what tells of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from porta.audit.actors import Actor
from porta.errors import Invalid
from porta.services.commands import NO_REASON, Reasoned

if TYPE_CHECKING:
    from storage.router import Storage


class HasStatus(Protocol):
    """A record with a status."""

    @property
    def status(self) -> str: ...


R = TypeVar("R", bound=HasStatus)
R_co = TypeVar("R_co", covariant=True)


class Change(Protocol[R_co]):
    """An operation that changes the status of `target` and returns it as it is then.

    Raises NotFound, PreconditionFailed, Invalid for a status that does not follow, Forbidden.
    """

    def __call__(
        self,
        tx: Storage,
        actor: Actor,
        /,
        target: str,
        command: Reasoned = NO_REASON,
        version: int | None = None,
        **place: str | None,
    ) -> Coroutine[Any, Any, R_co]: ...


async def _anything_may(tx: Storage, stored: object, status: str) -> None:
    del tx, stored, status


async def _ended_by_era(tx: Storage, stored: object, status: str, event: str) -> None:
    """The database counts the change, and what was issued before is of an earlier era
    (decisions/0018): nothing is left to be done.
    """
    del tx, stored, status, event


@dataclass(frozen=True, slots=True)
class Lifecycle(Generic[R]):
    """How things of one family are held, written and told of when their status changes."""

    family: str
    """The module whose operations these are."""
    hold: Callable[..., Awaitable[R]]
    """(tx, actor, target, version, **place): returns it, held, for who sees it and may change it.
    Raises NotFound, PreconditionFailed, Forbidden."""
    write: Callable[[Storage, R, str, str | None], Awaitable[R]]
    """(tx, stored, status, reason): writes the status; returns it as it is then."""
    record: Callable[..., Awaitable[None]]
    """(tx, actor, event, before, after, **told)."""
    check_may_leave: Callable[[Storage, R, str], Awaitable[None]] = _anything_may
    """(tx, stored, status): raises for what has to stay as it is."""
    end: Callable[[Storage, R, str, str], Awaitable[None]] = _ended_by_era
    """(tx, stored, status, event): ends what was issued under the former status, for good."""

    def change(self, name: str, *since: str, to: str, event: str) -> Change[R]:
        """Return the operation `name`, which leads from one of `since` to the status `to`."""

        async def change(
            tx: Storage,
            actor: Actor,
            /,
            target: str,
            command: Reasoned = NO_REASON,
            version: int | None = None,
            **place: str | None,
        ) -> R:
            stored = await self.hold(tx, actor, target, version, **place)
            await self.check_may_leave(tx, stored, to)
            if stored.status not in since:
                raise Invalid.at("status", message=f"'{to}' does not follow '{stored.status}'")
            after = await self.write(tx, stored, to, command.reason)
            await self.end(tx, stored, to, event)
            await self.record(tx, actor, event, stored, after, **command.told())
            return after

        change.__name__ = change.__qualname__ = name
        change.__module__ = self.family
        return change
