"""Pushed authorization requests (RFC 9126)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from porta.limits import request_limits
from porta.protocol.errors import (
    DeadRequestUri,
    InvalidRequest,
    UnauthorizedClient,
    UntrustedRequest,
)
from porta.protocol.features import pushed_authorization as protocol
from porta.protocol.requests.params import Params
from porta.protocol.requests.response_modes import check_returnable
from porta.provider import client_auth
from porta.provider.acceptance import accept
from porta.provider.requests import ClientRequest
from porta.runtime import Runtime
from porta.security import opaque
from porta.tenants import resolve
from porta.tenants.tenant import Tenant
from storage.models.artifact import artifact_id
from storage.models.artifacts import PushedAuthorizationRequest


async def push(runtime: Runtime, tenant: Tenant, request: ClientRequest) -> dict[str, Any]:
    """Check and keep an authorization request; return its `request_uri` and lifetime (§2.2).

    Raises UnauthorizedClient for a client without a secret, unless the system allows it, and
    Throttled where too many were pushed.
    """
    client = await client_auth.authenticate(runtime, tenant, request)
    if (
        client.token_endpoint_auth_method == "none"
        and not tenant.config.allow_public_pushed_requests
    ):
        raise UnauthorizedClient("a client without a secret may not push requests here")
    protocol.check_pushed(request.form, client.client_id)
    named = {name: request.form.all(name) for name in request.form.names()}
    params = Params(named | {"client_id": (client.client_id,)})
    try:
        accepted = await accept(runtime, tenant, client, params)
        check_returnable(
            accepted.redirect_uri, accepted.response_mode, tenant.issuer, accepted.state
        )
    except UntrustedRequest as error:
        # There is no redirect to keep from: the client itself asks, and reads JSON (§2.3).
        raise InvalidRequest(error.message) from None
    await request_limits.count_push(runtime, tenant, client, request.origin.address)
    value, ttl = opaque.new_value(), tenant.config.pushed_authorization_request_ttl
    pushed = PushedAuthorizationRequest(
        id=artifact_id(value),
        organization_id=tenant.id,
        era=resolve.era_of(tenant, client),
        client_id=client.client_id,
        parameters=accepted.to_parameters(),
        resource=accepted.resource,
        hint_subject=accepted.hint_subject,
    )
    await runtime.storage.artifacts.save(pushed, ttl)
    return protocol.build_response(protocol.build_request_uri(value), ttl)


async def find(
    runtime: Runtime, tenant: Tenant, params: Params
) -> PushedAuthorizationRequest | None:
    """Return the pushed request that `request_uri` names, None where that names none of ours.

    It may be visited again until it expires: a reload, Back or a prefetch costs nothing. Raises
    DeadRequestUri for one that is unknown, expired or used, UntrustedRequest for another client's.
    """
    reference = protocol.parse_request_uri(params.get("request_uri"))
    if reference is None:
        return None
    pushed = None
    if opaque.well_formed(reference):
        pushed = await runtime.storage.artifacts.find(
            PushedAuthorizationRequest, reference, tenant.id
        )
    if pushed is None or not await _counts(runtime, tenant, pushed):
        raise DeadRequestUri("request_uri is unknown, expired or used")
    protocol.check_reference_client(params, pushed.client_id)
    return pushed


def resolve_request_uri(params: Params, pushed: PushedAuthorizationRequest) -> Params:
    """Return the parameters that were pushed: what stands beside `request_uri` in the URL is
    ignored (RFC 9126 §4).
    """
    # Ignored, but not what nobody may send at all: a parameter twice, or a request object besides
    # the reference (Core §6).
    wrong = "request is not supported beside request_uri" if "request" in params else None
    return params.replaced(_values(pushed.parameters, pushed.resource), wrong)


async def use(runtime: Runtime, tenant: Tenant, id: str) -> bool:
    """Tell whether the pushed request of this `id` may be answered with a code: once ever.

    Decided by one statement, before the code is made: should that fail, there is none.
    """
    config = tenant.config
    longest = config.pushed_authorization_request_ttl + config.interaction_ttl
    return await runtime.storage.pushed_requests.use(id, tenant.id, longest)


def to_params(parameters: Mapping[str, str], resource: tuple[str, ...]) -> Params:
    """Return a request that was kept as the parameters it came as."""
    return Params(_values(parameters, resource))


def _values(parameters: Mapping[str, str], resource: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    kept = {name: (value,) for name, value in parameters.items()}
    return kept | ({"resource": resource} if resource else {})


async def _counts(runtime: Runtime, tenant: Tenant, pushed: PushedAuthorizationRequest) -> bool:
    """Whether its client still has the rights it had when it pushed."""
    client = await resolve.find_client(runtime, tenant, pushed.client_id)
    return client is not None and pushed.era == resolve.era_of(tenant, client)
