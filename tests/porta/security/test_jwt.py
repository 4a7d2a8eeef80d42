from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jose import jws as jose_jws
from joserfc import jws as joserfc_jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from porta.security import jwt
from porta.security.jwt import InvalidJWT, sign, verify
from porta.security.keyring import KeyRing, KeyRings
from porta.security.keys import ALGORITHMS, load_public

from .rows import KEYS, pair, row

ISSUER = "https://id.example/acme"
NOW = 10_000.0
CLAIMS = {"iss": ISSUER, "sub": "é", "aud": "client", "iat": 9_999, "exp": 10_001}
LIBRARY: dict[str, type[ECKey | RSAKey | OKPKey]] = {
    "ES256": ECKey,
    "RS256": RSAKey,
    "PS256": RSAKey,
    "EdDSA": OKPKey,
}


@pytest.fixture(scope="module")
def ring() -> KeyRing:
    rows = [row(algorithm) for algorithm in ALGORITHMS]
    return KeyRings.build(rows, KEYS, longest_token_ttl=3600).of("acme", NOW)


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw_parts(token: str) -> list[bytes]:
    return [urlsafe_b64decode(part + "==") for part in token.split(".")]


def forge(
    ring: KeyRing, header: str | dict[str, Any], payload: str | dict[str, Any] = CLAIMS
) -> str:
    """A token whose ES256 signature is right, whatever its header and payload say."""
    texts = [part if isinstance(part, str) else json.dumps(part) for part in (header, payload)]
    signing_input = ".".join(b64(text.encode()) for text in texts)
    signature = jwt._signature(ring.signer("ES256"), signing_input.encode())
    return f"{signing_input}.{b64(signature)}"


def header_of(ring: KeyRing, **changes: Any) -> dict[str, Any]:
    return {"alg": "ES256", "typ": "JWT", "kid": ring.signer("ES256").kid} | changes


def check(token: str, ring: KeyRing, typ: str = "JWT", **options: Any) -> dict[str, Any]:
    return verify(token, ring, typ=typ, issuer=ISSUER, now=options.pop("now", NOW), **options)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_we_sign_we_verify(ring: KeyRing, algorithm: str) -> None:
    token = sign(ring.signer(algorithm), CLAIMS, "JWT")
    assert check(token, ring) == CLAIMS
    header, payload, signature = raw_parts(token)
    assert json.loads(header) == {
        "alg": algorithm,
        "typ": "JWT",
        "kid": pair(algorithm).kid,
    }
    assert json.loads(payload) == CLAIMS
    assert len(signature) == (256 if algorithm in ("RS256", "PS256") else 64)


def test_the_header_is_prepared_once_for_each_typ(ring: KeyRing) -> None:
    key = ring.signer("ES256")
    for typ in ("JWT", "at+jwt", "JWT", "at+jwt"):
        header = raw_parts(sign(key, {}, typ))[0]
        assert json.loads(header)["typ"] == typ
    assert key.headers.keys() >= {"JWT", "at+jwt"}


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
@given(claims=st.dictionaries(st.text(), st.text() | st.integers(-(2**53), 2**53) | st.booleans()))
def test_python_jose_verifies_what_we_sign(algorithm: str, claims: dict[str, Any]) -> None:
    key = keys()[algorithm]
    payload = jose_jws.verify(sign(key, claims, "JWT"), key.jwk, algorithms=[algorithm])
    assert json.loads(payload) == claims


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_joserfc_verifies_what_we_sign(ring: KeyRing, algorithm: str) -> None:
    key = ring.signer(algorithm)
    public = LIBRARY[algorithm].import_key(dict(key.jwk))
    token = sign(key, CLAIMS, "at+jwt")
    found = joserfc_jws.deserialize_compact(token, public, algorithms=[algorithm])
    assert found.headers() == {"alg": algorithm, "typ": "at+jwt", "kid": key.kid}
    assert json.loads(found.payload) == CLAIMS


@pytest.mark.parametrize("algorithm", ["RS256", "EdDSA"])
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_deterministic_signatures_are_those_of_the_libraries(ring: KeyRing, algorithm: str) -> None:
    key = ring.signer(algorithm)
    header, payload, _ = raw_parts(ours := sign(key, CLAIMS, "JWT"))
    private = LIBRARY[algorithm].import_key(pair(algorithm).private_key)
    theirs = joserfc_jws.serialize_compact(
        json.loads(header), payload, private, algorithms=[algorithm]
    )
    assert theirs.split(".")[1:2] == ours.split(".")[1:2]
    signing_input = ours.rsplit(".", 1)[0]
    model = joserfc_jws.JWSRegistry.algorithms[algorithm]
    assert b64(model.sign(signing_input.encode(), private)) == ours.rsplit(".", 1)[1]
    if algorithm == "RS256":
        from jose import jwk

        signer = jwk.construct(pair(algorithm).private_key, algorithm)
        assert b64(signer.sign(signing_input.encode())) == ours.rsplit(".", 1)[1]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_what_joserfc_signs_we_verify(ring: KeyRing, algorithm: str) -> None:
    private = LIBRARY[algorithm].import_key(pair(algorithm).private_key)
    header = {"alg": algorithm, "kid": pair(algorithm).kid}
    token = joserfc_jws.serialize_compact(
        header, json.dumps(CLAIMS), private, algorithms=[algorithm]
    )
    assert check(token, ring) == CLAIMS


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_what_python_jose_signs_we_verify(ring: KeyRing, algorithm: str) -> None:
    made = pair(algorithm)
    token = jose_jws.sign(CLAIMS, made.private_key, headers={"kid": made.kid}, algorithm=algorithm)
    assert check(token, ring) == CLAIMS


def test_every_es256_signature_has_64_bytes(ring: KeyRing) -> None:
    """R or S begins with a zero byte in one signature of 128: padding must not be forgotten."""
    key = ring.signer("ES256")
    for number in range(600):
        token = sign(key, {"n": number}, "JWT")
        assert len(raw_parts(token)[2]) == 64


def test_a_public_half_signs_nothing() -> None:
    with pytest.raises(ValueError, match="no private half"):
        sign(load_public(row()), {}, "JWT")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_changed_token_is_refused(ring: KeyRing, algorithm: str, place: int) -> None:
    parts = sign(ring.signer(algorithm), CLAIMS, "JWT").split(".")
    middle = len(parts[place]) // 2
    other = "A" if parts[place][middle] != "A" else "B"
    parts[place] = parts[place][:middle] + other + parts[place][middle + 1 :]
    with pytest.raises(InvalidJWT):
        check(".".join(parts), ring)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("signature", [b"\0", b"\0" * 64, b"\0" * 256, b"\x01" * 63])
def test_a_signature_of_no_worth_is_refused(
    ring: KeyRing, algorithm: str, signature: bytes
) -> None:
    """Among them R = S = 0, which some ECDSA implementations accepted for any message."""
    signing_input = sign(ring.signer(algorithm), CLAIMS, "JWT").rsplit(".", 1)[0]
    with pytest.raises(InvalidJWT, match="signature does not match"):
        check(f"{signing_input}.{b64(signature)}", ring)


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "HS256"},
        {"alg": "RS256"},
        {"alg": "es256"},
        {"alg": None},
        {"alg": ["ES256"]},
        {"kid": None},
        {"kid": 7},
        {"kid": ["x"]},
        {"kid": {}},
        {"kid": "0" * 16},
        {"kid": ""},
        {"kid": "\ud800"},
        {"crit": ["exp"]},
        {"crit": []},
        {"crit": None},
        {"b64": False},
        {"b64": True},
        {"typ": "at+jwt"},
        {"typ": "logout+jwt"},
        {"typ": 1},
        {"typ": ""},
    ],
    ids=str,
)
def test_a_header_that_is_not_ours_is_refused(ring: KeyRing, changes: dict[str, Any]) -> None:
    """RFC 8725 §3.1, §3.2, §3.10, §3.11: each of these carries a signature that is right."""
    assert check(forge(ring, header_of(ring)), ring)
    with pytest.raises(InvalidJWT):
        check(forge(ring, header_of(ring, **changes)), ring)


def test_keys_and_urls_in_the_header_are_ignored(ring: KeyRing) -> None:
    foreign = pair("ES256", 1)
    from .rows import row as make_row

    theirs = KeyRings.build([make_row("ES256", 1)], KEYS, longest_token_ttl=0).of("x", NOW)
    hints = {"jwk": theirs.signer("ES256").jwk, "jku": "http://evil/", "x5u": "http://evil/"}
    assert check(forge(ring, header_of(ring, **hints)), ring) == CLAIMS
    with pytest.raises(InvalidJWT, match="signature"):
        check(forge(theirs, header_of(ring, **hints)), ring)
    with pytest.raises(InvalidJWT, match="unknown kid"):
        check(forge(theirs, header_of(ring, kid=foreign.kid, **hints)), ring)


def test_an_hmac_keyed_with_our_public_key_is_refused(ring: KeyRing) -> None:
    import hmac

    for algorithm in ALGORITHMS:
        made = pair(algorithm)
        header = b64(json.dumps({"alg": "HS256", "kid": made.kid}).encode())
        signing_input = f"{header}.{b64(json.dumps(CLAIMS).encode())}"
        mac = hmac.digest(made.public_key.encode(), signing_input.encode(), "sha256")
        with pytest.raises(InvalidJWT, match="alg"):
            check(f"{signing_input}.{b64(mac)}", ring)


def test_an_id_token_may_have_no_typ_and_others_must(ring: KeyRing) -> None:
    header = header_of(ring)
    del header["typ"]
    assert check(forge(ring, header), ring) == CLAIMS
    with pytest.raises(InvalidJWT, match="another kind"):
        check(forge(ring, header), ring, typ="at+jwt")


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_the_kind_is_compared_as_a_media_type(ring: KeyRing, typ: str) -> None:
    assert check(forge(ring, header_of(ring, typ=typ)), ring, typ="at+jwt")
    with pytest.raises(InvalidJWT, match="another kind"):
        check(forge(ring, header_of(ring, typ=typ)), ring, typ="JWT")


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "1",
        "null",
        '"x"',
        "{",
        "",
        " ",
        '{"a":NaN}',
        '{"a":-Infinity}',
        '{"a":' * 3000,
        "[" * 8000,
        '{"a":' + "9" * 5000 + "}",
        '{"alg":"ES256","alg":"none"}',
        '{"a":{"b":1,"b":2}}',
    ],
    ids=lambda text: text[:20],
)
def test_what_is_not_a_json_object_is_refused(ring: KeyRing, text: str) -> None:
    with pytest.raises(InvalidJWT):
        check(forge(ring, text), ring)
    with pytest.raises(InvalidJWT):
        check(forge(ring, header_of(ring), text), ring)


@pytest.mark.parametrize("extra", ['"a":NaN', '"a":-Infinity', '"typ":"JWT"', '"a":{"b":1,"b":2}'])
def test_json_that_readers_understand_differently_is_refused(ring: KeyRing, extra: str) -> None:
    header, payload = json.dumps(header_of(ring)), json.dumps(CLAIMS | {"typ": "JWT"})
    assert check(forge(ring, header, payload), ring)
    with pytest.raises(InvalidJWT, match="JSON"):
        check(forge(ring, f"{header[:-1]},{extra}}}", payload), ring)
    with pytest.raises(InvalidJWT, match="JSON"):
        check(forge(ring, header, f"{payload[:-1]},{extra}}}"), ring)


@pytest.mark.parametrize("signature", ["A", "AAAAA"])
def test_a_signature_of_an_impossible_length_is_refused(ring: KeyRing, signature: str) -> None:
    signing_input = sign(ring.signer("ES256"), CLAIMS, "JWT").rsplit(".", 1)[0]
    with pytest.raises(InvalidJWT, match="base64url"):
        check(f"{signing_input}.{signature}", ring)


def test_a_header_that_is_not_utf_8_is_refused(ring: KeyRing) -> None:
    _, payload, signature = sign(ring.signer("ES256"), CLAIMS, "JWT").split(".")
    with pytest.raises(InvalidJWT):
        check(f"{b64(bytes([0xFF]))}.{payload}.{signature}", ring)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c.d.e",
        "é.b.c",
        "\ud800.b.c",
        "YQ==.YQ.YQ",
        "YQ .YQ.YQ",
        "YQ\n.YQ.YQ",
        "Y+.YQ.YQ",
        "Y.YQ.YQ",
        "\0.\0.\0",
    ],
)
def test_what_is_not_a_compact_jws_is_refused(ring: KeyRing, token: str) -> None:
    with pytest.raises(InvalidJWT):
        check(token, ring)


def test_base64url_has_one_spelling(ring: KeyRing) -> None:
    """The last character of a 64-byte signature has four bits to spare: none may be set."""
    token = sign(ring.signer("ES256"), CLAIMS, "JWT")
    assert token[-1] in "AQgw"
    with pytest.raises(InvalidJWT, match="base64url"):
        check(token[:-1] + chr(ord(token[-1]) + 1), ring)


def test_16_kb_are_the_limit(ring: KeyRing) -> None:
    key = ring.signer("ES256")
    overhead = len(sign(key, CLAIMS | {"x": ""}, "JWT"))
    room = (jwt.MAX_TOKEN - overhead) // 4 * 3
    assert check(sign(key, CLAIMS | {"x": "y" * room}, "JWT"), ring)
    with pytest.raises(InvalidJWT, match="too long"):
        check(sign(key, CLAIMS | {"x": "y" * (room + 6)}, "JWT"), ring)


@pytest.mark.parametrize(
    "issuer", ["https://id.example/acme/", "https://id.example/other", None, 1, [ISSUER]]
)
def test_another_issuer_is_refused(ring: KeyRing, issuer: object) -> None:
    with pytest.raises(InvalidJWT, match="issuer"):
        check(sign(ring.signer("ES256"), CLAIMS | {"iss": issuer}, "JWT"), ring)


def test_a_token_without_an_issuer_is_refused(ring: KeyRing) -> None:
    with pytest.raises(InvalidJWT, match="issuer"):
        check(sign(ring.signer("ES256"), {"exp": 10_001}, "JWT"), ring)


@pytest.mark.parametrize(
    ("aud", "accepted"),
    [
        ("client", True),
        (["client"], True),
        (["other", "client"], True),
        ("other", False),
        ("client2", False),
        ("a client", False),
        ([], False),
        (None, False),
        ({"client": 1}, False),
    ],
)
def test_the_audience_must_be_named(ring: KeyRing, aud: object, accepted: bool) -> None:
    token = sign(ring.signer("ES256"), CLAIMS | {"aud": aud}, "JWT")
    assert check(token, ring)["aud"] == aud
    if accepted:
        assert check(token, ring, audience="client")
    else:
        with pytest.raises(InvalidJWT, match="aud"):
            check(token, ring, audience="client")


def test_expiry_is_to_the_second_and_a_hint_may_be_old(ring: KeyRing) -> None:
    token = sign(ring.signer("ES256"), CLAIMS, "JWT")
    assert check(token, ring, now=10_000.9)
    with pytest.raises(InvalidJWT, match="expired"):
        check(token, ring, now=10_001.0)
    assert check(token, ring, now=10_001.0, allow_expired=True) == CLAIMS


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_a_token_from_the_future_is_refused_beyond_the_tolerance(ring: KeyRing, name: str) -> None:
    claims = CLAIMS | {"exp": 20_000}
    assert check(sign(ring.signer("ES256"), claims | {name: 10_060}, "JWT"), ring)
    with pytest.raises(InvalidJWT, match="not valid yet"):
        check(sign(ring.signer("ES256"), claims | {name: 10_061}, "JWT"), ring)


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", ["10001", True, [], {}])
def test_a_time_is_a_number(ring: KeyRing, name: str, value: object) -> None:
    with pytest.raises(InvalidJWT, match="not a time"):
        check(sign(ring.signer("ES256"), CLAIMS | {name: value}, "JWT"), ring)


def test_a_token_without_an_end_is_refused(ring: KeyRing) -> None:
    with pytest.raises(InvalidJWT, match="exp"):
        check(sign(ring.signer("ES256"), {"iss": ISSUER}, "JWT"), ring, allow_expired=True)


@given(st.text())
def test_no_input_raises_anything_else(token: str) -> None:
    ring = KeyRings([], {}, 0).of("x", NOW)
    with pytest.raises(InvalidJWT):
        check(token, ring)


def test_messages_never_quote_the_token(ring: KeyRing) -> None:
    token = forge(ring, header_of(ring, kid="quoted-kid"))
    with pytest.raises(InvalidJWT) as raised:
        check(token, ring)
    assert "quoted-kid" not in str(raised.value)


def keys() -> dict[str, Any]:
    rows = [row(algorithm) for algorithm in ("ES256", "RS256")]
    ring = KeyRings.build(rows, KEYS, longest_token_ttl=3600).of("acme", NOW)
    return {algorithm: ring.signer(algorithm) for algorithm in ring.algorithms}
