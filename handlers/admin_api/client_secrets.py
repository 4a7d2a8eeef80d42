"""Secrets of clients: listed, added, ended."""

from __future__ import annotations

from pydantic import Field

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Items, Moment, Shown
from porta.security.passwords import Hashed
from porta.services import client_secrets
from porta.services.client_secrets import NewSecret
from porta.services.commands import Reasoned
from porta.services.permissions import needed_by
from storage.models.clients import SecretEntry

_SECRETS = "/clients/{clientId}/secrets"
_SECRET = f"{_SECRETS}/{{secretId}}"


WARNING = "This secret is shown once and cannot be read again"


class Secret(Shown):
    """A secret, never its value."""

    id: str
    client_id: str = Field(description="The id of the client, not its client_id")
    label: str | None
    expires_at: Moment | None
    status: str
    last_used_at: Moment | None
    created_at: Moment


class ShownSecret(Shown):
    """A secret that was just made, with its value."""

    id: str
    client_id: str
    label: str | None
    plaintext: str
    secret: str = Field(description="The same as `plaintext`")
    expires_at: Moment | None
    created_at: Moment


class SecretAnswer(Shown):
    """A secret, this once."""

    data: ShownSecret
    warning: str


def new_secret(entry: SecretEntry, value: str) -> ShownSecret:
    return ShownSecret(
        id=entry.id,
        client_id=entry.client_id,
        label=entry.label,
        plaintext=value,
        secret=value,
        expires_at=entry.expires_at,
        created_at=entry.created_at,
    )


async def _list_secrets(call: Call) -> Answer:
    found = await client_secrets.list(call.storage, call.actor, call.path["clientId"])
    return Answer(Items(data=tuple(map(Secret.model_validate, found)), total=len(found)))


async def _hash(call: Call) -> Hashed:
    return await client_secrets.hash_new(call.runtime.passwords, call.body_as(NewSecret))


async def _add_secret(call: Call) -> Answer:
    command, target = call.body_as(NewSecret), call.path["clientId"]
    assert call.hashed is not None
    entry, value = await client_secrets.add(call.storage, call.actor, target, command, call.hashed)
    return Answer(SecretAnswer(data=new_secret(entry, value), warning=WARNING))


async def _revoke_secret(call: Call) -> Answer:
    target, secret = call.path["clientId"], call.path["secretId"]
    await client_secrets.revoke(call.storage, call.actor, target, secret)
    return Answer()


ROUTES = (
    Route(
        "GET",
        _SECRETS,
        "List the secrets of a client, never their values",
        _list_secrets,
        permissions=needed_by(client_secrets.list),
        response=Items[Secret],
        delegable=True,
    ),
    Route(
        "POST",
        _SECRETS,
        "Give a client one more secret, which is shown this once",
        _add_secret,
        permissions=needed_by(client_secrets.add),
        request=NewSecret,
        prepare=_hash,
        response=SecretAnswer,
        status=201,
        errors=(400,),
        optional_body=True,
        delegable=True,
    ),
    *(
        Route(
            method,
            path,
            "End a secret of a client for good",
            _revoke_secret,
            permissions=needed_by(client_secrets.revoke),
            request=Reasoned if method == "POST" else None,
            optional_body=method == "POST",
            delegable=True,
        )
        for method, path in (("POST", f"{_SECRET}/revoke"), ("DELETE", _SECRET))
    ),
)
