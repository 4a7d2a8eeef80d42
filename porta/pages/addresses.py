"""Addresses from outside, made fit to stand in a page."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_SCRIPT_SCHEMES = frozenset({"javascript", "data", "vbscript", "blob", "file", "about"})


_SCHEME = re.compile(r" *([A-Za-z][A-Za-z0-9+.-]*):")


_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def form_action(redirect_uri: str) -> str:
    """Return `redirect_uri` as a form's target. Raises ValueError when it would run a script."""
    scheme = _SCHEME.match(redirect_uri)
    if scheme is None or scheme[1].lower() in _SCRIPT_SCHEMES or not redirect_uri.isprintable():
        raise ValueError("a form cannot be sent there")
    return redirect_uri


def web_url(url: str | None, *, http: bool = False) -> str:
    """Return `url` when a page may link to it or show it (https, or a path of ours), else "".

    A link may also lead to `http`: what is registered with it is an address of the person's device.
    """
    if not url or not url.isprintable() or "\\" in url:
        return ""
    schemes = ("https://", "http://") if http else ("https://",)
    return url if url.lower().startswith(schemes) or (url[0] == "/" and url[1:2] != "/") else ""


def destination(redirect_uri: str) -> tuple[str, str]:
    """Return the message key that says where `redirect_uri` leads, and its host or private scheme.

    Hosts are told as browsers resolve them: without user information, in their ASCII form.
    """
    plain = redirect_uri.encode("unicode_escape").decode("ascii")
    try:
        url = urlsplit(redirect_uri.replace("\\", "/"))
        host = (url.hostname or "").encode("idna").decode("ascii")
    except ValueError:
        return "consent.destination", plain
    if url.scheme not in ("http", "https"):
        return "consent.destination_app", url.scheme or plain
    if host in _LOOPBACK_HOSTS:
        return "consent.destination_device", host
    return "consent.destination", host or plain
