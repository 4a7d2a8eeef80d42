"""Values that people have of custom claims: given, read, taken."""

from __future__ import annotations

from pydantic import JsonValue

from handlers.admin_api.claims import Claim, shown
from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Items, Moment, Shown
from porta.errors import NotFound
from porta.services import user_claims
from porta.services.permissions import needed_by
from porta.services.user_claims import NewValue
from storage.models.claims import ClaimDefinition as StoredClaim
from storage.models.claims import ClaimValue as StoredValue

_CLAIMS = "/applications/{applicationId}/claims"
_VALUE = f"{_CLAIMS}/{{claimId}}/users/{{userId}}"


_OF_USER = "/organizations/{organizationId}/users/{userId}/claims"


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


def _value(stored: StoredValue) -> Answer:
    return Answer(Data(data=ClaimValue.model_validate(stored)), version=stored.version)


async def _list_values(call: Call) -> Answer:
    found = await user_claims.list_values(call.storage, call.actor, call.path["userId"])
    rows = tuple(
        DefinedValue(definition=shown(claim), value=ClaimValue.model_validate(value))
        for claim, value in found
    )
    return Answer(Items(data=rows, total=len(rows)))


async def _get_value(call: Call) -> Answer:
    owner, claim, user = (call.path[name] for name in ("applicationId", "claimId", "userId"))
    return _value(await user_claims.get_value(call.storage, call.actor, owner, claim, user))


async def _set_value(call: Call) -> Answer:
    owner, claim, user = (call.path[name] for name in ("applicationId", "claimId", "userId"))
    command = call.body_as(NewValue)
    return _value(
        await user_claims.set_value(
            call.storage, call.actor, owner, claim, user, command, call.version
        )
    )


async def _delete_value(call: Call) -> Answer:
    owner, claim, user = (call.path[name] for name in ("applicationId", "claimId", "userId"))
    await user_claims.delete_value(call.storage, call.actor, owner, claim, user, call.version)
    return Answer()


async def _list_named(call: Call) -> Answer:
    found = await user_claims.list_values(
        call.storage, call.actor, call.path["userId"], within=call.id("organizationId")
    )
    shown = tuple(_named(claim, value) for claim, value in found)
    return Answer(Items(data=shown, total=len(shown)))


async def _set_named(call: Call) -> Answer:
    claim, within = await _find(call), call.id("organizationId")
    value = await user_claims.set_value(
        call.storage, call.actor, claim.application_id, claim.id, call.path["userId"],
        call.body_as(NewValue), call.version, within=within,
    )  # fmt: skip
    return Answer(Data(data=_named(claim, value)), version=value.version)


async def _delete_named(call: Call) -> Answer:
    claim, within = await _find(call), call.id("organizationId")
    await user_claims.delete_value(
        call.storage, call.actor, claim.application_id, claim.id, call.path["userId"],
        call.version, within=within,
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
        "GET",
        f"{_CLAIMS}/users/{{userId}}",
        "List a person's values, of every application",
        _list_values,
        permissions=needed_by(user_claims.list_values),
        response=Items[DefinedValue],
        delegable=True,
    ),
    Route(
        "GET",
        _VALUE,
        "Read a person's value of a claim",
        _get_value,
        permissions=needed_by(user_claims.get_value),
        response=Data[ClaimValue],
        delegable=True,
    ),
    Route(
        "PUT",
        _VALUE,
        "Give a person a value of a claim",
        _set_value,
        permissions=needed_by(user_claims.set_value),
        request=NewValue,
        response=Data[ClaimValue],
        errors=(400, 412),
        delegable=True,
    ),
    Route(
        "DELETE",
        _VALUE,
        "Take a value from a person",
        _delete_value,
        permissions=needed_by(user_claims.delete_value),
        errors=(412,),
        delegable=True,
    ),
    Route(
        "GET",
        _OF_USER,
        "List the values of somebody of an organization",
        _list_named,
        permissions=needed_by(user_claims.list_values),
        response=Items[NamedValue],
        delegable=True,
    ),
    Route(
        "PUT",
        f"{_OF_USER}/{{claimId}}",
        "Give somebody of an organization a value",
        _set_named,
        permissions=needed_by(user_claims.set_value),
        request=NewValue,
        response=Data[NamedValue],
        errors=(400, 412),
        delegable=True,
    ),
    Route(
        "DELETE",
        f"{_OF_USER}/{{claimId}}",
        "Take a value from somebody of an organization",
        _delete_named,
        permissions=needed_by(user_claims.delete_value),
        errors=(412,),
        delegable=True,
    ),
)
