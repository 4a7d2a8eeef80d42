"""Things of one organization: what is answered alike of each of them, whatever it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.handlers.admin_api.examples import STALE, Example, example
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.world.administrators import Installation

Path = dict[str, str]


def add_absences(
    method: str, path: str, make: Callable[[Installation], Awaitable[Path]], id: str, **sent: Any
) -> None:
    """Add that a thing, which `make` makes, is under no other `id`, and at no other organization:
    that is answered alike.
    """

    @example(method, path)
    async def none(installation: Installation) -> Example:
        return Example({**await make(installation), id: NOBODY}, status=404, **sent)

    @example(method, path)
    async def at_another_organization(installation: Installation) -> Example:
        other = await installation.organization()
        at = {**await make(installation), "organizationId": other.id}
        return Example(at, status=404, **sent)


@dataclass(frozen=True)
class Owned:
    """A thing of one organization: where it is administered, and how one is made."""

    all: str
    """The path of all of an organization."""
    id: str
    """What its id is called in the path of one."""
    body: Callable[[], dict[str, Any]]
    """Makes what one is made of, another each time."""
    patch: dict[str, Any]
    """A change that is taken."""

    @property
    def one(self) -> str:
        return f"{self.all}/{{{self.id}}}"

    async def home(self, installation: Installation) -> Path:
        """Return the path of one that is not there, of an organization that is."""
        return {"organizationId": (await installation.organization()).id, self.id: NOBODY}

    async def make(self, installation: Installation, **more: Any) -> tuple[Path, dict[str, Any]]:
        """Return the path of a new one, and what was answered."""
        path = await self.home(installation)
        made = await installation.post(self.all.format_map(path), {**self.body(), **more})
        return {**path, self.id: made["id"]}, made

    async def at(self, installation: Installation) -> Path:
        """Return the path of a new one."""
        return (await self.make(installation))[0]

    def add_examples(self) -> None:
        """Add what is answered alike of each, beside the good examples of its own."""

        @example("POST", self.all)
        async def create_for_none(installation: Installation) -> Example:
            del installation
            return Example({"organizationId": NOBODY}, body=self.body(), status=404)

        @example("GET", self.all)
        async def list_of_none(installation: Installation) -> Example:
            del installation
            return Example({"organizationId": NOBODY}, status=404)

        @example("DELETE", self.one)
        async def delete(installation: Installation) -> Example:
            return Example(await self.at(installation))

        add_absences("GET", self.one, self.at, self.id)
        add_absences("DELETE", self.one, self.at, self.id)
        for method in ("PUT", "PATCH"):
            add_absences(method, self.one, self.at, self.id, body=self.patch)
            self._add_stale(method, body=self.patch)
        self._add_stale("DELETE")

    def _add_stale(self, method: str, **sent: Any) -> None:
        @example(method, self.one)
        async def what_was_changed(installation: Installation) -> Example:
            return Example(await self.at(installation), headers=STALE, status=412, **sent)


def only(made: dict[str, Any]) -> Callable[[Any], None]:
    """Return a look at a list that has one thing, which was made."""

    def check(body: Any) -> None:
        assert [each["id"] for each in body["data"]] == [made["id"]]

    return check
