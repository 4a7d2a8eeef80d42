"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from porta import events, sessions, tenancy
from porta.browsers import Browser
from porta.origin import Origin
from porta.protocol import end_session as protocol
from porta.protocol.end_session import EndSessionRequest
from porta.protocol.params import Params
from porta.provider import hints
from porta.runtime import Runtime
from porta.security import opaque
from porta.tenant import Tenant
from storage.models.artifacts import Session
from storage.models.clients import Client

_PURPOSE = "logout"
_HINTED = "logout by hint"
_SEAL = "hint_seal"


@dataclass(frozen=True, slots=True)
class ConfirmLogout:
    """Ask the person: the CSRF value, who asks, and what the form must carry along.

    `error` is the key of a message when the form that was sent is no longer valid.
    """

    xsrf: str
    client_name: str | None
    parameters: dict[str, str]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """No session is left; go to `redirect_to`, or show the page that says so."""

    redirect_to: str | None


async def start(
    runtime: Runtime, tenant: Tenant, params: Params, browser: Browser, origin: Origin
) -> ConfirmLogout | LoggedOut:
    """End the session when a hint of this very session asks for it; else ask the person.

    Raises InvalidRequest, shown as a page, for what is too long, for a `client_id` that is not the
    hint's, and for a redirect URI that is not the client's (UntrustedRequest).
    """
    accepted, client, hint = await _read(runtime, tenant, params)
    session = await sessions.find(runtime, tenant, browser)
    if session is None:
        return LoggedOut(protocol.build_redirect(accepted))
    if protocol.may_skip_question(hint, session) or _is_hinted(runtime, params, session):
        return await _end(runtime, session, accepted, origin)
    return _ask(runtime, session, accepted, client)


async def carry(runtime: Runtime, tenant: Tenant, params: Params) -> dict[str, str]:
    """Return the parameters with which a browser can ask for the same by GET. Raises as `start`.

    An ID token is too long for a URL, and tells too much to stand in one: a seal of the session
    that it names goes in its place.
    """
    accepted, _, hint = await _read(runtime, tenant, params)
    asked = accepted.to_parameters()
    if hint is not None and "sid" in hint:
        named = _session_text(str(hint.get("sub")), str(hint["sid"]))
        asked[_SEAL] = opaque.seal(runtime.settings.cookie_keys, _HINTED, named)
    return asked


async def _read(
    runtime: Runtime, tenant: Tenant, params: Params
) -> tuple[EndSessionRequest, Client | None, Mapping[str, Any] | None]:
    request = protocol.parse_end_session(params)
    hint = await hints.read(runtime, tenant, request.id_token_hint)
    client = await _find_client(runtime, tenant, protocol.named_client(request, hint))
    return protocol.accept(request, client), client, hint


def _is_hinted(runtime: Runtime, params: Params, session: Session) -> bool:
    sealed, named = params.get(_SEAL), _session_text(session.account_id, session.uid)
    return sealed is not None and opaque.check_seal(
        runtime.settings.cookie_keys, _HINTED, named, sealed
    )


def _session_text(account_id: str, uid: str) -> str:
    return f"{account_id} {uid}"


async def confirm(
    runtime: Runtime, tenant: Tenant, params: Params, browser: Browser, origin: Origin
) -> ConfirmLogout | LoggedOut:
    """End the session that the person agreed to end; ask again whoever did not say yes.

    So is whoever sends a form of another session: a sign-in in another tab makes this one stale.
    """
    request = protocol.parse_end_session(params)
    client = await _find_client(runtime, tenant, request.client_id)
    accepted = protocol.accept(request, client)
    session = await sessions.find(runtime, tenant, browser)
    if session is None:
        return LoggedOut(protocol.build_redirect(accepted))
    seal = params.get("xsrf") or ""
    if not opaque.check_seal(runtime.settings.cookie_keys, _PURPOSE, session.id, seal):
        return _ask(runtime, session, accepted, client, error="errors.csrf_invalid")
    if params.get("logout") != "yes":
        return _ask(runtime, session, accepted, client)
    return await _end(runtime, session, accepted, origin)


def _ask(
    runtime: Runtime,
    session: Session,
    accepted: EndSessionRequest,
    client: Client | None,
    error: str | None = None,
) -> ConfirmLogout:
    return ConfirmLogout(
        xsrf=opaque.seal(runtime.settings.cookie_keys, _PURPOSE, session.id),
        client_name=client.client_name if client else None,
        parameters=accepted.to_parameters(),
        error=error,
    )


async def _end(
    runtime: Runtime, session: Session, accepted: EndSessionRequest, origin: Origin
) -> LoggedOut:
    await sessions.sign_out(runtime, session)
    await events.record(
        runtime.storage,
        "user.logout",
        organization_id=session.organization_id,
        user_id=session.account_id,
        origin=origin,
    )
    return LoggedOut(protocol.build_redirect(accepted))


async def _find_client(runtime: Runtime, tenant: Tenant, client_id: str | None) -> Client | None:
    return await tenancy.find_client(runtime, tenant, client_id) if client_id else None
