"""Things of one organization: the routes that each kind has, whatever it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from handlers.admin_api.lists import Sorting, listing, page_of
from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Shown
from porta.services.commands import Command
from porta.services.owned import Thing
from porta.services.permissions import needed_by

T = TypeVar("T", bound=Thing)
Operation = Callable[..., Awaitable[Any]]
"""A service of one kind of thing (`porta/services/domains.py` shows them)."""
_HOME = "organizationId"


def _nothing(call: Call) -> dict[str, Any]:
    del call
    return {}


@dataclass(frozen=True, slots=True)
class Owned(Generic[T]):
    """One kind: what it is called in paths, how one is shown, and in which models."""

    name: str
    id: str
    show: Callable[[T], Shown]
    one: type[BaseModel]
    many: type[BaseModel]
    given: Callable[[Call], dict[str, Any]] = _nothing
    """What the services need beside, to make or to change one."""

    @property
    def all_path(self) -> str:
        return f"/organizations/{{{_HOME}}}/{self.name}"

    @property
    def path(self) -> str:
        return f"{self.all_path}/{{{self.id}}}"

    def target(self, call: Call) -> tuple[str, str]:
        """Return the ids of a thing and of its organization. Raises NotFound."""
        return call.id(self.id), call.id(_HOME)

    def answer(self, stored: T) -> Answer:
        """Return one as it is answered."""
        return Answer(Data(data=self.show(stored)), version=stored.version)

    def create(self, summary: str, create: Operation, command: type[Command]) -> Route:
        """Return the route that makes one."""

        async def run(call: Call) -> Answer:
            home, body, given = call.id(_HOME), call.body_as(command), self.given(call)
            return self.answer(await create(call.storage, call.actor, home, body, **given))

        return self._route(
            "POST", self.all_path, summary, run, create,
            request=command, response=self.one, status=201, errors=(400, 409),
        )  # fmt: skip

    def list(
        self,
        summary: str,
        find: Operation,
        query: type[Sorting],
        filters: Callable[[Any], dict[str, Any]] = lambda asked: {},
    ) -> Route:
        """Return the route that lists them, of which the query may name some by `filters`."""

        async def run(call: Call) -> Answer:
            asked, home = call.query_as(query), call.id(_HOME)
            page = page_of(call, asked)
            listed = await find(call.storage, call.actor, home, page, **filters(asked))
            return Answer(listing(call, asked, page, listed, self.show))

        return self._route(
            "GET", self.all_path, summary, run, find, query=query, response=self.many
        )

    def read(self, summary: str, get: Operation) -> Route:
        """Return the route that reads one."""

        async def run(call: Call) -> Answer:
            target, home = self.target(call)
            return self.answer(await get(call.storage, call.actor, target, within=home))

        return self._route("GET", self.path, summary, run, get, response=self.one)

    def update(
        self,
        summary: str,
        update: Operation,
        patch: type[Command],
        errors: tuple[int, ...] = (400, 412),
    ) -> tuple[Route, ...]:
        """Return the routes that change one: PUT is for clients of Porta 1.x."""

        async def run(call: Call) -> Answer:
            (target, home), body = self.target(call), call.body_as(patch)
            after = await update(
                call.storage, call.actor, target, body, version=call.version, within=home,
                **self.given(call),
            )  # fmt: skip
            return self.answer(after)

        return tuple(
            self._route(
                method, self.path, summary, run, update,
                request=patch, response=self.one, errors=errors,
            )
            for method in ("PUT", "PATCH")
        )  # fmt: skip

    def delete(self, summary: str, delete: Operation) -> Route:
        """Return the route that deletes one."""

        async def run(call: Call) -> Answer:
            target, home = self.target(call)
            await delete(call.storage, call.actor, target, call.version, within=home)
            return Answer()

        return self._route("DELETE", self.path, summary, run, delete, errors=(412,))

    def _route(
        self,
        method: str,
        path: str,
        summary: str,
        run: Callable[[Call], Awaitable[Answer]],
        operation: Operation,
        **more: Any,
    ) -> Route:
        needed = needed_by(operation)
        return Route(method, path, summary, run, permissions=needed, delegable=True, **more)
