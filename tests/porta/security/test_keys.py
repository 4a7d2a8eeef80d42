from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from joserfc.jwk import ECKey, OKPKey, RSAKey
from msgspec import structs

from porta.security.encryption import Encrypted, decrypt
from porta.security.keys import (
    ALGORITHMS,
    KeyUnusable,
    generate,
    is_sealed,
    load_private,
    load_public,
    reseal,
    seal,
)
from storage.models.signing_keys import SigningKey

from .rows import KEY, KEYS, bound_row, pair, plain_row, row, unbound_row

LIBRARY: dict[str, type[ECKey | RSAKey | OKPKey]] = {
    "ES256": ECKey,
    "RS256": RSAKey,
    "PS256": RSAKey,
    "EdDSA": OKPKey,
}


def spki(public: ec.EllipticCurvePublicKey | rsa.RSAPublicKey | x25519.X25519PublicKey) -> str:
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_generated_pair_has_the_forms_and_the_kid_of_porta_1(algorithm: str) -> None:
    made = pair(algorithm)
    assert made.public_key.startswith("-----BEGIN PUBLIC KEY-----\n")
    assert made.private_key.startswith("-----BEGIN PRIVATE KEY-----\n")
    assert made.kid == hashlib.sha256(made.public_key.encode()).hexdigest()[:16]
    assert generate(algorithm).kid != made.kid


@pytest.mark.parametrize("algorithm", ["none", "HS256", "ES384", "", "es256"])
def test_only_our_algorithms_are_generated(algorithm: str) -> None:
    with pytest.raises(ValueError, match="is not one of"):
        generate(algorithm)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_jwk_is_public_and_the_one_that_joserfc_builds(algorithm: str) -> None:
    key = load_private(row(algorithm), KEYS)
    theirs = LIBRARY[algorithm].import_key(pair(algorithm).public_key).as_dict(private=False)
    theirs.pop("kid", None)
    expected = theirs | {"use": "sig", "alg": algorithm, "kid": key.kid}
    assert key.jwk == expected
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(key.jwk)


@pytest.mark.parametrize("old", [unbound_row(), bound_row()], ids=["Porta 1.x", "bound"])
def test_succession_A1_a_key_that_1x_shares_is_sealed_as_1x_does_it(old: SigningKey) -> None:
    made = reseal(old, KEYS)
    assert load_private(made, KEYS).jwk == load_private(old, KEYS).jwk
    for each in (made, row()):
        assert is_sealed(each)
        sealed = Encrypted(each.private_key, each.private_key_iv or "", each.private_key_tag or "")
        assert decrypt(sealed, KEY) == pair().private_key, "no associated data"


@pytest.mark.parametrize(
    ("algorithm", "organization"), [*((name, None) for name in ALGORITHMS[1:]), ("ES256", "acme")]
)
def test_succession_A1_a_key_that_1x_cannot_load_is_bound(
    algorithm: str, organization: str | None
) -> None:
    made = row(algorithm, organization_id=organization)
    assert is_sealed(made)
    assert made.private_key.startswith("bound:")
    assert load_private(made, KEYS).private is not None
    with pytest.raises(KeyUnusable, match="not bound"):
        load_private(unbound_row(algorithm, organization_id=organization), KEYS)


def test_security_13_a_private_key_in_the_clear_is_refused_and_not_quoted() -> None:
    plain = plain_row()
    for use in (load_private, reseal):
        with pytest.raises(KeyUnusable, match="is not encrypted") as raised:
            use(plain, KEYS)
        assert plain.private_key not in str(raised.value)


@pytest.mark.parametrize(
    "other", [{"kid": "0" * 16}, {"algorithm": "PS256"}, {"organization_id": "acme"}]
)
def test_security_13_a_ciphertext_is_of_use_in_its_own_row(other: dict[str, str]) -> None:
    made = row("RS256")
    assert load_private(structs.replace(made, activated_at=1.0, status="retired"), KEYS)
    with pytest.raises(KeyUnusable, match="another row"):
        load_private(structs.replace(made, **other), KEYS)


def test_a_row_of_another_encryption_key_says_what_to_do() -> None:
    with pytest.raises(KeyUnusable, match="SIGNING_KEY_ENCRYPTION_KEY") as raised:
        load_private(row(key=bytes(32)), KEYS)
    assert raised.value.kid == pair("ES256").kid
    assert raised.value.kid in str(raised.value)


def test_an_encrypted_row_without_iv_and_tag_is_unusable() -> None:
    with pytest.raises(KeyUnusable):
        load_private(row(private_key_iv=None, private_key_tag=None), KEYS)


def test_halves_that_do_not_belong_together_are_unusable() -> None:
    with pytest.raises(KeyUnusable, match="does not belong"):
        load_private(bound_row(public_key=pair("ES256", 1).public_key), KEYS)
    with pytest.raises(KeyUnusable, match="does not belong"):
        load_private(seal(row(), pair("RS256").private_key, KEYS), KEYS)


def test_a_private_key_of_no_signature_scheme_is_unusable() -> None:
    pem = x25519.X25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    with pytest.raises(KeyUnusable, match="does not belong"):
        load_private(seal(row(), pem.decode(), KEYS), KEYS)


@pytest.mark.parametrize("damaged", ["", "PEM", "-----BEGIN PRIVATE KEY-----\nAA==\n"])
def test_a_damaged_private_key_is_unusable_and_not_quoted(damaged: str) -> None:
    with pytest.raises(KeyUnusable, match=r"PKCS#8 PEM$"):
        load_private(seal(row(), damaged, KEYS), KEYS)


def test_a_private_key_under_a_passphrase_is_unusable() -> None:
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")
    )
    with pytest.raises(KeyUnusable):
        load_private(seal(row(), pem.decode(), KEYS), KEYS)


@pytest.mark.parametrize("damaged", ["", "PEM", "-----BEGIN PUBLIC KEY-----\nAA==\n"])
def test_a_damaged_public_key_is_unusable(damaged: str) -> None:
    with pytest.raises(KeyUnusable, match="SPKI PEM"):
        load_public(row(public_key=damaged))


@pytest.mark.parametrize(
    ("algorithm", "public_key"),
    [
        ("ES256", spki(ec.generate_private_key(ec.SECP384R1()).public_key())),
        ("ES256", pair("EdDSA").public_key),
        ("RS256", pair("ES256").public_key),
        ("RS256", spki(rsa.generate_private_key(65537, 1024).public_key())),
        ("PS256", pair("EdDSA").public_key),
        ("EdDSA", pair("ES256").public_key),
        ("EdDSA", spki(x25519.X25519PrivateKey.generate().public_key())),
        ("HS256", pair("ES256").public_key),
    ],
)
def test_a_key_serves_its_own_algorithm_only(algorithm: str, public_key: str) -> None:
    with pytest.raises(KeyUnusable, match=f"not one for {algorithm}"):
        load_public(structs.replace(row(), algorithm=algorithm, public_key=public_key))
