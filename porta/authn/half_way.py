"""Half-way: who has shown a factor at an interaction and is not signed in yet; what is missing."""

from __future__ import annotations

from dataclasses import dataclass

from porta.authn import steps
from porta.authn.federation import joining
from porta.browser import open_interactions
from porta.browser.open_interactions import OpenInteraction
from porta.protocol.requests.sign_in import Step
from porta.protocol.tokens.authentication import OF_SESSIONS, SESSION
from porta.runtime import Runtime
from porta.tenants import home_realms
from storage.models.sign_ins import Proof, SignIn
from storage.models.users import User, UserProfile


@dataclass(frozen=True, slots=True)
class HalfWay:
    """Somebody whose first factor was right, and what they are to do next."""

    user: UserProfile
    step: Step


async def find(runtime: Runtime, opened: OpenInteraction) -> HalfWay | None:
    """Return who has shown a first factor at an interaction; None where nobody has.

    It counts no more once its owner may not sign in, has another password, or is no longer who was
    at another provider.
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
    brought = sign_in.brought
    if brought and not await joining.stands(runtime, opened.tenant, user, brought):
        return None
    if sign_in.proofs[0].method == SESSION:
        living = await of_session(runtime, opened)
        if living is None or living.account_id != user.id or living.proofs != sign_in.proofs[:1]:
            return None
    return HalfWay(user, await steps.find_step(runtime, opened, user, sign_in))


async def check_realm(runtime: Runtime, opened: OpenInteraction, user: User) -> None:
    """Raise ElsewhereOnly for who has shown a factor of theirs here, and has to sign in at the
    provider of their domain by now.
    """
    sign_in = opened.interaction.sign_in
    first = sign_in.proofs[0]
    if first.method != SESSION:
        await home_realms.check(
            runtime, opened.tenant, user.email, sign_in.linking, at=first.connection_id
        )


async def of_session(runtime: Runtime, opened: OpenInteraction) -> SignIn | None:
    """Return what the living session of this very browser shows, where a factor adds to it."""
    session = await open_interactions.find_session(runtime, opened)
    if session is None or session.browser != opened.interaction.browser:
        return None
    kind = OF_SESSIONS.get(session.acr or "")
    if kind is None:
        return None
    proof = Proof(method=SESSION, kind=kind, amr=session.amr, at=session.authenticated_at)
    return SignIn(account_id=session.account_id, proofs=(proof,))
