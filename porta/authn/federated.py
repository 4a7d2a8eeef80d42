"""Federated sign-in: what another identity provider says counts as a factor (RFC 8176 has none).

No form proves it: it is taken where a person comes back from there (`federation/broker.py`).
"""

from __future__ import annotations

from porta.authn.authenticator import Authenticator, Evidence, LoginFailed
from porta.protocol.tokens.authentication import Kind
from storage.models.users import User


async def _verify(evidence: Evidence) -> User:
    del evidence
    raise LoginFailed("errors.login_method_disabled", reason="no_form")


AUTHENTICATOR = Authenticator(
    name="federation",
    kind=Kind.FEDERATED,
    amr=("fed",),
    verify=_verify,
    event="user.login.federation",
)
