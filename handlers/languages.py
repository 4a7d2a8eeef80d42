"""The language that a person chose: a link of the menu says it, and a cookie remembers it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from handlers import cookies
from handlers.base import PortaHandler
from porta.protocol.errors import InvalidRequest
from porta.protocol.requests.response_modes import MAX_LOCATION

PARAMETER = "lang"
_KEPT = 31_536_000  # seconds
_FROM_ELSEWHERE = frozenset({"cross-site", "same-site"})


class LanguageHandler(PortaHandler):
    """A handler whose pages are in a language that a person may choose."""

    def chosen_language(self) -> str | None:
        """Return what this request chooses, or what an earlier one did: a language of the pages."""
        chosen = self._asked_for() or self._remembered()
        return chosen if chosen in self.runtime.pages.locales else None

    def menu_query(self) -> str | None:
        """Return what the query of this address says, to be followed by a choice; None where the
        address cannot be asked for again.
        """
        request = self.request
        if request.method not in ("GET", "HEAD"):
            return None
        if not request.query:
            return ""
        kept = (pair for pair in request.query.split("&") if pair.partition("=")[0] != PARAMETER)
        query = "".join(f"{pair}&" for pair in kept if pair)
        return query if len(query) <= MAX_LOCATION else None

    def finish(self, *args: Any, **kwargs: Any) -> Any:
        """Answer, and have the browser remember what was chosen here; not what another site says
        (Fetch Metadata).
        """
        chosen = self._asked_for()
        site = self.request.headers.get("Sec-Fetch-Site")
        if chosen in self.runtime.pages.locales and site not in _FROM_ELSEWHERE:
            self._remember(str(chosen))
        return super().finish(*args, **kwargs)

    def _asked_for(self) -> str | None:
        if f"{PARAMETER}=" not in self.request.query:
            return None
        with suppress(InvalidRequest):
            return self.query(deferred=True).get(PARAMETER)
        return None

    def _remembered(self) -> str | None:
        header, name = self.request.headers.get("Cookie", ""), self._cookie_name()
        return cookies.find(cookies.parse(header), name) if name in header else None

    def _remember(self, language: str) -> None:
        secure, name = self.application.secure, self._cookie_name()
        line = cookies.build(name, language, path="/", max_age=_KEPT, secure=secure)
        self.add_header("Set-Cookie", line)

    def _cookie_name(self) -> str:
        return cookies.language_name(secure=self.application.secure)
