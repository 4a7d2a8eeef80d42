"""An authorization request, accepted: the same checks on whichever road it came."""

from __future__ import annotations

from dataclasses import replace

from porta.protocol import checks
from porta.protocol.consent import needed_consent
from porta.protocol.params import Params
from porta.protocol.requests import (
    AuthorizationRequest,
    check_kept_size,
    parse_authorization_request,
)
from porta.provider import hints, rules
from porta.runtime import Runtime
from porta.tenant import Tenant
from storage.models.clients import Client


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
    request = parse_authorization_request(params)
    accepted = checks.accept(request, client, await rules.find(runtime, tenant))
    bare = replace(accepted, id_token_hint=None)
    check_kept_size(bare, needed_consent(bare, client))
    named = await hints.subject(runtime, tenant, accepted.id_token_hint)
    return replace(bare, hint_subject=named or hint_subject)
