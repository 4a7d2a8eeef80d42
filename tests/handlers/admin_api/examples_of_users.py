"""Examples: people of organizations."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any

from storage.models.users import User
from tests.handlers.admin_api.examples import STALE, Example, example, shows
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.world.administrators import Installation

WITHIN = "/organizations/{organizationId}/users"
ONES = (f"{WITHIN}/{{userId}}", "/users/{userId}")
PASSWORD = "seven quiet otters paint lamps"


async def _person(installation: Installation, status: str = "active") -> User:
    home = await installation.organization()
    person = await installation.person(organization_id=home.id)
    await installation.execute(
        "UPDATE users SET status = %(status)s WHERE id = %(id)s", status=status, id=person.id
    )
    return person


def _at(person: User) -> dict[str, str]:
    return {"organizationId": person.organization_id, "userId": person.id}


_is = partial(shows, "passwordHash")


def _good(method: str, path: str, status: str = "active", body: Any = None, **fields: Any) -> None:
    @example(method, path)
    async def good(installation: Installation) -> Example:
        check = _is(**fields) if fields else None
        return Example(_at(await _person(installation, status)), body=body, check=check)


def _bad(
    method: str,
    path: str,
    refused: int,
    status: str = "active",
    body: Any = None,
    headers: dict[str, str] | None = None,
    **other: str,
) -> None:
    @example(method, path)
    async def bad(installation: Installation) -> Example:
        at = {**_at(await _person(installation, status)), **other}
        return Example(at, body=body, headers=headers or {}, status=refused)

    bad.__name__ = f"bad_{refused}"


@example("POST", WITHIN)
async def create(installation: Installation) -> Example:
    home = await installation.organization()
    body = {"email": "New@Acme.example", "password": PASSWORD, "address": {"country": "DE"}}
    check = _is(hasPassword=True, emailVerified=False, addressCountry="DE", status="active")
    return Example({"organizationId": home.id}, body=body, check=check)


@example("POST", WITHIN)
async def create_with_a_weak_password(installation: Installation) -> Example:
    home = await installation.organization()
    body = {"email": "new@acme.example", "password": "password"}
    return Example({"organizationId": home.id}, body=body, status=400)


@example("POST", WITHIN)
async def create_who_is_there(installation: Installation) -> Example:
    person = await _person(installation)
    return Example(_at(person), body={"email": person.email.upper()}, status=409)


_bad("POST", WITHIN, 404, body={"email": "new@acme.example"}, organizationId=NOBODY)


@example("GET", WITHIN)
async def find(installation: Installation) -> Example:
    person = await _person(installation)

    def check(body: Any) -> None:
        assert [each["id"] for each in body["data"]] == [person.id]

    return Example(_at(person), query={"search": person.email[:8]}, check=check)


_bad("GET", WITHIN, 404, organizationId=NOBODY)

for one in ONES:
    _good("GET", one, emailVerified=True, hasPassword=False)
    _bad("GET", one, 404, userId=NOBODY)
    for method in ("PUT", "PATCH"):
        email = f"{secrets.token_hex(6)}@acme.example"
        _good(method, one, body={"givenName": "Ada", "email": email}, givenName="Ada", email=email)
        _bad(method, one, 404, body={"givenName": "Ada"}, userId=NOBODY)
        _bad(method, one, 400, body={"birthdate": "yesterday"})
        _bad(method, one, 412, body={"givenName": "Ada"}, headers=STALE)
    for name, since in (
        ("deactivate", "active"),
        ("reactivate", "inactive"),
        ("suspend", "active"),
        ("unsuspend", "suspended"),
        ("unlock", "locked"),
        ("lock", "active"),
    ):
        other = "suspended" if since != "suspended" else "inactive"
        _good("POST", f"{one}/{name}", since, body={"reason": "because"})
        _bad("POST", f"{one}/{name}", 400, other)
        _bad("POST", f"{one}/{name}", 404, since, userId=NOBODY)
    _good("POST", f"{one}/revoke-tokens", body={"reason": "because"})
    _bad("POST", f"{one}/revoke-tokens", 400, body={"reason": "x" * 5000})
    _bad("POST", f"{one}/revoke-tokens", 404, userId=NOBODY)
    _good("POST", f"{one}/password", body={"password": PASSWORD})
    _bad("POST", f"{one}/password", 400, body={"password": "short"})
    _bad("POST", f"{one}/password", 404, body={"password": PASSWORD}, userId=NOBODY)
    for method, step in (("DELETE", "password"), ("POST", "verify-email"), ("GET", "history")):
        _good(method, f"{one}/{step}")
        _bad(method, f"{one}/{step}", 404, userId=NOBODY)
_bad("GET", ONES[0], 404, organizationId=NOBODY)
_good("POST", "/users/{userId}/activate", "inactive")
_bad("POST", "/users/{userId}/activate", 400)
_bad("POST", "/users/{userId}/activate", 404, "inactive", userId=NOBODY)


def _takes_an_address(method: str, one: str) -> None:
    @example(method, one)
    async def take(installation: Installation) -> Example:
        person = await _person(installation)
        second = await installation.person(organization_id=person.organization_id)
        return Example(_at(person), body={"email": second.email}, status=409)


for one in ONES:
    _takes_an_address("PUT", one)
    _takes_an_address("PATCH", one)
