"""Round trip: a browser is sent to another provider, and comes back with what it says of somebody.

What binds both halves is `UpstreamRequest`: to one connection, one use, and to what asked for it.
"""

from __future__ import annotations

from functools import partial

from porta.authn.federation.exchange import Upstream, describe, redeem
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
from porta.security import opaque
from porta.security.jwt import InvalidJWT
from porta.tenants.tenant import Tenant
from storage.models.connections import Connection
from storage.models.interactions import UpstreamRequest

FAILURES = (NotSent, ResponseRefused, TokenRefused, InvalidJWT, NotLetIn)
"""What `receive` raises, and `send` the first of."""
_READ = ("code", "state", "iss", "error")


async def send(
    runtime: Runtime,
    tenant: Tenant,
    connection: str | Connection,
    lifetime: float,
    *,
    uid: str = "",
    session_uid: str | None = None,
    setup: str | None = None,
    draft_number: int = 0,
    again: bool = False,
    hint: str | None = None,
) -> str:
    """Return where the browser goes, for a connection by its id, or one that is a draft; it may
    come back for `lifetime` seconds, for the interaction `uid`, the session `session_uid`, or the
    set-up link `setup`. `again` has the provider ask who it is, `hint` is whom it may expect.
    Raises NotSent.
    """
    upstream = await _reach(runtime, tenant, connection)
    nonce, verifier = opaque.new_value(), opaque.new_value()
    state = await runtime.storage.artifacts.create(
        partial(
            UpstreamRequest,
            organization_id=tenant.id,
            connection_id=upstream.connection.id,
            uid=uid,
            session_uid=session_uid,
            setup=setup,
            draft_number=draft_number,
            nonce=nonce,
            code_verifier=verifier,
        ),
        lifetime,
    )
    return build_url(
        upstream.provider,
        upstream.connection,
        upstream.metadata,
        upstream.redirect_uri,
        Secrets(state, nonce, verifier),
        again=again,
        hint=hint,
    )


async def receive(
    runtime: Runtime,
    tenant: Tenant,
    request: UpstreamRequest,
    response: Params,
    draft: Connection | None = None,
) -> tuple[Connection, Profile]:
    """Return who the provider says it is. Of all who bring one `state` the first is answered.

    `draft` is what is tried where it is no connection yet. Raises AlreadyConsumed for the others,
    and one of FAILURES.
    """
    await runtime.storage.artifacts.consume(UpstreamRequest, response.get("state") or "", tenant.id)
    upstream = await _reach(runtime, tenant, draft or request.connection_id)
    told = {name: value for name in _READ if (value := response.get(name)) is not None}
    code = read_code(upstream.connection, upstream.metadata, told)
    posted = (response.get("user") or "")[:LONGEST] or None
    return upstream.connection, await redeem(upstream, request, code, posted)


def told_of(failure: Exception) -> tuple[str, str, int]:
    """Return what a person is told of one of FAILURES: the key of a text, and a status; and
    between them the reason, for the audit trail.
    """
    if isinstance(failure, ResponseRefused):
        key, status = ("denied", 200) if failure.denied else ("invalid", 400)
        return f"federation.error_{key}", failure.reason[:200], status
    key, status = "invalid", 400
    if isinstance(failure, NotSent):
        key, status = "unavailable", 503
    elif isinstance(failure, NotLetIn):
        key, status = "not_let_in", 403
    return f"federation.error_{key}", str(failure)[:200], status


async def _reach(runtime: Runtime, tenant: Tenant, wanted: str | Connection) -> Upstream:
    """Return a connection, and what its provider says of itself."""
    connection = await _active(runtime, tenant, wanted) if isinstance(wanted, str) else wanted
    provider = PROVIDERS.get(connection.provider)
    if provider is None:
        raise NotSent("its provider is not known here")
    redirect_uri = endpoints.absolute(
        tenant.issuer, endpoints.FEDERATION_CALLBACK, connection=connection.id
    )
    metadata = await describe(runtime, provider, connection)
    return Upstream(runtime, provider, connection, metadata, redirect_uri)


async def _active(runtime: Runtime, tenant: Tenant, connection_id: str) -> Connection:
    for connection in await runtime.connections(tenant.id):
        if connection.id == connection_id:
            return connection
    raise NotSent("there is no such connection")
