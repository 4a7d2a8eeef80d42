"""Passkeys of one person: which they have, called by a name, taken away."""

from __future__ import annotations

from pydantic import Field

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Items, Moment, Shown
from porta.services import user_passkeys
from porta.services.permissions import needed_by
from porta.services.user_passkeys import PasskeyPatch
from storage.models.passkeys import Passkey as StoredPasskey

_MANY = "/organizations/{organizationId}/users/{userId}/passkeys"
_ONE = f"{_MANY}/{{passkeyId}}"


class Passkey(Shown):
    """A passkey of a person. Neither its key nor its id at the authenticator is told."""

    id: str
    name: str
    aaguid: str | None = Field(description="The model of its authenticator, where that tells")
    transports: tuple[str, ...]
    backup_eligible: bool = Field(description="Whether it may be copied to other devices")
    backed_up: bool
    attestation_format: str
    created_at: Moment
    last_used_at: Moment | None


def _shown(stored: StoredPasskey) -> Answer:
    return Answer(Data(data=Passkey.model_validate(stored)), version=stored.version)


async def _list(call: Call) -> Answer:
    user, within = call.id("userId"), call.id("organizationId")
    found = await user_passkeys.list(call.storage, call.actor, user, within=within)
    return Answer(Items(data=tuple(map(Passkey.model_validate, found)), total=len(found)))


async def _get(call: Call) -> Answer:
    user, within, passkey = call.id("userId"), call.id("organizationId"), call.id("passkeyId")
    return _shown(await user_passkeys.get(call.storage, call.actor, user, passkey, within=within))


async def _rename(call: Call) -> Answer:
    user, within, passkey = call.id("userId"), call.id("organizationId"), call.id("passkeyId")
    patch = call.body_as(PasskeyPatch)
    return _shown(
        await user_passkeys.rename(
            call.storage, call.actor, user, passkey, patch, call.version, within=within
        )
    )


async def _remove(call: Call) -> Answer:
    user, within, passkey = call.id("userId"), call.id("organizationId"), call.id("passkeyId")
    await user_passkeys.remove(
        call.storage, call.actor, user, passkey, call.version, within=within, post=call.runtime.post
    )
    return Answer()


ROUTES = (
    Route(
        "GET",
        _MANY,
        "List the passkeys of a person",
        _list,
        permissions=needed_by(user_passkeys.list),
        response=Items[Passkey],
        delegable=True,
    ),
    Route(
        "GET",
        _ONE,
        "Read a passkey of a person",
        _get,
        permissions=needed_by(user_passkeys.get),
        response=Data[Passkey],
        delegable=True,
    ),
    *(
        Route(
            method,
            _ONE,
            "Call a passkey something else",
            _rename,
            permissions=needed_by(user_passkeys.rename),
            request=PasskeyPatch,
            response=Data[Passkey],
            errors=(412,),
            delegable=True,
        )
        for method in ("PUT", "PATCH")
    ),
    Route(
        "DELETE",
        _ONE,
        "Take a passkey from a person, and end what they hold",
        _remove,
        permissions=needed_by(user_passkeys.remove),
        errors=(412,),
        delegable=True,
    ),
)
