"""Keys of another provider: found by name, or by what fits where nothing is named (RFC 7515)."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from porta.security import jwt
from porta.security.jwt import InvalidJWT, UnknownKey, verify
from porta.security.keyring import KeyRing, KeyRings
from porta.security.keys import ALGORITHMS, Key
from porta.security.upstream_keys import MOST_TRIED, UpstreamKeys, parse_upstream

from .rows import KEYS, row

ISSUER, NOW = "https://id.example", 10_000.0
CLAIMS = {"iss": ISSUER, "sub": "ada", "aud": "porta", "iat": 9_999, "exp": 10_001}


def _ring(number: int) -> KeyRing:
    rows = [row(algorithm, number if algorithm == "ES256" else 0) for algorithm in ALGORITHMS]
    return KeyRings.build(rows, KEYS, longest_token_ttl=3600).of("acme", NOW)


SIGNERS = [_ring(number).signer("ES256") for number in range(MOST_TRIED + 1)]
OTHERS = {each: _ring(0).signer(each) for each in ALGORITHMS if each != "ES256"}


def _b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _token(key: Key, **header: Any) -> str:
    """A token that the key has signed; its header says these things, and never who signed it."""
    said = {"alg": key.algorithm, "typ": "JWT", **header}
    parts = [_b64(json.dumps(part).encode()) for part in (said, CLAIMS)]
    signature = jwt._signature(key, ".".join(parts).encode())
    return ".".join((*parts, _b64(signature)))


def _keys(*keys: Key, names: bool = False, **more: Any) -> UpstreamKeys:
    """The keys as they are published: without names, as a rule."""
    shown = [{**key.jwk, **more} for key in keys]
    if not names:
        shown = [{name: v for name, v in jwk.items() if name != "kid"} for jwk in shown]
    return parse_upstream({"keys": shown})


def _check(token: str, keys: UpstreamKeys) -> dict[str, Any]:
    return verify(token, keys, typ="JWT", issuer=ISSUER, now=NOW, audience="porta")


def _is_known(token: str, keys: UpstreamKeys) -> bool:
    try:
        return _check(token, keys) == CLAIMS
    except UnknownKey:
        return False


def test_neither_names_a_key_and_one_fits() -> None:
    for key in (SIGNERS[0], *OTHERS.values()):
        assert _is_known(_token(key), _keys(SIGNERS[0], *OTHERS.values()))


def test_a_token_names_none_of_keys_that_have_names() -> None:
    """Core §10.1 has it named where there are several; of few it is found all the same."""
    keys = _keys(*SIGNERS[:MOST_TRIED], names=True)
    assert all(_is_known(_token(key), keys) for key in SIGNERS[:MOST_TRIED])
    assert not _is_known(_token(SIGNERS[MOST_TRIED]), keys)


def test_a_token_names_a_key_that_is_published_without_its_name() -> None:
    assert _is_known(_token(SIGNERS[0], kid="one"), _keys(SIGNERS[0], SIGNERS[1]))


def test_a_key_of_another_name_is_never_tried() -> None:
    named = _keys(SIGNERS[0], names=True)
    assert not _is_known(_token(SIGNERS[0], kid="another"), named)
    assert _is_known(_token(SIGNERS[0], kid=SIGNERS[0].kid), named)
    # Nor is one without a name where the name is that of another.
    both = parse_upstream({"keys": [dict(SIGNERS[0].jwk), _without(SIGNERS[1].jwk, "kid")]})
    with pytest.raises(InvalidJWT, match="signature"):
        _check(_token(SIGNERS[1], kid=SIGNERS[0].kid), both)


def _without(jwk: dict[str, str], name: str) -> dict[str, str]:
    return {each: value for each, value in jwk.items() if each != name}


def test_of_too_many_that_fit_none_is_tried() -> None:
    keys = _keys(*SIGNERS)
    assert len(SIGNERS) == MOST_TRIED + 1
    assert not any(_is_known(_token(key), keys) for key in SIGNERS)
    assert all(_is_known(_token(key), _keys(*SIGNERS[:-1])) for key in SIGNERS[:-1])


@pytest.mark.parametrize(
    "more", [{"use": "enc"}, {"key_ops": ["encrypt"]}, {"alg": "ES384"}, {"d": "AA"}, {"kid": None}]
)
def test_a_key_for_something_else_does_not_fit(more: dict[str, Any]) -> None:
    shown = _without(SIGNERS[0].jwk, "kid") | more
    assert not _is_known(_token(SIGNERS[0]), parse_upstream({"keys": [shown]}))


def test_an_algorithm_that_the_key_does_not_have() -> None:
    """A key of RSA that is for one algorithm signs with no other; one that says none: RS256."""
    rsa = OTHERS["RS256"]
    assert not _is_known(_token(rsa, alg="PS256"), _keys(rsa))
    assert _is_known(
        _token(rsa), parse_upstream({"keys": [_without(_without(rsa.jwk, "kid"), "alg")]})
    )


@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize("algorithm", ["HS256", "none", "None", "", None, 7, ["ES256"]], ids=str)
def test_what_is_signed_with_a_public_key_or_with_nothing(names: bool, algorithm: Any) -> None:
    """RFC 8725 §2.1: the algorithm is that of the key, whatever a header calls itself."""
    key, jwk = SIGNERS[0], json.dumps(SIGNERS[0].jwk)
    parts = [_b64(json.dumps(part).encode()) for part in ({"alg": algorithm}, CLAIMS)]
    input = ".".join(parts).encode()
    secrets = (jwk.encode(), key.jwk["x"].encode(), b"", key.kid.encode())
    forged = [hmac.digest(secret, input, hashlib.sha256) for secret in secrets]
    for signature in (*forged, b"\x00" * 64, jwt._signature(key, input)):
        with pytest.raises(InvalidJWT):
            _check(".".join((*parts, _b64(signature))), _keys(key, names=names))


@pytest.mark.parametrize("kid", [None, 7, [], {}, True], ids=str)
def test_a_name_that_is_none_is_not_missing(kid: Any) -> None:
    with pytest.raises(InvalidJWT, match="not a string"):
        _check(_token(SIGNERS[0], kid=kid), _keys(SIGNERS[0]))


def test_a_header_names_no_key_of_its_own() -> None:
    """What the header brings along (`jwk`, `jku`, `x5c`) is looked at by nobody."""
    evil, honest = SIGNERS[1], SIGNERS[0]
    for brought in ({"jwk": evil.jwk}, {"jku": "https://evil.example"}, {"x5c": ["AA"]}):
        assert not _is_known(_token(evil, **brought), _keys(honest))


def test_our_own_tokens_and_those_of_clients_have_to_name_their_key() -> None:
    ring = _ring(0)
    with pytest.raises(InvalidJWT, match="kid is missing") as refused:
        verify(_token(SIGNERS[0]), ring, typ="JWT", issuer=ISSUER, now=NOW)
    assert not isinstance(refused.value, UnknownKey), "no ring that is read anew knows it either"


def test_what_is_no_set_of_keys_has_none() -> None:
    values: tuple[Any, ...] = (None, [], "x", {"keys": None}, {"keys": [None, 7, "x", [], {}]})
    for value in values:
        keys = parse_upstream(value)
        assert (keys.keys, keys.nameless) == ({}, ())
    shown = [dict(SIGNERS[0].jwk), dict(SIGNERS[1].jwk) | {"kid": SIGNERS[0].kid}]
    assert not _is_known(_token(SIGNERS[0]), parse_upstream({"keys": shown})), "two of one name"
