"""Narrowing: what an authorization still covers when redeemed (RFC 6749 §6, RFC 8707 §2.2)."""

from __future__ import annotations

from porta.protocol.errors import InvalidGrant
from porta.protocol.features.resource_indicators import build_audience, narrow_resource
from porta.protocol.requests.scopes import parse_scope, remaining_scope
from porta.provider.grants.base import TokenRequest


def scope(call: TokenRequest, granted: str) -> tuple[str, ...]:
    """Return what of the scope that was granted the client may have still.

    Raises InvalidGrant when nothing is left of it.
    """
    values = parse_scope(granted)
    remaining = remaining_scope(values, call.client)
    if values and not remaining:
        raise InvalidGrant("nothing is left of the scope that was granted")
    return remaining


async def resource(
    call: TokenRequest, granted: tuple[str, ...], scope: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the resources that this request asks for. Raises InvalidTarget.

    Nobody was asked about those of a first-party client. What a third party named, a person was
    shown; where it named none, they were shown the `scope` that implies some.
    """
    requested = call.form.all("resource")
    if call.client.is_first_party:
        return narrow_resource(granted, requested)
    registered = await call.runtime.api_resources(call.tenant.id)
    implied = build_audience((), scope, registered, call.tenant.issuer)
    return narrow_resource(granted, requested, implied)
