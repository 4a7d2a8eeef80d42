"""Passkeys: answers of authenticators, verified (WebAuthn §7.1, §7.2); the door to `webauthn`."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import webauthn
from cryptography.exceptions import UnsupportedAlgorithm
from webauthn.helpers import (
    encode_cbor,
    parse_attestation_object,
    parse_authentication_credential_json,
    parse_authenticator_data,
    parse_cbor,
    parse_registration_credential_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException

from storage.models.passkeys import NewPasskey

T = TypeVar("T")
ALGORITHMS = (
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
)
"""Of keys that are taken, the one that is liked best first."""
LONGEST_ID = 1023
"""Bytes of a credential id (§7.1, step 25)."""
_NO_MODEL = "00000000-0000-0000-0000-000000000000"
_LONGEST_KEY = 2048
# What reading hostile CBOR, JSON, base64 and keys ends with, beside the library's own refusals.
_MALFORMED = (
    *(WebAuthnException, ValueError, TypeError, KeyError, IndexError, AttributeError),
    *(OverflowError, UnsupportedAlgorithm, RecursionError),
)


class PasskeyRefused(Exception):
    """An answer that proves nothing. The message is for the audit trail, and for nobody else."""


@dataclass(frozen=True, slots=True)
class Ceremony:
    """What an answer is held against. `challenge` is the text that was handed out, in base64url."""

    rp_id: str
    origin: str
    challenge: str


@dataclass(frozen=True, slots=True)
class Presented:
    """What an answer says it is, before anything of it is believed; both in base64url."""

    credential_id: str
    handle: str | None


@dataclass(frozen=True, slots=True)
class Asserted:
    """What a right answer tells."""

    sign_count: int
    verified: bool
    """Whether the authenticator knew its owner: by a PIN, a finger, a face (user verification)."""
    backup_eligible: bool
    backed_up: bool


@dataclass(frozen=True, slots=True)
class Flags:
    """Of an answer to either kind of ceremony (§6.1)."""

    verified: bool
    backup_eligible: bool


def present(credential: str) -> Presented:
    """Read which passkey an answer is from. Raises PasskeyRefused for what is none."""
    return _guarded(lambda: _present(credential))


def challenge_of(credential: str) -> str:
    """Return the challenge that an answer of either kind is for. Raises PasskeyRefused."""
    return _guarded(lambda: str(_client_data(credential)["challenge"]))


def verify_assertion(
    ceremony: Ceremony, credential: str, public_key: bytes, *, must_verify: bool
) -> Asserted:
    """Verify that a passkey of this key answered just this (§7.2). Raises PasskeyRefused.

    The counter is not judged here: whoever stores it does, in one step with noting the use.
    """
    return _guarded(lambda: _asserted(ceremony, credential, public_key, must_verify))


def read_flags(credential: str, *, new: bool) -> Flags:
    """Return what an answer that was verified says of its authenticator: that a `new` passkey was
    made, or that one was shown. Raises PasskeyRefused.
    """
    return _guarded(lambda: _flags(credential, new))


def verify_registration(ceremony: Ceremony, credential: str, *, present: bool = True) -> NewPasskey:
    """Verify that an authenticator made a credential just for this (§7.1). Raises PasskeyRefused.

    Its attestation is kept and not judged: which models there are is nobody's business here. One
    that is made without asking (conditional create) needs nobody to be there: not `present`.
    """
    return _guarded(lambda: _registered(ceremony, credential, present))


def encode(raw: bytes) -> str:
    """Return bytes in base64url, without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Return the bytes that are meant by base64url. Raises ValueError."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _present(credential: str) -> Presented:
    read = parse_authentication_credential_json(credential)
    if not 0 < len(read.raw_id) <= LONGEST_ID:
        raise ValueError("a credential id is not this long")
    handle = read.response.user_handle
    return Presented(encode(read.raw_id), encode(handle) if handle else None)


def _client_data(credential: str) -> dict[str, Any]:
    response = json.loads(credential)["response"]
    told: dict[str, Any] = json.loads(decode(response["clientDataJSON"]))
    if told.get("crossOrigin", False) is not False or "topOrigin" in told:
        raise ValueError("it was made in a frame of another site")
    return told


def _flags(credential: str, new: bool) -> Flags:
    # Which field is read says the caller, who verified it: an answer can hold that of the other
    # ceremony as well, which nobody signed.
    response = json.loads(credential)["response"]
    if new:
        made = parse_cbor(decode(response["attestationObject"]))["authData"]
    else:
        made = decode(response["authenticatorData"])
    flags = parse_authenticator_data(made).flags
    return Flags(flags.uv, flags.be)


def _asserted(
    ceremony: Ceremony, credential: str, public_key: bytes, must_verify: bool
) -> Asserted:
    _client_data(credential)
    read = parse_authentication_credential_json(credential)
    found = webauthn.verify_authentication_response(
        credential=read,
        expected_challenge=decode(ceremony.challenge),
        expected_rp_id=ceremony.rp_id,
        expected_origin=ceremony.origin,
        credential_public_key=public_key,
        credential_current_sign_count=0,
        require_user_verification=must_verify,
    )
    flags = parse_authenticator_data(read.response.authenticator_data).flags
    return Asserted(found.new_sign_count, found.user_verified, flags.be, flags.bs)


def _registered(ceremony: Ceremony, credential: str, present: bool) -> NewPasskey:
    _client_data(credential)
    read = parse_registration_credential_json(credential)
    attestation = bytes(read.response.attestation_object)
    told = parse_cbor(attestation)
    bare = {"fmt": "none", "attStmt": {}, "authData": told["authData"]}
    read.response.attestation_object = encode_cbor(bare)
    found = webauthn.verify_registration_response(
        credential=read,
        expected_challenge=decode(ceremony.challenge),
        expected_rp_id=ceremony.rp_id,
        expected_origin=ceremony.origin,
        require_user_presence=present,
        supported_pub_key_algs=list(ALGORITHMS),
    )
    if found.credential_id != read.raw_id or len(found.credential_id) > LONGEST_ID:
        raise ValueError("the credential has another id than its authenticator says")
    if max(len(found.credential_public_key), len(attestation) // 4) > _LONGEST_KEY:
        raise ValueError("the credential is too large")
    flags = parse_attestation_object(read.response.attestation_object).auth_data.flags
    return NewPasskey(
        credential_id=encode(found.credential_id),
        public_key=found.credential_public_key,
        sign_count=found.sign_count,
        backup_eligible=flags.be,
        backed_up=flags.bs,
        aaguid=None if found.aaguid == _NO_MODEL else found.aaguid,
        transports=tuple(each.value for each in read.response.transports or ()),
        attestation_format=str(told.get("fmt"))[:32],
        attestation=attestation,
    )


def _guarded(read: Callable[[], T]) -> T:
    try:
        return read()
    except _MALFORMED as refusal:
        raise PasskeyRefused(str(refusal)[:200] or type(refusal).__name__) from None
