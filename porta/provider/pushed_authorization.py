"""Pushed authorization requests (RFC 9126)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from porta import tenancy
from porta.protocol import checks
from porta.protocol import pushed_authorization as protocol
from porta.protocol.errors import InvalidRequest, UntrustedRequest
from porta.protocol.params import Params
from porta.protocol.requests import parse_authorization_request
from porta.provider import clients, rules
from porta.provider.requests import ClientRequest
from porta.runtime import Runtime
from porta.security import opaque
from porta.tenant import Tenant
from storage.errors import AlreadyConsumed
from storage.models.artifacts import PushedAuthorizationRequest, artifact_id


async def push(runtime: Runtime, tenant: Tenant, request: ClientRequest) -> dict[str, Any]:
    """Check and keep an authorization request; return its `request_uri` and lifetime (§2.2)."""
    client = await clients.authenticate(runtime, tenant, request)
    protocol.check_pushed(request.form, client.client_id)
    named = {name: request.form.all(name) for name in request.form.names()}
    params = Params(named | {"client_id": (client.client_id,)})
    try:
        accepted = checks.accept(
            parse_authorization_request(params), client, await rules.find(runtime, tenant)
        )
    except UntrustedRequest as error:
        # There is no redirect to keep from: the client itself asks, and reads JSON (§2.3).
        raise InvalidRequest(error.message) from None
    value, ttl = opaque.new_value(), tenant.config.pushed_authorization_request_ttl
    pushed = PushedAuthorizationRequest(
        id=artifact_id(value),
        organization_id=tenant.id,
        era=tenancy.era_of(tenant, client),
        client_id=client.client_id,
        parameters=accepted.to_parameters(),
        resource=accepted.resource,
    )
    await runtime.storage.artifacts.save(pushed, ttl)
    return protocol.build_response(protocol.build_request_uri(value), ttl)


async def unfold(runtime: Runtime, tenant: Tenant, params: Params) -> Params:
    """Return the pushed parameters when `request_uri` names some, else `params` as they are.

    A reference works once, for the client that pushed it; what stands beside it in the URL is
    ignored (RFC 9126 §4). Raises UntrustedRequest for one that does not work.
    """
    reference = protocol.parse_request_uri(params.get("request_uri"))
    if reference is None:
        return params
    pushed = await _consume(runtime, tenant, reference)
    if pushed is None or not await _counts(runtime, tenant, pushed):
        raise UntrustedRequest("request_uri is unknown, expired or used")
    protocol.check_reference_client(params, pushed.client_id)
    # Ignored, but not what nobody may send at all: a parameter twice, or a request object besides
    # the reference (Core §6).
    wrong = "request is not supported beside request_uri" if "request" in params else None
    return params.replaced(_values(pushed.parameters, pushed.resource), wrong)


def to_params(parameters: Mapping[str, str], resource: tuple[str, ...]) -> Params:
    """Return a request that was kept as the parameters it came as."""
    return Params(_values(parameters, resource))


def _values(parameters: Mapping[str, str], resource: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    kept = {name: (value,) for name, value in parameters.items()}
    return kept | ({"resource": resource} if resource else {})


async def _counts(runtime: Runtime, tenant: Tenant, pushed: PushedAuthorizationRequest) -> bool:
    """Whether its client still has the rights it had when it pushed."""
    client = await tenancy.find_client(runtime, tenant, pushed.client_id)
    return client is not None and pushed.era == tenancy.era_of(tenant, client)


async def _consume(
    runtime: Runtime, tenant: Tenant, reference: str
) -> PushedAuthorizationRequest | None:
    if not opaque.well_formed(reference):
        return None
    try:
        return await runtime.storage.artifacts.consume(
            PushedAuthorizationRequest, reference, tenant.id
        )
    except AlreadyConsumed:
        return None
