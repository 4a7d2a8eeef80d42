"""Access to the Admin API: from a bearer token to who acts, and with which rights (RFC 6750).

The rights are those of the roles of the application `porta-admin`, read with the token, at each
request: a right that is taken away is gone, however young the token is.
"""

from __future__ import annotations

from dataclasses import dataclass

from porta.audit.actors import Actor
from porta.limits.origin import Origin
from porta.protocol import endpoints
from porta.protocol.errors import InsufficientScope, InvalidToken
from porta.protocol.requests.scopes import parse_scope
from porta.protocol.tokens.bearer import is_askable
from porta.runtime import Runtime
from porta.security import jwt
from porta.services.permissions import ADMINISTRATION
from storage.models.administrators import Holder, Presented

SCOPE = "admin"
"""What a client of another application needs, beside the audience."""
_DEAD = "the access token is invalid, expired or revoked"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls the Admin API: as an actor, and as whoever holds the token."""

    actor: Actor
    holder: Holder

    @property
    def key(self) -> str:
        """What tells this caller from every other: limits are counted, and keys kept, by it."""
        holder = self.holder
        return f"user:{holder.user_id}" if holder.user_id else f"client:{holder.client_id}"


def audience(runtime: Runtime) -> str:
    """Return the identifier (RFC 8707) under which tokens for the Admin API are asked for."""
    return f"{runtime.settings.issuer_base_url}{endpoints.ADMIN_API}"


async def authenticate(runtime: Runtime, value: str, origin: Origin) -> Caller:
    """Return whom the access token `value` acts for. One round trip.

    Raises InvalidToken for a token that is dead, of another kind or of an organization that does
    not administer, that was signed by a revoked key, or that was issued for something else; and
    InsufficientScope for one that another application than `porta-admin` got without `admin`.
    """
    found = (
        await runtime.storage.everywhere.administrators.find(value) if is_askable(value) else None
    )
    if found is None or found.token.era != found.holder.era:
        raise InvalidToken(_DEAD)
    keys = (await runtime.snapshot()).keys.of(found.holder.organization_id, runtime.clock())
    if jwt.was_revoked(value, keys):
        raise InvalidToken("the key that signed the access token was revoked")
    _check_purpose(runtime, found)
    holder = found.holder
    actor = Actor(
        user_id=holder.user_id,
        origin=origin,
        permissions=frozenset(holder.permissions),
        organization_id=holder.delegated_to,
        client_id=None if holder.user_id else holder.client_id,
    )
    return Caller(actor, holder)


def _check_purpose(runtime: Runtime, found: Presented) -> None:
    """What was issued for another resource too would let that one administer (RFC 9068 §4)."""
    holder, token = found.holder, found.token
    own = audience(runtime)
    issuer = f"{runtime.settings.issuer_base_url}/{holder.slug}"
    if not set(token.audience) <= {own, issuer}:
        raise InvalidToken("the access token was issued for another resource")
    if holder.application == ADMINISTRATION:
        return
    if own not in token.audience:
        raise InvalidToken("the access token was issued for another resource")
    if SCOPE not in parse_scope(token.scope):
        raise InsufficientScope(f"the access token was not issued with the scope {SCOPE}")
