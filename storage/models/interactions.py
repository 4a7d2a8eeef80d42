"""What waits for a person: paused requests, and those that another provider is asked to answer."""

from __future__ import annotations

from enum import Enum

import msgspec

from storage.models.artifact import Routed
from storage.models.sign_ins import Link, SignIn
from storage.models.traces import Mark


class Consent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person is asked to allow a client, all at once."""

    scope: tuple[str, ...] = ()
    resource: tuple[str, ...] = ()
    """Where the scopes are for; empty when the client named no resource."""
    claims: tuple[str, ...] = ()
    """Roles, permissions and custom claims, by name."""


class InteractionKind(Enum):
    """What waits at an interaction, and so what a sign-in there leads to."""

    AUTHORIZATION = "authorization"
    ACCOUNT = "account"
    """The pages of one's own account: no client is answered, and nothing is issued."""


class Interaction(Routed, frozen=True, kw_only=True):
    """An authorization request that waits for a person, or what else does by its `kind`."""

    slug: str
    client_id: str
    kind: InteractionKind = InteractionKind.AUTHORIZATION
    parameters: dict[str, str]
    resource: tuple[str, ...] = ()
    hint_subject: str | None = None
    """The `sub` of its id_token_hint, which was verified."""
    pushed: str | None = None
    """`id` of the pushed request that it came from: of those who do, one gets a code."""
    prompt: str
    reasons: tuple[str, ...] = ()
    browser: str
    """Digest of the secret that only the browser that began this holds."""
    csrf: str
    created_at: int
    previous_session: str | None = None
    """`uid` of the session the browser was last seen with."""
    sign_in: SignIn = SignIn()
    """How far a person has come in signing in; nobody, once they have."""
    session_uid: str | None = None
    """`uid` of the session that a sign-in in this interaction opened or renewed."""
    shown: Consent = Consent()
    """What its consent page shows."""
    consented: Consent | None = None
    """What a person was shown and approved."""
    section: str | None = None
    """The page of one's own account that it leads to; None for the first one."""
    gesture: str | None = None
    """`uid` of the session in which the person was shown client and account, and went on."""
    remembers: bool = False
    """Whether the person asked that this browser remember them, when they asked for a link."""
    resumptions: int = 0
    """How often a page of it found that it had been overtaken."""
    error: str | None = None
    """The description of `access_denied`, when the person refused."""
    marks: tuple[Mark, ...] = ()
    """The first request that saved it, and the latest (decisions/0041)."""


class UpstreamRequest(Routed, frozen=True, kw_only=True):
    """An authorization request of ours to another provider; its value is the `state`."""

    connection_id: str
    uid: str
    """Of the interaction that it is for: in the URL, with the copy of the request. Empty for one
    from the pages of somebody's own account, or of a set-up link.
    """
    session_uid: str | None = None
    """The session that asked, at the pages of its owner's account."""
    setup: str | None = None
    """The token of the set-up link whose draft is tried: alone, in a browser that is not the one
    it is bound to, it is good for nothing.
    """
    draft_number: int = 0
    """Which draft of it."""
    nonce: str
    code_verifier: str
    """RFC 7636."""


class WaitingIdentity(Routed, frozen=True, kw_only=True):
    """Who somebody is at another provider, until the owner of an account says that it is them."""

    session_uid: str
    account_id: str
    link: Link
