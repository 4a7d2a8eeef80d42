"""Login: a person at an interaction is found, signed in, asked for consent, or gone away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from porta.audit import events
from porta.authn import password
from porta.authn.password import LoginFailed
from porta.browser import interactions, sessions
from porta.browser.binding import Browser
from porta.browser.interactions import InteractionExpired
from porta.errors import Forbidden, Invalid, Unavailable
from porta.limits import rate_limits
from porta.limits.origin import Origin
from porta.limits.rate_limits import Throttled
from porta.protocol.clients.redirect_uris import omitted_redirect_uri
from porta.protocol.requests.claims_request import parse_claims_request
from porta.protocol.tokens import authentication
from porta.runtime import Runtime
from porta.security import known_browsers, opaque
from porta.tenants import resolve
from porta.tenants.tenant import Tenant
from porta.text.email_addresses import canonical_email
from storage.models.artifacts import Interaction, Session
from storage.models.clients import Client
from storage.models.users import User
from storage.router import Storage

_CONFIRMING = frozenset({"login_prompt", "max_age"})
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
    def may_switch(self) -> bool:
        """Whether somebody else may sign in here: a request for one person takes no other, whether
        an ID token named them or the claims (Core §3.1.2.1, §5.5.1).
        """
        interaction = self.interaction
        named = parse_claims_request(interaction.parameters.get("claims")).subjects()
        one = interaction.hint_subject is not None or (named is not None and len(named) < 2)
        return interaction.previous_session is not None and not one


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The new session's cookie: its value, and when it ends (seconds since the epoch); and the
    cookie by which this browser is known from now on.
    """

    session_value: str
    expires_at: int
    known_value: str


async def open_interaction(
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
    client = await resolve.find_client(runtime, tenant, interaction.client_id)
    if tenant.id != interaction.organization_id or client is None:
        raise InteractionExpired("interaction not found")
    return OpenInteraction(uid, interaction, tenant, client)


def check_csrf(opened: OpenInteraction, value: str | None) -> None:
    """Raise Forbidden unless the form was rendered for this interaction."""
    if not opaque.equal(value or "", opened.interaction.csrf):
        raise Forbidden("errors.csrf_invalid")


async def submit(
    runtime: Runtime,
    opened: OpenInteraction,
    email: str,
    secret: str,
    origin: Origin,
    known_value: str | None = None,
) -> SignedIn:
    """Sign a person in with a password; raises LoginFailed, whose message is a catalog key.

    `known_value` is what the browser was given when it signed in before.
    """
    tenant, email = opened.tenant, _canonical(email)
    user = await _authenticate(runtime, opened, email, secret, origin, known_value)
    session, value = await sessions.sign_in(
        runtime,
        tenant,
        user.id,
        amr=authentication.AMR_PASSWORD,
        acr=authentication.ACR_PASSWORD,
        browser=opened.interaction.browser,
        origin=origin,
        # An interaction that is over changes nothing: its cookie would reach no browser.
        before_commit=partial(_keep, runtime, opened),
    )
    keys, now = runtime.settings.cookie_keys, runtime.clock()
    known = known_browsers.remember(keys, known_value, tenant.id, email, now)
    return SignedIn(value, session.expires_at, known)


async def _authenticate(
    runtime: Runtime,
    opened: OpenInteraction,
    email: str,
    secret: str,
    origin: Origin,
    known_value: str | None,
) -> User:
    """Return the person whose password this is, counted under the limits."""
    tenant, keys = opened.tenant, runtime.settings.cookie_keys
    known = known_browsers.find(keys, known_value, tenant.id, email, runtime.clock())
    # Before anything is counted: whoever fills the queue gets no work out of us.
    runtime.passwords.check_room(password.asker_of(tenant, origin))
    refusal = await _count(runtime, opened, email, origin, known)
    who = tenant, email, origin.address, known
    try:
        user = await password.authenticate(
            runtime, tenant, email, secret, origin, known_browser=known is not None,
            counts=refusal is None,
        )  # fmt: skip
    except LoginFailed as failure:
        raise refusal or failure from None
    except Unavailable:
        if refusal is None:
            await rate_limits.decrement_login(runtime, *who)
        raise
    await rate_limits.reset_login(runtime, *who)
    return user


async def _count(
    runtime: Runtime, opened: OpenInteraction, email: str, origin: Origin, known: str | None
) -> LoginFailed | None:
    """Count an attempt, and raise LoginFailed when it is one too many or of no use here.

    The last one of a pair is too many unless it is right: what to raise if it is not is returned.
    """
    refusal = None
    try:
        await rate_limits.count_login(runtime, opened.tenant, email, origin.address, known)
    except Throttled as throttled:
        if throttled.first:
            await _record(runtime, opened, "rate_limit.login", origin)
        refusal = _refusal("errors.rate_limit_exceeded", 429, throttled.retry_after)
        if not throttled.last:
            raise refusal from None
    if "password" not in opened.login_methods:
        await _record(runtime, opened, "security.login_method_disabled", origin, method="password")
        raise _refusal("errors.login_method_disabled", 403)
    return refusal


async def _keep(
    runtime: Runtime, opened: OpenInteraction, storage: Storage, session_uid: str
) -> None:
    """Note who is here now; what anybody consented to before was said by somebody else."""
    await interactions.save(
        runtime,
        opened.tenant,
        opened.interaction,
        storage=storage,
        session_uid=session_uid,
        previous_session=session_uid,
        consented=None,
    )


async def consent(runtime: Runtime, opened: OpenInteraction, approve: bool, origin: Origin) -> None:
    """Keep what the person decided about what they were shown."""
    if opened.interaction.prompt != "consent":
        raise InteractionExpired("interaction not found")
    shown = opened.interaction.shown
    if approve:
        await interactions.save(runtime, opened.tenant, opened.interaction, consented=shown)
    else:
        await interactions.save(
            runtime, opened.tenant, opened.interaction, error="User denied consent"
        )
    session = await _session(runtime, opened)
    await _record(
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
        reasons=("select_account",),
        parameters={name: asked[name] for name in asked if name != "login_hint"},
    )


async def signed_in_as(runtime: Runtime, opened: OpenInteraction) -> str | None:
    """Return the e-mail address of whoever the browser is signed in as, for a page to show."""
    session = await _session(runtime, opened)
    if session is None:
        return None
    user = await runtime.storage.users.find_by_id(session.account_id, opened.tenant.id)
    return user.email if user is not None else None


async def abort(runtime: Runtime, opened: OpenInteraction) -> None:
    """The person went away: the client is told `access_denied`."""
    await interactions.save(
        runtime, opened.tenant, opened.interaction, error="User aborted the interaction"
    )


async def _session(runtime: Runtime, opened: OpenInteraction) -> Session | None:
    """Return the session that the browser was last seen with."""
    uid = opened.interaction.previous_session
    return None if uid is None else await sessions.find_by_uid(runtime, opened.tenant, uid)


async def _record(
    runtime: Runtime,
    opened: OpenInteraction,
    kind: str,
    origin: Origin,
    *,
    user_id: str | None = None,
    **metadata: str,
) -> None:
    await events.record(
        runtime.storage,
        kind,
        organization_id=opened.tenant.id,
        user_id=user_id,
        metadata={"client_id": opened.client.client_id, **metadata},
        origin=origin,
    )


def _canonical(email: str) -> str:
    """What is no address is counted and refused like an unknown one.

    In quotes and escaped it is nobody's, and fit for every store: no NUL, no half characters.
    """
    try:
        return canonical_email(email)
    except Invalid:
        return ascii(email[:320].lower())


def _refusal(message: str, status: int, retry_after: int | None = None) -> LoginFailed:
    refusal = LoginFailed(message, retry_after=retry_after)
    refusal.status = status
    return refusal
