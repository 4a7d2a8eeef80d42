"""Authorization request to another provider, and what it answers (RFC 6749 §4.1, RFC 9207)."""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from porta.protocol.federation.provider import Metadata, Provider
from storage.models.connections import Connection

LONGEST = 4096
"""Characters of a parameter that comes back."""
_ENDPOINT = re.compile(r"https?://[!-.0->@-~][!-~]{0,1000}")
"""A place that fits in a `Location` and brings no header along, whoever wrote it."""


class ResponseRefused(Exception):
    """An authorization response that leads nowhere.

    `reason` is for the log, `denied` whether the person, or the provider, said no.
    """

    def __init__(self, reason: str, *, denied: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.denied = denied


@dataclass(frozen=True, slots=True)
class Secrets:
    """What binds a response to its request: each is in one request, and in no other."""

    state: str
    nonce: str
    code_verifier: str


def find_endpoint_problem(endpoint: str, *, plain: bool) -> str | None:
    """Return why no browser is sent to an `authorization_endpoint` (RFC 6749 §3.1), or None."""
    if not _ENDPOINT.fullmatch(endpoint) or "#" in endpoint:
        return "its authorization_endpoint is no URL that a browser can be sent to"
    if not plain and not endpoint.startswith("https:"):
        return "its authorization_endpoint is not https"
    return None


def build_url(
    provider: Provider,
    connection: Connection,
    metadata: Metadata,
    redirect_uri: str,
    secrets: Secrets,
    *,
    again: bool = False,
    hint: str | None = None,
) -> str:
    """Return where the browser is sent; `again` has the provider ask, whoever is signed in
    there, and `hint` is the address of who comes (Core §3.1.2.1).
    """
    asked: dict[str, str] = {
        "response_type": "code",
        "client_id": connection.client_id,
        "redirect_uri": redirect_uri,
        "state": secrets.state,
        **provider.parameters,
    }
    if scopes := dict.fromkeys((*provider.scopes, *connection.scopes)):
        asked["scope"] = " ".join(scopes)
    if provider.is_openid:
        asked["nonce"] = secrets.nonce
        asked |= {"prompt": "login"} if again else {}
        asked |= {"login_hint": hint} if hint is not None else {}
    if provider.pkce:
        asked |= {
            "code_challenge": challenge_of(secrets.code_verifier),
            "code_challenge_method": "S256",
        }
    if len(connection.allowed_tenants) == 1 and provider.name == "google":
        asked["hd"] = connection.allowed_tenants[0]
    glue = "&" if "?" in metadata.authorization_endpoint else "?"
    return metadata.authorization_endpoint + glue + urlencode(asked)


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 §4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def read_code(connection: Connection, metadata: Metadata, response: Mapping[str, str]) -> str:
    """Return the code of an authorization response. Raises ResponseRefused.

    `iss`, where the provider sends it, is that of the connection: a response of somebody else,
    mixed up with this one, is refused before its code is shown to anybody (RFC 9207 §2.4).
    """
    issuer = response.get("iss")
    if issuer is None and metadata.authorization_response_iss_parameter_supported:
        raise ResponseRefused("iss is missing")
    if issuer not in (None, metadata.issuer, connection.issuer):
        raise ResponseRefused("iss is another issuer")
    if "error" in response:
        denied = response["error"] in ("access_denied", "user_cancelled_authorize")
        raise ResponseRefused("denied" if denied else "provider_error", denied=denied)
    code = response.get("code")
    if not code or len(code) > LONGEST:
        raise ResponseRefused("code is missing")
    return code
