"""Python client of the Admin API: typed models and methods, sign-in, pages, retries.

It imports nothing else of Porta, and opens no database: whoever administers from elsewhere uses it
as the command line does (docs/admin-api.md, "From Python").
"""

from __future__ import annotations

from porta.admin_client.client import AdminClient
from porta.admin_client.errors import (
    AdminApiError,
    Conflict,
    Forbidden,
    Invalid,
    NoAnswer,
    NotFound,
    NotSignedIn,
    PreconditionFailed,
    Refused,
    ServerError,
    SignInFailed,
    TooManyRequests,
    Unauthenticated,
)
from porta.admin_client.tokens import BearerToken, MachineTokens

__all__ = [
    "AdminApiError",
    "AdminClient",
    "BearerToken",
    "Conflict",
    "Forbidden",
    "Invalid",
    "MachineTokens",
    "NoAnswer",
    "NotFound",
    "NotSignedIn",
    "PreconditionFailed",
    "Refused",
    "ServerError",
    "SignInFailed",
    "TooManyRequests",
    "Unauthenticated",
]
