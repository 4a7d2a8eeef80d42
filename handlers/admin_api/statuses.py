"""Changes of a status: what routes that do nothing else have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from porta.administration.call import Answer, Call
from porta.services.commands import Reasoned

Change = Callable[..., Awaitable[object]]
"""A service: (tx, actor, target, command, version)."""


def status_of(change: Change, placeholder: str) -> Callable[[Call], Awaitable[Answer]]:
    """Return what runs `change` on what `placeholder` names, for the reason that is given."""

    async def run(call: Call) -> Answer:
        target, command = call.path[placeholder], call.body_as(Reasoned)
        await change(call.storage, call.actor, target, command, call.version)
        return Answer()

    return run
