"""Signing keys: the rings, listed, extended, rotated; a key revoked."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Items, Moment, Shown
from porta.errors import Invalid
from porta.security.encryption import EncryptionKeys
from porta.security.key_schedule import State
from porta.security.keys import ALGORITHMS
from porta.services import key_listing, signing_keys
from porta.services.commands import Command
from porta.services.key_listing import ListedKey
from storage.models.signing_keys import SigningKey

_Algorithm = Literal["ES256", "RS256", "PS256", "EdDSA"]


class Key(Shown):
    """A signing key; nothing of its private half."""

    id: str
    kid: str
    algorithm: str
    organization_id: str | None
    """None for the ring that all organizations without one of their own share."""
    status: State
    is_active: bool
    created_at: Moment
    signs_from: Moment
    leaves_at: Moment | None
    """When it leaves the JWKS; null while nothing has taken its place."""
    retired_at: Moment | None
    rotated_at: Moment | None
    """The same as `retiredAt`, as clients of 1.x call it."""


class Ring(Command):
    """Which ring, and which of its algorithms; all of them where none is named."""

    organization_id: UUID | None = None
    algorithm: _Algorithm | None = None


class Revocation(Command):
    """Whether the key is revoked although no other one could sign then."""

    force: bool = False


class Made(Shown):
    """Keys that were made: the first, and all of them."""

    id: str
    kid: str
    message: str
    retired_count: int
    """How many stop signing when the new ones begin."""
    keys: tuple[str, ...]


def _keys(call: Call) -> EncryptionKeys:
    return call.runtime.settings.signing_key_encryption_keys


def _shown(key: ListedKey) -> Key:
    return Key(
        id=key.id,
        kid=key.kid,
        algorithm=key.algorithm,
        organization_id=key.organization_id,
        status=key.state,
        is_active=key.state is State.ACTIVE,
        created_at=key.created_at,
        signs_from=key.signs_from,
        leaves_at=key.leaves,
        retired_at=key.retired_at,
        rotated_at=key.retired_at,
    )


async def _list(call: Call) -> Answer:
    found = await key_listing.listing(call.storage, _keys(call), now=call.runtime.clock())
    newest = sorted(found, key=lambda each: each.created_at, reverse=True)
    return Answer(Items(data=tuple(map(_shown, newest)), total=len(found)))


async def _make(call: Call, message: str, *, first: bool) -> Answer:
    ring = call.body_as(Ring)
    organization_id = str(ring.organization_id) if ring.organization_id else None
    if organization_id and await call.storage.organizations.find_by_id(organization_id) is None:
        raise Invalid.at("organizationId", message="there is no such organization")
    lead = (await call.runtime.snapshot()).config.signing_key_lead
    now, made = call.runtime.clock(), tuple[SigningKey, ...]()
    if first:
        made = await signing_keys.ensure(
            call.storage, _keys(call), (ring.algorithm,) if ring.algorithm else ALGORITHMS,
            now=now, lead=lead, organization_id=organization_id, actor=call.actor,
        )  # fmt: skip
    retired = 0
    if not made:
        made = await signing_keys.rotate(
            call.storage, _keys(call), now=now, lead=lead, algorithm=ring.algorithm,
            organization_id=organization_id, actor=call.actor,
        )  # fmt: skip
        retired = len(made)
    shown = Made(
        id=made[0].id,
        kid=made[0].kid,
        message=message,
        retired_count=retired,
        keys=tuple(each.kid for each in made),
    )
    return Answer(Data(data=shown))


async def _generate(call: Call) -> Answer:
    return await _make(
        call, "New keys are published, and sign once verifiers know them", first=True
    )


async def _rotate(call: Call) -> Answer:
    return await _make(
        call, "New keys are published, and take over from the former ones", first=False
    )


async def _revoke(call: Call) -> Answer:
    force = call.body_as(Revocation).force
    await signing_keys.revoke(
        call.storage, _keys(call), call.path["kid"], now=call.runtime.clock(), force=force,
        actor=call.actor,
    )  # fmt: skip
    return Answer()


ROUTES = (
    Route(
        "GET",
        "/keys",
        "List the keys of every ring, the newest first",
        _list,
        permissions=("admin:key:read",),
        response=Items[Key],
    ),
    Route(
        "POST",
        "/keys/generate",
        "Give a ring the keys that it lacks, or else its next ones",
        _generate,
        permissions=("admin:key:generate",),
        request=Ring,
        response=Data[Made],
        status=201,
        optional_body=True,
    ),
    Route(
        "POST",
        "/keys/rotate",
        "Give a ring its next keys",
        _rotate,
        permissions=("admin:key:rotate",),
        request=Ring,
        response=Data[Made],
        status=201,
        errors=(404,),
        optional_body=True,
    ),
    Route(
        "POST",
        "/keys/{kid}/revoke",
        "Take a key out of its ring for good",
        _revoke,
        permissions=("admin:key:rotate",),
        request=Revocation,
        optional_body=True,
    ),
)
