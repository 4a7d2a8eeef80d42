"""Proof Key for Code Exchange (RFC 7636), S256 only."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from porta.protocol.errors import InvalidGrant, InvalidRequest
from porta.protocol.features.feature import AuthorizationPolicy, Feature
from porta.protocol.requests.authorization_request import AuthorizationRequest
from storage.models.clients import Client

METHOD = "S256"
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def is_required(client: Client, policy: AuthorizationPolicy) -> bool:
    """Tell whether `client` must send a challenge (RFC 9700 §2.1.1).

    Public clients always. A confidential one where its organization says so, or its registration
    does; the latter counts for nothing when `require_pkce` of the system's configuration is off.
    """
    if client.client_type != "confidential" or policy.require_pkce_of_all:
        return True
    return policy.require_pkce and client.require_pkce


def check_challenge(
    request: AuthorizationRequest, client: Client, policy: AuthorizationPolicy
) -> None:
    """Check challenge and method (RFC 7636 §4.3). Raises InvalidRequest.

    A missing method would mean `plain`, which is refused like every other. A SHA-256 has exactly
    43 characters of base64url; nothing else could ever be verified.
    """
    challenge, method = request.code_challenge, request.code_challenge_method
    if challenge is None:
        if method is not None:
            raise InvalidRequest("code_challenge_method without code_challenge")
        if is_required(client, policy):
            raise InvalidRequest("code_challenge is required (PKCE)")
        return
    if method != METHOD:
        raise InvalidRequest("code_challenge_method must be S256")
    if not _CHALLENGE.fullmatch(challenge):
        raise InvalidRequest("code_challenge must be the base64url form of a SHA-256")


def check_verifier(challenge: str | None, verifier: str | None) -> None:
    """Check what the client presents with its code (RFC 7636 §4.6). Raises InvalidGrant.

    A verifier for a code that had no challenge is refused too: it tells of a request whose
    challenge was taken away on the way (RFC 9700 §2.1.1).
    """
    if challenge is None and verifier is None:
        return
    if challenge is None:
        raise InvalidGrant("code_verifier for a code without code_challenge")
    if verifier is None:
        raise InvalidGrant("code_verifier is missing")
    if not _VERIFIER.fullmatch(verifier):
        raise InvalidGrant("code_verifier is malformed")
    if not hmac.compare_digest(build_challenge(verifier), challenge):
        raise InvalidGrant("code_verifier does not match")


def build_challenge(verifier: str) -> str:
    """Return the S256 challenge of an ASCII `verifier` (RFC 7636 §4.2)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).decode()[:43]


def _discovery(issuer: str) -> Mapping[str, Any]:
    return {"code_challenge_methods_supported": [METHOD]}


FEATURE = Feature("pkce", check=check_challenge, discovery=_discovery)
