"""Progress of a sign-in: what comes after a proof, which is another question or a session."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import msgspec

from porta.audit import events
from porta.authn import AUTHENTICATORS, attempt, steps, trusted_devices
from porta.authn.authenticator import Evidence, LoginFailed
from porta.authn.duties import NO_DUTIES, Duties
from porta.authn.federation import joining
from porta.authn.identities import find_waiting
from porta.authn.trusted_devices import DeviceForgotten
from porta.browser import interactions, sessions
from porta.browser.interactions import InteractionExpired
from porta.browser.keepsakes import Keepsakes
from porta.protocol.requests.sign_in import (
    Done,
    Enrol,
    Required,
    Step,
    at_trusted_device,
    next_step,
)
from porta.protocol.tokens.authentication import SESSION, context_of
from porta.security import known_browsers
from porta.tenants import home_realms
from porta.tenants.home_realms import ElsewhereOnly
from storage.models.sign_ins import SignIn
from storage.models.trusted_devices import TrustedDevice
from storage.models.users import User
from storage.router import Storage

NOBODY = SignIn()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The new session's cookie: its value, and when it ends (seconds since the epoch); the cookie
    by which this browser is known from now on, and that by which it is trusted, where it is new.
    """

    session_value: str
    expires_at: int
    known_value: str
    user: User
    device_value: str | None = None
    remembers: bool = False
    """Whether they asked that this browser remember their account."""
    spared: bool = False
    """Whether a trusted device stood for a factor that they have not shown."""


async def go_on(
    evidence: Evidence, user: User, sign_in: SignIn, kept: Keepsakes, *, trusts: bool = False
) -> SignedIn | None:
    """Sign the person in where nothing is missing; else ask for it, and None is returned: for a
    factor, or for their word that they are who waits to be linked to them. `trusts` says that their
    device is to be trusted from then on.

    Raises LoginFailed where what is missing cannot be asked for here.
    """
    runtime, opened = evidence.runtime, evidence.opened
    step, demanded = await steps.find_missing(runtime, opened, user, sign_in)
    waits = await find_waiting(runtime, opened.tenant, sign_in.linking)
    if isinstance(step, Done) and waits is None:
        return await conclude(evidence, user, sign_in, kept, Duties(trusts=trusts))
    # Whoever is to have one more way in shows every factor: no device stands for it.
    device = None
    if waits is None:
        device = await _find_device(evidence, user, sign_in, demanded, kept)
    if device is not None:
        with suppress(DeviceForgotten):
            return await conclude(evidence, user, sign_in, kept, Duties(device))
    if not evidence.known_browser:
        await runtime.storage.login_attempts.reset(user.id, opened.tenant.id)
    if isinstance(step, Enrol) and step.optional:
        # Nothing is begun before they say what: a code would be mailed to whoever signs in.
        sign_in = msgspec.structs.replace(sign_in, offered=True)
    elif not isinstance(step, Done):
        await _ask_for(evidence, user, sign_in, step)
        return None
    so_far = msgspec.structs.replace(sign_in, trusts=trusts)
    await interactions.save(runtime, opened.tenant, opened.interaction, sign_in=so_far)
    return None


async def check(evidence: Evidence, user: User, sign_in: SignIn, kept: Keepsakes) -> None:
    """Raise LoginFailed where what is missing beside these proofs cannot be asked for here. That is
    recorded with the person of `evidence`, who is None while their account is not made.
    """
    step, demanded = await steps.find_missing(evidence.runtime, evidence.opened, user, sign_in)
    if isinstance(step, Done) or steps.offered(evidence.runtime, step):
        return
    if await _find_device(evidence, user, sign_in, demanded, kept) is None:
        await _first_method(evidence, sign_in, step)


async def _find_device(
    evidence: Evidence, user: User, sign_in: SignIn, demanded: Required, kept: Keepsakes
) -> TrustedDevice | None:
    """Return the device that stands for all that is missing, if there is one: not for who is to
    have one more way in, by their address at a provider.
    """
    if sign_in.brought is not None and sign_in.brought.is_new:
        return None
    step = next_step(sign_in, demanded)
    device = await trusted_devices.find(evidence, user, step, kept.device)
    if device is None or not isinstance(next_step(sign_in, at_trusted_device(demanded)), Done):
        return None
    return device


async def _ask_for(evidence: Evidence, user: User, sign_in: SignIn, step: Step) -> None:
    """Begin with the first of the methods that are asked for. Raises LoginFailed for none."""
    asked = replace(evidence, user=user)
    method = await _first_method(asked, sign_in, step)
    await ask(asked, sign_in, method, enrols=isinstance(step, Enrol))
    await attempt.record(asked, "2fa.challenge.started")


async def _first_method(asked: Evidence, sign_in: SignIn, step: Step) -> str:
    methods = steps.offered(asked.runtime, step)
    if not methods:
        await _record_refusal(asked, sign_in, "second_factor")
        raise LoginFailed("login.error_second_factor", reason="second_factor")
    return methods[0]


async def ask(evidence: Evidence, sign_in: SignIn, method: str, *, enrols: bool) -> None:
    """Begin with a method, and keep how far the person has come. Raises LoginFailed."""
    await attempt.begin(evidence, method)
    offer = AUTHENTICATORS[method].offer
    enrolling = offer(evidence) if enrols and offer is not None else None
    await interactions.save(
        evidence.runtime, evidence.tenant, evidence.opened.interaction,
        sign_in=msgspec.structs.replace(sign_in, enrolling=enrolling),
    )  # fmt: skip


async def conclude(
    evidence: Evidence,
    user: User,
    sign_in: SignIn,
    kept: Keepsakes,
    duties: Duties = NO_DUTIES,
) -> SignedIn:
    """Open the session of somebody who has shown everything, or all but what a device stands for.
    Raises DeviceForgotten; ElsewhereOnly for whoever might prove an account to be linked alone, and
    is not, or may not any more.
    """
    try:
        return await _conclude(evidence, user, sign_in, kept, duties)
    except (LoginFailed, ElsewhereOnly, InteractionExpired) as refusal:
        reason = refusal.reason or refusal.code
        await _record_refusal(replace(evidence, user=user), sign_in, reason)
        raise


async def _conclude(
    evidence: Evidence, user: User, sign_in: SignIn, kept: Keepsakes, duties: Duties
) -> SignedIn:
    runtime, opened, tenant = evidence.runtime, evidence.opened, evidence.tenant
    if sign_in.linking is not None:
        linking = sign_in.linking if duties.link is not None else None
        await home_realms.check(runtime, tenant, user.email, linking)
    trusted, brought, waiting = None, sign_in.brought, None
    if brought is not None:
        waiting = await joining.find_standing(runtime, tenant, brought)
    person = user

    async def fulfil(tx: Storage) -> None:
        nonlocal trusted, person
        if sign_in.proofs[0].method != SESSION:
            await _record(tx, evidence, user, AUTHENTICATORS[sign_in.proofs[0].method].event)
        trusted = await duties.fulfil(tx, evidence, user, kept)
        if brought is not None:
            person = await joining.take_over(tx, evidence, user, brought, waiting)

    device = duties.device
    session, value = await sessions.sign_in(
        runtime, tenant, user.id, context=context_of(sign_in.proofs),
        browser=opened.interaction.browser, origin=evidence.origin, first=fulfil,
        # An interaction that is over changes nothing: its cookie would reach no browser.
        before_commit=partial(_keep, evidence, sign_in),
        trusted_device=device.id if device is not None else None,
    )  # fmt: skip
    keys, now = runtime.settings.cookie_keys, runtime.clock()
    known = known_browsers.remember(keys, kept.known, tenant.id, evidence.email, now)
    remembers, spared = sign_in.remembers, device is not None
    return SignedIn(value, session.expires_at, known, person, trusted, remembers, spared)


async def _record(tx: Storage, evidence: Evidence, user: User, event: str) -> None:
    """Count a sign-in, and hold whose it is: who ends everything of a person comes before it, and
    then there is none, or after it, and ends it too. Raises LoginFailed.
    """
    known, tenant = evidence.known_browser, evidence.tenant
    if not await tx.login_attempts.record_login(user, known_browser=known):
        raise LoginFailed("login.error_invalid", reason="changed_meanwhile")
    await events.record(
        tx, event, organization_id=tenant.id, user_id=user.id, origin=evidence.origin
    )


async def _record_refusal(evidence: Evidence, sign_in: SignIn, reason: str | None) -> None:
    """Leave an event of a sign-in that is refused after its first factor was right."""
    first = AUTHENTICATORS.get(sign_in.proofs[0].method)
    event = first.refused if first is not None else "2fa.verify.failed"
    await attempt.record(evidence, event, reason=reason)


async def _keep(evidence: Evidence, sign_in: SignIn, storage: Storage, session_uid: str) -> None:
    """Note who is here now; what anybody consented to before was said by somebody else. A session
    that more was shown beside must live: its row is held.
    """
    runtime, opened = evidence.runtime, evidence.opened
    beside = sign_in.proofs[0].method == SESSION
    if beside and session_uid != opened.interaction.previous_session:
        raise InteractionExpired("the session has ended")
    await interactions.save(
        runtime,
        opened.tenant,
        opened.interaction,
        storage=storage,
        sign_in=NOBODY,
        session_uid=session_uid,
        previous_session=session_uid,
        consented=None,
    )
