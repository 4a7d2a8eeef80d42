"""Acceptance of an authorization request: the same checks on whichever road it came."""

from __future__ import annotations

from msgspec.structs import replace

from porta.protocol.clients.redirect_uris import check_redirect_uri
from porta.protocol.errors import UntrustedRequest
from porta.protocol.requests import checks
from porta.protocol.requests.authorization_request import (
    AuthorizationRequest,
    RedirectTarget,
    check_kept_size,
    parse_authorization_request,
    parse_client_id,
    parse_redirect_target,
)
from porta.protocol.requests.consent import needed_consent
from porta.protocol.requests.params import Params
from porta.protocol.requests.response_modes import check_returnable
from porta.provider import hints, policy
from porta.runtime import Runtime
from porta.tenants import resolve
from porta.tenants.tenant import Tenant
from storage.models.clients import Client


async def trust(runtime: Runtime, tenant: Tenant, params: Params) -> tuple[Client, RedirectTarget]:
    """Return the client of a request, and where an answer to it travels.

    Raises UntrustedRequest while there is no client, no redirect URI of its own, or no room for
    `state` in a redirect to it.
    """
    client_id = parse_client_id(params)
    client = await resolve.find_client(runtime, tenant, client_id)
    if client is None:
        raise UntrustedRequest("the client is not known here").with_values(client_id)
    target = parse_redirect_target(params, client)
    check_redirect_uri(client, target.redirect_uri)
    check_returnable(target.redirect_uri, target.response_mode, tenant.issuer, target.state)
    return client, target


async def accept(
    runtime: Runtime,
    tenant: Tenant,
    client: Client,
    params: Params,
    hint_subject: str | None = None,
) -> AuthorizationRequest:
    """Return the request that `params` describe, fit to be answered or kept.

    Its `id_token_hint` is verified and gives way to the subject it names; `hint_subject` is that
    of one which was verified before the request was kept. Raises UntrustedRequest for the redirect
    URI, and for anything else the OAuthError that travels to the client.
    """
    request = parse_authorization_request(params, client)
    accepted = checks.accept(request, client, await policy.find(runtime, tenant))
    hint = accepted.id_token_hint
    bare = accepted if hint is None else replace(accepted, id_token_hint=None)
    check_kept_size(bare, needed_consent(bare, client))
    named = await hints.subject(runtime, tenant, hint) or hint_subject
    return bare if named is None else replace(bare, hint_subject=named)
