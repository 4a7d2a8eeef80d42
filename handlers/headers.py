"""The headers that stand on every answer, and the Content-Security-Policy of pages."""

from __future__ import annotations

import re

_COMMON = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-XSS-Protection": "0",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
_HSTS = "max-age=31536000; includeSubDomains"
_PAGE = (
    "default-src 'none'; style-src 'self'; img-src 'self' https:; script-src 'self';"
    " form-action {form_action}; frame-ancestors 'none'; base-uri 'none'"
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*", re.ASCII)
_NEVER = frozenset({"blob", "data", "filesystem", "javascript", "vbscript"})


def common(*, secure: bool) -> dict[str, str]:
    """Return the headers of every answer; `secure` says that the issuer is https."""
    return {**_COMMON, "Strict-Transport-Security": _HSTS} if secure else dict(_COMMON)


def page_policy(*targets: str | None) -> str:
    """Return the Content-Security-Policy of a page whose form may lead to `targets` (URIs).

    Browsers hold `form-action` against every redirect that follows a submitted form. The last of
    them goes to the client, which may well send the browser on to another host of its own; what
    can be told beforehand is the scheme.
    """
    schemes = [_scheme(target) for target in targets if target]
    if "http" in schemes:
        schemes.insert(0, "https")
    sources = [f"{scheme}:" for scheme in dict.fromkeys(schemes) if scheme]
    return _PAGE.format(form_action=" ".join(["'self'", *sources]))


def _scheme(uri: str) -> str:
    scheme, colon, _ = uri.lower().partition(":")
    return scheme if colon and _SCHEME.fullmatch(scheme) and scheme not in _NEVER else ""
