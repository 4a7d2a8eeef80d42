"""Steps of a sign-in: what is missing, and which methods of it can be shown or set up here."""

from __future__ import annotations

from porta.authn import AUTHENTICATORS
from porta.browser.open_interactions import OpenInteraction
from porta.protocol.requests.sign_in import Ask, Done, Enrol, Required, Step, next_step, required
from porta.runtime import Runtime
from storage.models.sign_ins import SignIn
from storage.models.users import User


async def find_step(runtime: Runtime, opened: OpenInteraction, user: User, sign_in: SignIn) -> Step:
    """Return what is missing, by what is demanded of the person and what they have enrolled."""
    step, _ = await find_missing(runtime, opened, user, sign_in)
    return step


async def find_missing(
    runtime: Runtime, opened: OpenInteraction, user: User, sign_in: SignIn
) -> tuple[Step, Required]:
    """Return what is missing, and what is demanded. What this installation cannot do is not
    missing where it would be offered alone.
    """
    demanded = await _find_demanded(runtime, opened, user)
    step = next_step(sign_in, demanded)
    optional = isinstance(step, Enrol) and step.optional
    return (Done() if optional and not offered(runtime, step) else step), demanded


async def _find_demanded(runtime: Runtime, opened: OpenInteraction, user: User) -> Required:
    """Return what is demanded of a person at an interaction. What they have enrolled is read where
    that makes a difference.
    """
    factors, organization, acr = None, opened.tenant.organization, opened.acr
    if user.two_factor_enabled or organization.two_factor_policy != "optional" or acr:
        factors = await runtime.storage.second_factors.find(user.id, opened.tenant.id)
    return required(organization, opened.login_methods, user, factors, acr)


def offered(runtime: Runtime, step: Step) -> tuple[str, ...]:
    """Return the methods of a step that can be shown here.

    Of those that a person has, none without the first one, which they chose: what stands in for it
    would be all that is left of it. Of those that can be enrolled, whichever can.
    """
    if isinstance(step, Enrol):
        return tuple(
            each for each in step.methods
            if _is_ready(runtime, each) and AUTHENTICATORS[each].offer is not None
        )  # fmt: skip
    methods = step.methods if isinstance(step, Ask) else ()
    shown = tuple(each for each in methods if _is_ready(runtime, each))
    return shown if shown[:1] == methods[:1] else ()


def _is_ready(runtime: Runtime, method: str) -> bool:
    authenticator = AUTHENTICATORS.get(method)
    return authenticator is not None and authenticator.is_ready(runtime.settings)
