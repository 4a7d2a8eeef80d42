"""Second factor: asked of a person who is known, or enrolled by them, before they are signed in."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from porta.authn import (
    AUTHENTICATORS,
    attempt,
    enrolment,
    half_way,
    own_factors,
    progress,
    steps,
    trusted_devices,
)
from porta.authn.authenticator import Evidence, LoginFailed
from porta.authn.progress import SignedIn
from porta.browser import interactions, keepsakes
from porta.browser.keepsakes import Keepsakes
from porta.browser.open_interactions import OpenInteraction
from porta.errors import PortaError
from porta.limits import rate_limits
from porta.limits.origin import Origin
from porta.limits.rate_limits import Guesses
from porta.observability.log import request_log
from porta.protocol.requests.own_factors import FEW
from porta.protocol.requests.params import Params
from porta.protocol.requests.sign_in import (
    PUT_OFF_DAYS,
    RECOVERY_CODE,
    Ask,
    Done,
    Enrol,
    demands_second_factor,
)
from porta.runtime import Runtime
from porta.security import known_browsers
from storage.errors import StorageError
from storage.models.sign_ins import Enrolment
from storage.models.users import UserProfile

_NOTHING = Params({})


@dataclass(frozen=True, slots=True)
class Pending:
    """Somebody whose first factor was right, and the second ones that they may show or enrol."""

    user: UserProfile
    methods: tuple[str, ...]
    enrolling: Enrolment | None
    """What is being enrolled; None where it is there, and asked for."""
    optional: bool = False
    """Whether one is offered, which they may put off: nothing is enrolled before they choose."""


async def find(runtime: Runtime, opened: OpenInteraction) -> Pending | None:
    """Return who is asked for a second factor at an interaction; None where nobody is."""
    half = await half_way.find(runtime, opened)
    if half is None:
        return None
    step, enrolling = half.step, opened.interaction.sign_in.enrolling
    methods = () if isinstance(step, Done) else steps.offered(runtime, step)
    optional = isinstance(step, Enrol) and step.optional
    if not methods or (not optional and isinstance(step, Enrol) != (enrolling is not None)):
        return None  # what is demanded has changed meanwhile
    return Pending(half.user, methods, enrolling, optional)


async def step_up(runtime: Runtime, opened: OpenInteraction, origin: Origin) -> bool:
    """Ask whoever is signed in for the one factor that is missing, where they have one (RFC 9470);
    else False: they have to sign in again. Raises LoginFailed.
    """
    if not opened.steps_up or opened.interaction.sign_in.account_id is not None:
        return False
    sign_in = await half_way.of_session(runtime, opened)
    if sign_in is None or sign_in.account_id is None:
        return False
    user = await runtime.storage.users.find(sign_in.account_id, organization_id=opened.tenant.id)
    if user is None or not user.is_usable:
        return False
    step = await steps.find_step(runtime, opened, user, sign_in)
    methods = steps.offered(runtime, step) if isinstance(step, Ask) and step.second else ()
    if not methods:
        return False
    evidence = Evidence(
        runtime, opened, _NOTHING, origin, user.email, known_browser=False, user=user
    )
    await progress.ask(evidence, sign_in, methods[0], enrols=False)
    await attempt.record(evidence, "2fa.challenge.started")
    return True


async def submit(
    runtime: Runtime,
    opened: OpenInteraction,
    pending: Pending,
    method: str,
    form: Params,
    origin: Origin,
    kept: Keepsakes = keepsakes.NONE,
) -> tuple[SignedIn | None, tuple[str, ...]]:
    """Take a second factor of whoever showed the first one at this interaction.

    Return the session, None where still more is asked for, and the recovery codes of a factor that
    was enrolled by it: nobody sees them again, so that they are returned also where the sign-in
    is refused after it. Raises LoginFailed, and ElsewhereOnly as `login`.
    """
    user, keys = pending.user, runtime.settings.cookie_keys
    await half_way.check_realm(runtime, opened, user)
    known = known_browsers.find(keys, kept.known, opened.tenant.id, user.email, runtime.clock())
    evidence = Evidence(
        runtime, opened, form, origin, user.email, known_browser=known is not None, user=user,
        enrolling=pending.enrolling,
    )  # fmt: skip
    enrolling, codes = pending.enrolling, tuple[str, ...]()
    asked = () if pending.optional else pending.methods
    asked = asked if enrolling is None else (enrolling.method,)
    guesses = rate_limits.of_second_factor(opened.tenant, user.id, known)
    await _judge(evidence, method, asked, guesses)
    demanded = demands_second_factor(opened.tenant.organization.two_factor_policy)
    if enrolling is not None or (demanded and not user.two_factor_enabled):
        user, codes = await enrolment.keep(evidence, user, method)
    if method == RECOVERY_CODE:
        await _tell_few_codes(runtime, opened, user)
    try:
        return await _go_on(evidence, user, method, kept), codes
    except (PortaError, StorageError) as refusal:
        if not codes:
            raise
        # What refuses them is told on their way on from the codes, and in the audit trail.
        request_log().warning("sign_in_refused_after_enrolment", reason=type(refusal).__name__)
        return None, codes


async def _go_on(
    evidence: Evidence, user: UserProfile, method: str, kept: Keepsakes
) -> SignedIn | None:
    """Go on with a factor that was right, or is enrolled by now."""
    opened, authenticator = evidence.opened, AUTHENTICATORS[method]
    await attempt.record(evidence, authenticator.event_beside or authenticator.event, method=method)
    sign_in = attempt.proved(opened.interaction.sign_in, evidence, user, method)
    trusts = trusted_devices.FIELD in evidence.form and trusted_devices.may_trust(
        opened.tenant, opened.interaction.sign_in, method
    )
    return await progress.go_on(evidence, user, sign_in, kept, trusts=trusts)


async def _judge(evidence: Evidence, method: str, asked: tuple[str, ...], guesses: Guesses) -> None:
    """Count an attempt, and judge what was shown. Raises LoginFailed."""
    refusal = await attempt.count(evidence, guesses, "rate_limit.2fa_verify")
    await attempt.check_asked(evidence, method, asked)
    try:
        await attempt.judge(AUTHENTICATORS[method], evidence, guesses, refusal)
    except LoginFailed as failure:
        await attempt.record(evidence, "2fa.verify.failed", method=method, reason=failure.reason)
        raise


async def _tell_few_codes(runtime: Runtime, opened: OpenInteraction, user: UserProfile) -> None:
    """Tell whoever has used a recovery code where few are left."""
    held = await runtime.storage.second_factors.find(user.id, opened.tenant.id)
    if held is not None and held.recovery_codes <= FEW:
        async with runtime.storage.transaction() as tx:
            await own_factors.tell_few_codes(tx, runtime, opened.tenant, user, held.recovery_codes)


async def choose(
    runtime: Runtime, opened: OpenInteraction, pending: Pending, method: str, origin: Origin
) -> None:
    """Begin with a method, or once more: a code is mailed, a secret is made. Raises LoginFailed."""
    user = pending.user
    evidence = Evidence(
        runtime, opened, _NOTHING, origin, user.email, known_browser=False, user=user
    )
    choices = rate_limits.of_choice(opened.tenant, user.id)
    await attempt.count(evidence, choices, "rate_limit.2fa_resend")
    await attempt.check_asked(evidence, method, pending.methods)
    sign_in = opened.interaction.sign_in
    enrols = pending.optional or pending.enrolling is not None
    await progress.ask(evidence, sign_in, method, enrols=enrols)


async def put_off(
    runtime: Runtime, opened: OpenInteraction, pending: Pending, origin: Origin, kept: Keepsakes
) -> SignedIn | None:
    """Sign somebody in without the second factor that they are offered, and do not offer it for a
    while; None where it may not be put off, or more is asked for. Raises LoginFailed, and
    ElsewhereOnly.
    """
    if not pending.optional:
        return None
    user, keys = pending.user, runtime.settings.cookie_keys
    await half_way.check_realm(runtime, opened, user)
    known = known_browsers.find(keys, kept.known, opened.tenant.id, user.email, runtime.clock())
    evidence = Evidence(
        runtime, opened, _NOTHING, origin, user.email, known_browser=known is not None, user=user
    )
    await runtime.storage.second_factors.put_off(user.id, opened.tenant.id, PUT_OFF_DAYS)
    await attempt.record(evidence, "2fa.setup.postponed")
    sign_in = msgspec.structs.replace(opened.interaction.sign_in, offered=False, enrolling=None)
    return await progress.go_on(evidence, user, sign_in, kept)


def begins(method: str) -> bool:
    """Whether a method begins with something that a person may want once more."""
    return AUTHENTICATORS[method].begin is not None


async def start_over(runtime: Runtime, opened: OpenInteraction) -> None:
    """Forget who has shown a first factor at the interaction: somebody else signs in."""
    await interactions.save(runtime, opened.tenant, opened.interaction, sign_in=progress.NOBODY)
