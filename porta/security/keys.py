"""Signing key: made, loaded from its row, shown as a JWK (RFC 7517, RFC 7518)."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from porta.security.encryption import (
    DecryptionFailed,
    Encrypted,
    EncryptionKeys,
    decrypt,
    encrypt,
)
from storage.models.signing_keys import BOUND, SigningKey

ALGORITHMS = ("ES256", "RS256", "PS256", "EdDSA")
"""What Porta signs with, the default first. A key serves one algorithm (RFC 8725 §3.1)."""
RSA_BITS = 2048
_RSA_EXPONENT = 65537

PublicKey = EllipticCurvePublicKey | RSAPublicKey | Ed25519PublicKey
PrivateKey = EllipticCurvePrivateKey | RSAPrivateKey | Ed25519PrivateKey


class KeyUnusable(Exception):
    """A stored key cannot be used; the message has its `kid` and the remedy, never its text."""

    def __init__(self, kid: str, problem: str) -> None:
        super().__init__(f"signing key {kid}: {problem}")
        self.kid = kid
        self.problem = problem


class KeyPair(NamedTuple):
    """A new key: SPKI and unencrypted PKCS#8, both PEM."""

    kid: str
    algorithm: str
    public_key: str
    private_key: str


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """A key ready for use, built once a row. `private` is None when it is not ours to sign with."""

    kid: str
    algorithm: str
    public: PublicKey
    private: PrivateKey | None
    jwk: dict[str, str]
    headers: dict[str, bytes] = field(default_factory=dict)
    """Encoded JOSE headers by `typ`, prepared by the first signature that needs one."""


def generate(algorithm: str) -> KeyPair:
    """Return a new key pair for one of ALGORITHMS. Raises ValueError for any other.

    An RSA key takes tens to hundreds of milliseconds: not on the event loop.
    """
    private: PrivateKey
    match algorithm:
        case "ES256":
            private = generate_ec(SECP256R1())
        case "RS256" | "PS256":
            private = generate_rsa(_RSA_EXPONENT, RSA_BITS)
        case "EdDSA":
            private = Ed25519PrivateKey.generate()
        case _:
            raise ValueError(f"{algorithm} is not one of {', '.join(ALGORITHMS)}")
    public_pem = _public_pem(private.public_key())
    private_pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return KeyPair(build_kid(public_pem), algorithm, public_pem, private_pem)


def build_kid(public_key: str) -> str:
    """Return the first 16 hex digits of the SHA-256 of an SPKI PEM text (as Porta 1.x)."""
    return hashlib.sha256(public_key.encode()).hexdigest()[:16]


def load_public(row: SigningKey) -> Key:
    """Return the public half of a row. Raises KeyUnusable."""
    try:
        public = load_pem_public_key(row.public_key.encode())
    except (ValueError, TypeError):
        raise KeyUnusable(row.kid, "its public key is not an SPKI PEM") from None
    parameters = _jwk_parameters(row.algorithm, public)
    if parameters is None:
        raise KeyUnusable(row.kid, f"its public key is not one for {row.algorithm}")
    assert isinstance(public, PublicKey)
    common = {"use": "sig", "alg": row.algorithm, "kid": row.kid}
    return Key(row.kid, row.algorithm, public, None, parameters | common)


def seal(row: SigningKey, private_key: str, encryption_keys: EncryptionKeys) -> SigningKey:
    """Return `row` with `private_key` (PEM) encrypted under the first of `encryption_keys`.

    It is bound to the row: its kid, its algorithm and its organization are the associated data. A
    key that Porta 1.x shares has none, for 1.x has to read it: there its kid, which is the digest
    of its public key, stands for all three, since the table takes no others.
    """
    associated = b"" if row.is_shared else _identity(row)
    encrypted = encrypt(private_key, encryption_keys[0], associated)
    return msgspec.structs.replace(
        row,
        private_key=("" if row.is_shared else BOUND) + encrypted.ciphertext,
        private_key_iv=encrypted.iv,
        private_key_tag=encrypted.tag,
        encrypted=True,
    )


def is_sealed(row: SigningKey) -> bool:
    """Tell whether `row` is encrypted in the form that `seal` gives it."""
    return row.encrypted and row.is_bound != row.is_shared


def reseal(row: SigningKey, encryption_keys: EncryptionKeys) -> SigningKey:
    """Return a row sealed that was encrypted in another form, or under another of
    `encryption_keys`. Raises KeyUnusable.
    """
    return seal(row, _private_pem(row, encryption_keys), encryption_keys)


def is_encrypted_under(row: SigningKey, encryption_keys: EncryptionKeys) -> bool:
    """Tell whether one of `encryption_keys` opens the private half of this very row."""
    try:
        _private_pem(row, encryption_keys)
    except KeyUnusable:
        return False
    return True


def load_private(row: SigningKey, encryption_keys: EncryptionKeys) -> Key:
    """Return both halves of a row, found to belong together. Raises KeyUnusable.

    That the private half is encrypted under a key of ours is what tells a row of ours from one that
    somebody else wrote.
    """
    half = load_public(row)
    pem = _private_pem(row, encryption_keys)
    try:
        # Proving an RSA key sound takes 40 ms; GCM has proven that these are our own bytes.
        private = load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError):
        raise KeyUnusable(row.kid, "its private key is not a PKCS#8 PEM") from None
    if not isinstance(private, PrivateKey) or _public_pem(private.public_key()) != _public_pem(
        half.public
    ):
        raise KeyUnusable(row.kid, "its private key does not belong to its public key")
    return Key(half.kid, half.algorithm, half.public, private, half.jwk)


def _private_pem(row: SigningKey, encryption_keys: EncryptionKeys) -> str:
    if not row.encrypted:
        raise KeyUnusable(
            row.kid,
            "its private key is not encrypted: anybody may have put it here; if you know that Porta"
            f" 1.x made it: porta keys adopt {row.kid}",
        )
    if not row.is_bound and not row.is_shared:
        raise KeyUnusable(row.kid, "its private key is not bound to its row")
    if not row.is_bound and row.kid != build_kid(row.public_key):
        raise KeyUnusable(row.kid, "its kid is not that of its public key")
    associated = _identity(row) if row.is_bound else b""
    ciphertext = row.private_key.removeprefix(BOUND)
    encrypted = Encrypted(ciphertext, row.private_key_iv or "", row.private_key_tag or "")
    for key in encryption_keys:
        with suppress(DecryptionFailed):
            return decrypt(encrypted, key, associated)
    raise KeyUnusable(
        row.kid,
        "it was encrypted under another key, or for another row; set"
        " SIGNING_KEY_ENCRYPTION_KEY to the value it had when this signing key was made",
    )


def _identity(row: SigningKey) -> bytes:
    # Not when it signs: that a restored row signs again is no matter of whose key it is.
    return msgspec.json.encode(["signing key", row.kid, row.algorithm, row.organization_id])


def _jwk_parameters(algorithm: str, public: object) -> dict[str, str] | None:
    """Return kty and its parameters, or None when `public` is no key for `algorithm`."""
    match algorithm, public:
        case "ES256", EllipticCurvePublicKey(curve=SECP256R1()):
            numbers = public.public_numbers()
            x, y = (_b64(n.to_bytes(32, "big")) for n in (numbers.x, numbers.y))
            return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        case "RS256" | "PS256", RSAPublicKey() if public.key_size >= RSA_BITS:
            rsa = public.public_numbers()
            n, e = (_b64(v.to_bytes((v.bit_length() + 7) // 8, "big")) for v in (rsa.n, rsa.e))
            return {"kty": "RSA", "n": n, "e": e}
        case "EdDSA", Ed25519PublicKey():
            return {"kty": "OKP", "crv": "Ed25519", "x": _b64(public.public_bytes_raw())}
        case _:
            return None


def _public_pem(public: PublicKey) -> str:
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
