from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porta.security.encryption import DecryptionFailed, Encrypted, decrypt, encrypt

KEY = bytes.fromhex("00112233445566778899aabbccddeeff" * 2)


@given(st.text())
def test_what_is_encrypted_comes_back(text: str) -> None:
    encrypted = encrypt(text, KEY)
    assert decrypt(encrypted, KEY) == text
    assert len(encrypted.ciphertext) == 2 * len(text.encode())
    assert (len(encrypted.iv), len(encrypted.tag)) == (24, 32)


def test_the_format_is_that_of_porta_1() -> None:
    """AES-256-GCM test case 14 of the GCM specification, in the three columns of the table."""
    row = Encrypted(
        "cea7403d4d606b6e074ec5d3baf39d18", "00" * 12, "d0d1c8a799996bf0265b98b5d48ab919"
    )
    assert decrypt(row, bytes(32)) == "\0" * 16


def test_an_iv_is_never_used_twice() -> None:
    assert len({encrypt("x", KEY).iv for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "damage",
    [
        {"ciphertext": "00"},
        {"ciphertext": ""},
        {"ciphertext": "zz"},
        {"ciphertext": "abc"},
        {"iv": ""},
        {"iv": "00" * 12},
        {"iv": "00" * 11},
        {"tag": ""},
        {"tag": "00" * 16},
        {"tag": "q" * 32},
    ],
)
def test_damage_is_found(damage: dict[str, str]) -> None:
    with pytest.raises(DecryptionFailed):
        decrypt(encrypt("secret", KEY)._replace(**damage), KEY)


def test_a_shortened_tag_is_refused() -> None:
    encrypted = encrypt("secret", KEY)
    with pytest.raises(DecryptionFailed, match="length"):
        decrypt(encrypted._replace(tag=encrypted.tag[:8]), KEY)


def test_another_key_is_refused_and_the_message_tells_nothing() -> None:
    with pytest.raises(DecryptionFailed) as raised:
        decrypt(encrypt("the secret", KEY), bytes(32))
    assert "the secret" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_what_is_not_text_is_refused() -> None:
    """The plaintext of test case 13's neighbour: one byte that is no UTF-8."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    joined = AESGCM(KEY).encrypt(bytes(12), b"\xff", None)
    with pytest.raises(DecryptionFailed):
        decrypt(Encrypted(joined[:-16].hex(), "00" * 12, joined[-16:].hex()), KEY)


@pytest.mark.parametrize("length", [0, 16, 24, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="64 hex digits"):
        encrypt("x", bytes(length))
    with pytest.raises(ValueError, match="64 hex digits"):
        decrypt(Encrypted("", "", ""), bytes(length))
