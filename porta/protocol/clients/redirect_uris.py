"""Redirect URIs: which one of a request is a client's own (RFC 9700 §2.1, RFC 8252 §7.3)."""

from __future__ import annotations

import re

from porta.protocol.errors import UntrustedRequest
from storage.models.clients import Client

# Only the port may differ, so everything around it is captured and compared.
_LOOPBACK = re.compile(
    r"(http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::([0-9]{1,5}))?((?:[/?].*)?)", re.DOTALL
)
_MAX_PORT = 65535
_NEVER = re.compile(r"(?:javascript|data|vbscript|blob|file|about|view-source):", re.IGNORECASE)


def check_redirect_uri(client: Client, redirect_uri: str) -> None:
    """Raise UntrustedRequest unless `redirect_uri` is registered, compared byte for byte.

    A native client's `http://127.0.0.1`, `http://[::1]` and `http://localhost` may come with any
    port (RFC 8252 §7.3, §8.3), each for itself: none of them stands for another.
    """
    if "#" in redirect_uri or _NEVER.match(redirect_uri):
        raise UntrustedRequest("redirect_uri is not acceptable")
    if redirect_uri in client.redirect_uris:
        return
    if client.application_type == "native" and _any_port(redirect_uri, client.redirect_uris):
        return
    raise UntrustedRequest("redirect_uri is not registered for this client").with_values(
        redirect_uri, client.redirect_uris
    )


def omitted_redirect_uri(client: Client, *, openid: bool) -> str:
    """Return what stands for a `redirect_uri` that was left out (RFC 6749 §3.1.2.3): the only one
    that a client of Porta 1.x has registered, as it was there.

    Raises UntrustedRequest for any other client, where more than one could be meant, and where
    `openid` is asked for, which requires the parameter (Core §3.1.2.1).
    """
    if not client.is_adopted:
        raise UntrustedRequest("redirect_uri is missing")
    if openid:
        raise UntrustedRequest("redirect_uri is missing: a request for openid needs it")
    if len(client.redirect_uris) != 1:
        raise UntrustedRequest("redirect_uri is missing, and it is not the only one registered")
    return client.redirect_uris[0]


def is_assured(client: Client, redirect_uri: str) -> bool:
    """Whether nobody but the client's owner can be where `redirect_uri` leads (RFC 8252 §8.6).

    Any program of a device can listen at its loopback, or take a private scheme for itself. An
    https address is claimed by its owner.
    """
    return client.application_type != "native" or redirect_uri[:8].lower() == "https://"


def check_post_logout_redirect_uri(client: Client, uri: str) -> None:
    """Raise UntrustedRequest unless `uri` is registered, byte for byte, whatever the client."""
    if _NEVER.match(uri) or uri not in client.post_logout_redirect_uris:
        raise UntrustedRequest(
            "post_logout_redirect_uri is not registered for this client"
        ).with_values(uri, client.post_logout_redirect_uris)


def _any_port(presented: str, registered: tuple[str, ...]) -> bool:
    wanted = _without_port(presented)
    return wanted is not None and any(_without_port(uri) == wanted for uri in registered)


def _without_port(uri: str) -> tuple[str, str] | None:
    match = _LOOPBACK.fullmatch(uri)
    if match is None or not 0 < int(match[2] or 80) <= _MAX_PORT:
        return None
    return match[1], match[3]
