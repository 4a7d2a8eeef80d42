"""Custom claims: what an application defines. What people have of them is in `user_claims.py`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from handlers.admin_api.lists import Listing, Sorting, listing, page_of
from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Moment, Nothing, Shown
from porta.services import claims
from porta.services.claims import NewClaim
from porta.services.permissions import needed_by
from storage.models.claims import ClaimDefinition as StoredClaim

_CLAIMS = "/applications/{applicationId}/claims"
_CLAIM = f"{_CLAIMS}/{{claimId}}"
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


def _take_other_names(data: Any) -> Any:
    if not isinstance(data, dict):
        return data
    renamed = {_OTHER_NAMES.get(name, name): value for name, value in data.items()}
    return renamed if len(renamed) == len(data) else data


class ClaimBody(NewClaim):
    """A claim to be defined."""

    _other_names = model_validator(mode="before")(_take_other_names)


class ClaimPatch(claims.ClaimPatch):
    """What of a definition is to change."""

    _other_names = model_validator(mode="before")(_take_other_names)


class ClaimQuery(Sorting):
    """In which order, and which page."""

    sort_by: _SortBy | None = None
    sort: _SortBy | None = None


def shown(stored: StoredClaim) -> Claim:
    """Return a definition as it is answered."""
    others = ("name", "slug", "value_type")
    told = {name: getattr(stored, name) for name in Claim.model_fields if name not in others}
    return Claim(
        **told,
        name=stored.title or stored.claim_name,
        slug=stored.claim_name,
        value_type=stored.claim_type,
    )


def _one(stored: StoredClaim) -> Answer:
    return Answer(Data(data=shown(stored)), version=stored.version)


async def _create(call: Call) -> Answer:
    owner, command = call.path["applicationId"], call.body_as(ClaimBody)
    return _one(await claims.create(call.storage, call.actor, owner, command))


async def _list(call: Call) -> Answer:
    query = call.query_as(ClaimQuery)
    page = page_of(call, query, default=100, sort="claim_name", order="asc")
    listed = await claims.list(call.storage, call.actor, call.path["applicationId"], page)
    return Answer(listing(call, query, page, listed, shown))


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
        errors=(412,),
    ),
)
