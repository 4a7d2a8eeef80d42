"""An authenticator made of software: it makes passkeys and shows them, or lies as it is told to."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from porta.security.passkeys import decode, encode

PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 1, 4, 8, 16, 64


@dataclass
class Authenticator:
    """One credential for one relying party. What tests change is what it says of itself."""

    origin: str
    flags: int = PRESENT | VERIFIED | ELIGIBLE | BACKED_UP
    counts: int = 0
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    handle: str | None = None
    rp_id: str | None = None
    """The RP ID of what is signed, where it is not the one that was asked for."""
    model: bytes = bytes(16)

    def __post_init__(self) -> None:
        self.key = generate_private_key(SECP256R1())

    def create(self, options: dict[str, Any], **client: Any) -> str:
        """Make the credential for the options of a page; return it as JSON."""
        asked = options["create"]
        self.handle = asked["user"]["id"]
        numbers = self.key.public_key().public_numbers()
        x, y = (each.to_bytes(32, "big") for each in (numbers.x, numbers.y))
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        length = len(self.credential_id).to_bytes(2, "big")
        data = self._data(asked["rp"]["id"], ATTESTED)
        data += self.model + length + self.credential_id + cose
        made = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        told = self._client("webauthn.create", asked["challenge"], client)
        return self._json(clientDataJSON=told, attestationObject=made, transports=["internal"])

    def get(self, options: dict[str, Any], **client: Any) -> str:
        """Show the credential for the options of a page; return the answer as JSON."""
        asked = options["get"]
        data = self._data(asked["rpId"], 0)
        told = self._client("webauthn.get", asked["challenge"], client)
        signature = self.key.sign(data + hashlib.sha256(told).digest(), ECDSA(SHA256()))
        more = {"userHandle": decode(self.handle)} if self.handle else {}
        return self._json(clientDataJSON=told, authenticatorData=data, signature=signature, **more)

    def _data(self, rp_id: str, more: int) -> bytes:
        hashed = hashlib.sha256((self.rp_id or rp_id).encode()).digest()
        return hashed + bytes([self.flags | more]) + self.counts.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str, changes: dict[str, Any]) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(told | changes).encode()

    def _json(self, **response: Any) -> str:
        told = {
            name: encode(value) if isinstance(value, bytes) else value
            for name, value in response.items()
        }
        id = encode(self.credential_id)
        return json.dumps({"id": id, "rawId": id, "type": "public-key", "response": told})
