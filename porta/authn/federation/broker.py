"""Broker: a person is sent to another identity provider, and taken back with what it says.

The request is bound to the interaction, and so to its browser. Nothing that the provider gives is
kept but who somebody is there.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from porta.authn import attempt, progress
from porta.authn.authenticator import Evidence, LoginFailed
from porta.authn.federation import round_trip
from porta.authn.federation.joining import Found, brought_by, create, find_account, link_of
from porta.authn.progress import SignedIn
from porta.browser import interactions, keepsakes
from porta.browser.keepsakes import Keepsakes
from porta.browser.open_interactions import OpenInteraction
from porta.limits import rate_limits
from porta.limits.origin import Origin
from porta.outbound.http import NotSent
from porta.protocol.federation.profile import Profile
from porta.protocol.requests.params import Params
from porta.runtime import Runtime
from porta.security import known_browsers, opaque
from porta.tenants import home_realms
from porta.tenants.tenant import Tenant
from porta.text.email_addresses import counted_email
from storage.errors import AlreadyConsumed
from storage.models.connections import Connection
from storage.models.interactions import UpstreamRequest
from storage.models.sign_ins import Proof, SignIn
from storage.models.users import User

_NOTHING = Params({})


async def begin(
    runtime: Runtime,
    opened: OpenInteraction,
    connection_id: str,
    origin: Origin,
    email: str | None = None,
) -> str:
    """Return where the browser goes, to sign in at a connection. Raises LoginFailed.

    An `email` that was typed is told there, if its domain is at home there, and to nobody else.
    """
    evidence = Evidence(runtime, opened, _NOTHING, origin, "", known_browser=False)
    guesses = rate_limits.of_upstream(opened.tenant, opened.interaction.id, origin.address)
    refusal = await attempt.count(evidence, guesses, "rate_limit.login")
    if refusal is not None:
        raise refusal
    left = opened.interaction.created_at + opened.tenant.config.interaction_ttl - runtime.clock()
    try:
        return await round_trip.send(
            runtime, opened.tenant, connection_id, max(left, 1),
            uid=opened.uid, again=opened.reauthenticates,
            hint=await _hint(runtime, opened.tenant, connection_id, email),
        )  # fmt: skip
    except NotSent as failure:
        raise await _refused(evidence, failure) from None


async def _hint(
    runtime: Runtime, tenant: Tenant, connection_id: str, email: str | None
) -> str | None:
    realm = await home_realms.find(runtime, tenant, email) if email else None
    at_home = realm is not None and realm.connection.id == connection_id
    return counted_email(email) if email and at_home else None


async def find_request(
    runtime: Runtime, tenant: Tenant, connection_id: str, state: str | None
) -> tuple[UpstreamRequest, bool] | None:
    """Return the request that a response is of, and whether one was taken before.

    None for what we never sent, or sent to another connection: its response is somebody else's.
    """
    if state is None or not opaque.well_formed(state):
        return None
    used = False
    found = await runtime.storage.artifacts.find(UpstreamRequest, state, tenant.id)
    if found is None:
        try:
            await runtime.storage.artifacts.consume(UpstreamRequest, state, tenant.id)
        except AlreadyConsumed as error:
            found = error.artifact if isinstance(error.artifact, UpstreamRequest) else None
            used = True
    if found is None or found.connection_id != connection_id:
        return None
    return found, used


async def complete(
    runtime: Runtime,
    opened: OpenInteraction,
    request: UpstreamRequest,
    response: Params,
    origin: Origin,
    kept: Keepsakes = keepsakes.NONE,
) -> SignedIn | None:
    """Take somebody back; None where the interaction asks for more. Raises LoginFailed.

    Of all who bring one `state` the first is answered; to others AlreadyConsumed is raised. Raises
    ElsewhereOnly for whoever has to sign in at another connection.
    """
    evidence = Evidence(runtime, opened, response, origin, "", known_browser=False)
    try:
        connection, profile = await round_trip.receive(runtime, opened.tenant, request, response)
        found = await find_account(evidence, connection, profile)
    except round_trip.FAILURES as failure:
        raise await _refused(evidence, failure) from None
    if found is not None:
        sign_in = await _judge(evidence, connection, profile, found, kept)
        user: User | None = found.user
        if found.by == "nothing":
            user = await _make(evidence, connection, profile, found.user)
        if user is not None:
            shown = _shown(evidence, user, kept)
            return await progress.go_on(shown, user, sign_in, kept)
    await _ask_for_proof(evidence, connection, profile)
    return None


async def _make(
    evidence: Evidence, connection: Connection, profile: Profile, new: User
) -> User | None:
    try:
        return await create(evidence, connection, profile, new)
    except LoginFailed as refusal:
        await attempt.record(evidence, "user.login.federation.failed", reason=refusal.reason)
        raise


async def _judge(
    evidence: Evidence, connection: Connection, profile: Profile, found: Found, kept: Keepsakes
) -> SignIn:
    """Return the proof of who was there. Raises LoginFailed, and ElsewhereOnly, for whoever is
    refused all the same: before an account is made.
    """
    user = found.user
    if not user.is_usable:
        await attempt.record(
            replace(evidence, user=user), "user.login.federation.failed", reason=user.status
        )
        raise LoginFailed(f"login.error_account_{user.status}", reason=user.status)
    await home_realms.check(evidence.runtime, evidence.tenant, user.email, at=connection.id)
    shown = _shown(evidence, user, kept)
    sign_in = attempt.proved(progress.NOBODY, shown, user, "federation")
    (proof,) = sign_in.proofs
    sign_in = msgspec.structs.replace(
        sign_in,
        proofs=(_judged(proof, connection, profile),),
        brought=brought_by(connection, profile, found, evidence.runtime.clock()),
    )
    # An account that is still to be made is nobody that the trail could name.
    told_of = None if found.by == "nothing" else user
    await progress.check(replace(shown, user=told_of), user, sign_in, kept)
    return sign_in


def _shown(evidence: Evidence, user: User, kept: Keepsakes) -> Evidence:
    runtime, tenant = evidence.runtime, evidence.tenant
    keys, now = runtime.settings.cookie_keys, runtime.clock()
    known = known_browsers.find(keys, kept.known, tenant.id, user.email, now)
    return replace(evidence, email=user.email, known_browser=known is not None)


def _judged(proof: Proof, connection: Connection, profile: Profile) -> Proof:
    """Several factors count where the connection is trusted for them; and are told of where the
    provider says so too.
    """
    trusted = connection.trusts_second_factor
    several = trusted and profile.used_several_factors
    return msgspec.structs.replace(
        proof, verified=several, covers_second=trusted, connection_id=connection.id
    )


async def _ask_for_proof(evidence: Evidence, connection: Connection, profile: Profile) -> None:
    """Keep who it is there, until somebody has signed in here by a way of their own."""
    now = int(evidence.runtime.clock())
    linking = SignIn(linking=link_of(connection, profile, now))
    await interactions.save(
        evidence.runtime, evidence.tenant, evidence.opened.interaction, sign_in=linking
    )


async def _refused(evidence: Evidence, failure: Exception) -> LoginFailed:
    message, reason, status = round_trip.told_of(failure)
    await attempt.record(evidence, "user.login.federation.failed", reason=reason)
    refusal = LoginFailed(message, reason=reason)
    refusal.status = status
    return refusal
