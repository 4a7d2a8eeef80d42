"""An example of every route: what has to be there, what is sent, and what is answered.

`test_routes.py` runs them, and derives from each what has to be refused.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from handlers.admin_api.route import Route
from handlers.admin_api.table import ROUTES
from tests.world.administrators import Installation


@dataclass(frozen=True)
class Example:
    """A good request of a route, or one that is refused with `status`."""

    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    status: int | None = None
    """None for that of the route."""
    check: Callable[[Any], None] | None = None
    """Looks at the decoded body of the answer."""

    def url(self, route: Route) -> str:
        return route.path.format_map(self.path)


STALE = {"If-Match": '"999"'}
"""Headers of who changes what they read long ago."""


def shows(*never: str, **fields: Any) -> Callable[[Any], None]:
    """Return a look at one thing that has these fields, and `never` in it."""

    def check(body: Any) -> None:
        assert {name: body["data"][name] for name in fields} == fields
        assert [each for each in never if each in str(body)] == []

    return check


Make = Callable[[Installation], Awaitable[Example]]
_MADE: dict[tuple[str, str], list[Make]] = {}


def example(method: str, path: str) -> Callable[[Make], Make]:
    """Name the route that a function makes an example of."""

    def add(make: Make) -> Make:
        _MADE.setdefault((method, path), []).append(make)
        return make

    return add


def examples_of(route: Route) -> list[Make]:
    """Return the examples of a route, the good ones first."""
    return _MADE.get((route.method, route.path), [])


def strangers() -> set[tuple[str, str]]:
    """Return what has an example and is no route."""
    return set(_MADE) - {(route.method, route.path) for route in ROUTES}
