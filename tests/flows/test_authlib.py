"""Authlib (Python) as a relying party that knows nothing of Porta."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.world.answers import query_in
from tests.world.person import Person
from tests.world.processes import Installation

CALLBACK = "http://127.0.0.1:9009/callback"


@pytest.fixture(scope="module")
def discovery(installation: Installation) -> dict[str, Any]:
    url = f"{installation.issuer('acme')}/.well-known/openid-configuration"
    document: dict[str, Any] = httpx.get(url).raise_for_status().json()
    return document


Parties = Callable[..., OAuth2Client]


@pytest.fixture
def relying_party(installation: Installation) -> Iterator[Parties]:
    """Return what makes a relying party of a client of acme."""
    with ExitStack() as stack:

        def make(client_id: str, **more: Any) -> OAuth2Client:
            client = installation.client("acme", client_id)
            known = {
                "client_id": client_id,
                "client_secret": client.get("client_secret"),
                "token_endpoint_auth_method": client["token_endpoint_auth_method"],
                "revocation_endpoint_auth_method": client["token_endpoint_auth_method"],
                "redirect_uri": CALLBACK,
                "scope": "openid profile email offline_access",
                "code_challenge_method": "S256",
            }
            return stack.enter_context(OAuth2Client(**(known | more)))

        yield make


def _sign_in(
    party: OAuth2Client, discovery: dict[str, Any], person: Person, **more: str
) -> dict[str, Any]:
    verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    url, state = party.create_authorization_url(
        discovery["authorization_endpoint"], code_verifier=verifier, nonce=nonce, **more
    )
    callback = person.visit(url, CALLBACK)
    assert query_in(callback)["state"] == state
    assert query_in(callback)["iss"] == discovery["issuer"]
    token: dict[str, Any] = party.fetch_token(
        discovery["token_endpoint"], authorization_response=callback, code_verifier=verifier
    )
    claims = _verify(token["id_token"], discovery)
    assert claims["nonce"] == nonce
    assert claims["aud"] == party.client_id
    return token


def _verify(token: str, discovery: dict[str, Any]) -> dict[str, Any]:
    keys = KeySet.import_key_set(httpx.get(discovery["jwks_uri"]).json())
    decoded = jwt.decode(token, keys, algorithms=["ES256"])
    jwt.JWTClaimsRegistry(iss={"essential": True, "value": discovery["issuer"]}).validate(
        decoded.claims
    )
    return dict(decoded.claims)


@pytest.mark.parametrize("client_id", ["acme-web-basic", "acme-web-post"])
def test_a_confidential_client(
    relying_party: Parties, discovery: dict[str, Any], alice: Person, client_id: str
) -> None:
    party = relying_party(client_id)
    token = _sign_in(party, discovery, alice)
    claims = _verify(token["id_token"], discovery)
    assert claims["roles"] == ["admin"]
    assert claims["department"] == "Engineering"
    userinfo = party.get(discovery["userinfo_endpoint"]).json()
    assert userinfo["sub"] == claims["sub"]
    assert userinfo["email"] == alice.email

    old = dict(token)
    token = party.refresh_token(discovery["token_endpoint"])
    assert token["refresh_token"] != old["refresh_token"]

    def introspect(value: str) -> dict[str, Any]:
        answer: dict[str, Any] = party.introspect_token(
            discovery["introspection_endpoint"], token=value
        ).json()
        return answer

    assert introspect(token["access_token"])["active"] is True
    revoked = party.revoke_token(discovery["revocation_endpoint"], token=token["refresh_token"])
    assert revoked.status_code == 200
    assert introspect(token["access_token"]) == {"active": False}
    assert introspect(old["access_token"]) == {"active": False}


def test_client_credentials(relying_party: Parties, discovery: dict[str, Any]) -> None:
    party = relying_party("acme-machine", scope="contacts:read")
    token = party.fetch_token(discovery["token_endpoint"], grant_type="client_credentials")
    claims = _verify(token["access_token"], discovery)
    assert claims["sub"] == claims["client_id"] == "acme-machine"
    assert claims["aud"] == "https://api.acme.test"
    assert token["scope"] == "contacts:read"


def test_a_third_party_asks_for_consent_once_a_session(
    installation: Installation, relying_party: Parties, discovery: dict[str, Any], alice: Person
) -> None:
    callback = installation.client("acme", "acme-partner")["redirect_uris"][0]
    party = relying_party("acme-partner", redirect_uri=callback, scope="openid email")
    for expected in (2, 2):  # the login and consent pages, then none
        url, _ = party.create_authorization_url(
            discovery["authorization_endpoint"], code_verifier="v" * 43
        )
        assert "code" in query_in(alice.visit(url, callback))
        assert len(alice.pages) == expected
    assert "application on this device" in alice.pages[1], "consent names the destination"
    assert alice.email in alice.pages[1], "consent names who is signed in"


@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_response_modes(
    relying_party: Parties, discovery: dict[str, Any], alice: Person, mode: str
) -> None:
    party = relying_party("acme-web-basic")
    assert _sign_in(party, discovery, alice, response_mode=mode)["access_token"]


def test_logout_ends_everything(
    relying_party: Parties, discovery: dict[str, Any], alice: Person
) -> None:
    party = relying_party("acme-web-basic")
    token = _sign_in(party, discovery, alice)
    goodbye = "http://127.0.0.1:9009/"
    url = httpx.URL(
        discovery["end_session_endpoint"],
        params={"id_token_hint": token["id_token"], "post_logout_redirect_uri": goodbye},
    )
    assert alice.visit(str(url), goodbye).startswith(goodbye)
    with pytest.raises(Exception, match="invalid_grant"):
        party.refresh_token(discovery["token_endpoint"])
    silent, _ = party.create_authorization_url(
        discovery["authorization_endpoint"], code_verifier="v" * 43, prompt="none"
    )
    assert query_in(alice.visit(silent, CALLBACK))["error"] == "login_required"
