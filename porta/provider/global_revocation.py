"""Global Token Revocation: a trusted caller ends all that a person holds.

draft-parecki-oauth-global-token-revocation-05. Whom to trust is registered: a client with the right
to it, and its keys. It signs each request anew (RFC 7523).
"""

from __future__ import annotations

from typing import Any

from porta.audit import events
from porta.audit.actors import Actor
from porta.errors import NotFound
from porta.limits.origin import Origin
from porta.protocol import endpoints
from porta.protocol.errors import InsufficientScope, InvalidToken
from porta.protocol.tokens.subject_identifier import Subject, parse_subject
from porta.provider import client_auth
from porta.runtime import Runtime
from porta.security.client_assertion import (
    MARK_LIFE,
    Assertion,
    read_client_id,
    verify_assertion,
)
from porta.security.client_keys import load_jwks
from porta.security.jwt import InvalidJWT
from porta.tenants import resolve
from porta.tenants.tenant import Tenant
from storage.errors import AlreadyConsumed
from storage.models.artifact import artifact_id
from storage.models.artifacts import ReplayDetection
from storage.models.clients import Client
from storage.models.users import User
from storage.repositories.columns import is_id
from storage.router import Storage

TYPES = ("JWT", "global-token-revocation+jwt")
"""What an assertion may say that it is, beside nothing."""
_REASON = "revoked_globally"


async def authenticate(runtime: Runtime, tenant: Tenant, assertion: str, origin: Origin) -> Client:
    """Return the client that signed this assertion, which is used up by it (§3.2, §6.1).

    Raises InvalidToken for one that is not right or was seen before, InsufficientScope for a client
    without the right, and Throttled in place of the former for who tries too often.
    """
    client = None
    endpoint = endpoints.absolute(tenant.issuer, endpoints.GLOBAL_REVOCATION)
    try:
        client_id = read_client_id(assertion)
        client = await resolve.find_client(runtime, tenant, client_id)
        if client is None:
            raise InvalidJWT("iss is no client")
        right = verify_assertion(
            assertion,
            load_jwks(client.metadata.get("jwks")),
            client_id=client_id,
            audiences=(tenant.issuer, endpoint),
            types=TYPES,
            now=runtime.clock(),
        )
    except InvalidJWT as refusal:
        claimed = client.client_id if client is not None else ""
        await client_auth.count_failure(runtime, tenant, claimed, client, origin)
        raise InvalidToken("the assertion is not valid", reason=str(refusal)) from None
    if not client.revokes_globally:
        raise InsufficientScope("this client may not revoke what people hold")
    await _use(runtime, tenant, right)
    return client


async def _use(runtime: Runtime, tenant: Tenant, assertion: Assertion) -> None:
    value = f"global_revocation {tenant.id} {assertion.client_id} {assertion.jti}"
    mark = ReplayDetection(id=artifact_id(value), organization_id=tenant.id)
    try:
        await runtime.storage.artifacts.save(mark, MARK_LIFE)
    except AlreadyConsumed:
        raise InvalidToken("the assertion was used before") from None


async def revoke(
    runtime: Runtime, tenant: Tenant, caller: Client, body: Any, origin: Origin
) -> None:
    """End every session of the person that `body` names, and every code and token, for good.

    Raises InvalidRequest, and NotFound for nobody of this organization (§3.4.2).
    """
    subject = parse_subject(body, tenant.issuer)
    async with runtime.storage.transaction() as tx:
        person = await _find(tx, tenant, subject) if subject is not None else None
        if person is None:
            raise NotFound("User not found")
        await tx.end_account(person.id, tenant.id, _REASON)
        await events.record(
            tx,
            "user.tokens.revoked",
            organization_id=tenant.id,
            user_id=person.id,
            metadata={"client_id": caller.client_id, "reason": "Global Token Revocation"},
            actor=Actor(client_id=caller.id, origin=origin),
        )


async def _find(tx: Storage, tenant: Tenant, subject: Subject) -> User | None:
    if subject.by == "email":
        return await tx.users.find_by_email(tenant.id, subject.value)
    if not is_id(subject.value):
        return None
    return await tx.users.find_by_id(subject.value, tenant.id)
