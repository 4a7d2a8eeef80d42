"""Token families: everything issued from one authorization, alive and dead together."""

from __future__ import annotations

from enum import Enum

import msgspec

from storage.models.artifacts import AccessToken, ClientCredentials, RefreshToken
from storage.models.users import AccountFacts


class TokenFamily(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens that descend from one authorization code.

    `id` is the digest of the code, so that a code can found one family only, whatever a store
    forgot. A family ends at `expires_at` (whole seconds since the epoch) whatever its tokens say.
    """

    id: str
    organization_id: str
    client_id: str
    account_id: str
    grant_id: str
    session_uid: str
    expires_at: int
    withdrawals: int = 0
    """Those of the code."""


class Rotation(Enum):
    """What became of a refresh token that was presented for rotation."""

    ROTATED = "rotated"
    """This call consumed it, or another did within the grace: the successor stands."""
    REUSED = "reused"
    """It was consumed longer ago than the grace."""
    GONE = "gone"
    """It, or its family, is expired, revoked or unknown."""


class Rotated(msgspec.Struct, frozen=True):
    """The outcome of a rotation, and the id of the one token that follows."""

    rotation: Rotation
    successor_id: str


class PresentedToken(msgspec.Struct, frozen=True):
    """A token found by its value, still alive, whatever its kind."""

    token: AccessToken | ClientCredentials | RefreshToken
    account: AccountFacts | None = None
    """Of an access token that is no JWT: what its value does not say."""


class TokenWithAccount(msgspec.Struct, frozen=True):
    """A token for an account, read together with what is known of that account."""

    token: AccessToken | RefreshToken
    account: AccountFacts
    session_uid: str
    """The session its family began in."""
    family_expires_at: int
    """Whole seconds since the epoch; nothing of the family lives longer."""
