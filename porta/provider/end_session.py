"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from porta.audit import events
from porta.browser import sessions
from porta.browser.binding import Browser
from porta.limits.origin import Origin
from porta.protocol.errors import UntrustedRequest
from porta.protocol.requests import end_session as protocol
from porta.protocol.requests.end_session import EndSessionRequest
from porta.protocol.requests.params import Params
from porta.provider import hints
from porta.runtime import Runtime
from porta.security import boxes, opaque
from porta.tenants import resolve
from porta.tenants.tenant import Tenant
from storage.models.artifacts import Session
from storage.models.clients import Client

_PURPOSE = "logout"
_HINTED = "logout by hint"
_SEAL = "hint_seal"
_SEALED = 600
"""Seconds that a sealed hint is good for: it goes through a URL or a form."""


class _Hint(msgspec.Struct, frozen=True):
    """What a verified hint says, sealed: whose session, which, and when that was seen."""

    sub: str
    sid: str
    at: int


@dataclass(frozen=True, slots=True)
class ConfirmLogout:
    """Ask the person: the CSRF value, who asks, and what the form must carry along.

    `error` is the key of a message: the form that was sent is no longer valid, or nobody will be
    led back to where the client wants.
    """

    xsrf: str
    parameters: dict[str, str]
    client: Client | None = None
    """Who asks."""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """No session is left; go to `redirect_to`, or show the page that says so."""

    redirect_to: str | None
    client_id: str | None = None
    """Whose application the person came from, where there is nothing to go to."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request as it was accepted: by which client, and for whose session by its hint.

    `problem` says why there is no way back, though one was asked for.
    """

    accepted: EndSessionRequest
    client: Client | None
    hinted: Session | None
    problem: UntrustedRequest | None


async def start(
    runtime: Runtime, tenant: Tenant, params: Params, browser: Browser, origin: Origin
) -> ConfirmLogout | LoggedOut:
    """End the session that a hint names; ask the person where the browser's is another, or where
    there is no hint.

    A client's server brings a hint and no cookie (requirement H.1). Raises InvalidRequest, shown
    as a page, for what is too long, for a `client_id` that is not the hint's, and for a redirect
    URI that is not the client's, when nobody is signed in (UntrustedRequest).
    """
    asked = await _read(runtime, tenant, params)
    session = await sessions.find(runtime, tenant, browser)
    if asked.problem is not None:
        if session is None and asked.hinted is None:
            raise asked.problem
        return _ask(runtime, asked, session, error="logout.not_registered")
    if session is not None and (asked.hinted is None or asked.hinted.uid != session.uid):
        return _ask(runtime, asked, session)
    return await _end(runtime, asked, origin, asked.hinted)


async def carry(runtime: Runtime, tenant: Tenant, params: Params, origin: Origin) -> dict[str, str]:
    """Return the parameters with which a browser can ask for the same by GET. Raises as `start`.

    Who posts without a cookie may be a client's server, which follows nothing: a session that the
    hint names ends here. What is left to look at is that of the browser. An ID token is too long
    for a URL, and tells too much to stand in one.
    """
    request = protocol.parse_end_session(params)
    asked = await _read(runtime, tenant, params)
    if asked.problem is None:
        await _end(runtime, asked, origin, asked.hinted)
        return asked.accepted.to_parameters()
    client_id = asked.client.client_id if asked.client else request.client_id
    again = replace(request, id_token_hint=None, client_id=client_id)
    return again.to_parameters() | _seal(runtime, asked.hinted)


def names_session(runtime: Runtime, params: Params) -> bool:
    """Whether a form carries whose session its question was about, besides the browser's own."""
    return _open(runtime, params.get(_SEAL)) is not None


async def confirm(
    runtime: Runtime, tenant: Tenant, params: Params, browser: Browser, origin: Origin
) -> ConfirmLogout | LoggedOut:
    """End the sessions that the person agreed to end; ask again whoever did not say yes.

    So is whoever sends a form of another session: a sign-in in another tab makes this one stale.
    """
    asked = await _read(runtime, tenant, params)
    if asked.problem is not None:
        raise asked.problem
    session = await sessions.find(runtime, tenant, browser)
    subject = session or asked.hinted
    if subject is None:
        return await _end(runtime, asked, origin)
    seal = params.get("xsrf") or ""
    if not opaque.verify_value(runtime.settings.cookie_keys, _PURPOSE, subject.id, seal):
        return _ask(runtime, asked, session, error="errors.csrf_invalid")
    if params.get("logout") != "yes":
        return _ask(runtime, asked, session)
    return await _end(runtime, asked, origin, session, asked.hinted)


async def _read(runtime: Runtime, tenant: Tenant, params: Params) -> _Asked:
    request = protocol.parse_end_session(params)
    hint = await hints.read(runtime, tenant, request.id_token_hint)
    client = await _find_client(runtime, tenant, protocol.named_client(request, hint))
    problem = None
    try:
        accepted = protocol.accept(request, client)
    except UntrustedRequest as error:
        problem = error
        accepted = protocol.accept(replace(request, post_logout_redirect_uri=None), client)
    return _Asked(accepted, client, await _find_hinted(runtime, tenant, hint, params), problem)


async def _find_hinted(
    runtime: Runtime, tenant: Tenant, hint: Mapping[str, Any] | None, params: Params
) -> Session | None:
    """Return the living session that a hint names, or what we sealed of one not long ago."""
    named = _open(runtime, params.get(_SEAL))
    sub, sid = (hint.get("sub"), hint.get("sid")) if hint is not None else (None, None)
    if named is not None and hint is None:
        sub, sid = named.sub, named.sid
    if not isinstance(sid, str):
        return None
    session = await sessions.find_by_uid(runtime, tenant, sid)
    return session if session is not None and session.account_id == sub else None


def _seal(runtime: Runtime, hinted: Session | None) -> dict[str, str]:
    if hinted is None:
        return {}
    named = _Hint(hinted.account_id, hinted.uid, int(runtime.clock()))
    keys = runtime.settings.cookie_keys
    return {_SEAL: boxes.close(keys, _HINTED, msgspec.json.encode(named))}


def _open(runtime: Runtime, box: str | None) -> _Hint | None:
    opened = boxes.unlock(runtime.settings.cookie_keys, _HINTED, box) if box else None
    if opened is None:
        return None
    named = msgspec.json.decode(opened, type=_Hint)
    return named if runtime.clock() - named.at <= _SEALED else None


def _ask(
    runtime: Runtime,
    asked: _Asked,
    session: Session | None,
    error: str | None = None,
) -> ConfirmLogout:
    subject = session or asked.hinted
    assert subject is not None
    return ConfirmLogout(
        xsrf=opaque.sign_value(runtime.settings.cookie_keys, _PURPOSE, subject.id),
        client=asked.client,
        parameters=asked.accepted.to_parameters() | _seal(runtime, asked.hinted),
        error=error,
    )


async def _end(
    runtime: Runtime, asked: _Asked, origin: Origin, *ended: Session | None
) -> LoggedOut:
    """End the sessions, each once, and write it down."""
    sessions_ended = {each.uid: each for each in ended if each is not None}.values()
    for session in sessions_ended:
        await sessions.sign_out(runtime, session)
        await events.record(
            runtime.storage,
            "user.logout",
            organization_id=session.organization_id,
            user_id=session.account_id,
            origin=origin,
        )
    redirect_to = protocol.build_redirect(asked.accepted)
    client_id = asked.client.client_id if asked.client else None
    for session in sessions_ended if redirect_to is None and client_id is None else ():
        client_id = await runtime.storage.tokens.find_last_client(session)
    return LoggedOut(redirect_to, client_id)


async def _find_client(runtime: Runtime, tenant: Tenant, client_id: str | None) -> Client | None:
    return await resolve.find_client(runtime, tenant, client_id) if client_id else None
