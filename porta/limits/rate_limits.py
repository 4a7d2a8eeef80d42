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
_DAY = 86_400
_PER_DAY = 5
"""A pair has this many windows' worth of attempts in a day."""
_CODE_GUESSES = 5
_UNPROVEN = 5
"""What the limits of registrations are divided by where no work was proven."""
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

    async def count(self, runtime: Runtime) -> None:
        """Count an attempt before it is judged; raises Throttled when it is one too many."""
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
        await runtime.storage.counters.settle(
            self.slot, forgotten=_keys(self.pair), returned=_keys(self.address)
        )

    async def decrement(self, runtime: Runtime) -> None:
        """Take back the one attempt of pair and address: nobody could judge it."""
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
        return Guesses(key, (), _by_the_day(key, most, window), "login_limit")
    # One attempt fewer than lock an account: the last one is left to its owner.
    lock = config.max_failed_logins
    ceiling = max(1, lock - 1) if lock > 0 else None
    pair: list[Limit] = []
    for block, factor in weighed_blocks(address):
        key = f"login:{tenant.id}:{block}:{email}"
        pair += _by_the_day(key, most * factor, window, ceiling)
    spare = ceiling if lock > 1 else None
    everyone = _of_address("address", tenant, address)
    return Guesses(_widest(address), everyone, pair, "login_limit", spare)


def of_second_factor(tenant: Tenant, user_id: str, browser: str | None = None) -> Guesses:
    """Return the limits of attempts at a person's second factor, wherever they are made: whoever
    gets there knows the first one. `browser` is one that signed in to this account before, and has
    a count of its own.
    """
    config = tenant.config
    key = f"second_factor:{tenant.id}:{user_id}:{browser or ''}"
    most, window = config.rate_limit_second_factor_max, config.rate_limit_second_factor_window
    return Guesses(key, (), _by_the_day(key, most, window), "second_factor_limit")


def of_mailed_code(tenant: Tenant, user_id: str) -> Guesses:
    """Return the limits of codes that are mailed to a person (G.7)."""
    config = tenant.config
    most, window = config.rate_limit_mailed_code_max, config.rate_limit_mailed_code_window
    key = f"mailed_code:{tenant.id}:{user_id}"
    return Guesses(key, (), _by_the_day(key, most, window), "mailed_code_limit")


def of_mailed_link(
    tenant: Tenant, what: str, email: str, address: str, browser: str | None = None
) -> tuple[Guesses, Guesses]:
    """Return the limits of links that are asked for, of `what` (`magic_link`, `password_reset`):
    those of who asks, and those of the address that they are for, whether somebody has it or not
    (G.7). They are kept in different places, and counted one after the other.

    `browser` is one that signed in to this account before, and has a count of its own.
    """
    config, reason = tenant.config, f"{what}_limit"
    most: int = getattr(config, f"rate_limit_{what}_max")
    window: int = getattr(config, f"rate_limit_{what}_window")
    key = f"{what}:{tenant.id}:{browser or email}"
    source = _of_address("mailed_link_address", tenant, address)
    return (
        Guesses(_widest(address), source, (), reason),
        Guesses(key, (), _by_the_day(key, most, window), reason),
    )


def of_proof(proof: str) -> Guesses:
    """Return the limit of a puzzle that was solved: it is good once."""
    limit = Limit(f"registration_proof:{proof}", 1, _DAY)
    return Guesses(limit.key, (limit,), (), "proof_used")


def of_registration(tenant: Tenant, address: str, *, proven: bool) -> tuple[Guesses, Guesses]:
    """Return the limits of registrations that are asked for: those of who asks, and those of the
    organization and of all of them, counted one after the other, so that who has had too many takes
    nothing from others. Where no work was `proven` all limits are a fifth.
    """
    config, reason = tenant.config, "registration_limit"
    window, share = config.rate_limit_registration_window, 1 if proven else _UNPROVEN
    kind = "registration" if proven else "registration_unproven"
    most = max(1, config.rate_limit_registration_address_max // share)
    source = [
        Limit(f"{kind}:{block}", most * factor, window) for block, factor in weighed_blocks(address)
    ]
    everybody = max(1, config.rate_limit_registration_installation_max // share)
    all_of_them = Limit(kind, everybody, window)
    # One organization does not use up what the others have.
    one_of_them = Limit(f"{kind}:{tenant.id}", max(1, everybody // 2), window)
    return (
        Guesses(_widest(address), source, (), reason),
        Guesses(kind, (all_of_them, one_of_them), (), reason),
    )


def of_upstream(tenant: Tenant, interaction_id: str, address: str) -> Guesses:
    """Return the limits of being sent to another provider: each leaves a request behind."""
    pair = [Limit(f"upstream:{tenant.id}:{interaction_id}", 20, 600)]
    return Guesses(
        _widest(address), _of_address("upstream_address", tenant, address), pair, "upstream_limit"
    )


def of_link_use(tenant: Tenant, interaction_id: str) -> Guesses:
    """Return the limits of attempts to use a magic link at an interaction, or to guess a code that
    it gave elsewhere: wherever they come from, since whoever began the interaction may move.
    """
    key = f"magic_link_use:{tenant.id}:{interaction_id}"
    return Guesses(key, (), (Limit(key, _CODE_GUESSES, _DAY),), "magic_link_limit")


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
    return Guesses(_widest(address), of_address, [pair], "client_auth_limit")


def _client(tenant: Tenant, client_id: str, address: str) -> str:
    return f"client_auth:{tenant.id}:{address_blocks(address)[0]}:{client_id}"


def _by_the_day(
    key: str, most: int, window: int, ceiling: int | None = None
) -> tuple[Limit, Limit]:
    """Return the limit of a window and that of a day, neither above `ceiling`."""
    at_once, a_day = (min(n, ceiling or n) for n in (most, most * _PER_DAY))
    return Limit(key, at_once, window), Limit(f"{key}:day", a_day, max(_DAY, window))


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


def weighed_blocks(address: str) -> list[tuple[str, int]]:
    """Return the blocks of an address, the widest first, each with the factor of its limits."""
    blocks = address_blocks(address)[::-1]
    return list(zip(blocks, _FACTORS[len(blocks)], strict=True))


def _widest(address: str) -> str:
    return address_blocks(address)[-1]


def _keys(limits: Sequence[Limit]) -> list[str]:
    return [each.key for each in limits]
