"""Keys of the audit trail: HMAC-SHA256 (RFC 2104) of entries, Ed25519 (RFC 8032) of checkpoints.

They are derived from the keys that signing keys are encrypted under (RFC 5869), so that whoever can
write to the database alone has none of them, and there is nothing more to be kept.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from porta.security.encryption import EncryptionKeys

_ID_BYTES = 4
_CHECKPOINT = b"audit checkpoint 1\n"
"""Nothing else is signed with these keys; what is signed says so nevertheless."""


def thumbprint(public: bytes) -> str:
    """Return the JWK thumbprint (RFC 7638, RFC 8037 §2) of an Ed25519 public key of 32 bytes."""
    canonical = f'{{"crv":"Ed25519","kty":"OKP","x":"{_b64(public)}"}}'
    return _b64(hashlib.sha256(canonical.encode()).digest())


@dataclass(frozen=True, slots=True)
class Verifiers:
    """Public keys by their thumbprints: enough to judge checkpoints, and to make none."""

    keys: dict[str, bytes] = field(default_factory=dict)

    def judge(self, kid: str, content: str, signature: bytes) -> bool | None:
        """Whether the signature is that of this key; None where the key is not at hand."""
        if kid not in self.keys:
            return None
        public = Ed25519PublicKey.from_public_bytes(self.keys[kid])
        try:
            public.verify(signature, _CHECKPOINT + content.encode())
        except InvalidSignature:
            return False
        return True

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return them as a JWK Set (RFC 7517, RFC 8037)."""
        common = {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA"}
        return {"keys": [common | {"kid": k, "x": _b64(x)} for k, x in self.keys.items()]}

    @classmethod
    def of_jwks(cls, keys: Iterable[dict[str, str]]) -> Verifiers:
        """Read Ed25519 keys of a JWK Set. Raises ValueError for what is none."""
        found = {}
        for each in keys:
            if each.get("crv") == "Ed25519":
                raw = urlsafe_b64decode(each["x"].encode("ascii") + b"==")
                Ed25519PublicKey.from_public_bytes(raw)
                found[thumbprint(raw)] = raw
        return cls(found)


class AuditKeys:
    """What is derived from each of the installation's keys: the first one makes, all are known."""

    def __init__(self, keys: EncryptionKeys) -> None:
        """Take keys of 32 bytes, one at least."""
        self._macs: dict[bytes, bytes] = {}
        for key in keys:
            secret = _derive(key, b"audit entry")
            self._macs.setdefault(hashlib.sha256(secret).digest()[:_ID_BYTES], secret)
        self._stamper = next(iter(self._macs.items()))
        signers = [
            Ed25519PrivateKey.from_private_bytes(_derive(key, b"audit checkpoint")) for key in keys
        ]
        self._signer = signers[0]
        publics = [each.public_key().public_bytes_raw() for each in signers]
        self.verifiers = Verifiers({thumbprint(public): public for public in publics})
        self.kid = thumbprint(publics[0])

    def stamp(self, told: bytes) -> str:
        """Return the authentication code of an entry: the key's id, and the MAC, in hex."""
        id, secret = self._stamper
        return (id + hmac.digest(secret, told, "sha256")).hex()

    def judge(self, told: bytes, mac: str) -> bool | None:
        """Whether one of our processes has made this code; None where its key is not at hand."""
        try:
            raw = bytes.fromhex(mac)
        except ValueError:
            return False
        secret = self._macs.get(raw[:_ID_BYTES])
        if secret is None:
            return None
        return hmac.compare_digest(raw[_ID_BYTES:], hmac.digest(secret, told, "sha256"))

    def sign(self, content: str) -> bytes:
        """Return the signature of a checkpoint, by the key that `kid` names."""
        return self._signer.sign(_CHECKPOINT + content.encode())


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=purpose).derive(key)


def _b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
