"""Security headers of every answer, and the Content-Security-Policy of pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tornado.httputil import HTTPHeaders

from handlers import cookies
from porta.config.hosts import is_this_host

_COMMON = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Our forms, and those that a client is answered with, have an Origin; no path leaves the house.
    "Referrer-Policy": "strict-origin",
    "X-Xss-Protection": "0",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
MOST = 4000
"""Bytes of all headers of an answer, within the 4 KB that proxies have room for by default."""
_HSTS = "max-age=31536000"
_PAGE = (
    "default-src 'none'; style-src 'self'; img-src 'self'{elsewhere}; script-src 'self';"
    " frame-ancestors 'none'; base-uri 'none'"
)
_OPEN_PAGE, _SECRET_PAGE = (_PAGE.format(elsewhere=each) for each in (" https:", ""))

IMAGE_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
"""Of an image that somebody uploaded: opened by itself, it is a document that may do nothing."""


class AnswerHeaders(HTTPHeaders):
    """Headers of an answer.

    Tornado's read each character that is added, since they are made for what comes from outside.
    What a handler adds was read before, by `RequestHandler.add_header`.
    """

    def __init__(self, common: Mapping[str, str]) -> None:
        """Begin with those of `common`, whose names are spelled as Tornado spells them."""
        self._as_list = {name: [value] for name, value in common.items()}
        self._combined_cache = {}

    def add(self, name: str, value: str, **_: Any) -> None:
        if name in self:
            super().add(name, value)
        else:
            self[name] = value


def common(issuer_base_url: str, *, subdomains: bool = False) -> dict[str, str]:
    """Return the headers of every answer under an issuer, spelled as Tornado spells them.

    An https one is to be asked in no other way from then on (RFC 6797). What is below its host
    belongs to others, unless `subdomains` says so; a name of this machine, to all that runs here.
    """
    issuer = urlsplit(issuer_base_url)
    if issuer.scheme != "https" or is_this_host(issuer.hostname):
        return dict(_COMMON)
    return {
        **_COMMON,
        "Strict-Transport-Security": f"{_HSTS}; includeSubDomains" if subdomains else _HSTS,
    }


def leave_room(headers: HTTPHeaders) -> None:
    """Drop cookies that are only taken away, the first ones, where the headers exceed MOST.

    A browser brings such a cookie again, and whoever sent many of them must not take this server
    for dead to the proxy in front of it.
    """
    lines = headers.get_list("Set-Cookie")
    if not any(map(cookies.is_taken_away, lines)):
        return
    excess = sum(len(name) + len(value) + 4 for name, value in headers.get_all()) - MOST
    kept = []
    for line in lines:
        if excess > 0 and cookies.is_taken_away(line):
            excess -= len("Set-Cookie: ") + len(line) + 2
        else:
            kept.append(line)
    if len(kept) < len(lines):
        del headers["Set-Cookie"]
        for line in kept:
            headers.add("Set-Cookie", line)


def page_policy(*, leaves: bool, is_secret: bool = False) -> str:
    """Return the Content-Security-Policy of a page; `leaves` says that its forms end at a client,
    `is_secret` that nobody else may hear of its address, by an image of theirs for instance.

    Browsers hold `form-action` against every redirect that follows a submitted form, those of the
    client included, and nobody but the client knows where these lead. So there is none where they
    can leave us. Without one a page cannot be made to send its form elsewhere either: nothing of
    it comes from outside unescaped, and `base-uri` is fixed.
    """
    page = _SECRET_PAGE if is_secret else _OPEN_PAGE
    return page if leaves else f"{page}; form-action 'self'"
