"""Browser cookies at an organization: what a browser presents, and what it is handed."""

from __future__ import annotations

from urllib.parse import urlsplit

from handlers import cookies
from handlers.base import TenantHandler
from porta.browser import binding
from porta.browser.binding import Browser
from porta.security import known_browsers


class BrowserHandler(TenantHandler):
    """A request of a browser that an organization may know."""

    _presented: Browser | None = None
    _parsed: cookies.Jar | None = None

    def browser(self) -> Browser:
        """Return what the browser presents. What it presents twice counts for nothing, and goes."""
        if self._presented is None:
            self._presented = self._read_browser()
        return self._presented

    def _read_browser(self) -> Browser:
        jar, slug = self._jar, self.tenant.slug
        names = self._names(slug)
        for name in names:
            if cookies.is_ambiguous(jar, name):
                self._take_away(name)
        keys = self.runtime.settings.cookie_keys
        secret, session = (cookies.find(jar, name) for name in names)
        posted = cookies.find(jar, cookies.posted_name(slug, secure=self.application.secure))
        return Browser(binding.from_cookie(keys, slug, secret), session, posted)

    def keep_browser(self, secret: str) -> None:
        """Hand the browser its secret, for as long as a session of it could last."""
        config = self.tenant.config
        value = binding.to_cookie(self.runtime.settings.cookie_keys, self.tenant.slug, secret)
        most = max(config.session_ttl, config.interaction_ttl)
        self._set(self._names(self.tenant.slug)[0], value, "/", most)
        secure = self.application.secure
        for slug in cookies.to_forget(self._jar, self.tenant.slug, secure=secure):
            self._set(self._names(slug)[0], "", "/", 0)
            self._set_session(slug, "", 0)

    def keep_posted(self, secret: str, *, max_age: int) -> None:
        """Hand the browser what it has to bring along to the next step; 0 takes it away."""
        slug = self.tenant.slug
        name = cookies.posted_name(slug, secure=self.application.secure)
        self._set(name, secret, f"{self.application.base_path}/{slug}/auth", max_age)

    def known_value(self) -> str | None:
        """Return what shows that somebody signed in at this browser before."""
        return cookies.find(self._jar, self._known_name(self.tenant.slug))

    def keep_known(self, value: str) -> None:
        """Hand the browser what it is known by at its next sign-in."""
        self._set(self._known_name(self.tenant.slug), value, "/", known_browsers.LIFETIME)
        for slug in cookies.to_forget(
            self._jar,
            self.tenant.slug,
            secure=self.application.secure,
            named=cookies.known_name,
        ):
            self._set(self._known_name(slug), "", "/", 0)

    def keep_session(self, value: str, *, max_age: int) -> None:
        """Hand the browser its session, or take it away (`max_age` 0, in seconds)."""
        secret = self.browser().secret
        if max_age and secret is not None:
            self.keep_browser(secret)
        self._set_session(self.tenant.slug, value, max_age)

    def _set_session(self, slug: str, value: str, max_age: int) -> None:
        # On two paths: a page of an interaction has to see that another tab has signed in.
        base, name = self.application.base_path, self._names(slug)[1]
        for path in (f"{base}/{slug}", f"{base}/interaction"):
            self._set(name, value, path, max_age)

    def _names(self, slug: str) -> tuple[str, str]:
        secure = self.application.secure
        return cookies.browser_name(slug, secure=secure), cookies.session_name(slug, secure=secure)

    def _known_name(self, slug: str) -> str:
        return cookies.known_name(slug, secure=self.application.secure)

    @property
    def _jar(self) -> cookies.Jar:
        if self._parsed is None:
            self._parsed = cookies.parse(self.request.headers.get("Cookie", ""))
        return self._parsed

    def _set(self, name: str, value: str, path: str, max_age: int) -> None:
        secure = self.application.secure
        line = cookies.build(name, value, path=path, max_age=max_age, secure=secure)
        self.add_header("Set-Cookie", line)

    def _take_away(self, name: str) -> None:
        host = urlsplit(self.tenant.issuer).hostname or ""
        path = self.application.base_path + self.request.path
        for line in cookies.take_away(name, path, host, secure=self.application.secure):
            self.add_header("Set-Cookie", line)
