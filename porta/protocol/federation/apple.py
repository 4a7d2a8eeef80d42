"""Sign in with Apple: a client secret that we sign, answers that are posted, a name told once."""

from __future__ import annotations

from typing import Any

from porta.protocol.federation.provider import Answers, Claims, Provider
from storage.models.connections import Connection


def _to_claims(connection: Connection, claims: Claims, answers: Answers) -> Claims:
    """`email_verified` may be a text; what is posted beside the code (`user`) is the last answer,
    given at the first sign-in alone. Nobody signed that: it is good for a name.
    """
    del connection
    told: dict[str, Any] = dict(claims)
    word = claims.get("email_verified")
    told["email_verified"] = word is True or word == "true"
    for answer in answers:
        name = answer.get("name") if isinstance(answer, dict) else None
        if isinstance(name, dict):
            told["given_name"] = name.get("firstName")
            told["family_name"] = name.get("lastName")
    return told


PROVIDER = Provider(
    name="apple",
    issuer="https://appleid.apple.com",
    scopes=("openid", "name", "email"),
    parameters={"response_mode": "form_post"},
    pkce=False,
    options=("team_id", "key_id"),
    makes_secret=True,
    reads_posted=True,
    to_claims=_to_claims,
)
