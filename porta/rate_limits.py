"""How often is too often: every limit, counted before the check it protects."""

from __future__ import annotations

from typing import NamedTuple

from porta.errors import TooManyRequests
from porta.runtime import Runtime
from porta.tenant import Tenant

_MESSAGE = "too many attempts"


class LoginsThrottled(TooManyRequests):
    """Too many attempts to sign in.

    `first` tells that this one is the first above a limit in its window: worth a line in the audit
    trail, which a flood must not fill.
    """

    def __init__(self, *, retry_after: int, first: bool) -> None:
        super().__init__(_MESSAGE, retry_after=retry_after)
        self.first = first


class _Excess(NamedTuple):
    """A limit that is exceeded: its key, seconds to wait, and whether nobody had to before."""

    key: str
    wait: int
    first: bool


async def count_login(runtime: Runtime, tenant: Tenant, email: str, address: str) -> None:
    """Count an attempt to sign in; raises LoginsThrottled when one address has had enough.

    Counted for the pair of address and account, and for the address with any account: somebody
    else's guesses do not stop an owner who comes from another address. So one address has fewer
    attempts at an account than lock it.
    """
    config = tenant.config
    most = config.rate_limit_login_max
    if config.max_failed_logins > 0:
        most = max(1, min(most, config.max_failed_logins - 1))
    limit = most, config.rate_limit_login_window
    keys = _pair(tenant, email, address), _address(tenant, address)
    exceeded = await _count(runtime, tenant, keys, limit)
    if exceeded:
        raise LoginsThrottled(
            retry_after=max(each.wait for each in exceeded),
            first=any(each.first for each in exceeded),
        )


async def forgive_login(runtime: Runtime, tenant: Tenant, email: str, address: str) -> None:
    """A right password clears its pair, and takes back the one attempt of its address.

    The address keeps what was counted for others: signing in to one's own account in between
    buys no further guesses.
    """
    counters = runtime.storage.counters
    await counters.forget([_pair(tenant, email, address)])
    await counters.give_back([_address(tenant, address)])


async def give_back_login(runtime: Runtime, tenant: Tenant, email: str, address: str) -> None:
    """Take back the one attempt of pair and address: nobody could judge it."""
    counters = runtime.storage.counters
    # One by one: together they might be locked in another order than where they are counted.
    await counters.give_back([_pair(tenant, email, address)])
    await counters.give_back([_address(tenant, address)])


def check_client_auth(runtime: Runtime, tenant: Tenant, client_id: str, address: str) -> None:
    """Raise TooManyRequests while the address is shut out, from this client or from all.

    Only failures are counted, and what they led to is kept in this process: a client that
    authenticates well never costs a round trip.
    """
    keys = _client(tenant, client_id, address), _any_client(tenant, address)
    wait = max(map(runtime.shut_out.remaining, keys))
    if wait > 0:
        raise TooManyRequests(_MESSAGE, retry_after=wait)


async def count_client_auth_failure(
    runtime: Runtime, tenant: Tenant, client_id: str, address: str
) -> None:
    """Count a failed client authentication; shut the address out when there were too many.

    Counted like a login: for the pair of address and client, and for the address with any client.
    Not for the client alone, or anyone could shut it out from everywhere.
    """
    config = tenant.config
    limit = config.rate_limit_client_auth_max, config.rate_limit_client_auth_window
    keys = _client(tenant, client_id, address), _any_client(tenant, address)
    exceeded = await _count(runtime, tenant, keys, limit)
    for each in exceeded:
        runtime.shut_out.add(each.key, each.wait)
    if exceeded:
        raise TooManyRequests(_MESSAGE, retry_after=max(each.wait for each in exceeded))


def _pair(tenant: Tenant, email: str, address: str) -> str:
    return f"login:{tenant.id}:{address}:{email}"


def _address(tenant: Tenant, address: str) -> str:
    return f"address:{tenant.id}:{address}"


def _client(tenant: Tenant, client_id: str, address: str) -> str:
    return f"client_auth:{tenant.id}:{address}:{client_id}"


def _any_client(tenant: Tenant, address: str) -> str:
    return f"client_auth_address:{tenant.id}:{address}"


async def _count(
    runtime: Runtime, tenant: Tenant, keys: tuple[str, str], limit: tuple[int, int]
) -> list[_Excess]:
    """Count once for the pair and once for the address alone; return which is over its limit.

    `keys` are of both, in this order. `limit` is the pair's: most attempts, seconds of its window.
    """
    config = tenant.config
    of_address = config.rate_limit_address_max, config.rate_limit_address_window
    limits = dict(zip(keys, (limit, of_address), strict=True))
    counts = await runtime.storage.counters.hit({key: limits[key][1] for key in limits})
    return [
        _Excess(key, count.retry_after, first=count.count == limits[key][0] + 1)
        for key, count in counts.items()
        if count.count > limits[key][0]
    ]
