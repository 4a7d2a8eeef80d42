"""Broker: a person is sent to another identity provider, and taken back with what it says.

What binds both halves is `UpstreamRequest`: to the interaction, its browser, one connection, and
one use. Nothing that the provider gives is kept but who somebody is there.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import msgspec

from porta.authn import attempt, progress
from porta.authn.authenticator import Evidence, LoginFailed
from porta.authn.federation.exchange import Upstream, describe, redeem
from porta.authn.federation.joining import find_account, link_of
from porta.authn.progress import SignedIn
from porta.browser import interactions, keepsakes
from porta.browser.keepsakes import Keepsakes
from porta.browser.open_interactions import OpenInteraction
from porta.limits import rate_limits
from porta.limits.origin import Origin
from porta.outbound.http import NotSent
from porta.protocol import endpoints
from porta.protocol.federation import PROVIDERS
from porta.protocol.federation.profile import Profile, TokenRefused
from porta.protocol.federation.provider import NotLetIn
from porta.protocol.federation.request import (
    LONGEST,
    ResponseRefused,
    Secrets,
    build_url,
    read_code,
)
from porta.protocol.requests.params import Params
from porta.runtime import Runtime
from porta.security import known_browsers, opaque
from porta.security.jwt import InvalidJWT
from porta.tenants import home_realms
from porta.tenants.tenant import Tenant
from porta.text.email_addresses import counted_email
from storage.errors import AlreadyConsumed
from storage.models.connections import Connection
from storage.models.interactions import UpstreamRequest
from storage.models.sign_ins import Proof, SignIn
from storage.models.users import User

_NOTHING = Params({})
_READ = ("code", "state", "iss", "error")


async def list_connections(runtime: Runtime, tenant: Tenant) -> tuple[Connection, ...]:
    """Return where people of the organization may sign in."""
    return await runtime.connections(tenant.id)


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
    try:
        upstream = await _reach(runtime, opened.tenant, connection_id)
    except NotSent as failure:
        raise await _refused(evidence, "unavailable", str(failure), 503) from None
    nonce, verifier = opaque.new_value(), opaque.new_value()
    left = opened.interaction.created_at + opened.tenant.config.interaction_ttl - runtime.clock()
    state = await runtime.storage.artifacts.create(
        partial(
            UpstreamRequest,
            organization_id=opened.tenant.id,
            connection_id=connection_id,
            uid=opened.uid,
            nonce=nonce,
            code_verifier=verifier,
        ),
        max(left, 1),
    )
    secrets = Secrets(state, nonce, verifier)
    return build_url(
        upstream.provider,
        upstream.connection,
        upstream.metadata,
        upstream.redirect_uri,
        secrets,
        again=opened.reauthenticates,
        hint=await _hint(runtime, opened.tenant, connection_id, email),
    )


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
    state = response.get("state") or ""
    await runtime.storage.artifacts.consume(UpstreamRequest, state, opened.tenant.id)
    try:
        upstream = await _reach(runtime, opened.tenant, request.connection_id)
        told = {name: value for name in _READ if (value := response.get(name)) is not None}
        code = read_code(upstream.connection, upstream.metadata, told)
        posted = (response.get("user") or "")[:LONGEST] or None
        profile = await redeem(upstream, request, code, posted)
        user = await find_account(evidence, upstream.connection, profile)
    except NotSent as failure:
        raise await _refused(evidence, "unavailable", str(failure), 503) from None
    except ResponseRefused as failure:
        denied = "denied" if failure.denied else "invalid"
        raise await _refused(
            evidence, denied, failure.reason, 200 if failure.denied else 400
        ) from None
    except (TokenRefused, InvalidJWT) as failure:
        raise await _refused(evidence, "invalid", str(failure), 400) from None
    except NotLetIn as failure:
        raise await _refused(evidence, "not_let_in", str(failure), 403) from None
    if user is None:
        await _ask_for_proof(evidence, upstream.connection, profile)
        return None
    return await _go_on(evidence, upstream.connection, profile, user, kept)


async def _reach(runtime: Runtime, tenant: Tenant, connection_id: str) -> Upstream:
    """Return a connection that is active, and what its provider says of itself."""
    for connection in await runtime.connections(tenant.id):
        if connection.id == connection_id:
            break
    else:
        raise NotSent("there is no such connection")
    provider = PROVIDERS.get(connection.provider)
    if provider is None:
        raise NotSent("its provider is not known here")
    redirect_uri = endpoints.absolute(
        tenant.issuer, endpoints.FEDERATION_CALLBACK, connection=connection.id
    )
    metadata = await describe(runtime, provider, connection)
    return Upstream(runtime, provider, connection, metadata, redirect_uri)


async def _go_on(
    evidence: Evidence,
    connection: Connection,
    profile: Profile,
    user: User,
    kept: Keepsakes,
) -> SignedIn | None:
    if not user.is_usable:
        await attempt.record(
            replace(evidence, user=user), "user.login.federation.failed", reason=user.status
        )
        raise LoginFailed(f"login.error_account_{user.status}", reason=user.status)
    runtime, keys = evidence.runtime, evidence.runtime.settings.cookie_keys
    await home_realms.check(runtime, evidence.tenant, user.email, at=connection.id)
    known = known_browsers.find(keys, kept.known, evidence.tenant.id, user.email, runtime.clock())
    shown = replace(evidence, email=user.email, known_browser=known is not None)
    sign_in = attempt.proved(progress.NOBODY, shown, user, "federation")
    (proof,) = sign_in.proofs
    sign_in = msgspec.structs.replace(sign_in, proofs=(_judged(proof, connection, profile),))
    return await progress.go_on(shown, user, sign_in, kept)


def _judged(proof: Proof, connection: Connection, profile: Profile) -> Proof:
    """Several factors count where the connection is trusted for them; and are told of where the
    provider says so too.
    """
    trusted = connection.trusts_second_factor
    several = trusted and profile.used_several_factors
    return msgspec.structs.replace(proof, verified=several, covers_second=trusted)


async def _ask_for_proof(evidence: Evidence, connection: Connection, profile: Profile) -> None:
    """Keep who it is there, until somebody has signed in here by a way of their own."""
    now = int(evidence.runtime.clock())
    linking = SignIn(linking=link_of(connection, profile, now))
    await interactions.save(
        evidence.runtime, evidence.tenant, evidence.opened.interaction, sign_in=linking
    )


async def _refused(evidence: Evidence, told: str, reason: str, status: int) -> LoginFailed:
    await attempt.record(evidence, "user.login.federation.failed", reason=reason[:200])
    refusal = LoginFailed(f"federation.error_{told}", reason=reason[:200])
    refusal.status = status
    return refusal
