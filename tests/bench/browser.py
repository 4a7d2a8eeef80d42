"""A browser without a window: enough cookies, forms and redirects to sign a person in."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.bench.connection import Answer, Connection
from tests.bench.target import Target
from tests.factories import challenge_of
from tests.world.answers import forms_of


class Browser:
    """Cookies by name and path, over one connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._cookies: dict[tuple[str, str], str] = {}

    async def get(self, path: str) -> Answer:
        """GET `path` with the cookies that belong to it."""
        return self._keep(await self.connection.get(path, self._headers(path)))

    async def post(self, path: str, form: dict[str, str]) -> Answer:
        """POST a form with the cookies that belong to its path."""
        return self._keep(await self.connection.post(path, form, self._headers(path)))

    def _headers(self, path: str) -> dict[str, str]:
        fitting = [
            f"{name}={value}"
            for (name, scope), value in self._cookies.items()
            if path == scope or path.startswith(scope.rstrip("/") + "/")
        ]
        return {"Cookie": "; ".join(fitting)} if fitting else {}

    def _keep(self, answer: Answer) -> Answer:
        for line in answer.cookies:
            pair, *attributes = [part.strip() for part in line.split(";")]
            name, _, value = pair.partition("=")
            scope = next((a[5:] for a in attributes if a.lower().startswith("path=")), "/")
            if value:
                self._cookies[(name, scope)] = value
            else:
                self._cookies.pop((name, scope), None)
        return answer


def authorization_path(target: Target, verifier: str) -> str:
    """Return the path of an authorization request of the web client, with PKCE."""
    query = {
        "client_id": target.web.client_id,
        "redirect_uri": target.web.redirect_uri,
        "response_type": "code",
        "scope": "openid profile email offline_access",
        "state": secrets.token_urlsafe(8),
        "nonce": secrets.token_urlsafe(8),
        "prompt": "consent",
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
    }
    return f"{target.endpoints['authorization_endpoint']}?{urlencode(query)}"


def relative(url: str) -> str:
    """Return the path and query of a URL."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def location(answer: Answer) -> str:
    """Return where an answer leads; raises when it leads nowhere."""
    if answer.status not in (302, 303) or "location" not in answer.headers:
        raise RuntimeError(f"expected a redirect, got {answer.status}: {answer.body[:300]!r}")
    return answer.headers["location"]


def code_of(url: str) -> str:
    """Return the code in a redirect to the client."""
    query = dict(parse_qsl(urlsplit(url).query))
    if "code" not in query:
        raise RuntimeError(f"no code in {url}")
    return query["code"]


async def open_login(browser: Browser, target: Target, verifier: str) -> Answer:
    """Start an authorization request and follow it to the login page."""
    answer = await browser.get(authorization_path(target, verifier))
    page = await browser.get(relative(location(answer)))
    if page.status != 200 or b'name="password"' not in page.body:
        raise RuntimeError(f"no login page: {page.status} {page.body[:300]!r}")
    return page


async def sign_in(browser: Browser, target: Target) -> tuple[str, str]:
    """Sign the person in through the pages; return the code and its verifier."""
    verifier = secrets.token_urlsafe(48)
    page = (await open_login(browser, target, verifier)).body.decode()
    form = next((form for form in forms_of(page) if "password" in form.names), None)
    if form is None:
        raise RuntimeError("the login page has no form")
    filled = {"email": target.email, "password": target.password} | form.fields
    answer = await browser.post(relative(form.action), filled)
    return await _follow(browser, target, location(answer)), verifier


async def authorize(browser: Browser, target: Target) -> tuple[str, str]:
    """Get a code with the session the browser has; return it and its verifier."""
    verifier = secrets.token_urlsafe(48)
    answer = await browser.get(authorization_path(target, verifier))
    return await _follow(browser, target, location(answer)), verifier


async def _follow(browser: Browser, target: Target, url: str) -> str:
    for _ in range(5):
        if url.startswith(target.web.redirect_uri):
            return code_of(url)
        url = location(await browser.get(relative(url)))
    raise RuntimeError("too many redirects")
