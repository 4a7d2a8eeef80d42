"""Authorization attempt: what is known of a request on its way, and what is missing."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from porta.browser.binding import Browser
from porta.protocol.requests import prompts
from porta.protocol.requests.authorization_request import AuthorizationRequest
from porta.provider import consents
from porta.runtime import Runtime
from porta.tenants.tenant import Tenant
from storage.models.artifacts import Grant, Session
from storage.models.clients import Client
from storage.models.interactions import Interaction
from storage.models.users import SessionStatus

_NO_SESSION = SessionStatus(is_user_usable=False, grant=None, use_is_due=False)


class Paused(Struct, frozen=True):
    """The interaction that a request is resumed from, as this browser knows it."""

    uid: str
    interaction: Interaction


class Attempt(Struct, frozen=True):
    """An authorization request that passed every check, on its way to an outcome."""

    runtime: Runtime
    tenant: Tenant
    client: Client
    request: AuthorizationRequest
    browser: Browser
    session: Session | None
    paused: Paused | None = None
    pushed: str | None = None
    """`id` of the pushed request that it is."""
    address: str = ""
    """Where it came from, unless it is resumed."""
    withdrawals: int = 0
    """How often a consent was withdrawn in the session, when it was looked at."""


async def look(attempt: Attempt) -> tuple[Attempt, prompts.Prompt | None, Grant | None]:
    """Return what is missing, beside the session and the grant as they stand."""
    session, status = await _session_status(attempt)
    grant = status.grant
    attempt = replace(attempt, session=session, withdrawals=status.withdrawals)
    interaction = attempt.paused.interaction if attempt.paused else None
    approved = consents.approved(interaction, session)
    prompt = prompts.next_prompt(
        prompts.PromptState(
            request=attempt.request,
            client=attempt.client,
            now=int(attempt.runtime.clock()),
            session=session,
            is_user_usable=status.is_user_usable,
            consents=consents.held(grant, approved),
            authenticated=session is not None
            and interaction is not None
            and interaction.session_uid == session.uid,
            consented=approved is not None,
            gestured=session is not None
            and interaction is not None
            and interaction.gesture == session.uid,
            gestured_before=grant is not None and grant.gesture,
        )
    )
    return attempt, prompt, grant


async def _session_status(attempt: Attempt) -> tuple[Session | None, SessionStatus]:
    """Read in one go whether the session lives, whether its account stands, and what it granted
    the client. Where sessions are found one may yet be known that has ended. Looked at for a
    request, a session is used.
    """
    runtime, config, session = attempt.runtime, attempt.tenant.config, attempt.session
    if session is None:
        return None, _NO_SESSION
    idle_ttl, interval = config.session_idle_ttl, config.session_use_interval
    status = await runtime.storage.users.session_status(
        session,
        consents.grant_id(session, attempt.client),
        idle_ttl=idle_ttl,
        use_interval=interval,
    )
    if status is None:
        return None, _NO_SESSION
    if status.is_user_usable and status.use_is_due:
        runtime.session_uses.note(session, idle_ttl=idle_ttl, interval=interval)
    return session, status
