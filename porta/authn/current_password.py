"""Re-authentication by password, of who is signed in already: counted as at a sign-in."""

from __future__ import annotations

from porta.audit import events
from porta.authn import login, password
from porta.authn.authenticator import LoginFailed
from porta.errors import Unavailable
from porta.limits import rate_limits
from porta.limits.origin import Origin
from porta.limits.rate_limits import Throttled
from porta.runtime import Runtime
from porta.tenants.tenant import Tenant
from storage.models.users import User


async def check(
    runtime: Runtime,
    tenant: Tenant,
    user: User,
    typed: str,
    origin: Origin,
    known_value: str | None = None,
) -> None:
    """Raise LoginFailed unless `typed` is the password of `user`.

    Whoever sits at somebody's open session has no more guesses at their password by it: these are
    counted with those at the sign-in, before they are judged. `known_value` is what the browser was
    given when it signed in before. Raises Throttled, and Unavailable where there is no room.
    """
    known = login.find_known(runtime, tenant, user.email, known_value)
    runtime.passwords.check_room(password.asker_of(tenant, origin))
    guesses = rate_limits.of_login(tenant, user.email, origin.address, known)
    try:
        await guesses.count(runtime)
    except Throttled as throttled:
        if throttled.first:
            await events.record(
                runtime.storage, "rate_limit.login", organization_id=tenant.id,
                user_id=user.id, origin=origin,
            )  # fmt: skip
        raise
    try:
        found = await password.authenticate(
            runtime, tenant, user.email, typed, origin, known_browser=known is not None
        )
    except Unavailable:
        await guesses.decrement(runtime)
        raise
    if found.id != user.id:  # the address became somebody else's meanwhile
        raise LoginFailed("login.error_invalid")
    await guesses.reset(runtime)
