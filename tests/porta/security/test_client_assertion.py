"""Client assertions: signed by the client, for us alone, short (RFC 7523 §3)."""

from __future__ import annotations

from typing import Any

import pytest

from porta.security.client_assertion import read_client_id, verify_assertion
from porta.security.client_keys import ClientKeys, parse_jwks
from porta.security.jwt import InvalidJWT, sign
from porta.security.keyring import KeyRing, KeyRings
from porta.security.keys import ALGORITHMS
from tests.porta.security.rows import KEYS, row

NOW = 10_000.0
ISSUER, ENDPOINT = "https://id.example/acme", "https://id.example/acme/global-token-revocation"
CLAIMS: dict[str, Any] = {
    "iss": "idp",
    "sub": "idp",
    "aud": ENDPOINT,
    "jti": "one",
    "iat": 9_990,
    "exp": 10_200,
}
TYPES = ("JWT", "global-token-revocation+jwt")


@pytest.fixture(scope="module")
def ring() -> KeyRing:
    rows = [row(algorithm) for algorithm in ALGORITHMS]
    return KeyRings.build(rows, KEYS, longest_token_ttl=3600).of("acme", NOW)


@pytest.fixture(scope="module")
def keys(ring: KeyRing) -> ClientKeys:
    return parse_jwks(ring.jwks)


def some(*values: Any) -> tuple[Any, ...]:
    return values


def verify(assertion: str, keys: ClientKeys) -> Any:
    return verify_assertion(
        assertion, keys, client_id="idp", audiences=(ISSUER, ENDPOINT), types=TYPES, now=NOW
    )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("typ", [*TYPES, "application/jwt"])
@pytest.mark.parametrize("audience", [ISSUER, ENDPOINT, [ENDPOINT]])
def test_a_right_one(
    ring: KeyRing, keys: ClientKeys, algorithm: str, typ: str, audience: Any
) -> None:
    assertion = sign(ring.signer(algorithm), CLAIMS | {"aud": audience}, typ)
    assert read_client_id(assertion) == "idp"
    found = verify(assertion, keys)
    assert (found.client_id, found.jti) == ("idp", "one")


@pytest.mark.parametrize(
    "changes",
    [
        *({"iss": value} for value in ("other", None, 5)),
        *({"sub": value} for value in ("other", None, 5)),
        *(
            {"aud": value}
            for value in some("https://id.example/globex", None, 5, [], {}, ENDPOINT + "/")
        ),
        {"aud": [ENDPOINT, "https://elsewhere.example"]},
        {"aud": [ENDPOINT, ISSUER]},
        *({"jti": value} for value in (None, "", 5, "x" * 256, ["one"])),
        *({"exp": value} for value in (None, "x", 10_000, 9_999, 10_291, 1e12, True)),
        *({"iat": value} for value in (None, "x", 9_000, True)),
        {"iat": 10_061, "exp": 10_062},
        {"nbf": 10_061},
        {"iat": 10_050, "exp": 10_361},
    ],
    ids=str,
)
def test_a_wrong_one(ring: KeyRing, keys: ClientKeys, changes: dict[str, Any]) -> None:
    claims = {k: v for k, v in (CLAIMS | changes).items() if v is not None}
    assertion = sign(ring.signer("ES256"), claims, "JWT")
    with pytest.raises(InvalidJWT):
        verify(assertion, keys)


@pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt", "dpop+jwt", ""])
def test_another_kind_of_token(ring: KeyRing, keys: ClientKeys, typ: str) -> None:
    with pytest.raises(InvalidJWT, match="kind"):
        verify(sign(ring.signer("ES256"), CLAIMS, typ), keys)


def test_keys_of_others_and_none(ring: KeyRing) -> None:
    strangers = KeyRings.build([row(number=7)], KEYS, longest_token_ttl=3600).of("acme", NOW)
    assertion = sign(strangers.signer("ES256"), CLAIMS, "JWT")
    for keys in (parse_jwks(ring.jwks), ClientKeys({})):
        with pytest.raises(InvalidJWT):
            verify(assertion, keys)
    renamed = {**strangers.jwks["keys"][0], "kid": ring.jwks["keys"][0]["kid"]}
    with pytest.raises(InvalidJWT):
        verify(sign(ring.signer("ES256"), CLAIMS, "JWT"), parse_jwks({"keys": [renamed]}))


@pytest.mark.parametrize("assertion", ["", "x", "a.b.c", "....", "e30.e30.", "eyJ9.e30.AA"])
def test_no_jwt_at_all(keys: ClientKeys, assertion: str) -> None:
    for read in (lambda: verify(assertion, keys), lambda: read_client_id(assertion)):
        with pytest.raises(InvalidJWT):
            read()


def test_nobody_says_who_it_is(ring: KeyRing) -> None:
    for issuer in (None, 5, ["idp"]):
        with pytest.raises(InvalidJWT, match="iss"):
            read_client_id(sign(ring.signer("ES256"), CLAIMS | {"iss": issuer}, "JWT"))
