"""Statuses of people: refused, let in again, locked, and what they hold ended."""

from __future__ import annotations

from handlers.admin_api.people import ONES, person
from handlers.admin_api.route import Route
from handlers.admin_api.statuses import Ways, status_routes
from porta.administration.call import Answer, Call
from porta.services import session_control, users
from porta.services.commands import Command
from porta.services.fields import Reason
from porta.services.permissions import needed_by
from porta.services.users import Locking


class LockBody(Command):
    """Why somebody is locked."""

    reason: Reason = "locked by an administrator"


def _status_target(call: Call) -> tuple[str, dict[str, str | None]]:
    user, within = person(call)
    return user, {"within": within}


async def _lock(call: Call) -> Answer:
    user, within = person(call)
    command = Locking(reason=call.body_as(LockBody).reason)
    await users.lock(call.storage, call.actor, user, command, call.version, within=within)
    return Answer()


_STATUSES: Ways = (
    ("deactivate", "Refuse a person, and end what they hold", users.deactivate),
    ("reactivate", "Make an inactive person active", users.reactivate),
    ("suspend", "Suspend a person, and end what they hold", users.suspend),
    ("unsuspend", "End a suspension", users.unsuspend),
    ("unlock", "Unlock a person", users.unlock),
    (
        "revoke-tokens",
        "End every session, code and token of a person",
        session_control.revoke_all,
    ),
)


def _of_one(base: str) -> tuple[Route, ...]:
    return (
        *status_routes(base, _status_target, _STATUSES, delegable=True),
        Route(
            "POST",
            f"{base}/lock",
            "Lock a person, and end what they hold",
            _lock,
            permissions=needed_by(users.lock),
            request=LockBody,
            optional_body=True,
            errors=(400, 412),
            delegable=True,
        ),
    )


ROUTES = (
    *(route for base in ONES for route in _of_one(base)),
    *status_routes(
        "/users/{userId}",
        _status_target,
        (("activate", "The same as reactivate", users.reactivate),),
        delegable=True,
    ),
)
