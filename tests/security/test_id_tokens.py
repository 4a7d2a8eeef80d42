"""What a client of each algorithm is told, read with a library of others' making."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.world.browser import Browser, add_client, code_form, post, userinfo
from tests.world.served import Served

ACR = "urn:porta:acr:password"
CLAIMS = {
    "id_token": {"acr": {"essential": True, "value": ACR}, "given_name": None},
    "userinfo": {"nickname": None, "phone_number": {"essential": True}},
}
HASHES = {"ES256": "sha256", "RS256": "sha256", "PS256": "sha256", "EdDSA": "sha512"}
"""Core §3.1.3.6: the hash of the algorithm; Ed25519 hashes with SHA-512 (RFC 8032 §5.1)."""


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # the name is; what it does is not
@pytest.mark.parametrize("algorithm", HASHES)
async def test_an_id_token_and_userinfo_say_what_was_asked_for(
    served: Served, browser: Browser, algorithm: str
) -> None:
    client = await add_client(served, id_token_signed_response_alg=algorithm)
    code = await browser.code(
        client_id=client.client_id, scope="openid", nonce="n-0S6_WzA2Mj", claims=json.dumps(CLAIMS)
    )
    secret = client.client_id * 2
    answer = await post(served, "/token", code_form(code), client.client_id, secret=secret)
    tokens = answer.json()

    keys = KeySet.import_key_set((await served.http.get(f"{served.issuer()}/jwks")).json())
    token = jwt.decode(tokens["id_token"], keys, algorithms=[algorithm])
    assert token.header["alg"] == algorithm
    said = token.claims
    assert (said["iss"], said["aud"]) == (served.issuer(), client.client_id)
    assert (said["nonce"], said["acr"], said["amr"]) == ("n-0S6_WzA2Mj", ACR, ["pwd"])
    assert said["given_name"] == "Alice"
    assert "nickname" not in said, "that was asked of userinfo"

    digest = hashlib.new(HASHES[algorithm], tokens["access_token"].encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")
    assert said["at_hash"] == half

    assert (await userinfo(served, tokens["access_token"])).json() == {
        "sub": said["sub"],
        "nickname": "Ali",
        "phone_number": "+49 30 5550100",
        "roles": said["roles"],
        "permissions": said["permissions"],
        "department": "Engineering",
    }


async def test_another_essential_acr_is_not_claimed(served: Served, browser: Browser) -> None:
    claims = {"id_token": {"acr": {"essential": True, "value": "urn:of:another"}}}
    answer = await browser.sign_in(claims=json.dumps(claims))
    assert answer["error"] == "unmet_authentication_requirements"
