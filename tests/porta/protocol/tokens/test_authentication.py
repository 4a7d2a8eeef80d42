"""What tokens tell of a sign-in is what was shown, and nothing else (RFC 8176, Core §5.5.1.1)."""

from __future__ import annotations

import pytest

from porta.protocol.tokens.authentication import (
    ACR_MFA,
    ACR_PASSWORD,
    ACR_POSSESSION,
    AuthenticationContext,
    Kind,
    context_of,
    met_acr,
)
from storage.models.sign_ins import Proof

PASSWORD = Proof(method="password", kind=Kind.KNOWLEDGE.value, amr=("pwd",), at=100)
CODE = Proof(method="totp", kind=Kind.POSSESSION.value, amr=("otp",), at=130)


def test_a_password_alone() -> None:
    assert context_of([PASSWORD]) == AuthenticationContext(("pwd",), ACR_PASSWORD, 100)


def test_two_factors_of_different_kinds() -> None:
    assert context_of([PASSWORD, CODE]) == (("pwd", "otp", "mfa"), ACR_MFA, 130)


def test_two_of_one_kind_are_one_factor() -> None:
    again = Proof(method="pin", kind=Kind.KNOWLEDGE.value, amr=("pin",), at=120)
    assert context_of([PASSWORD, again]) == (("pwd", "pin"), ACR_PASSWORD, 120)


def test_a_mailed_link_and_an_app_are_of_one_kind() -> None:
    link = Proof(method="magic_link", kind="possession", amr=("mca",), at=100)
    app = Proof(method="totp", kind="possession", amr=("otp",), at=130)
    assert context_of([link]) == (("mca",), ACR_POSSESSION, 100)
    assert context_of([link, app]) == (("mca", "otp"), ACR_POSSESSION, 130)


def test_a_passkey_that_knew_its_owner_is_two_factors_by_itself() -> None:
    amr = ("hwk", "user")
    passkey = Proof(method="passkey", kind="possession", amr=amr, at=100, verified=True)
    assert context_of([passkey]) == (("hwk", "user", "mfa"), ACR_MFA, 100)
    assert context_of([PASSWORD, passkey]) == (("pwd", "hwk", "user", "mfa"), ACR_MFA, 100)


@pytest.mark.parametrize(
    ("reached", "wanted", "told"),
    [
        (ACR_PASSWORD, (ACR_PASSWORD,), ACR_PASSWORD),
        (ACR_PASSWORD, (ACR_MFA,), None),
        (ACR_POSSESSION, (ACR_PASSWORD,), None),
        (ACR_PASSWORD, (ACR_POSSESSION,), None),
        (ACR_MFA, (ACR_POSSESSION,), ACR_POSSESSION),
        (ACR_MFA, (ACR_PASSWORD,), ACR_PASSWORD),
        (ACR_MFA, (ACR_PASSWORD, ACR_MFA), ACR_MFA),
        (ACR_MFA, ("urn:other",), None),
        (ACR_MFA, (1, None, ["x"]), None),
        (None, (ACR_PASSWORD,), None),
        ("urn:old", (ACR_PASSWORD,), None),
    ],
)
def test_a_stronger_context_meets_a_weaker_one(
    reached: str | None, wanted: tuple[object, ...], told: str | None
) -> None:
    assert met_acr(reached, wanted) == told
