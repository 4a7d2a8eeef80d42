"""OAuth 2.0 without ID tokens (RFC 6749): the connection says where everything is asked, and what
the answer calls a person.
"""

from __future__ import annotations

from typing import Any

from porta.protocol.federation.provider import Answers, Claims, Metadata, NotLetIn, Provider
from storage.models.connections import Connection

_NEEDED = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")


def _described(connection: Connection) -> Metadata:
    said = connection.options
    return Metadata(
        issuer=connection.issuer,
        authorization_endpoint=said["authorization_endpoint"],
        token_endpoint=said["token_endpoint"],
        userinfo_endpoint=said["userinfo_endpoint"],
        # RFC 6749 §2.3.1: every server takes Basic, and some prefer the other.
        token_endpoint_auth_methods_supported=(
            said.get("token_endpoint_auth_method", "client_secret_basic"),
        ),
    )


def _to_claims(connection: Connection, claims: Claims, answers: Answers) -> Claims:
    """A subject may be a number. An address under a name of its own is verified where a member that
    is named for it says so: `email_verified` is about another one.
    """
    del answers
    named = connection.options
    subject = claims.get(named.get("subject_claim", "sub"))
    if isinstance(subject, bool) or not isinstance(subject, int | str):
        raise NotLetIn("there is no subject in what the provider tells of a user")
    email = named.get("email_claim", "email")
    told: dict[str, Any] = {**claims, "sub": str(subject), "email": claims.get(email)}
    verified = named.get("email_verified_claim", "email_verified" if email == "email" else None)
    told["email_verified"] = verified is not None and claims.get(verified) is True
    return told


PROVIDER = Provider(
    name="oauth2",
    scopes=(),
    is_openid=False,
    described=_described,
    options=_NEEDED,
    more_options=(
        *("subject_claim", "email_claim", "email_verified_claim", "token_endpoint_auth_method"),
    ),
    options_say_who=True,
    to_claims=_to_claims,
)
