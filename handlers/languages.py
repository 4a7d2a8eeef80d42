"""Languages of pages: what a button of the menu says, a cookie remembers, or a browser asks for."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from handlers import cookies
from porta.protocol.errors import InvalidRequest
from porta.protocol.requests.response_modes import MAX_LOCATION

if TYPE_CHECKING:
    from handlers.base import PortaHandler

PARAMETER = "lang"
_KEPT = 31_536_000  # seconds
_MOST_PAIRS = 40
"""Parameters that a page repeats: an authorization request has no more than twenty."""
_FROM_ELSEWHERE = frozenset({"cross-site", "same-site"})


def language(handler: PortaHandler) -> str:
    """Return the locale to answer in: what the person chose comes before all else."""
    return _chosen(handler) or handler.runtime.pages.negotiate(
        handler.ui_locales(),
        handler.request.headers.get("Accept-Language"),
        *handler.default_locales(),
    )


def menu_query(handler: PortaHandler) -> str | None:
    """Return what the query of this address says beside a choice; None where the address cannot be
    asked for again.
    """
    request = handler.request
    if request.method not in ("GET", "HEAD"):
        return None
    if not request.query:
        return ""
    pairs = [pair for pair in request.query.split("&") if pair]
    query = "&".join(pair for pair in pairs if pair.partition("=")[0] != PARAMETER)
    return query if len(query) <= MAX_LOCATION and len(pairs) <= _MOST_PAIRS else None


def remember(handler: PortaHandler) -> None:
    """Have the browser remember what was chosen here; what another site says is not (Fetch
    Metadata).
    """
    chosen = _asked_for(handler)
    site = handler.request.headers.get("Sec-Fetch-Site")
    if chosen in handler.runtime.pages.locales and site not in _FROM_ELSEWHERE:
        secure, name = handler.application.secure, _cookie_name(handler)
        line = cookies.build(name, str(chosen), path="/", max_age=_KEPT, secure=secure)
        handler.add_header("Set-Cookie", line)


def keep(handler: PortaHandler, chosen: str | None) -> None:
    """Have the browser remember the language of who is signed in; None forgets any."""
    secure, name = handler.application.secure, _cookie_name(handler)
    age = _KEPT if chosen is not None else 0
    line = cookies.build(name, chosen or "", path="/", max_age=age, secure=secure)
    handler.add_header("Set-Cookie", line)


def _chosen(handler: PortaHandler) -> str | None:
    """Return what this request chooses, or what an earlier one did: a language of the pages."""
    chosen = _asked_for(handler) or cookies.find(handler.jar, _cookie_name(handler))
    return chosen if chosen in handler.runtime.pages.locales else None


def _asked_for(handler: PortaHandler) -> str | None:
    if f"{PARAMETER}=" not in handler.request.query:
        return None
    with suppress(InvalidRequest):
        return handler.query(deferred=True).get(PARAMETER)
    return None


def _cookie_name(handler: PortaHandler) -> str:
    return cookies.language_name(secure=handler.application.secure)
