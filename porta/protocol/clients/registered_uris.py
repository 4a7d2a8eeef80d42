"""URIs that an administrator or client registers: what may stand in them (RFC 8252, RFC 9700).

Each function returns what is wrong, in words for who registers, or None.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address

from storage.models.clients import web_origin

MAX_LENGTH = 2048
LOOPBACK_HOSTS = ("127.0.0.1", "[::1]", "localhost")

# Everything a URI may consist of (RFC 3986), without "*": a wildcard is never meant literally.
_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()+,;=%]+")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_USERINFO = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*@")
_WEB = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<rest>[/?].*)?",
    re.IGNORECASE,
)
_HOST_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
# The origin of a packaged application: capacitor://localhost, chrome-extension://…, app://-
_PACKAGED = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[A-Za-z0-9._-]+)(?::(?P<port>[1-9][0-9]{0,4}))?"
)
_NO_ORIGINS = frozenset({"about", "blob", "data", "file", "filesystem", "javascript", "vbscript"})
"""Schemes whose origin is opaque: a browser sends `null` for them (RFC 6454 §4)."""
# A private-use scheme is a domain name of the app's owner, reversed (RFC 8252 §7.1): it has a dot.
_PRIVATE = re.compile(r"[A-Za-z][A-Za-z0-9+-]*(?:\.[A-Za-z0-9+-]+)+:/.*")


def find_redirect_uri_problem(uri: str, native: bool) -> str | None:
    """Look at a redirect or post-logout redirect URI; `native` clients may use private schemes."""
    problem = _find_common_problem(uri)
    if problem is not None:
        return problem
    if native and _PRIVATE.fullmatch(uri):
        return None
    return _find_web_problem(uri)


def find_link_problem(uri: str) -> str | None:
    """Look at a link shown to people (logo_uri, tos_uri ...)."""
    return _find_common_problem(uri) or _find_web_problem(uri)


def find_origin_problem(origin: str) -> str | None:
    """Look at an origin: compared with what browsers send, so only their spelling is of use.

    Nothing is ever sent to one, so its scheme may be any that an application is packaged under.
    """
    problem = _find_common_problem(origin)
    if problem is not None:
        return problem
    if not origin.lower().startswith(("http:", "https:")):
        return _find_packaged_problem(origin)
    match = _WEB.fullmatch(origin)
    if match is None or match["host"].lower().removesuffix(".").endswith(".localhost"):
        # RFC 6761 §6.3: this device
        problem = _find_web_problem(origin.replace("http:", "https:", 1))
    else:
        problem = _find_web_problem(origin)
    if problem is not None:
        return problem
    if match is None or match["rest"]:
        return "must be an origin: scheme, host and port, without a path"
    if origin != web_origin(origin):
        return "must be spelled as browsers send it: lower case, no default port"
    return None


def _find_packaged_problem(origin: str) -> str | None:
    match = _PACKAGED.fullmatch(origin)
    if match is None or int(match["port"] or 1) > 65535:
        return "must be an origin: scheme, host and port, without a path"
    if match["scheme"] in _NO_ORIGINS:
        return "must be of a scheme that has origins: browsers send null for this one"
    return None


def _find_common_problem(uri: str) -> str | None:
    if len(uri) > MAX_LENGTH:
        return f"must have at most {MAX_LENGTH} characters"
    if "#" in uri:
        return "must not have a fragment"
    if "*" in uri:
        return "must not have a wildcard"
    if _USERINFO.match(uri):
        return "must not have a user name or password"
    if not _CHARACTERS.fullmatch(uri) or _BAD_ESCAPE.search(uri):
        return "must be an absolute URI in ASCII, with everything else percent-encoded"
    return None


def _find_web_problem(uri: str) -> str | None:
    match = _WEB.fullmatch(uri)
    if match is None or not _is_host(match["host"]):
        return "must be an absolute https URI"
    if match["port"] is not None and not 0 < int(match["port"]) <= 65535:
        return "must have a port from 1 to 65535"
    if match["scheme"].lower() == "http" and match["host"].lower() not in LOOPBACK_HOSTS:
        return "must use https; http is for loopback addresses only"
    return None


def _is_host(host: str) -> bool:
    if host.startswith("["):
        return _is_ipv6(host[1:-1])
    return len(host) <= 253 and all(map(_HOST_LABEL.fullmatch, host.removesuffix(".").split(".")))


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True
