"""TOTP secrets at rest: decrypted under whichever key encrypted them (RFC 6238 §5.1)."""

from __future__ import annotations

from contextlib import suppress

from porta.security.encryption import DecryptionFailed, Encrypted, EncryptionKeys, decrypt
from storage.models.users import TotpSecret


def open_secret(row: TotpSecret, keys: EncryptionKeys) -> str | None:
    """Return the secret in base32; None where none of `keys` encrypted it."""
    encrypted = Encrypted(row.encrypted_secret, row.encryption_iv, row.encryption_tag)
    for key in keys:
        with suppress(DecryptionFailed):
            return decrypt(encrypted, key)
    return None
