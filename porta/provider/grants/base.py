"""Grant: what one is handed and what it answers: whose tokens, with which scope."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from porta.protocol.requests.claims_request import NO_CLAIMS, ClaimsRequest
from porta.protocol.requests.params import Params
from porta.provider.requests import ClientRequest
from porta.runtime import Runtime
from porta.tenants.resolve import era_of
from porta.tenants.tenant import Tenant
from storage.models.artifacts import AccessToken, RefreshToken
from storage.models.clients import Client
from storage.models.users import AccountFacts


class TokenRequest(msgspec.Struct, frozen=True):
    """One authenticated request to the token endpoint. `now` is whole seconds since the epoch."""

    runtime: Runtime
    tenant: Tenant
    client: Client
    request: ClientRequest
    now: int

    @property
    def era(self) -> int:
        """Of what is issued, and of what may be redeemed."""
        return era_of(self.tenant, self.client)

    @property
    def form(self) -> Params:
        return self.request.form

    def required(self, name: str) -> str:
        return self.request.form.required(name)


@dataclass(frozen=True, slots=True)
class Issued:
    """What is about to be handed out, still to be saved. Lifetimes are in seconds."""

    access: AccessToken
    access_ttl: int
    refresh: RefreshToken | None


@dataclass(frozen=True, slots=True)
class RefreshPlan:
    """The refresh token that goes with an answer: its value and its place in the family."""

    value: str
    generation: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Authorization:
    """An account's authorization, redeemed. `save` makes what is issued from it durable, and
    returns the value of the refresh token that stands then, if there is one.
    """

    facts: AccountFacts
    family_id: str
    family_expires_at: int
    session_uid: str
    scope: tuple[str, ...]
    """The scope of the access token."""
    granted_scope: tuple[str, ...]
    """The scope of the authorization, which a refresh token carries on."""
    authenticated_at: int
    save: Callable[[Issued], Awaitable[str | None]]
    refresh: RefreshPlan | None = None
    nonce: str | None = None
    claims: ClaimsRequest = NO_CLAIMS
    consented_claims: tuple[str, ...] = ()
    """The claims with `openid` that a third party may be told."""
    resource: tuple[str, ...] = ()
    """The resources asked for with this access token."""
    granted_resource: tuple[str, ...] = ()
    """The resources of the authorization, which a refresh token carries on."""
    amr: tuple[str, ...] = ()
    acr: str | None = None


@dataclass(frozen=True, slots=True)
class ClientAuthorization:
    """A client's authorization for itself (RFC 6749 §4.4)."""

    scope: tuple[str, ...]
    resource: tuple[str, ...] = ()
    asked_scope: bool = False
    """Whether any scope was requested, of which less may be granted."""


@dataclass(frozen=True, slots=True)
class GrantType:
    """A way to the token endpoint."""

    name: str
    redeem: Callable[[TokenRequest], Awaitable[Authorization | ClientAuthorization]]
