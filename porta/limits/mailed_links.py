"""Mailed links, counted before it is known whether there is anybody to mail to (G.7)."""

from __future__ import annotations

from porta.audit import events
from porta.limits import rate_limits
from porta.limits.origin import Origin
from porta.limits.rate_limits import Throttled
from porta.runtime import Runtime
from porta.security import known_browsers
from porta.tenants.tenant import Tenant

_EVENTS = {
    "magic_link": "rate_limit.magic_link",
    "password_reset": "rate_limit.password_reset",
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
    for guesses in rate_limits.of_mailed_link(tenant, what, email, origin.address, known):
        try:
            await guesses.count(runtime)
        except Throttled as throttled:
            if throttled.first:
                await events.record(
                    runtime.storage, _EVENTS[what], organization_id=tenant.id, origin=origin
                )
            raise
