"""A browser at the authorization endpoint, step by step."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.factories import challenge_of
from tests.world.answers import hidden_fields
from tests.world.house import CALLBACK, EMAIL, PASSWORD, SECRET

VERIFIER = "v" * 43
CHALLENGE = challenge_of(VERIFIER)


def parameters(**changes: Any) -> dict[str, Any]:
    """Return a good authorization request, with `changes`; None takes a parameter away."""
    good: dict[str, Any] = {
        "client_id": "web",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid",
        "state": "xyz",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


async def begin(http: httpx.AsyncClient, **changes: Any) -> str:
    """Send an authorization request and return the path of the interaction."""
    answer = await http.get("/acme/auth", params=parameters(**changes))
    assert answer.status_code == 303, answer.text
    location = answer.headers["Location"]
    assert location.startswith("/interaction/")
    return str(location)


async def csrf(http: httpx.AsyncClient, path: str) -> str:
    """Return the CSRF value of the form that stands at `path`."""
    return hidden((await http.get(path)).text, "_csrf")


def hidden(html: str, name: str) -> str:
    """Return the value of a hidden field."""
    fields = hidden_fields(html)
    assert name in fields, html
    return fields[name]


async def submit(http: httpx.AsyncClient, path: str, **changes: str) -> httpx.Response:
    """Post the login form of the interaction at `path`."""
    form = {"email": EMAIL, "password": PASSWORD, "_csrf": await csrf(http, path)}
    return await http.post(f"{path}/login", data=form | changes)


async def sign_in(http: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    """Go from the authorization request to the answer that leaves for the client."""
    posted = await submit(http, await begin(http, **changes))
    assert posted.status_code == 303, posted.text
    return await http.get(posted.headers["Location"])


async def redeem(http: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    """Sign in and return the token response of the client `web`."""
    return await redeem_at(http, (await sign_in(http, **changes)).headers["Location"])


async def redeem_at(
    http: httpx.AsyncClient, location: str, slug: str = "acme", **client: str
) -> dict[str, Any]:
    """Return the token response for the code that a redirect brings to a client, by default `web`
    with its secret.
    """
    form = token_request(location, **(client or {"client_id": "web", "client_secret": SECRET}))
    tokens: dict[str, Any] = (await http.post(f"/{slug}/token", data=form)).json()
    return tokens


def token_request(location: str, **client: str) -> dict[str, str]:
    """Return the token request of a client for the code that a redirect brings to it (RFC 6749
    §4.1.3).
    """
    return {
        "grant_type": "authorization_code",
        "code": answered(location)["code"],
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        **client,
    }


def answered(location: str) -> dict[str, str]:
    """Return the parameters that a redirect brings to the client."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
