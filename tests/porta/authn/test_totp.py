"""A code of an authenticator app: whose step it is, and what is none at all (RFC 6238)."""

from __future__ import annotations

import pyotp
import pytest

from porta.authn.recovery_code import to_code
from porta.authn.totp import find_step

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NOW = 1_790_000_005.0
STEP = int(NOW // 30)


@pytest.mark.parametrize("away", [-1, 0, 1])
def test_the_steps_around_the_clock_are_found(away: int) -> None:
    assert find_step(SECRET, pyotp.TOTP(SECRET).generate_otp(STEP + away), NOW) == STEP + away


@pytest.mark.parametrize("away", [-3, -2, 2, 3])
def test_other_steps_are_not(away: int) -> None:
    assert find_step(SECRET, pyotp.TOTP(SECRET).generate_otp(STEP + away), NOW) is None


def test_blanks_are_passed_over() -> None:
    code = pyotp.TOTP(SECRET).generate_otp(STEP)
    assert find_step(SECRET, f" {code[:3]} {code[3:]} ", NOW) == STEP


@pytest.mark.parametrize(
    "code",
    ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "-12345", "１２３４５６", "\0" * 6, "\ud800"],
)
def test_what_is_no_code_is_refused(code: str) -> None:
    assert find_step(SECRET, code, NOW) is None


@pytest.mark.parametrize("secret", ["", "JBSWY3DP", "not base32!", "0" * 32])
def test_a_secret_that_is_none_has_no_code(secret: str) -> None:
    assert find_step(secret, "123456", NOW) is None


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("ABCD-2345", "ABCD2345"),
        (" abcd 2345 ", "ABCD2345"),
        ("abcd2345", "ABCD2345"),
        ("ABCD-234", None),
        ("ABCD-23451", None),
        ("ABCD-0000", None),
        ("ABCÐ-2345", None),
        ("", None),
        ("x" * 5000, None),
    ],
)
def test_a_recovery_code_is_read_as_it_was_hashed(typed: str, code: str | None) -> None:
    assert to_code(typed) == code
