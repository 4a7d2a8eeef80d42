"""What the protocol leaves behind for a time: codes, tokens, sessions, paused requests.

The value of an artifact (the code a client presents, the cookie a browser holds) is never stored.
Its `id` is the digest of that value, so a leaked database yields nothing that could be presented.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec

from storage.models.artifact import Artifact, Routed
from storage.models.interactions import (
    Consent,
    Interaction,
    UpstreamRequest,
    WaitingIdentity,
)

ANY_ORGANIZATION = "*"
"""The organization named by the one look-up that comes before the tenant: an interaction's."""


class Session(Artifact, frozen=True, kw_only=True):
    """A browser's sign-in at one organization (the cookie's value is the key)."""

    uid: str
    account_id: str
    created_at: int
    authenticated_at: int
    expires_at: int
    amr: tuple[str, ...] = ()
    acr: str | None = None
    browser: str | None = None
    """Digest of the secret of the browser it was opened in. It counts together with that only."""
    address: str | None = None
    """Where that was, and what the browser called itself: for people, who look for their own."""
    user_agent: str | None = None
    trusted_device: str | None = None
    """The device at which a second factor was not asked for: its owner may not have been there."""


class AuthorizationCode(Routed, frozen=True, kw_only=True):
    """RFC 6749 §4.1.2, with the PKCE challenge of RFC 7636."""

    client_id: str
    account_id: str
    redirect_uri: str
    omits_redirect_uri: bool = False
    """Whether it was left out of the request, and may be where the code is redeemed."""
    scope: str
    grant_id: str
    session_uid: str
    session_expires_at: int
    authenticated_at: int
    created_at: int
    nonce: str | None = None
    code_challenge: str | None = None
    claims: dict[str, Any] = msgspec.field(default_factory=dict)
    consented_claims: tuple[str, ...] = ()
    """Those of `Consent.claims` that a third party may be told."""
    resource: tuple[str, ...] = ()
    amr: tuple[str, ...] = ()
    acr: str | None = None
    withdrawals: int = 0
    """How often a consent was withdrawn in its session before it was issued."""


class ReplayDetection(Artifact, frozen=True, kw_only=True):
    """A mark that says: this value was used (a client assertion's jti, a proof)."""


class PushedAuthorizationRequest(Artifact, frozen=True, kw_only=True):
    """RFC 9126: the parameters a client pushed. It may be visited until it expires."""

    client_id: str
    parameters: dict[str, str]
    resource: tuple[str, ...] = ()
    hint_subject: str | None = None


class Registration(Artifact, frozen=True, kw_only=True):
    """A link by which somebody may make an account for themselves, mailed to its address."""

    email: str
    registers_at: str | None = None
    """The client (its `client_id`) that a person came from."""


class EmailChange(Artifact, frozen=True, kw_only=True):
    """Another address that a person wants; of each person there is one at a time, by `value_of`.

    Of the two tokens that are mailed, one to each address, it holds the digests.
    """

    account_id: str
    session_uid: str
    """The session in which it was asked for: it ends with that."""
    email: str
    sent_from: str
    """The address that the person had."""
    confirmation: str
    refusal: str
    asked_at: float = 0
    """Seconds since the epoch."""

    @staticmethod
    def value_of(account_id: str) -> str:
        """Return the value that the one of a person is found by: no secret."""
        return f"email_change {account_id}"


class FormerLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A letter to the address that a person had, by which its reader says that it was not them.
    Times are seconds since the epoch.
    """

    digest: str
    """That of its token."""
    email: str
    """Where it went."""
    wanted: str
    """The address that was asked for instead."""
    at: float
    """When that was."""
    until: float
    """The end of its time."""


class FormerAddresses(Artifact, frozen=True, kw_only=True):
    """The letters of a person that are still good; of each person there is one, by `value_of`."""

    account_id: str
    letters: tuple[FormerLetter, ...] = ()

    @staticmethod
    def value_of(account_id: str) -> str:
        """Return the value that the one of a person is found by: no secret."""
        return f"former_addresses {account_id}"


class ClientCredentials(Artifact, frozen=True, kw_only=True):
    """An access token that a client holds for itself (RFC 6749 §4.4)."""

    client_id: str
    scope: str
    audience: tuple[str, ...]
    issued_at: int
    expires_at: int


class AccessToken(Artifact, frozen=True, kw_only=True):
    """An access token issued for an account; it lives no longer than its family."""

    client_id: str
    account_id: str
    family_id: str
    scope: str
    audience: tuple[str, ...]
    issued_at: int
    expires_at: int
    claims: dict[str, Any] = msgspec.field(default_factory=dict)
    consented_claims: tuple[str, ...] = ()


class RefreshToken(Artifact, frozen=True, kw_only=True):
    """One generation of a family; everything the next ID token will need."""

    client_id: str
    account_id: str
    family_id: str
    generation: int
    scope: str
    issued_at: int
    expires_at: int
    authenticated_at: int
    nonce: str | None = None
    claims: dict[str, Any] = msgspec.field(default_factory=dict)
    consented_claims: tuple[str, ...] = ()
    resource: tuple[str, ...] = ()
    amr: tuple[str, ...] = ()
    acr: str | None = None
    address: str | None = None
    """Where it was asked for, and so where the generation before it was used."""


class Grant(Artifact, frozen=True, kw_only=True):
    """What an account has allowed a client, in one session."""

    account_id: str
    client_id: str
    session_uid: str
    created_at: int
    consents: tuple[Consent, ...] = ()
    """Each as it was shown. None for a first-party client, which never asks."""
    gesture: bool = False
    """Whether the person, shown client and account, went on to a client that is not assured."""


class Store(Enum):
    """Where an artifact lives."""

    REDIS_OR_POSTGRES = "redis or postgres"
    """In Redis; what is made while that takes no writes, in PostgreSQL. The value says which."""
    POSTGRES = "postgres"
    REDIS_OVER_POSTGRES = "redis over postgres"


class ArtifactKind(msgspec.Struct, frozen=True):
    """One line of ARTIFACTS."""

    record: type[Artifact]
    store: Store
    table: str = "artifacts"
    found_by: tuple[str, ...] = ()
    """Further fields of the record that it can be looked up by."""
    created_once: bool = False
    """Saving it is the use: of all who save the same id, one succeeds."""
    founds: bool = False
    """What it founds in PostgreSQL, under its own id, is founded once: that decides whose it is
    where Redis gives it out twice, which cannot mark it as used, or lost its memory.
    """


ARTIFACTS: dict[type[Artifact], ArtifactKind] = {
    kind.record: kind
    for kind in (
        ArtifactKind(Session, Store.REDIS_OVER_POSTGRES, table="sessions", found_by=("uid",)),
        ArtifactKind(Interaction, Store.REDIS_OR_POSTGRES),
        ArtifactKind(UpstreamRequest, Store.REDIS_OR_POSTGRES),
        ArtifactKind(WaitingIdentity, Store.REDIS_OR_POSTGRES),
        ArtifactKind(AuthorizationCode, Store.REDIS_OR_POSTGRES, founds=True),
        ArtifactKind(ReplayDetection, Store.POSTGRES, created_once=True),
        # Acknowledged, and good for one code: neither may depend on what Redis still holds.
        ArtifactKind(PushedAuthorizationRequest, Store.POSTGRES),
        # Used up in the transaction that makes the account.
        ArtifactKind(Registration, Store.POSTGRES),
        # The same, of the change of the address.
        ArtifactKind(EmailChange, Store.POSTGRES),
        ArtifactKind(FormerAddresses, Store.POSTGRES),
        ArtifactKind(ClientCredentials, Store.POSTGRES),
        ArtifactKind(AccessToken, Store.POSTGRES),
        ArtifactKind(RefreshToken, Store.POSTGRES),
        ArtifactKind(Grant, Store.POSTGRES),
    )
}
