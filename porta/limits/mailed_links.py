"""Mailed links: counted before it is known whether somebody gets one (G.7), and at use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace

from porta.audit import events
from porta.errors import Unavailable
from porta.limits.origin import Origin
from porta.limits.rate_limits import (
    DAY,
    Guesses,
    Throttled,
    by_the_day,
    of_source,
    weighed_blocks,
    widest,
)
from porta.runtime import Runtime
from porta.security import known_browsers, link_tokens
from porta.tenants.tenant import Tenant
from storage.stores.counters import Limit

_CODE_GUESSES = 5
_PASSWORDS = 10
_UNPROVEN = 5
"""What the limits of registrations are divided by where no work was proven."""
_OWN = 20
"""What the limit of all registrations is divided by for what each organization has of its own."""
_PAIR_WINDOWS, _MOST_WINDOWS = 2, 4
"""Windows' worth of links to an address that an address block has in a day, and a network at most:
fewer than the address has (`by_the_day`).
"""
_REGISTRATION, _EMAIL_CHANGE = "registration", "email_change"
_EVENTS = {
    "magic_link": "rate_limit.magic_link",
    "password_reset": "rate_limit.password_reset",
    _REGISTRATION: "rate_limit.registration",
    _EMAIL_CHANGE: "rate_limit.email_change",
}


async def count(
    runtime: Runtime,
    tenant: Tenant,
    what: str,
    email: str,
    origin: Origin,
    known_value: str | None = None,
) -> None:
    """Count that a link of `what` (`magic_link`, `password_reset`) is asked for to an address.

    `known_value` is what the browser was given when it signed in before. Raises Throttled.
    """
    keys, now = runtime.settings.cookie_keys, runtime.clock()
    known = known_browsers.find(keys, known_value, tenant.id, email, now)
    limits = _of_mailed_link(tenant, what, email, origin.address, known)
    await _count(runtime, tenant, what, (limits,), origin)


async def count_registration(
    runtime: Runtime, tenant: Tenant, email: str, origin: Origin, proof: str | None
) -> None:
    """Count that somebody wants to register with an address, whether anybody has it or not: for who
    asks, for the address, and for the organization, together with all others once it has used up
    what is its own. Raises Throttled.

    `proof` is a puzzle that they have solved, which counts once.
    """
    proven = proof is not None and await _has_room(runtime, _of_proof(proof))
    asks, own, together = _of_registration(tenant, origin.address, proven=proven)
    for_address = _of_mailed_link(tenant, _REGISTRATION, email, origin.address)
    await _count(runtime, tenant, _REGISTRATION, (asks, for_address), origin)
    if not await _has_room(runtime, own):
        await _count(runtime, tenant, _REGISTRATION, (together,), origin)


async def count_email_change(
    runtime: Runtime, tenant: Tenant, user_id: str, email: str, origin: Origin
) -> None:
    """Count that a person wants another address, whether anybody has it or not: for who asks, for
    the person, and for the address. Raises Throttled.
    """
    limits = [
        _of_mailed_link(tenant, _EMAIL_CHANGE, each, origin.address) for each in (user_id, email)
    ]
    limits[1] = replace(limits[1], source=None)  # who asks is counted once
    await _count(runtime, tenant, _EMAIL_CHANGE, limits, origin)


async def _has_room(runtime: Runtime, guesses: Guesses) -> bool:
    """Count where there is room for it, and tell."""
    try:
        await guesses.count(runtime)
    except Throttled:
        return False
    return True


async def _count(
    runtime: Runtime, tenant: Tenant, what: str, limits: Iterable[Guesses], origin: Origin
) -> None:
    for guesses in limits:
        try:
            await guesses.count(runtime)
        except Throttled as throttled:
            if throttled.first:
                await events.record(
                    runtime.storage, _EVENTS[what], organization_id=tenant.id, origin=origin
                )
            raise


@asynccontextmanager
async def counting_password(runtime: Runtime, tenant: Tenant, token: str) -> AsyncIterator[None]:
    """Count that a password is hashed within, for whoever has the link of a `token`; what finds no
    room is taken back. Raises Throttled.
    """
    guesses = _of_link_password(tenant, link_tokens.digest_of(token) or "")
    await guesses.count(runtime)
    try:
        yield
    except Unavailable:
        await guesses.decrement(runtime)
        raise


def of_link_use(tenant: Tenant, interaction_id: str, address: str | None) -> Guesses:
    """Return the limits of attempts to use a magic link at an interaction, or to guess a code that
    it gave elsewhere: wherever they come from, since whoever began the interaction may move.

    Guesses at codes are counted for their `address` too, which may begin many interactions. A link
    is none to be guessed, and no flood of neighbours keeps anybody from using one.
    """
    key, reason = f"magic_link_use:{tenant.id}:{interaction_id}", "magic_link_limit"
    source = address and of_source("magic_link_code_address", tenant, address, reason)
    return Guesses(key, (), (Limit(key, _CODE_GUESSES, DAY),), reason, source=source or None)


def _of_link_password(tenant: Tenant, digest: str) -> Guesses:
    """Return the limits of passwords that are hashed for whoever has a mailed link, by the `digest`
    of its token: of many at once one uses it, and all of them are hashed.
    """
    key = f"link_password:{tenant.id}:{digest}"
    return Guesses(key, (), (Limit(key, _PASSWORDS, DAY),), "link_limit")


def _of_mailed_link(
    tenant: Tenant, what: str, email: str, address: str, browser: str | None = None
) -> Guesses:
    """Return the limits of links that are asked for, of `what` (`magic_link`, `password_reset`):
    those of who asks, and those of the address that they are for, whether somebody has it or not
    (G.7).

    `browser` is one that signed in to this account before, and has a count of its own. No network
    of all others has as many in a day as the address: its owner, who may have no other way in,
    gets some elsewhere (F.7).
    """
    config, reason = tenant.config, f"{what}_limit"
    most: int = getattr(config, f"rate_limit_{what}_max")
    window: int = getattr(config, f"rate_limit_{what}_window")
    key = f"{what}:{tenant.id}:{browser or email}"
    source = of_source("mailed_link_address", tenant, address, reason)
    of_pair: list[Limit] = []
    if browser is None:
        for block, factor in weighed_blocks(address):
            own = min(_PAIR_WINDOWS * factor, _MOST_WINDOWS) * most
            of_pair.append(Limit(f"{key}:{block}", own, max(DAY, window)))
    return Guesses(key, of_pair, by_the_day(key, most, window), reason, source=source)


def _of_proof(proof: str) -> Guesses:
    """Return the limit of a puzzle that was solved: it is good once."""
    limit = Limit(f"registration_proof:{proof}", 1, DAY)
    return Guesses(limit.key, (limit,), (), "proof_used")


def _of_registration(
    tenant: Tenant, address: str, *, proven: bool
) -> tuple[Guesses, Guesses, Guesses]:
    """Return the limits of registrations that are asked for: those of who asks, those that are the
    organization's own, and those that it has beside them, of what all have together. They are
    counted one after the other, so that who has had too many takes nothing from others, and floods
    at some organizations close no other one. Where no work was `proven` all limits are a fifth.
    """
    config, reason = tenant.config, "registration_limit"
    window, share = config.rate_limit_registration_window, 1 if proven else _UNPROVEN
    kind = "registration" if proven else "registration_unproven"
    most = max(1, config.rate_limit_registration_address_max // share)
    source = [
        Limit(f"{kind}:{block}", most * factor, window) for block, factor in weighed_blocks(address)
    ]
    everybody = max(1, config.rate_limit_registration_installation_max // share)
    own = Limit(f"{kind}_own:{tenant.id}", max(1, everybody // _OWN), window)
    all_of_them = Limit(kind, everybody, window)
    one_of_them = Limit(f"{kind}:{tenant.id}", max(1, everybody // 2), window)
    return (
        Guesses(widest(address), source, (), reason),
        Guesses(own.key, (own,), (), reason),
        Guesses(kind, (all_of_them, one_of_them), (), reason),
    )
