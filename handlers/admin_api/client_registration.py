"""OAuth clients registered: a confidential one with its first secret, shown this once."""

from __future__ import annotations

from pydantic import model_validator

from handlers.admin_api.client_secrets import WARNING, ShownSecret, new_secret
from handlers.admin_api.clients import WholeClient, take_other_names, whole
from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Shown
from porta.security.passwords import Hashed
from porta.services import client_secrets
from porta.services.client_registration import NewClient
from porta.services.client_secrets import NewSecret
from porta.services.commands import Command
from porta.services.fields import Name
from porta.services.permissions import needed_by


class CreatedClient(WholeClient):
    """A client that was just made; and again under `client`, as Porta 1.x answered."""

    client: WholeClient
    secret: ShownSecret | None


class CreatedAnswer(Shown):
    """A client, and its first secret, this once."""

    data: CreatedClient
    warning: str | None = None


class ClientBody(NewClient):
    """A client to be made; a confidential one gets a secret."""

    secret_label: Name | None = None

    _other_names = model_validator(mode="before")(take_other_names)


def _command(body: Command) -> NewClient:
    return NewClient.parse(body.model_dump(exclude_unset=True, exclude={"secret_label"}))


async def _hash_first(call: Call) -> Hashed | None:
    return await client_secrets.hash_first(call.runtime.passwords, _command(call.body))


async def _create(call: Call) -> Answer:
    body = call.body_as(ClientBody)
    label = NewSecret(label=body.secret_label)
    made, issued = await client_secrets.create_client(
        call.storage, call.actor, _command(body), label, call.hashed
    )
    shown = await whole(call, made)
    secret = new_secret(*issued) if issued else None
    created = CreatedClient(**dict(shown), client=shown, secret=secret)
    if secret is None:
        return Answer(CreatedAnswer(data=created), version=made.version)
    return Answer(CreatedAnswer(data=created, warning=WARNING), version=made.version)


ROUTES = (
    Route(
        "POST",
        "/clients",
        "Make a client; a confidential one gets a secret, which is shown this once",
        _create,
        permissions=needed_by(client_secrets.create_client),
        request=ClientBody,
        prepare=_hash_first,
        response=CreatedAnswer,
        status=201,
        errors=(400, 409),
        delegable=True,
    ),
)
