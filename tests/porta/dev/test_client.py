"""The demonstration client believes only what answers its own request."""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from porta.dev import client as dev_client
from porta.dev import relying_party, web
from porta.dev.relying_party import Registration
from porta.security.jwt import sign
from porta.security.keys import Key


@dataclass(slots=True)
class Provider:
    """Just enough of an OpenID Provider; `lies` replace claims of its ID tokens."""

    issuer: str = ""
    nonce: str = ""
    lies: dict[str, Any] = field(default_factory=dict)
    forms: list[dict[str, str]] = field(default_factory=list)
    signing: Key = field(default_factory=lambda: make_key("one"))
    shown: Key | None = None

    def claims(self) -> dict[str, Any]:
        now = int(time.time())
        true = {"iss": self.issuer, "sub": "1", "aud": "native", "nonce": self.nonce}
        return true | {"iat": now, "exp": now + 60} | self.lies


class _ProviderHandler(web.PageHandler):
    def initialize(self, provider: Provider) -> None:
        self.provider = provider

    def get(self, path: str) -> None:
        match path:
            case "/.well-known/openid-configuration":
                names = {"authorization_endpoint": "/auth", "token_endpoint": "/token"}
                names |= {"jwks_uri": "/jwks", "userinfo_endpoint": "/me"}
                names |= {"end_session_endpoint": "/session/end"}
                issuer = self.provider.issuer
                self.finish_json({name: issuer + path for name, path in names.items()})
            case "/jwks":
                key = self.provider.shown or self.provider.signing
                self.finish_json({"keys": [key.jwk]})
            case "/me":
                assert self.request.headers["Authorization"] == "Bearer opaque<"
                self.finish_json({"sub": "1", "name": "<Alice>"})

    def post(self, path: str) -> None:
        assert path == "/token"
        self.provider.forms.append(dict(parse_qsl(self.request.body.decode())))
        token = sign(self.provider.signing, self.provider.claims(), "JWT")
        self.finish_json({"access_token": "opaque<", "id_token": token})


def _b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def make_key(kid: str) -> Key:
    private = generate_private_key(SECP256R1())
    numbers = private.public_key().public_numbers()
    x, y = (_b64(n.to_bytes(32, "big")) for n in (numbers.x, numbers.y))
    jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "alg": "ES256"}
    return Key(kid, "ES256", private.public_key(), private, jwk)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    made.issuer, server = web.serve([(r"(/.*)", _ProviderHandler, {"provider": made})])
    yield made
    server.stop()


@pytest.fixture
async def browser(provider: Provider) -> AsyncIterator[httpx.AsyncClient]:
    registration = Registration(provider.issuer, "native", "openid profile")
    link, server = dev_client.start(registration)
    async with httpx.AsyncClient(base_url=link.removesuffix("/sign-in"), trust_env=False) as client:
        yield client
    server.stop()


async def begin(browser: httpx.AsyncClient, provider: Provider) -> dict[str, str]:
    """Start a sign-in; return what the provider was asked."""
    answer = await browser.get("/sign-in")
    assert answer.status_code == 303
    asked = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    provider.nonce = asked["nonce"]
    return asked


async def complete(browser: httpx.AsyncClient, **parameters: str) -> httpx.Response:
    return await browser.get("/callback", params=parameters)


async def test_a_sign_in_shows_what_was_learned(
    provider: Provider, browser: httpx.AsyncClient
) -> None:
    asked = await begin(browser, provider)
    assert asked["redirect_uri"] == f"{browser.base_url}/callback".replace(
        "//callback", "/callback"
    )
    assert asked["scope"] == "openid profile"
    answer = await complete(browser, state=asked["state"], code="c", iss=provider.issuer)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/result"), answer.text
    for _ in range(2):  # it can be loaded again
        shown = await browser.get("/result")
        assert shown.status_code == 200, shown.text
        assert "Signed in as &lt;Alice&gt;" in shown.text
        assert "opaque&lt;" in shown.text
    (form,) = provider.forms
    assert form["code"] == "c"
    assert relying_party.challenge(form["code_verifier"]) == asked["code_challenge"]


async def sign_in(browser: httpx.AsyncClient, provider: Provider) -> str:
    """Sign in; return the cookies that the browser is left with."""
    asked = await begin(browser, provider)
    answer = await complete(browser, state=asked["state"], code="c", iss=provider.issuer)
    assert answer.status_code == 303, answer.text
    return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


async def test_a_result_is_shown_to_the_browser_that_signed_in(
    provider: Provider, browser: httpx.AsyncClient
) -> None:
    asked = await begin(browser, provider)
    answer = await complete(browser, state=asked["state"], code="c", iss=provider.issuer)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax")
    assert asked["state"] not in cookie  # others learn that one: the provider, and its log
    name = cookie.partition("=")[0]
    for other in ("", f"{name}={asked['state']}", f"{name}=", f"{name}=x\xff", "x"):
        browser.cookies.clear()
        refused = await browser.get("/result", headers={b"Cookie": other.encode("latin-1")})
        assert refused.status_code == 400
        assert "Nothing is kept here for this browser" in refused.text
        assert "opaque" not in refused.text
    kept = await browser.get("/result", headers={"Cookie": f"x=y; {name}=; {cookie}"})
    assert "opaque&lt;" in kept.text


async def test_a_result_outlives_a_sign_in_that_is_given_up(
    provider: Provider, browser: httpx.AsyncClient
) -> None:
    await sign_in(browser, provider)
    asked = await begin(browser, provider)
    given_up = {"state": asked["state"], "error": "access_denied", "iss": provider.issuer}
    assert (await complete(browser, **given_up)).status_code == 400
    assert (await browser.get("/result")).status_code == 200


async def test_the_oldest_result_falls_out(provider: Provider, browser: httpx.AsyncClient) -> None:
    cookies = [await sign_in(browser, provider) for _ in range(dev_client.MOST_RESULTS + 1)]
    browser.cookies.clear()
    answers = [await browser.get("/result", headers={"Cookie": each}) for each in cookies]
    assert [answer.status_code for answer in answers] == [400] + [200] * dev_client.MOST_RESULTS


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"state": "another"}, "belongs to no sign-in"),
        ({"state": "Grüße"}, "belongs to no sign-in"),
        ({"iss": "https://evil.test"}, "names another issuer"),
        ({"iss": ""}, "names another issuer"),
        ({"error": "access_denied", "error_description": "<no>"}, "access_denied: &lt;no&gt;"),
    ],
)
async def test_an_answer_that_does_not_belong_is_refused(
    change: dict[str, str], reason: str, provider: Provider, browser: httpx.AsyncClient
) -> None:
    asked = await begin(browser, provider)
    answer = {"state": asked["state"], "code": "c", "iss": provider.issuer} | change
    refused = await complete(browser, **answer)
    assert refused.status_code == 400
    assert reason in refused.text
    assert provider.forms == []


async def test_the_state_of_another_browser_is_refused(
    provider: Provider, browser: httpx.AsyncClient
) -> None:
    asked = await begin(browser, provider)
    browser.cookies.clear()
    refused = await complete(browser, state=asked["state"], code="c", iss=provider.issuer)
    assert refused.status_code == 400
    assert provider.forms == []


@pytest.mark.parametrize(
    "lie",
    [
        {"iss": "https://evil.test"},
        {"aud": "another"},
        {"nonce": "another"},
        {"exp": 1},
    ],
)
async def test_an_id_token_that_lies_is_refused(
    lie: dict[str, Any], provider: Provider, browser: httpx.AsyncClient
) -> None:
    provider.lies = lie
    asked = await begin(browser, provider)
    refused = await complete(browser, state=asked["state"], code="c", iss=provider.issuer)
    assert refused.status_code == 400
    assert "The ID token" in refused.text


async def test_userinfo_about_somebody_else_is_refused(
    provider: Provider, browser: httpx.AsyncClient
) -> None:
    provider.lies = {"sub": "2"}
    asked = await begin(browser, provider)
    refused = await complete(browser, state=asked["state"], code="c", iss=provider.issuer)
    assert refused.status_code == 400
    assert "somebody else" in refused.text


async def test_an_id_token_of_another_key_is_refused(
    provider: Provider, browser: httpx.AsyncClient
) -> None:
    provider.shown = make_key(provider.signing.kid)
    asked = await begin(browser, provider)
    refused = await complete(browser, state=asked["state"], code="c", iss=provider.issuer)
    assert refused.status_code == 400
    assert "signature does not match" in refused.text


async def test_a_provider_that_is_away_is_told() -> None:
    link, server = dev_client.start(Registration("http://127.0.0.1:1/x", "native", "openid"))
    async with httpx.AsyncClient(trust_env=False) as client:
        refused = await client.get(link)
    server.stop()
    assert refused.status_code == 400
    assert "did not answer" in refused.text
