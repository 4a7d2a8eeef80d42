"""Keys of clients: public, of our algorithms, and nothing else (RFC 7517)."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

import pytest

from porta.security.client_keys import MOST_KEYS, KeySetInvalid, load_jwks, parse_jwks
from porta.security.keys import ALGORITHMS, load_public

from .rows import row

KEYS: list[dict[str, Any]] = [load_public(row(algorithm)).jwk for algorithm in ALGORITHMS]
EC, RSA, PS, OKP = KEYS


def b64(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def some(*values: Any) -> tuple[Any, ...]:
    return values


def without(jwk: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in jwk.items() if key != name}


def test_keys_of_every_algorithm_are_kept_without_what_is_not_known_of_them() -> None:
    told = [{**jwk, "x5c": ["..."], "note": "ours"} for jwk in KEYS]
    keys = parse_jwks({"keys": told, "more": 1})
    assert keys.as_jwks() == {"keys": KEYS}
    assert parse_jwks(keys.as_jwks()).as_jwks() == keys.as_jwks()
    for jwk in KEYS:
        found = keys.verifier(jwk["kid"])
        assert found is not None
        assert (found.algorithm, found.private) == (jwk["alg"], None)
    assert keys.verifier("other") is None
    assert keys.former_verifier(EC["kid"]) is None
    assert load_jwks(None).verifier(EC["kid"]) is None
    assert load_jwks({"keys": [EC]}).verifier(EC["kid"]) is not None


def test_what_a_key_does_not_say_is_its_default() -> None:
    plain = [without(without(jwk, "alg"), "use") for jwk in (EC, RSA, OKP)]
    (first, second, third) = parse_jwks({"keys": plain}).as_jwks()["keys"]
    assert [first["alg"], second["alg"], third["alg"]] == ["ES256", "RS256", "EdDSA"]
    assert parse_jwks({"keys": [{**EC, "key_ops": ["verify"]}]})


@pytest.mark.parametrize(
    "value",
    [
        *(None, [], "x", 5, {}, {"keys": []}, {"keys": "x"}, {"keys": {"a": EC}}),
        {"keys": [{**EC, "kid": f"k{number}"} for number in range(MOST_KEYS + 1)]},
        {"keys": [EC, {**RSA, "kid": EC["kid"]}]},
        *({"keys": [each]} for each in some(None, "x", 5, [], {})),
        {"keys": [{**RSA, "e": b64(2**2047 + 1)}]},
        {"keys": [{**RSA, "e": b64(2**32 + 1)}]},
        *({"keys": [{**EC, "kty": kty}]} for kty in some("oct", None, ["EC"], {}, "RSA", "OKP")),
        *({"keys": [{**EC, private: "AAAA"}]} for private in ("d", "k", "p", "oth")),
        *({"keys": [{**EC, "kid": kid}]} for kid in (None, "", 5, "x" * 256, "a\nb", "\ud800")),
        {"keys": [without(EC, "kid")]},
        *({"keys": [{**EC, "use": use}]} for use in ("enc", None, 5, ["sig"])),
        *({"keys": [{**EC, "key_ops": ops}]} for ops in ([], ["sign"], "verify", 5, None)),
        *({"keys": [{**EC, "alg": alg}]} for alg in some("HS256", "none", "RS256", None, [])),
        {"keys": [{**RSA, "alg": "ES256"}]},
        {"keys": [{**OKP, "alg": "ES256"}]},
        *({"keys": [{**EC, "crv": crv}]} for crv in ("P-521", "secp256k1", None, 5)),
        {"keys": [{**OKP, "crv": "X25519"}]},
        *({"keys": [{**EC, "x": x}]} for x in ("", "AAAA", "***", "é", None, 5, "A" * 2000)),
        *({"keys": [{**OKP, "x": x}]} for x in ("AAAA", OKP["x"] + "AAAA")),
        {"keys": [without(EC, "y")]},
        {"keys": [{**RSA, "n": b64((1 << 1023) + 1)}]},
        {"keys": [{**RSA, "n": b64((1 << 5000) + 1)}]},
        *({"keys": [{**RSA, "e": e}]} for e in ("Ag", "AQ", "A", "")),
    ],
)
def test_what_cannot_be_registered(value: Any) -> None:
    with pytest.raises(KeySetInvalid) as refusal:
        parse_jwks(value)
    for secret in (EC["x"], RSA["n"]):
        assert secret not in str(refusal.value)
