"""Login: a person at an interaction shows who they are, factor by factor, and is signed in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from porta.audit import events
from porta.authn import AUTHENTICATORS
from porta.authn.authenticator import Authenticator, Evidence, LoginFailed
from porta.browser import interactions, open_interactions, sessions
from porta.browser.open_interactions import OpenInteraction
from porta.errors import Invalid, Unavailable
from porta.limits import rate_limits
from porta.limits.origin import Origin
from porta.limits.rate_limits import Guesses, Throttled
from porta.protocol.requests.params import Params
from porta.protocol.requests.sign_in import Ask, Done, Step, next_step, required
from porta.protocol.tokens.authentication import context_of
from porta.runtime import Runtime
from porta.security import known_browsers
from porta.text.email_addresses import canonical_email
from storage.models.sign_ins import Proof, SignIn
from storage.models.users import User
from storage.router import Storage

_NOBODY = SignIn()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The new session's cookie: its value, and when it ends (seconds since the epoch); and the
    cookie by which this browser is known from now on.
    """

    session_value: str
    expires_at: int
    known_value: str


@dataclass(frozen=True, slots=True)
class Pending:
    """Somebody whose first factor was right, and the second ones that they may show."""

    user: User
    methods: tuple[str, ...]


async def submit(
    runtime: Runtime,
    opened: OpenInteraction,
    method: str,
    form: Params,
    origin: Origin,
    known_value: str | None = None,
) -> SignedIn | None:
    """Take a first factor; None where the interaction asks for a second one now.

    `form` holds the `email`, and what `method` reads; `known_value` is what the browser was given
    when it signed in before. Raises LoginFailed, whose message is a catalog key.
    """
    tenant, authenticator = opened.tenant, AUTHENTICATORS[method]
    email = _canonical(form.get("email") or "")
    known = _known_browser(runtime, opened, email, known_value)
    # Before anything is counted: whoever fills the queue gets no work out of us.
    if authenticator.admit is not None:
        authenticator.admit(runtime, tenant, origin)
    evidence = Evidence(runtime, opened, form, origin, email, known_browser=known is not None)
    guesses = rate_limits.of_login(tenant, email, origin.address, known)
    asked = required(tenant.organization, opened.login_methods).first
    refusal = await _count(evidence, guesses, "rate_limit.login")
    await _check_asked(evidence, method, asked)
    user = await _judge(authenticator, evidence, guesses, refusal)
    return await _go_on(evidence, user, _proved(_NOBODY, evidence, user, method), known_value)


async def submit_second(
    runtime: Runtime,
    opened: OpenInteraction,
    pending: Pending,
    method: str,
    form: Params,
    origin: Origin,
    known_value: str | None = None,
) -> SignedIn | None:
    """Take a second factor of whoever showed the first one at this interaction. As `submit`."""
    user = pending.user
    known = _known_browser(runtime, opened, user.email, known_value)
    evidence = Evidence(
        runtime, opened, form, origin, user.email, known_browser=known is not None, user=user
    )
    guesses = rate_limits.of_second_factor(opened.tenant, user.id, known)
    refusal = await _count(evidence, guesses, "rate_limit.2fa_verify")
    await _check_asked(evidence, method, pending.methods)
    authenticator = AUTHENTICATORS[method]
    try:
        await _judge(authenticator, evidence, guesses, refusal)
    except LoginFailed as failure:
        await _record(evidence, "2fa.verify.failed", method=method, reason=failure.reason)
        raise
    await _record(evidence, authenticator.event, method=method)
    sign_in = _proved(opened.interaction.sign_in, evidence, user, method)
    return await _go_on(evidence, user, sign_in, known_value)


async def find_pending(runtime: Runtime, opened: OpenInteraction) -> Pending | None:
    """Return who is asked for a second factor at an interaction; None where nobody is.

    A first factor counts no more once its owner may not sign in, or has another password.
    """
    sign_in = opened.interaction.sign_in
    if opened.interaction.prompt != "login" or sign_in.account_id is None:
        return None
    user = await runtime.storage.users.find(sign_in.account_id, organization_id=opened.tenant.id)
    if user is None or not user.is_usable:
        return None
    changed = user.password_changed_at or 0.0
    if any(proof.at < int(changed) for proof in sign_in.proofs):
        return None
    step = await _next_step(runtime, opened, user, sign_in)
    return Pending(user, _offered(step)) if isinstance(step, Ask) and step.second else None


async def begin_again(
    runtime: Runtime, opened: OpenInteraction, pending: Pending, method: str, origin: Origin
) -> None:
    """Do once more what the method begins with: another code is mailed. Raises LoginFailed."""
    evidence = Evidence(
        runtime, opened, Params({}), origin, pending.user.email, known_browser=False,
        user=pending.user,
    )  # fmt: skip
    await _check_asked(evidence, method, pending.methods)
    await _begin(evidence, method)


def begins(method: str) -> bool:
    """Whether a method begins with something that a person may want once more."""
    return AUTHENTICATORS[method].begin is not None


async def start_over(runtime: Runtime, opened: OpenInteraction) -> None:
    """Forget who has shown a first factor at the interaction: somebody else signs in."""
    await interactions.save(runtime, opened.tenant, opened.interaction, sign_in=_NOBODY)


async def _count(evidence: Evidence, guesses: Guesses, event: str) -> LoginFailed | None:
    """Count an attempt, and raise LoginFailed when it is one too many.

    The last one of a pair is too many unless it is right: what to raise if it is not is returned.
    """
    try:
        await guesses.count(evidence.runtime)
    except Throttled as throttled:
        if throttled.first:
            await _record(evidence, event)
        refusal = _refusal("errors.rate_limit_exceeded", 429, throttled.retry_after)
        if not throttled.last:
            raise refusal from None
        return refusal
    return None


async def _check_asked(evidence: Evidence, method: str, asked: tuple[str, ...]) -> None:
    """Raise LoginFailed for a method that nobody asked for here."""
    if method not in asked:
        told = method if method in AUTHENTICATORS else "unknown"
        await _record(evidence, "security.login_method_disabled", method=told)
        raise _refusal("errors.login_method_disabled", 403)


async def _judge(
    authenticator: Authenticator, evidence: Evidence, guesses: Guesses, refusal: LoginFailed | None
) -> User:
    """Return whose proof it is; raises `refusal`, or LoginFailed. What nobody can judge is taken
    back.
    """
    try:
        user = await authenticator.verify(replace(evidence, counts=refusal is None))
    except LoginFailed as failure:
        raise refusal or failure from None
    except Unavailable:
        if refusal is None:
            await guesses.decrement(evidence.runtime)
        raise
    await guesses.reset(evidence.runtime)
    return user


def _proved(sign_in: SignIn, evidence: Evidence, user: User, method: str) -> SignIn:
    authenticator, now = AUTHENTICATORS[method], int(evidence.runtime.clock())
    proof = Proof(method=method, kind=authenticator.kind.value, amr=authenticator.amr, at=now)
    return SignIn(account_id=user.id, proofs=(*sign_in.proofs, proof))


async def _go_on(
    evidence: Evidence, user: User, sign_in: SignIn, known_value: str | None
) -> SignedIn | None:
    """Sign the person in where nothing is missing; else ask for it, and None is returned."""
    runtime, opened = evidence.runtime, evidence.opened
    step = await _next_step(runtime, opened, user, sign_in)
    if isinstance(step, Done):
        return await _sign_in(evidence, user, sign_in, known_value)
    if not evidence.known_browser:
        await runtime.storage.users.reset_attempts(user.id, opened.tenant.id)
    offered = _offered(step)
    if not offered:
        first = AUTHENTICATORS[sign_in.proofs[0].method]
        failed = replace(evidence, user=user)
        await _record(failed, f"{first.event}.failed", reason="second_factor")
        raise LoginFailed("login.error_second_factor", reason="second_factor")
    asked = replace(evidence, user=user)
    await _begin(asked, offered[0])
    await interactions.save(runtime, opened.tenant, opened.interaction, sign_in=sign_in)
    await _record(asked, "2fa.challenge.started")
    return None


async def _begin(evidence: Evidence, method: str) -> None:
    """Do what a method begins with, where it does, and not too often. Raises LoginFailed."""
    begin, user = AUTHENTICATORS[method].begin, evidence.user
    if begin is None or user is None:
        return
    await _count(
        evidence, rate_limits.of_mailed_code(evidence.tenant, user.id), "rate_limit.2fa_resend"
    )
    await begin(evidence)


async def _next_step(
    runtime: Runtime, opened: OpenInteraction, user: User, sign_in: SignIn
) -> Step:
    factors = None
    if user.two_factor_enabled:
        factors = await runtime.storage.second_factors.find(user.id, opened.tenant.id)
    organization = opened.tenant.organization
    return next_step(sign_in, required(organization, opened.login_methods, user, factors))


def _offered(step: Ask | Any) -> tuple[str, ...]:
    """Return the methods of a step that can be shown here: none without the one that was chosen,
    or what stands in for it would be all that is left of it.
    """
    methods = step.methods if isinstance(step, Ask) else ()
    return methods if all(each in AUTHENTICATORS for each in methods) else ()


async def _sign_in(
    evidence: Evidence, user: User, sign_in: SignIn, known_value: str | None
) -> SignedIn:
    """Open the session of somebody who has shown everything."""
    runtime, opened, tenant = evidence.runtime, evidence.opened, evidence.opened.tenant
    await runtime.storage.users.record_login(
        user.id, tenant.id, known_browser=evidence.known_browser
    )
    await events.record(
        runtime.storage,
        AUTHENTICATORS[sign_in.proofs[0].method].event,
        organization_id=tenant.id,
        user_id=user.id,
        origin=evidence.origin,
    )
    session, value = await sessions.sign_in(
        runtime,
        tenant,
        user.id,
        context=context_of(sign_in.proofs),
        browser=opened.interaction.browser,
        origin=evidence.origin,
        # An interaction that is over changes nothing: its cookie would reach no browser.
        before_commit=partial(_keep, runtime, opened),
    )
    keys, now = runtime.settings.cookie_keys, runtime.clock()
    known = known_browsers.remember(keys, known_value, tenant.id, evidence.email, now)
    return SignedIn(value, session.expires_at, known)


async def _keep(
    runtime: Runtime, opened: OpenInteraction, storage: Storage, session_uid: str
) -> None:
    """Note who is here now; what anybody consented to before was said by somebody else."""
    await interactions.save(
        runtime,
        opened.tenant,
        opened.interaction,
        storage=storage,
        sign_in=_NOBODY,
        session_uid=session_uid,
        previous_session=session_uid,
        consented=None,
    )


def _known_browser(
    runtime: Runtime, opened: OpenInteraction, email: str, known_value: str | None
) -> str | None:
    keys, now = runtime.settings.cookie_keys, runtime.clock()
    return known_browsers.find(keys, known_value, opened.tenant.id, email, now)


def _canonical(email: str) -> str:
    """What is no address is counted and refused like an unknown one.

    In quotes and escaped it is nobody's, and fit for every store: no NUL, no half characters.
    """
    try:
        return canonical_email(email)
    except Invalid:
        return ascii(email[:320].lower())


async def _record(evidence: Evidence, kind: str, **metadata: Any) -> None:
    user_id = evidence.user.id if evidence.user is not None else None
    told = {name: value for name, value in metadata.items() if value is not None}
    await open_interactions.record(
        evidence.runtime, evidence.opened, kind, evidence.origin, user_id=user_id, **told
    )


def _refusal(message: str, status: int, retry_after: int | None = None) -> LoginFailed:
    refusal = LoginFailed(message, retry_after=retry_after)
    refusal.status = status
    return refusal
