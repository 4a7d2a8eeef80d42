"""Login: a person at an interaction signs in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from porta.authn import password
from porta.authn.password import LoginFailed
from porta.browser import interactions, open_interactions, sessions
from porta.browser.open_interactions import OpenInteraction
from porta.errors import Invalid, Unavailable
from porta.limits import rate_limits
from porta.limits.origin import Origin
from porta.limits.rate_limits import Throttled
from porta.protocol.tokens import authentication
from porta.runtime import Runtime
from porta.security import known_browsers
from porta.text.email_addresses import canonical_email
from storage.models.users import User
from storage.router import Storage


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The new session's cookie: its value, and when it ends (seconds since the epoch); and the
    cookie by which this browser is known from now on.
    """

    session_value: str
    expires_at: int
    known_value: str


async def submit(
    runtime: Runtime,
    opened: OpenInteraction,
    email: str,
    secret: str,
    origin: Origin,
    known_value: str | None = None,
) -> SignedIn:
    """Sign a person in with a password; raises LoginFailed, whose message is a catalog key.

    `known_value` is what the browser was given when it signed in before.
    """
    tenant, email = opened.tenant, _canonical(email)
    user = await _authenticate(runtime, opened, email, secret, origin, known_value)
    session, value = await sessions.sign_in(
        runtime,
        tenant,
        user.id,
        amr=authentication.AMR_PASSWORD,
        acr=authentication.ACR_PASSWORD,
        browser=opened.interaction.browser,
        origin=origin,
        # An interaction that is over changes nothing: its cookie would reach no browser.
        before_commit=partial(_keep, runtime, opened),
    )
    keys, now = runtime.settings.cookie_keys, runtime.clock()
    known = known_browsers.remember(keys, known_value, tenant.id, email, now)
    return SignedIn(value, session.expires_at, known)


async def _authenticate(
    runtime: Runtime,
    opened: OpenInteraction,
    email: str,
    secret: str,
    origin: Origin,
    known_value: str | None,
) -> User:
    """Return the person whose password this is, counted under the limits."""
    tenant, keys = opened.tenant, runtime.settings.cookie_keys
    known = known_browsers.find(keys, known_value, tenant.id, email, runtime.clock())
    # Before anything is counted: whoever fills the queue gets no work out of us.
    runtime.passwords.check_room(password.asker_of(tenant, origin))
    refusal = await _count(runtime, opened, email, origin, known)
    who = tenant, email, origin.address, known
    try:
        user = await password.authenticate(
            runtime, tenant, email, secret, origin, known_browser=known is not None,
            counts=refusal is None,
        )  # fmt: skip
    except LoginFailed as failure:
        raise refusal or failure from None
    except Unavailable:
        if refusal is None:
            await rate_limits.decrement_login(runtime, *who)
        raise
    await rate_limits.reset_login(runtime, *who)
    return user


async def _count(
    runtime: Runtime, opened: OpenInteraction, email: str, origin: Origin, known: str | None
) -> LoginFailed | None:
    """Count an attempt, and raise LoginFailed when it is one too many or of no use here.

    The last one of a pair is too many unless it is right: what to raise if it is not is returned.
    """
    refusal = None
    try:
        await rate_limits.count_login(runtime, opened.tenant, email, origin.address, known)
    except Throttled as throttled:
        if throttled.first:
            await open_interactions.record(runtime, opened, "rate_limit.login", origin)
        refusal = _refusal("errors.rate_limit_exceeded", 429, throttled.retry_after)
        if not throttled.last:
            raise refusal from None
    if "password" not in opened.login_methods:
        await open_interactions.record(
            runtime, opened, "security.login_method_disabled", origin, method="password"
        )
        raise _refusal("errors.login_method_disabled", 403)
    return refusal


async def _keep(
    runtime: Runtime, opened: OpenInteraction, storage: Storage, session_uid: str
) -> None:
    """Note who is here now; what anybody consented to before was said by somebody else."""
    await interactions.save(
        runtime,
        opened.tenant,
        opened.interaction,
        storage=storage,
        session_uid=session_uid,
        previous_session=session_uid,
        consented=None,
    )


def _canonical(email: str) -> str:
    """What is no address is counted and refused like an unknown one.

    In quotes and escaped it is nobody's, and fit for every store: no NUL, no half characters.
    """
    try:
        return canonical_email(email)
    except Invalid:
        return ascii(email[:320].lower())


def _refusal(message: str, status: int, retry_after: int | None = None) -> LoginFailed:
    refusal = LoginFailed(message, retry_after=retry_after)
    refusal.status = status
    return refusal
