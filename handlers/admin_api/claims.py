"""Custom claims: what an application defines, and the values that people have."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, JsonValue, model_validator

from handlers.admin_api.lists import Listing, Sorting, listing, page_of
from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Items, Moment, Nothing, Shown
from porta.errors import NotFound
from porta.services import claims
from porta.services.claims import ClaimPatch, NewClaim, NewValue
from porta.services.permissions import needed_by
from storage.models.claims import ClaimDefinition as StoredClaim
from storage.models.claims import ClaimValue as StoredValue

_CLAIMS = "/applications/{applicationId}/claims"
_CLAIM = f"{_CLAIMS}/{{claimId}}"
_VALUE = f"{_CLAIM}/users/{{userId}}"
_OF_USER = "/organizations/{organizationId}/users/{userId}/claims"
_SortBy = Literal["claim_name", "claimName", "created_at", "createdAt"]
_OTHER_NAMES = {"slug": "claimName", "name": "title", "valueType": "claimType"}
"""What the programming interface of Porta 1.x calls them."""


class Claim(Shown):
    """A claim that an application defines."""

    id: str
    application_id: str
    claim_name: str
    claim_type: str
    title: str | None
    description: str | None
    include_in_id_token: bool
    include_in_access_token: bool
    include_in_userinfo: bool
    name: str = Field(description="The title, or else the claim's name")
    slug: str = Field(description="The same as `claimName`")
    value_type: str = Field(description="The same as `claimType`")
    created_at: Moment
    updated_at: Moment


class ClaimValue(Shown):
    """A person's value of a claim."""

    id: str
    user_id: str
    claim_id: str
    value: JsonValue
    created_at: Moment
    updated_at: Moment


class DefinedValue(Shown):
    """A value with what it is of; and the same under the names that some clients know."""

    definition: Claim
    value: ClaimValue


class NamedValue(Shown):
    """A person's value of a claim, by the name of the claim."""

    claim_definition_id: str
    claim_name: str
    claim_slug: str
    application_id: str
    value: JsonValue
    updated_at: Moment


class ClaimBody(NewClaim):
    """A claim to be defined."""

    @model_validator(mode="before")
    @classmethod
    def _take_other_names(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        renamed = {_OTHER_NAMES.get(name, name): value for name, value in data.items()}
        return renamed if len(renamed) == len(data) else data


class ClaimQuery(Sorting):
    """In which order, and which page."""

    sort_by: _SortBy | None = None
    sort: _SortBy | None = None


def _shown(stored: StoredClaim) -> Claim:
    others = ("name", "slug", "value_type")
    told = {name: getattr(stored, name) for name in Claim.model_fields if name not in others}
    return Claim(
        **told,
        name=stored.title or stored.claim_name,
        slug=stored.claim_name,
        value_type=stored.claim_type,
    )


def _one(stored: StoredClaim) -> Answer:
    return Answer(Data(data=_shown(stored)), version=stored.version)


def _value(stored: StoredValue) -> Answer:
    return Answer(Data(data=ClaimValue.model_validate(stored)), version=stored.version)


async def _create(call: Call) -> Answer:
    owner, command = call.path["applicationId"], call.body_as(ClaimBody)
    return _one(await claims.create(call.storage, call.actor, owner, command))


async def _list(call: Call) -> Answer:
    query = call.query_as(ClaimQuery)
    page = page_of(call, query, default=100, sort="claim_name", order="asc")
    listed = await claims.list(call.storage, call.actor, call.path["applicationId"], page)
    return Answer(listing(call, query, page, listed, _shown))


async def _get(call: Call) -> Answer:
    owner, target = call.path["applicationId"], call.path["claimId"]
    return _one(await claims.get(call.storage, call.actor, owner, target))


async def _update(call: Call) -> Answer:
    owner, target = call.path["applicationId"], call.path["claimId"]
    patch = call.body_as(ClaimPatch)
    return _one(await claims.update(call.storage, call.actor, owner, target, patch, call.version))


async def _delete(call: Call) -> Answer:
    owner, target = call.path["applicationId"], call.path["claimId"]
    await claims.delete(call.storage, call.actor, owner, target, call.version)
    return Answer()


async def _list_values(call: Call) -> Answer:
    found = await claims.list_values(call.storage, call.actor, call.path["userId"])
    shown = tuple(
        DefinedValue(definition=_shown(claim), value=ClaimValue.model_validate(value))
        for claim, value in found
    )
    return Answer(Items(data=shown, total=len(shown)))


async def _get_value(call: Call) -> Answer:
    owner, claim, user = (call.path[name] for name in ("applicationId", "claimId", "userId"))
    return _value(await claims.get_value(call.storage, call.actor, owner, claim, user))


async def _set_value(call: Call) -> Answer:
    owner, claim, user = (call.path[name] for name in ("applicationId", "claimId", "userId"))
    command = call.body_as(NewValue)
    return _value(await claims.set_value(call.storage, call.actor, owner, claim, user, command))


async def _delete_value(call: Call) -> Answer:
    owner, claim, user = (call.path[name] for name in ("applicationId", "claimId", "userId"))
    await claims.delete_value(call.storage, call.actor, owner, claim, user)
    return Answer()


async def _list_named(call: Call) -> Answer:
    found = await claims.list_values(
        call.storage, call.actor, call.path["userId"], within=call.id("organizationId")
    )
    shown = tuple(_named(claim, value) for claim, value in found)
    return Answer(Items(data=shown, total=len(shown)))


async def _set_named(call: Call) -> Answer:
    claim, within = await _find(call), call.id("organizationId")
    value = await claims.set_value(
        call.storage, call.actor, claim.application_id, claim.id, call.path["userId"],
        call.body_as(NewValue), within=within,
    )  # fmt: skip
    return Answer(Data(data=_named(claim, value)))


async def _delete_named(call: Call) -> Answer:
    claim, within = await _find(call), call.id("organizationId")
    await claims.delete_value(
        call.storage, call.actor, claim.application_id, claim.id, call.path["userId"],
        within=within,
    )  # fmt: skip
    return Answer()


async def _find(call: Call) -> StoredClaim:
    found = await call.storage.claims.find_by_id(call.id("claimId"))
    if found is None:
        raise NotFound("Claim not found")
    return found


def _named(claim: StoredClaim, value: StoredValue) -> NamedValue:
    return NamedValue(
        claim_definition_id=claim.id,
        claim_name=claim.title or claim.claim_name,
        claim_slug=claim.claim_name,
        application_id=claim.application_id,
        value=value.value,
        updated_at=value.updated_at,
    )


ROUTES = (
    Route(
        "POST",
        _CLAIMS,
        "Define a claim of an application",
        _create,
        permissions=needed_by(claims.create),
        request=ClaimBody,
        response=Data[Claim],
        status=201,
        errors=(400, 409),
    ),
    Route(
        "GET",
        _CLAIMS,
        "List the claims that an application defines",
        _list,
        permissions=needed_by(claims.list),
        query=ClaimQuery,
        response=Listing[Claim],
        delegable=True,
    ),
    Route(
        "GET",
        _CLAIM,
        "Read a definition, by id or name",
        _get,
        permissions=needed_by(claims.get),
        response=Data[Claim],
        delegable=True,
    ),
    *(
        Route(
            method,
            _CLAIM,
            "Change a definition",
            _update,
            permissions=needed_by(claims.update),
            request=ClaimPatch,
            response=Data[Claim],
            errors=(409, 412),
        )
        for method in ("PUT", "PATCH")
    ),
    Route(
        "DELETE",
        _CLAIM,
        "Delete a definition with every value",
        _delete,
        permissions=needed_by(claims.delete),
        errors=(412,),
    ),
    Route(
        "POST",
        f"{_CLAIM}/archive",
        "The same, as some clients call it",
        _delete,
        permissions=needed_by(claims.delete),
        request=Nothing,
        optional_body=True,
    ),
    Route(
        "GET",
        f"{_CLAIMS}/users/{{userId}}",
        "List a person's values, of every application",
        _list_values,
        permissions=needed_by(claims.list_values),
        response=Items[DefinedValue],
        delegable=True,
    ),
    Route(
        "GET",
        _VALUE,
        "Read a person's value of a claim",
        _get_value,
        permissions=needed_by(claims.get_value),
        response=Data[ClaimValue],
        delegable=True,
    ),
    Route(
        "PUT",
        _VALUE,
        "Give a person a value of a claim",
        _set_value,
        permissions=needed_by(claims.set_value),
        request=NewValue,
        response=Data[ClaimValue],
        errors=(400,),
        delegable=True,
    ),
    Route(
        "DELETE",
        _VALUE,
        "Take a value from a person",
        _delete_value,
        permissions=needed_by(claims.delete_value),
        delegable=True,
    ),
    Route(
        "GET",
        _OF_USER,
        "List the values of somebody of an organization",
        _list_named,
        permissions=needed_by(claims.list_values),
        response=Items[NamedValue],
        delegable=True,
    ),
    Route(
        "PUT",
        f"{_OF_USER}/{{claimId}}",
        "Give somebody of an organization a value",
        _set_named,
        permissions=needed_by(claims.set_value),
        request=NewValue,
        response=Data[NamedValue],
        errors=(400,),
        delegable=True,
    ),
    Route(
        "DELETE",
        f"{_OF_USER}/{{claimId}}",
        "Take a value from somebody of an organization",
        _delete_named,
        permissions=needed_by(claims.delete_value),
        delegable=True,
    ),
)
