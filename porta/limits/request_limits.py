"""How many requests may be left waiting: from one address, and for one client."""

from __future__ import annotations

from dataclasses import dataclass

from porta.limits.rate_limits import Throttled, weighed_blocks
from porta.runtime import Runtime
from porta.tenants.tenant import Tenant
from storage.models.clients import Client
from storage.stores.counters import Excess, Limit

_SLOT = "waiting requests"
"""One for all: addresses, organizations and clients are counted together, in one round trip."""
_SHARE = 100
"""Where a client has had too many, an address may still leave the hundredth part of what it might
otherwise: whoever floods is refused, and a person who comes by is not."""


@dataclass(frozen=True, slots=True)
class _Bounds:
    """What one address may leave within an organization, and over the installation."""

    kind: str
    most: int
    everywhere: int


async def count_interaction(runtime: Runtime, tenant: Tenant, client: Client, address: str) -> None:
    """Count a request that will wait for a person, before it is kept. Raises Throttled."""
    config = tenant.config
    bounds = _Bounds(
        "interaction", config.rate_limit_request_max, config.rate_limit_request_installation_max
    )
    await _count(runtime, tenant, client, address, bounds)


async def count_push(runtime: Runtime, tenant: Tenant, client: Client, address: str) -> None:
    """Count a request that is pushed, before it is kept. Raises Throttled.

    A client that proved itself pushes for all of its people from one address, which may therefore
    push as much as the client.
    """
    config = tenant.config
    bounds = _Bounds(
        "push", config.rate_limit_request_max, config.rate_limit_request_installation_max
    )
    if client.token_endpoint_auth_method != "none":
        whole = config.rate_limit_request_client_max
        bounds = _Bounds("push", whole, whole)
    await _count(runtime, tenant, client, address, bounds)


async def _count(
    runtime: Runtime, tenant: Tenant, client: Client, address: str, bounds: _Bounds
) -> None:
    """Count for the address, over the installation and within the organization, then for the
    client: what is refused before is not counted against it.
    """
    kind, window = bounds.kind, tenant.config.rate_limit_request_window
    blocks = weighed_blocks(address)
    own = Limit(
        f"{kind}_client:{tenant.id}:{client.client_id}",
        tenant.config.rate_limit_request_client_max,
        window,
    )
    limits = [
        *(Limit(f"{kind}:{block}", bounds.everywhere * n, window) for block, n in blocks),
        *(Limit(f"{kind}:{tenant.id}:{block}", bounds.most * n, window) for block, n in blocks),
        own,
    ]
    excess = await runtime.storage.counters.spend(_SLOT, limits)
    if excess is not None and excess.limit is own:
        excess = await _spend_share(runtime, own, address, max(1, bounds.most // _SHARE))
    if excess is not None:
        raise Throttled(excess, reason="request_limit")


async def _spend_share(runtime: Runtime, own: Limit, address: str, share: int) -> Excess | None:
    """Count against what an address has of a client that has had too many."""
    limits = [
        Limit(f"{own.key}:{block}", share * n, own.seconds) for block, n in weighed_blocks(address)
    ]
    return await runtime.storage.counters.spend(_SLOT, limits)
