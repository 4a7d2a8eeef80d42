"""Rate limits of requests left waiting: from one address, and for one client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from porta.limits.rate_limits import Throttled, weighed_blocks
from porta.runtime import Runtime
from porta.tenants.tenant import Tenant
from storage.models.clients import Client
from storage.models.interactions import Interaction
from storage.stores.counters import Excess, Limit

_T = TypeVar("_T")

_SLOT = "waiting requests"
"""One for all: addresses, organizations and clients are counted together, in one round trip."""
_SHARE = 100
"""Where a client has had too many, an address may still leave the hundredth part of what it might
otherwise: whoever floods is refused, and a person who comes by is not."""


class _Bounds(msgspec.Struct, frozen=True):
    """What one address may leave within an organization, and over the installation."""

    kind: str
    most: int
    everywhere: int


async def keep_interaction(
    runtime: Runtime,
    tenant: Tenant,
    client: Client,
    address: str,
    make: Callable[..., Interaction],
) -> str:
    """Count a request that waits for a person, then keep what `make` builds; return its value.

    Raises Throttled, and keeps nothing.
    """
    config = tenant.config
    bounds = _Bounds(
        "interaction", config.rate_limit_request_max, config.rate_limit_request_installation_max
    )
    keep = partial(runtime.storage.counted.create, _SLOT, make=make, ttl=config.interaction_ttl)
    return await _count(tenant, client, address, bounds, keep)


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
    spend = partial(runtime.storage.counters.spend, _SLOT)
    await _count(tenant, client, address, bounds, spend)


async def _count(
    tenant: Tenant,
    client: Client,
    address: str,
    bounds: _Bounds,
    spend: Callable[[Sequence[Limit]], Awaitable[_T | Excess]],
) -> _T:
    """Count for the address, over the installation and within the organization, then for the
    client: what is refused before is not counted against it. `spend` counts, and may do more.
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
    spent = await spend(limits)
    if isinstance(spent, Excess) and spent.limit is own:
        share = max(1, bounds.most // _SHARE)
        spent = await spend([Limit(f"{own.key}:{block}", share * n, window) for block, n in blocks])
    if isinstance(spent, Excess):
        raise Throttled(spent, reason="request_limit")
    return spent
