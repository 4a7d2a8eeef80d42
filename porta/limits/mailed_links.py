"""Mailed links, counted before it is known whether there is anybody to mail to (G.7)."""

from __future__ import annotations

from collections.abc import Iterable

from porta.audit import events
from porta.limits import rate_limits
from porta.limits.origin import Origin
from porta.limits.rate_limits import Guesses, Throttled
from porta.runtime import Runtime
from porta.security import known_browsers
from porta.tenants.tenant import Tenant

_REGISTRATION = "registration"
_EVENTS = {
    "magic_link": "rate_limit.magic_link",
    "password_reset": "rate_limit.password_reset",
    _REGISTRATION: "rate_limit.registration",
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
    limits = rate_limits.of_mailed_link(tenant, what, email, origin.address, known)
    await _count(runtime, tenant, what, limits, origin)


async def count_registration(
    runtime: Runtime, tenant: Tenant, email: str, origin: Origin, proof: str | None
) -> None:
    """Count that somebody wants to register with an address, whether anybody has it or not: for who
    asks, for the address, and for everybody together. Raises Throttled.

    `proof` is a puzzle that they have solved, which counts once.
    """
    proven = proof is not None and await _is_first(runtime, proof)
    asks, together = rate_limits.of_registration(tenant, origin.address, proven=proven)
    for_address = rate_limits.of_mailed_link(tenant, _REGISTRATION, email, origin.address)
    limits = (asks, *for_address, together)
    await _count(runtime, tenant, _REGISTRATION, limits, origin)


async def _is_first(runtime: Runtime, proof: str) -> bool:
    try:
        await rate_limits.of_proof(proof).count(runtime)
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
