"""Prompts: what a request still waits for: login, consent, a gesture (Core §3.1.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from porta.protocol.clients.redirect_uris import is_assured
from porta.protocol.errors import (
    ConsentRequired,
    InteractionRequired,
    LoginRequired,
    OAuthError,
    UnmetAuthenticationRequirements,
)
from porta.protocol.requests.authorization_request import AuthorizationRequest
from porta.protocol.requests.consent import missing_consent, needed_consent
from porta.protocol.tokens.authentication import (
    ACR_MFA,
    ACR_VALUES,
    OF_SESSIONS,
    met_acr,
    wanted_acr,
)
from storage.models.artifacts import Session
from storage.models.clients import Client
from storage.models.interactions import Consent

ACR, STEP_UP, SELECT_ACCOUNT = "acr", "step_up", "select_account"
"""Reasons of a login: what the session reached is not enough; one more factor beside it would be;
and the person is to choose.
"""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What to ask the person next, and why."""

    name: str
    reasons: tuple[str, ...]


class PromptState(msgspec.Struct, frozen=True, kw_only=True):
    """What is known when a request is looked at. Times are seconds since the epoch."""

    request: AuthorizationRequest
    client: Client
    now: int
    session: Session | None = None
    is_user_usable: bool = False
    consents: tuple[Consent, ...] = ()
    """What the person has allowed the client, before or during this interaction."""
    authenticated: bool = False
    """Whether the person signed in during this very interaction."""
    consented: bool = False
    """Whether the person consented during this very interaction."""
    gestured: bool = False
    """Whether the person was shown client and account, and went on, in this very interaction."""
    gestured_before: bool = False
    """The same at any time of this session."""


@dataclass(frozen=True, slots=True)
class PromptKind:
    """One line of PROMPTS: why a prompt is due, and what `prompt=none` makes of it."""

    name: str
    reasons: Callable[[PromptState], tuple[str, ...]]
    error: type[OAuthError]


def next_prompt(situation: PromptState) -> Prompt | None:
    """Return what is missing, or None when the request can be answered.

    Raises the error of the PromptKind where `prompt=none` forbids to ask, LoginRequired when
    the person who signed in is not the one the client named, and UnmetAuthenticationRequirements
    for a demanded `acr` that no sign-in here can reach, or this one did not.
    """
    _check_acr(situation)
    _check_subject(situation)
    for kind in PROMPTS:
        reasons = kind.reasons(situation)
        if reasons and "none" in situation.request.prompt:
            raise kind.error(f"prompt=none, but {kind.name} is needed")
        if reasons:
            return Prompt(kind.name, reasons)
    return None


def login_reasons(situation: PromptState) -> tuple[str, ...]:
    """Return why the person must sign in (again); empty when the session is enough."""
    session = situation.session
    if session is None or session.expires_at <= situation.now:
        return ("no_session",)
    if not situation.is_user_usable:
        return ("inactive_user",)
    if situation.authenticated:
        return ()
    found = {
        "login_prompt": "login" in situation.request.prompt,
        SELECT_ACCOUNT: "select_account" in situation.request.prompt and not situation.gestured,
        "create": "create" in situation.request.prompt,
        "max_age": _is_too_old(situation, session),
        "other_subject": not _is_subject(situation, session),
        ACR: not _has_acr(situation, session),
    }
    reasons = tuple(reason for reason, holds in found.items() if holds)
    return (STEP_UP,) if reasons == (ACR,) and _may_step_up(situation, session) else reasons


def consent_reasons(situation: PromptState) -> tuple[str, ...]:
    """Return why a third-party client needs the person's consent; first-party ones never do.

    That holds for `prompt=consent` as well: what an organization's own client may see is decided
    by its administrator, and there would be nothing for the person to choose.
    """
    needed = needed_consent(situation.request, situation.client)
    if needed is None:
        return ()
    found = {
        "consent_prompt": "consent" in situation.request.prompt and not situation.consented,
        "no_grant": not situation.consents,
    }
    reasons = tuple(reason for reason, holds in found.items() if holds)
    return reasons + missing_consent(needed, situation.consents)


def gesture_reasons(situation: PromptState) -> tuple[str, ...]:
    """Return why a person has to say that they want to go on to a native client (RFC 8252 §8.6).

    Where its address is not assured any program of the device could ask, and get a code without
    anybody noticing. Who signs in, consents or goes on has seen the client's name, and said or
    seen as whom: once in a session, and each time for access that lasts beyond it.
    """
    if is_assured(situation.client, situation.request.redirect_uri):
        return ()
    if situation.authenticated or situation.consented or situation.gestured:
        return ()
    found = {
        "first_in_session": not situation.gestured_before,
        "offline_access": "offline_access" in situation.request.scope,
    }
    return tuple(reason for reason, holds in found.items() if holds)


PROMPTS: tuple[PromptKind, ...] = (
    PromptKind("login", login_reasons, LoginRequired),
    PromptKind("consent", consent_reasons, ConsentRequired),
    PromptKind("gesture", gesture_reasons, InteractionRequired),
)


def demands_several(request: AuthorizationRequest) -> bool:
    """Whether nothing but several factors is enough for a request."""
    wanted = _wanted(request)
    return [value for value in ACR_VALUES if value in wanted] == [ACR_MFA]


def told_acr(request: AuthorizationRequest, session: Session) -> str | None:
    """Return the authentication context of a session, as this request is told of it."""
    return met_acr(session.acr, _wanted(request)) or session.acr


def _check_acr(situation: PromptState) -> None:
    wanted = _wanted(situation.request)
    if not wanted:
        return
    # Core §5.5.1.1, RFC 9470 §5: what cannot be met is a failed sign-in.
    reachable = any(value in wanted for value in ACR_VALUES)
    if not reachable or (situation.authenticated and not _has_acr(situation, situation.session)):
        raise UnmetAuthenticationRequirements("the demanded acr cannot be met")


def _may_step_up(situation: PromptState, session: Session) -> bool:
    """Whether something that the person has, shown beside this session, is enough.

    Never where the client names an age: how old the first factor is then has to be known.
    """
    ages = _max_age(situation.request, situation.client) is not None
    return not ages and session.acr in OF_SESSIONS


def _check_subject(situation: PromptState) -> None:
    session = situation.session
    if session is not None and situation.authenticated and not _is_subject(situation, session):
        raise LoginRequired("another person than the one named has signed in")


def _is_subject(situation: PromptState, session: Session) -> bool:
    asked = situation.request.claims.subjects()
    return situation.request.hint_subject in (None, session.account_id) and (
        asked is None or session.account_id in asked
    )


def _is_too_old(situation: PromptState, session: Session) -> bool:
    max_age = _max_age(situation.request, situation.client)
    if max_age is None:
        return False
    # max_age=0 asks like prompt=login, also within the second of the last sign-in.
    return max_age == 0 or situation.now - session.authenticated_at > max_age


def _max_age(request: AuthorizationRequest, client: Client) -> int | None:
    default = client.metadata.get("default_max_age")
    if request.max_age is not None or not isinstance(default, int):
        return request.max_age
    return default


def _has_acr(situation: PromptState, session: Session | None) -> bool:
    wanted = _wanted(situation.request)
    return not wanted or (session is not None and met_acr(session.acr, wanted) is not None)


def _wanted(request: AuthorizationRequest) -> tuple[object, ...]:
    return wanted_acr(request.acr_values, request.claims)
