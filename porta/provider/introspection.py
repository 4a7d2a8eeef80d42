"""Token introspection (RFC 7662)."""

from __future__ import annotations

from typing import Any

from porta import tenancy
from porta.protocol import introspection
from porta.provider import clients
from porta.provider.requests import ClientRequest
from porta.runtime import Runtime
from porta.tenant import Tenant

_MAX_TOKEN = 16_384  # characters: nothing of ours is longer


async def introspect(runtime: Runtime, tenant: Tenant, request: ClientRequest) -> dict[str, Any]:
    """Describe a living token to a confidential client that has a right to know it.

    Everything else is `active: false`, whatever the reason.
    """
    client = await clients.authenticate_confidential(runtime, tenant, request)
    value = request.form.required("token")
    found = await runtime.storage.tokens.find(value, tenant.id) if is_askable(value) else None
    if found is None:
        return {"active": False}
    holder = await tenancy.find_client(runtime, tenant, found.token.client_id)
    if holder is None or not introspection.may_introspect(client, found.token, holder):
        return {"active": False}
    return introspection.build_introspection(found.token, tenant.issuer, int(runtime.clock()))


def is_askable(value: str) -> bool:
    """Whether `value` could be a token of ours at all; others never reach a store."""
    return len(value) <= _MAX_TOKEN and value.isascii() and value.isprintable()
