"""Open interaction: found for its browser; what a person decides at it beside signing in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from porta.audit import events
from porta.browser import account_visits, interactions, request_copies, sessions
from porta.browser.binding import Browser
from porta.browser.interactions import InteractionExpired
from porta.errors import Forbidden
from porta.limits.origin import Origin
from porta.pages import client_brands
from porta.protocol.clients.redirect_uris import omitted_redirect_uri
from porta.protocol.requests.claims_request import parse_claims_request
from porta.protocol.requests.prompts import ACR, SELECT_ACCOUNT, STEP_UP
from porta.protocol.tokens.authentication import wanted_acr
from porta.runtime import Runtime
from porta.security import opaque
from porta.tenants import resolve
from porta.tenants.tenant import Tenant
from storage.models.artifacts import Session
from storage.models.clients import Client
from storage.models.interactions import Interaction, InteractionKind
from storage.models.organizations import Organization
from storage.models.sign_ins import SignIn
from storage.models.users import User

_CONFIRMING = frozenset({"login_prompt", "max_age", ACR, STEP_UP})
"""Reasons of `prompts.login_reasons` that ask for the same person again."""


@dataclass(frozen=True, slots=True)
class OpenInteraction:
    """An interaction in the browser that began it, with all it needs to be shown."""

    uid: str
    interaction: Interaction
    tenant: Tenant
    client: Client

    @property
    def redirect_uri(self) -> str:
        """Where the answer travels. Raises UntrustedRequest where it was left out, and the client
        has another number of them by now.
        """
        sent = self.interaction.parameters.get("redirect_uri")
        return sent or omitted_redirect_uri(self.client, openid=False)

    @property
    def look(self) -> Organization:
        """The organization as this client shows it, on pages and in mails."""
        return client_brands.dress(self.tenant.organization, self.client)

    @property
    def login_methods(self) -> tuple[str, ...]:
        """How this client lets people sign in: its own choice, or else its organization's."""
        methods = self.client.login_methods
        return methods if methods is not None else self.tenant.organization.default_login_methods

    @property
    def reauthenticates(self) -> bool:
        """Whether somebody who is signed in is to show that it is still them, and nobody else."""
        reasons, previous = self.interaction.reasons, self.interaction.previous_session
        return previous is not None and bool(reasons) and _CONFIRMING.issuperset(reasons)

    @property
    def takes_trusted_device(self) -> bool:
        """Whether a second factor that was shown here before may stand for one: not where a client
        wants to be sure, nor at the pages of one's own account, where it could be taken away.
        """
        asked = self.interaction
        if asked.kind is not InteractionKind.AUTHORIZATION:
            return False
        prompts = asked.parameters.get("prompt", "").split()
        return "login" not in prompts and _CONFIRMING.isdisjoint(asked.reasons)

    @property
    def registers(self) -> bool:
        """Whether its client wants the person to make an account (`prompt=create`)."""
        asked = self.interaction.parameters.get("prompt", "").split()
        return self.interaction.prompt == "login" and "create" in asked

    @property
    def selects(self) -> bool:
        """Whether the person is to choose an account, and may take that of whoever is signed in."""
        asked = self.interaction.parameters.get("prompt", "").split()
        return "select_account" in asked and self.interaction.reasons == (SELECT_ACCOUNT,)

    @property
    def acr(self) -> tuple[object, ...]:
        """The authentication contexts of which the client demands one; () for none."""
        asked = self.interaction.parameters
        claims = parse_claims_request(asked.get("claims"))
        return wanted_acr(asked.get("acr_values", "").split(" "), claims)

    @property
    def steps_up(self) -> bool:
        """Whether one more factor beside the session would be enough (RFC 9470)."""
        return self.interaction.reasons == (STEP_UP,)

    @property
    def may_switch(self) -> bool:
        """Whether somebody else may sign in here: a request for one person takes no other, whether
        an ID token named them or the claims (Core §3.1.2.1, §5.5.1).
        """
        interaction = self.interaction
        named = parse_claims_request(interaction.parameters.get("claims")).subjects()
        one = interaction.hint_subject is not None or (named is not None and len(named) < 2)
        return interaction.previous_session is not None and not one


async def get(
    runtime: Runtime, uid: str, browser_at: Callable[[Tenant], Browser]
) -> OpenInteraction:
    """Return the interaction for the browser that began it.

    `browser_at` tells what this browser presents at an organization. Raises InteractionExpired
    for one that is unknown, expired, finished or another browser's, all alike.
    """
    interaction = await interactions.find(runtime, uid)
    if interaction is None:
        raise InteractionExpired("interaction not found")
    tenant = await resolve.resolve(runtime, interaction.slug)
    if not interactions.is_of(interaction, browser_at(tenant)):
        raise InteractionExpired("interaction not found")
    client = await _client(runtime, tenant, interaction)
    if tenant.id != interaction.organization_id or client is None:
        raise InteractionExpired("interaction not found")
    return OpenInteraction(request_copies.fit(uid), interaction, tenant, client)


async def _client(runtime: Runtime, tenant: Tenant, interaction: Interaction) -> Client | None:
    if interaction.kind is InteractionKind.ACCOUNT:
        return account_visits.client_of(tenant)
    return await resolve.find_client(runtime, tenant, interaction.client_id)


def check_csrf(opened: OpenInteraction, value: str | None) -> None:
    """Raise Forbidden unless the form was rendered for this interaction."""
    if not opaque.equal(value or "", opened.interaction.csrf):
        raise Forbidden("errors.csrf_invalid")


async def consent(runtime: Runtime, opened: OpenInteraction, approve: bool, origin: Origin) -> None:
    """Keep what the person decided about what they were shown. Raises InteractionExpired where
    somebody else has signed in meanwhile: it is not theirs.
    """
    if opened.interaction.prompt != "consent":
        raise InteractionExpired("interaction not found")
    shown = opened.interaction.shown
    changes: dict[str, Any] = {"consented": shown} if approve else {"error": "User denied consent"}
    await interactions.save(runtime, opened.tenant, opened.interaction, decides=True, **changes)
    session = await find_session(runtime, opened)
    await record(
        runtime,
        opened,
        "user.consent.granted" if approve else "user.consent.denied",
        origin,
        user_id=session.account_id if session else None,
        scope=" ".join(shown.scope),
        resource=" ".join(shown.resource),
        claims=" ".join(shown.claims),
    )


async def go_on(runtime: Runtime, opened: OpenInteraction) -> None:
    """Keep that the person, shown the client and their account, went on."""
    if opened.interaction.prompt != "gesture":
        raise InteractionExpired("interaction not found")
    session_uid = opened.interaction.previous_session
    await interactions.save(runtime, opened.tenant, opened.interaction, gesture=session_uid)


async def select_signed_in(runtime: Runtime, opened: OpenInteraction) -> bool:
    """Keep that the person chose the account that is signed in; False where more is asked for."""
    session_uid = opened.interaction.previous_session
    if opened.interaction.prompt != "login" or not opened.selects or session_uid is None:
        return False
    await interactions.save(runtime, opened.tenant, opened.interaction, gesture=session_uid)
    return True


async def switch_account(runtime: Runtime, opened: OpenInteraction) -> None:
    """Have the person sign in as somebody else; until they do, they stay who they are.

    Where that would end at the client as an error, nothing changes: no page of ours offers it.
    """
    if not opened.may_switch:
        return
    asked = opened.interaction.parameters
    await interactions.save(
        runtime,
        opened.tenant,
        opened.interaction,
        prompt="login",
        reasons=(SELECT_ACCOUNT,),
        parameters={name: asked[name] for name in asked if name != "login_hint"},
        # Who was at another provider was the one who goes: nothing of theirs is left to be linked.
        sign_in=SignIn(),
    )


async def signed_in_as(runtime: Runtime, opened: OpenInteraction) -> str | None:
    """Return the e-mail address of whoever the browser is signed in as, for a page to show."""
    user = await find_signed_in(runtime, opened)
    return user.email if user is not None else None


async def find_signed_in(runtime: Runtime, opened: OpenInteraction) -> User | None:
    """Return who the browser is signed in as."""
    session = await find_session(runtime, opened)
    if session is None:
        return None
    return await runtime.storage.users.find_by_id(session.account_id, opened.tenant.id)


async def abort(runtime: Runtime, opened: OpenInteraction) -> None:
    """The person went away: the client is told `access_denied`."""
    await interactions.save(
        runtime, opened.tenant, opened.interaction, error="User aborted the interaction"
    )


async def find_session(runtime: Runtime, opened: OpenInteraction) -> Session | None:
    """Return the living session that the browser was last seen with."""
    uid = opened.interaction.previous_session
    return None if uid is None else await sessions.find_by_uid(runtime, opened.tenant, uid)


async def record(
    runtime: Runtime,
    opened: OpenInteraction,
    kind: str,
    origin: Origin,
    *,
    user_id: str | None = None,
    **metadata: str,
) -> None:
    """Leave an event of what happened at an interaction in the audit trail."""
    await events.record(
        runtime.storage,
        kind,
        organization_id=opened.tenant.id,
        user_id=user_id,
        metadata={"client_id": opened.client.client_id, **metadata},
        origin=origin,
    )
