"""Rate limits of attempts to sign in and to authenticate as a client (brute force)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from porta.errors import TooManyRequests
from porta.limits.address_blocks import address_blocks
from porta.runtime import Runtime
from porta.tenants.tenant import Tenant
from storage.stores.counters import Excess, Limit

_MESSAGE = "too many attempts"
DAY = 86_400
_PER_DAY = 5
"""A pair has this many windows' worth of attempts in a day."""
_CHOICES = 30
_EXPORTS, _HOUR = 3, 3600
_FACTORS = {1: (1,), 3: (16, 4, 1)}
"""What the limits of an address's blocks are multiplied by, the widest block first: a /48, /56 and
/64 of IPv6, or the one of IPv4."""


class Throttled(TooManyRequests):
    """Too many attempts.

    `first` tells that this one is the first above a limit in its window: worth a line in the audit
    trail, which a flood must not fill. `last` tells that a pair has had one attempt fewer than lock
    an account: this one may be judged, since it may be right, and counts for nothing.
    """

    def __init__(self, excess: Excess, *, reason: str, last: bool = False) -> None:
        super().__init__(_MESSAGE, retry_after=excess.retry_after, reason=reason)
        self.first = excess.first
        self.last = last


@dataclass(frozen=True, slots=True)
class Guesses:
    """The limits of one attempt, the widest first: those of the address, then those of the pair."""

    slot: str
    address: Sequence[Limit]
    pair: Sequence[Limit]
    reason: str
    ceiling: int | None = None
    """What the pair has for the sake of the lock; None where nothing locks."""
    source: Guesses | None = None
    """Limits of whoever tries, which are kept in another place, and counted before these."""

    async def count(self, runtime: Runtime) -> None:
        """Count an attempt before it is judged; raises Throttled when it is one too many."""
        if self.source is not None:
            await self.source.count(runtime)
        excess = await runtime.storage.counters.spend(self.slot, (*self.address, *self.pair))
        if excess is not None:
            last = excess.first and excess.limit in self.pair
            last = last and excess.limit.most == self.ceiling
            raise Throttled(excess, reason=self.reason, last=last)

    async def reset(self, runtime: Runtime) -> None:
        """A right one clears its pair, and takes back the one attempt of its address.

        The address keeps what was counted for others: signing in to one's own account in between
        buys no further guesses.
        """
        if self.source is not None:
            await self.source.reset(runtime)
        await runtime.storage.counters.settle(
            self.slot, forgotten=_keys(self.pair), returned=_keys(self.address)
        )

    async def decrement(self, runtime: Runtime) -> None:
        """Take back the one attempt of pair and address: nobody could judge it."""
        if self.source is not None:
            await self.source.decrement(runtime)
        await runtime.storage.counters.settle(
            self.slot, returned=_keys((*self.address, *self.pair))
        )


def of_login(tenant: Tenant, email: str, address: str, browser: str | None = None) -> Guesses:
    """Return the limits of attempts to sign in to an account.

    Counted for the address with any account, and for the pair of address and account: somebody
    else's guesses do not stop an owner who comes from another address, and no address has enough
    attempts at an account, by the day either, to lock it. `browser` is one that signed in to this
    account before (`known_browsers.find`): it has a count of its own instead, which nobody else
    can use up.
    """
    config = tenant.config
    most, window = config.rate_limit_login_max, config.rate_limit_login_window
    if browser is not None:
        key = f"login_browser:{tenant.id}:{browser}"
        return Guesses(key, (), by_the_day(key, most, window), "login_limit")
    # One attempt fewer than lock an account: the last one is left to its owner.
    lock = config.max_failed_logins
    ceiling = max(1, lock - 1) if lock > 0 else None
    pair: list[Limit] = []
    for block, factor in weighed_blocks(address):
        key = f"login:{tenant.id}:{block}:{email}"
        pair += by_the_day(key, most * factor, window, ceiling)
    spare = ceiling if lock > 1 else None
    everyone = _of_address("address", tenant, address)
    return Guesses(widest(address), everyone, pair, "login_limit", spare)


def of_second_factor(tenant: Tenant, user_id: str, browser: str | None = None) -> Guesses:
    """Return the limits of attempts at a person's second factor, wherever they are made: whoever
    gets there knows the first one. `browser` is one that signed in to this account before, and has
    a count of its own.
    """
    config = tenant.config
    key = f"second_factor:{tenant.id}:{user_id}:{browser or ''}"
    most, window = config.rate_limit_second_factor_max, config.rate_limit_second_factor_window
    return Guesses(key, (), by_the_day(key, most, window), "second_factor_limit")


def of_mailed_code(tenant: Tenant, user_id: str) -> Guesses:
    """Return the limits of codes that are mailed to a person (G.7)."""
    config = tenant.config
    most, window = config.rate_limit_mailed_code_max, config.rate_limit_mailed_code_window
    key = f"mailed_code:{tenant.id}:{user_id}"
    return Guesses(key, (), by_the_day(key, most, window), "mailed_code_limit")


def of_upstream(tenant: Tenant, interaction_id: str, address: str) -> Guesses:
    """Return the limits of being sent to another provider: each leaves a request behind."""
    pair = [Limit(f"upstream:{tenant.id}:{interaction_id}", 20, 600)]
    return Guesses(
        widest(address), _of_address("upstream_address", tenant, address), pair, "upstream_limit"
    )


def of_own_export(tenant: Tenant, user_id: str) -> Guesses:
    """Return the limits of how often a person has all that is kept of them handed out."""
    key = f"own_export:{tenant.id}:{user_id}"
    return Guesses(key, (), by_the_day(key, _EXPORTS, _HOUR), "export_limit")


def of_choice(tenant: Tenant, user_id: str) -> Guesses:
    """Return the limits of second factors that are begun with, by who knows a person's first one:
    each writes, and what is not offered leaves an event.
    """
    key = f"second_factor_choice:{tenant.id}:{user_id}"
    limits = by_the_day(key, _CHOICES, tenant.config.rate_limit_second_factor_window)
    return Guesses(key, (), limits, "second_factor_limit")


async def count_client_auth_failure(
    runtime: Runtime, tenant: Tenant, client_id: str, address: str
) -> bool:
    """Count a wrong secret, and tell whether it is the first of the pair that this process met
    since a right one; raises Throttled when there were too many.

    For the address with any client, and for the pair of address and client. Not for the client
    alone, or anyone could use up what others have. Nobody who is right is ever asked here.
    """
    first = runtime.failed_clients.add(_client(tenant, client_id, address))
    await _client_auth(tenant, client_id, address).count(runtime)
    return first


async def reset_client_auth(runtime: Runtime, tenant: Tenant, client_id: str, address: str) -> None:
    """A right secret clears its pair. That costs a round trip only where this process saw a
    failure of the same pair.
    """
    if not runtime.failed_clients:
        return
    key = _client(tenant, client_id, address)
    if runtime.failed_clients.discard(key):
        slot = _client_auth(tenant, client_id, address).slot
        await runtime.storage.counters.settle(slot, forgotten=[key])


def _client_auth(tenant: Tenant, client_id: str, address: str) -> Guesses:
    config = tenant.config
    pair = Limit(
        _client(tenant, client_id, address),
        config.rate_limit_client_auth_max,
        config.rate_limit_client_auth_window,
    )
    of_address = _of_address("client_auth_address", tenant, address)
    return Guesses(widest(address), of_address, [pair], "client_auth_limit")


def _client(tenant: Tenant, client_id: str, address: str) -> str:
    return f"client_auth:{tenant.id}:{address_blocks(address)[0]}:{client_id}"


def by_the_day(key: str, most: int, window: int, ceiling: int | None = None) -> tuple[Limit, Limit]:
    """Return the limit of a window and that of a day, neither above `ceiling`."""
    at_once, a_day = (min(n, ceiling or n) for n in (most, most * _PER_DAY))
    return Limit(key, at_once, window), Limit(f"{key}:day", a_day, max(DAY, window))


def _of_address(kind: str, tenant: Tenant, address: str) -> list[Limit]:
    """Return what the blocks of an address may do everywhere, and within the organization."""
    config, limits = tenant.config, []
    window = config.rate_limit_address_window
    for block, factor in weighed_blocks(address):
        everywhere = config.rate_limit_installation_max * factor
        within = config.rate_limit_address_max * factor
        limits.append(Limit(f"{kind}:{block}", everywhere, window))
        limits.append(Limit(f"{kind}:{tenant.id}:{block}", within, window))
    return limits


def of_source(kind: str, tenant: Tenant, address: str, reason: str) -> Guesses:
    """Return the limits of an address alone, which are kept where its blocks are."""
    return Guesses(widest(address), _of_address(kind, tenant, address), (), reason)


def weighed_blocks(address: str) -> list[tuple[str, int]]:
    """Return the blocks of an address, the widest first, each with the factor of its limits."""
    blocks = address_blocks(address)[::-1]
    return list(zip(blocks, _FACTORS[len(blocks)], strict=True))


def widest(address: str) -> str:
    return address_blocks(address)[-1]


def _keys(limits: Sequence[Limit]) -> list[str]:
    return [each.key for each in limits]
