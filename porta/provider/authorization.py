"""The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2): start and resume."""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace

from porta.browser import account_visits, binding, interactions, request_copies, sessions
from porta.browser.binding import Browser
from porta.browser.interactions import InteractionExpired
from porta.limits import request_limits
from porta.protocol.errors import (
    AccessDenied,
    InvalidRequestUri,
    OAuthError,
    UnmetAuthenticationRequirements,
    UntrustedRequest,
)
from porta.protocol.requests import prompts
from porta.protocol.requests.consent import needed_consent
from porta.protocol.requests.params import Params
from porta.protocol.requests.sign_in import demands_second_factor
from porta.provider import consents, pushed_authorization
from porta.provider.acceptance import accept, trust
from porta.provider.attempts import Attempt, Paused, look
from porta.provider.codes import issue_code
from porta.provider.outcomes import (
    Arrive,
    Interact,
    Outcome,
    Respond,
    Resume,
    granted,
    refused,
)
from porta.runtime import Runtime
from porta.security import opaque
from porta.tenants.tenant import Tenant
from storage.models.artifact import artifact_id
from storage.models.artifacts import Grant, Session
from storage.models.interactions import Consent, Interaction, InteractionKind

_MOST_RESUMPTIONS = 3


async def start(
    runtime: Runtime,
    tenant: Tenant,
    params: Params,
    browser: Browser,
    address: str,
    *,
    cookies_withheld: bool = False,
) -> Outcome:
    """Answer an authorization request, or say what a person must be asked first.

    Raises Throttled where too many requests of the client's `address` wait for a person already.
    `cookies_withheld` says that the browser may have cookies that this request does not show.
    Raises UntrustedRequest while there is no client, or no redirect URI of its own, to answer to.
    """
    pushed = await pushed_authorization.find(runtime, tenant, params)
    if pushed is not None:
        params = pushed_authorization.resolve_request_uri(params, pushed)
    client, target = await trust(runtime, tenant, params)
    try:
        hinted = pushed.hint_subject if pushed else None
        request = await accept(runtime, tenant, client, params, hinted)
        session = await sessions.find(runtime, tenant, browser)
        pushed_id = pushed.id if pushed else None
        attempt = Attempt(
            runtime, tenant, client, request, browser, session, pushed=pushed_id, address=address
        )
        if cookies_withheld:
            return await _postpone(attempt)
        return await _proceed(attempt)
    except UntrustedRequest:
        raise
    except OAuthError as error:
        return refused(tenant, target, error)


async def resume(runtime: Runtime, tenant: Tenant, uid: str, browser: Browser) -> Outcome:
    """Go on with the request of an interaction, in the browser that began it.

    Raises InteractionExpired: it is unknown, expired, finished or another browser's.
    """
    interaction = await interactions.find(runtime, uid)
    if interaction is None or interaction.organization_id != tenant.id:
        raise InteractionExpired("interaction not found")
    if not (
        interactions.is_of(interaction, browser) or interactions.was_posted_by(interaction, browser)
    ):
        raise InteractionExpired("interaction not found")
    if interaction.kind is InteractionKind.ACCOUNT:
        return await _arrive(runtime, tenant, uid, interaction, browser)
    params = pushed_authorization.to_params(interaction.parameters, interaction.resource)
    client, target = await trust(runtime, tenant, params)
    try:
        if interaction.error is not None:
            raise AccessDenied(interaction.error)
        request = await accept(runtime, tenant, client, params, interaction.hint_subject)
        session = await sessions.find(runtime, tenant, browser)
        attempt = Attempt(
            runtime, tenant, client, request, browser, session, Paused(uid, interaction),
            interaction.pushed,
        )  # fmt: skip
        return await _proceed(attempt)
    except UntrustedRequest:
        raise
    except OAuthError as error:
        await runtime.storage.artifacts.delete(interaction)
        return refused(tenant, target, error)


async def has_moved_on(
    runtime: Runtime, tenant: Tenant, interaction: Interaction, browser: Browser
) -> bool:
    """Whether what an interaction asks for has changed elsewhere, and it is to be resumed (K10).

    Somebody signed in or out in another tab, or answered there. An interaction is resumed so a
    few times only: whatever two paths see of a browser, nobody is sent round and round.
    """
    session, answerable = await sessions.find(runtime, tenant, browser), False
    if interaction.resumptions >= _MOST_RESUMPTIONS:
        return False
    if session is not None:
        session, answerable = await _look_again(runtime, tenant, interaction, session, browser)
    here = session.uid if session else None
    if here == interaction.previous_session and not answerable:
        return False
    await interactions.save(runtime, tenant, interaction, resumptions=interaction.resumptions + 1)
    return True


async def _look_again(
    runtime: Runtime,
    tenant: Tenant,
    interaction: Interaction,
    session: Session,
    browser: Browser,
) -> tuple[Session | None, bool]:
    """Return the session, unless it is over, and whether the interaction could go on with it."""
    if interaction.kind is InteractionKind.ACCOUNT:
        visit = await account_visits.find(runtime, tenant, browser)
        answered = account_visits.is_answered(interaction, visit)
        return visit.session if visit else None, answered
    params = pushed_authorization.to_params(interaction.parameters, interaction.resource)
    try:
        client, _ = await trust(runtime, tenant, params)
        request = await accept(runtime, tenant, client, params, interaction.hint_subject)
        paused = Paused("", interaction)
        attempt = Attempt(runtime, tenant, client, request, Browser(), session, paused)
        attempt, prompt, _ = await look(attempt)
    except OAuthError:
        return session, True  # which is for the client to hear
    return attempt.session, attempt.session is not None and prompt is None


async def _arrive(
    runtime: Runtime, tenant: Tenant, uid: str, interaction: Interaction, browser: Browser
) -> Outcome:
    """Go on from the sign-in to one's own account; whoever went away is not asked again."""
    visit = await account_visits.find(runtime, tenant, browser)
    if interaction.error is None and not account_visits.is_answered(interaction, visit):
        await account_visits.ask_again(runtime, tenant, interaction, visit)
        return Interact(uid, browser.secret or "")
    await interactions.finish(runtime, interaction, uid)
    return Arrive(is_signed_in=visit is not None, section=interaction.section)


async def _proceed(attempt: Attempt) -> Outcome:
    attempt, prompt, grant = await look(attempt)
    if prompt is not None or attempt.session is None:
        return await _interact(attempt, prompt or prompts.Prompt("login", ("no_session",)))
    return await _answer(attempt, attempt.session, grant)


async def _check_reachable(attempt: Attempt, session: Session) -> None:
    """Raise UnmetAuthenticationRequirements where whoever is signed in has nothing to show beside
    that, nor is to set something up: signing in again would lead there too (RFC 9470 §5).
    """
    runtime, organization = attempt.runtime, attempt.tenant.organization
    demanded = prompts.demands_several(attempt.request)
    if demands_second_factor(organization.two_factor_policy) or not demanded:
        return
    held = await runtime.storage.second_factors.find(session.account_id, organization.id)
    if held is None or (held.method is None and held.passkeys == 0):
        raise UnmetAuthenticationRequirements("the person has no second factor")


async def _interact(attempt: Attempt, prompt: prompts.Prompt) -> Interact:
    if prompt.reasons == (prompts.STEP_UP,) and attempt.session is not None:
        await _check_reachable(attempt, attempt.session)
    secret = attempt.browser.secret or binding.new_secret()
    if attempt.paused is None:
        return Interact(await _pause(attempt, artifact_id(secret), prompt), secret)
    await interactions.save(
        attempt.runtime,
        attempt.tenant,
        attempt.paused.interaction,
        prompt=prompt.name,
        reasons=prompt.reasons,
        browser=artifact_id(secret),
        previous_session=attempt.session.uid if attempt.session else None,
        shown=needed_consent(attempt.request, attempt.client) or Consent(),
        consented=None,
    )
    return Interact(attempt.paused.uid, secret)


async def _postpone(attempt: Attempt) -> Resume:
    """Have the request wait for the cookies of its browser.

    Its secret must not be set anew here: that would take the place of the one that was withheld,
    and with it the session.
    """
    posted = binding.new_secret()
    waiting = prompts.Prompt("login", ("cookies_withheld",))
    return Resume(await _pause(attempt, artifact_id(posted), waiting), posted)


async def _pause(attempt: Attempt, browser: str, prompt: prompts.Prompt) -> str:
    """Keep the request for a person; return what its interaction is found by."""
    runtime, tenant = attempt.runtime, attempt.tenant
    now = runtime.clock()
    interaction = Interaction(
        id="",
        organization_id=tenant.id,
        slug=tenant.slug,
        client_id=attempt.client.client_id,
        parameters=attempt.request.to_parameters(),
        resource=attempt.request.resource,
        hint_subject=attempt.request.hint_subject,
        pushed=attempt.pushed,
        prompt=prompt.name,
        reasons=prompt.reasons,
        browser=browser,
        csrf=opaque.new_value(),
        created_at=int(now),
        marks=interactions.marked((), now),
        previous_session=attempt.session.uid if attempt.session else None,
        shown=needed_consent(attempt.request, attempt.client) or Consent(),
    )
    value = await request_limits.keep_interaction(
        runtime, tenant, attempt.client, attempt.address, partial(replace, interaction)
    )
    return request_copies.to_handle(runtime, value, interaction)


async def _answer(attempt: Attempt, session: Session, grant: Grant | None) -> Respond:
    runtime, tenant, request = attempt.runtime, attempt.tenant, attempt.request
    client, withdrawals = attempt.client, attempt.withdrawals
    grant = await consents.cover(runtime, tenant, client, request, session, grant, withdrawals)
    # Taken away first: an interaction finishes once, in one tab.
    if attempt.paused is not None and not await interactions.finish(
        runtime, attempt.paused.interaction, attempt.paused.uid
    ):
        raise InteractionExpired("interaction not found")
    if attempt.pushed is not None and not await pushed_authorization.use(
        runtime, tenant, attempt.pushed
    ):
        raise InvalidRequestUri("the pushed request was answered already")
    code = await issue_code(runtime, tenant, client, request, session, grant, withdrawals)
    return granted(tenant, request, code)
