"""Login: a person at an interaction shows a first factor, which says who they are."""

from __future__ import annotations

from dataclasses import replace

from porta.authn import AUTHENTICATORS, attempt, progress
from porta.authn.authenticator import Evidence
from porta.authn.progress import SignedIn
from porta.browser import keepsakes
from porta.browser.keepsakes import Keepsakes
from porta.browser.open_interactions import OpenInteraction
from porta.limits import rate_limits
from porta.limits.origin import Origin
from porta.protocol.requests.params import Params
from porta.protocol.requests.sign_in import required
from porta.runtime import Runtime
from porta.security import known_browsers
from porta.tenants import home_realms
from porta.tenants.tenant import Tenant
from porta.text.email_addresses import counted_email
from storage.models.sign_ins import SignIn


def takes(runtime: Runtime, opened: OpenInteraction, method: str) -> bool:
    """Whether people sign in by a method here: it is asked for, and this installation can."""
    asked = required(opened.tenant.organization, opened.login_methods).first
    authenticator = AUTHENTICATORS.get(method) if method in asked else None
    return authenticator is not None and authenticator.is_ready(runtime.settings)


async def submit(
    runtime: Runtime,
    opened: OpenInteraction,
    method: str,
    form: Params,
    origin: Origin,
    kept: Keepsakes = keepsakes.NONE,
) -> SignedIn | None:
    """Take a first factor; None where the interaction asks for a second one now.

    `form` holds the `email`, if that is known, `remember` where somebody asks to be remembered, and
    what `method` reads; `kept` is what the browser was given when it signed in before. Raises
    LoginFailed, whose message is a catalog key, and ElsewhereOnly for an address that has to sign
    in at its provider.
    """
    tenant, authenticator = opened.tenant, AUTHENTICATORS[method]
    named = authenticator.named
    email = named(form) if named is not None else counted_email(form.get("email") or "")
    linking = opened.interaction.sign_in.linking
    if named is None:
        await home_realms.check(runtime, tenant, form.get("email") or "", linking)
    known = find_known(runtime, tenant, email, kept.known)
    # Before anything is counted: whoever fills the queue gets no work out of us.
    if authenticator.admit is not None:
        authenticator.admit(runtime, tenant, origin)
    evidence = Evidence(runtime, opened, form, origin, email, known_browser=known is not None)
    if authenticator.guesses is not None:
        guesses = authenticator.guesses(evidence)
    else:
        guesses = rate_limits.of_login(tenant, email, origin.address, known)
    refusal = await attempt.count(evidence, guesses, authenticator.limit_event)
    asked = required(tenant.organization, opened.login_methods).first
    await attempt.check_asked(evidence, method, asked)
    user = await attempt.judge(authenticator, evidence, guesses, refusal)
    await home_realms.check(runtime, tenant, user.email, linking)
    # Whoever is known elsewhere may have come to prove whose account here is theirs.
    nobody = SignIn(linking=linking, remembers="remember" in form)
    sign_in = attempt.proved(nobody, evidence, user, method)
    return await progress.go_on(replace(evidence, email=user.email), user, sign_in, kept)


def find_known(runtime: Runtime, tenant: Tenant, email: str, known_value: str | None) -> str | None:
    """Return what this browser is counted by at an account, where somebody signed in to it here, or
    chose its password by a mailed link.
    """
    keys, now = runtime.settings.cookie_keys, runtime.clock()
    for account in (email, known_browsers.after_reset(email)):
        found = known_browsers.find(keys, known_value, tenant.id, account, now)
        if found is not None:
            return found
    return None
