"""Passwords of people, as administrators give and take them."""

from __future__ import annotations

from handlers.admin_api.people import ONES, person
from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call
from porta.security.passwords import Hashed
from porta.services import user_passwords
from porta.services.permissions import needed_by
from porta.services.user_passwords import NewPassword


async def _hash(call: Call) -> Hashed | None:
    return await user_passwords.hash_new(call.runtime.passwords, call.body_as(NewPassword).password)


async def _set(call: Call) -> Answer:
    (user, within), command = person(call), call.body_as(NewPassword)
    assert call.hashed is not None
    await user_passwords.set(
        call.storage,
        call.actor,
        user,
        command,
        call.hashed,
        call.version,
        within=within,
        post=call.runtime.post,
    )
    return Answer()


async def _clear(call: Call) -> Answer:
    user, within = person(call)
    post = call.runtime.post
    await user_passwords.clear(
        call.storage, call.actor, user, call.version, within=within, post=post
    )
    return Answer()


def _of_one(base: str) -> tuple[Route, ...]:
    return (
        Route(
            "POST",
            f"{base}/password",
            "Give a person another password, and end what they hold",
            _set,
            permissions=needed_by(user_passwords.set),
            request=NewPassword,
            prepare=_hash,
            errors=(400, 412),
            delegable=True,
        ),
        Route(
            "DELETE",
            f"{base}/password",
            "Take the password from a person",
            _clear,
            permissions=needed_by(user_passwords.clear),
            errors=(412,),
            delegable=True,
        ),
    )


ROUTES = tuple(route for base in ONES for route in _of_one(base))
