"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from porta import events, sessions, tenancy
from porta.errors import Forbidden
from porta.origin import Origin
from porta.protocol import end_session as protocol
from porta.protocol.params import Params
from porta.provider import hints
from porta.runtime import Runtime
from porta.security import opaque
from porta.tenant import Tenant
from storage.models.artifacts import Session
from storage.models.clients import Client

_PURPOSE = "logout"


@dataclass(frozen=True, slots=True)
class ConfirmLogout:
    """Ask the person: the CSRF value, who asks, and what the form must carry along.

    Whoever stays signed in may go to `return_to`, where the client wants the browser back.
    """

    xsrf: str
    client_name: str | None
    parameters: dict[str, str]
    return_to: str | None


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """No session is left; go to `redirect_to`, or show the page that says so."""

    redirect_to: str | None


async def start(
    runtime: Runtime, tenant: Tenant, params: Params, session_value: str | None, origin: Origin
) -> ConfirmLogout | LoggedOut:
    """End the session when a hint of this very session asks for it; else ask the person.

    Raises InvalidRequest, shown as a page, for a hint that is not ours or a redirect URI that is
    not the client's.
    """
    request = protocol.parse_end_session(params)
    hint = await hints.read(runtime, tenant, request.id_token_hint)
    client = await _find_client(runtime, tenant, protocol.named_client(request, hint))
    redirect_to = protocol.build_redirect(request, client)
    session = await sessions.find(runtime, tenant, session_value)
    if session is None:
        return LoggedOut(redirect_to)
    if protocol.may_skip_question(hint, session):
        return await _end(runtime, session, redirect_to, origin)
    carried = replace(request, client_id=client.client_id if client else None, id_token_hint=None)
    return ConfirmLogout(
        xsrf=opaque.seal(runtime.settings.cookie_keys, _PURPOSE, session.id),
        client_name=client.client_name if client else None,
        parameters=carried.to_parameters(),
        return_to=redirect_to,
    )


async def confirm(
    runtime: Runtime, tenant: Tenant, params: Params, session_value: str | None, origin: Origin
) -> ConfirmLogout | LoggedOut:
    """End the session that the person agreed to end; ask again whoever did not say yes.

    Raises Forbidden when the form was not rendered for this session.
    """
    request = protocol.parse_end_session(params)
    client = await _find_client(runtime, tenant, request.client_id)
    redirect_to = protocol.build_redirect(request, client)
    session = await sessions.find(runtime, tenant, session_value)
    if session is None:
        return LoggedOut(redirect_to)
    seal = params.get("xsrf") or ""
    if not opaque.check_seal(runtime.settings.cookie_keys, _PURPOSE, session.id, seal):
        raise Forbidden("the form was not rendered for this session")
    if params.get("logout") != "yes":
        name = client.client_name if client else None
        return ConfirmLogout(seal, name, request.to_parameters(), redirect_to)
    return await _end(runtime, session, redirect_to, origin)


async def _end(
    runtime: Runtime, session: Session, redirect_to: str | None, origin: Origin
) -> LoggedOut:
    await sessions.sign_out(runtime, session)
    await events.record(
        runtime.storage,
        events.event(
            "user.logout",
            organization_id=session.organization_id,
            user_id=session.account_id,
            origin=origin,
        ),
    )
    return LoggedOut(redirect_to)


async def _find_client(runtime: Runtime, tenant: Tenant, client_id: str | None) -> Client | None:
    return await tenancy.find_client(runtime, tenant, client_id) if client_id else None
