"""Changes of a status: the routes that do nothing else, whatever the status is of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call
from porta.services.commands import Reasoned
from porta.services.permissions import needed_by

Change = Callable[..., Awaitable[object]]
"""A service: (tx, actor, target, command, version)."""
Ways = tuple[tuple[str, str, Change], ...]
"""What is appended to a path, what it does, and the service that does it."""
Target = Callable[[Call], tuple[str, dict[str, Any]]]
"""What of a request names the target, and what else the service is told of it."""


def named(placeholder: str) -> Target:
    """Return what takes the target from a placeholder of the path."""
    return lambda call: (call.path[placeholder], {})


def status_routes(base: str, target: Target, ways: Ways, *, delegable: bool) -> tuple[Route, ...]:
    """Return the routes that change the status of what `base` names, and keep the reason."""
    return tuple(
        Route(
            "POST",
            f"{base}/{name}",
            summary,
            _run(change, target),
            permissions=needed_by(change),
            request=Reasoned,
            optional_body=True,
            errors=(400, 412),
            delegable=delegable,
        )
        for name, summary, change in ways
    )


def _run(change: Change, target: Target) -> Callable[[Call], Awaitable[Answer]]:
    async def run(call: Call) -> Answer:
        (id, place), command = target(call), call.body_as(Reasoned)
        await change(call.storage, call.actor, id, command, call.version, **place)
        return Answer()

    return run
