"""People of organizations: added, read, changed; what happened to them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from handlers.admin_api import history
from handlers.admin_api.history import History, HistoryQuery
from handlers.admin_api.lists import Listing, Sorting, listing, page_of
from handlers.admin_api.people import ONES, WITHIN, person
from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Moment, Nothing, Shown
from porta.security.passwords import Hashed
from porta.services import user_passwords, users
from porta.services.permissions import needed_by
from porta.services.user_fields import NewUser, UserPatch
from porta.services.users import UserFilters
from storage.models.audit import AuditFilter
from storage.models.users import UserProfile

_SortBy = Literal[
    "email",
    "given_name",
    "givenName",
    "family_name",
    "familyName",
    "created_at",
    "createdAt",
    "last_login_at",
    "lastLoginAt",
]


class User(Shown):
    """A person of an organization."""

    id: str
    organization_id: str
    email: str
    email_verified: bool
    has_password: bool
    password_changed_at: Moment | None
    given_name: str | None
    family_name: str | None
    middle_name: str | None
    nickname: str | None
    preferred_username: str | None
    profile_url: str | None
    picture_url: str | None
    website_url: str | None
    gender: str | None
    birthdate: str | None
    zoneinfo: str | None
    locale: str | None
    phone_number: str | None
    phone_number_verified: bool
    address_street: str | None
    address_locality: str | None
    address_region: str | None
    address_postal_code: str | None
    address_country: str | None
    two_factor_enabled: bool
    two_factor_method: str | None
    status: str
    locked_at: Moment | None
    locked_reason: str | None
    last_login_at: Moment | None
    login_count: int
    failed_login_count: int
    last_failed_login_at: Moment | None
    created_at: Moment
    updated_at: Moment


class UserQuery(Sorting):
    """Which people."""

    sort_by: _SortBy | None = None
    sort: _SortBy | None = None
    status: Literal["active", "inactive", "suspended", "locked"] | None = None
    search: str | None = Field(None, max_length=100, description="A part of address or name")


def shown(stored: UserProfile) -> User:
    """Return a person as they are told of."""
    told = {name: getattr(stored, name) for name in User.model_fields if name != "has_password"}
    return User(**told, has_password=stored.password_hash is not None)


def _one(stored: UserProfile) -> Answer:
    return Answer(Data(data=shown(stored)), version=stored.version)


async def _create(call: Call) -> Answer:
    command, home = call.body_as(NewUser), call.id("organizationId")
    return _one(await users.create(call.storage, call.actor, home, command, call.hashed))


async def _list(call: Call) -> Answer:
    query, home = call.query_as(UserQuery), call.id("organizationId")
    filters = UserFilters.parse({"status": query.status, "search": query.search or None})
    page = page_of(call, query)
    listed = await users.list(call.storage, call.actor, home, page, filters)
    return Answer(listing(call, query, page, listed, shown))


async def _get(call: Call) -> Answer:
    user, within = person(call)
    return _one(await users.get(call.storage, call.actor, user, within=within))


async def _update(call: Call) -> Answer:
    (user, within), patch, post = person(call), call.body_as(UserPatch), call.runtime.post
    return _one(
        await users.update(
            call.storage, call.actor, user, patch, call.version, within=within, post=post
        )
    )


async def _hash(call: Call) -> Hashed | None:
    return await user_passwords.hash_new(call.runtime.passwords, call.body_as(NewUser).password)


async def _verify_email(call: Call) -> Answer:
    user, within = person(call)
    await users.verify_email(call.storage, call.actor, user, call.version, within=within)
    return Answer()


async def _history(call: Call) -> Answer:
    user, within = person(call)
    found = await users.get(call.storage, call.actor, user, within=within)
    return await history.answer(call, AuditFilter(user_id=found.id))


def _of_one(base: str) -> tuple[Route, ...]:
    """Return the routes of one person, as `base` names them."""
    return (
        *_read_and_changed(base),
        *_told_of(base),
    )


def _read_and_changed(base: str) -> tuple[Route, ...]:
    return (
        Route(
            "GET",
            base,
            "Read a person",
            _get,
            permissions=needed_by(users.get),
            response=Data[User],
            delegable=True,
        ),
        *(
            Route(
                method,
                base,
                "Change a person: what is left out stays, null removes",
                _update,
                permissions=needed_by(users.update),
                request=UserPatch,
                response=Data[User],
                errors=(400, 409, 412),
                delegable=True,
            )
            for method in ("PUT", "PATCH")
        ),
    )


def _told_of(base: str) -> tuple[Route, ...]:
    return (
        Route(
            "POST",
            f"{base}/verify-email",
            "Take the address of a person for theirs",
            _verify_email,
            permissions=needed_by(users.verify_email),
            request=Nothing,
            optional_body=True,
            errors=(412,),
            delegable=True,
        ),
        Route(
            "GET",
            f"{base}/history",
            "Tell what happened to a person",
            _history,
            permissions=needed_by(users.get),
            query=HistoryQuery,
            response=History,
            delegable=True,
        ),
    )


ROUTES = (
    Route(
        "POST",
        WITHIN,
        "Add a person to an organization",
        _create,
        permissions=needed_by(users.create),
        request=NewUser,
        prepare=_hash,
        response=Data[User],
        status=201,
        errors=(400, 409),
        delegable=True,
    ),
    Route(
        "GET",
        WITHIN,
        "List the people of an organization",
        _list,
        permissions=needed_by(users.list),
        query=UserQuery,
        response=Listing[User],
        delegable=True,
    ),
    *(route for base in ONES for route in _of_one(base)),
)
