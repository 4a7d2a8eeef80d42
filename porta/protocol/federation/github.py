"""GitHub: OAuth 2.0 without ID tokens; who it is, is asked with the access token.

The number of an account stays, its login may become somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from porta.protocol.federation.provider import Answers, Claims, Metadata, NotLetIn, Provider
from storage.models.connections import Connection

_PUBLIC = "https://github.com"


def _described(connection: Connection) -> Metadata:
    issuer = connection.issuer
    api = "https://api.github.com" if issuer == _PUBLIC else f"{issuer}/api/v3"
    return Metadata(
        issuer=issuer,
        authorization_endpoint=f"{issuer}/login/oauth/authorize",
        token_endpoint=f"{issuer}/login/oauth/access_token",
        userinfo_endpoint=f"{api}/user",
        token_endpoint_auth_methods_supported=("client_secret_post",),
    )


def _further(connection: Connection, metadata: Metadata, claims: Claims) -> tuple[str, ...]:
    """Organizations and teams are asked for where a rule, or who is let in, depends on them."""
    del claims
    user = metadata.userinfo_endpoint or ""
    asked = [f"{user}/emails?per_page=100"]
    named = {rule.claim for rule in connection.role_mapping}
    if named & {"organizations", "teams"} or connection.allowed_tenants:
        asked += [f"{user}/orgs?per_page=100", f"{user}/teams?per_page=100"]
    return tuple(asked)


def _to_claims(connection: Connection, claims: Claims, answers: Answers) -> Claims:
    del connection
    number, lists = (
        claims.get("id"),
        [answer if isinstance(answer, list) else [] for answer in answers],
    )
    if isinstance(number, bool) or not isinstance(number, int):
        raise NotLetIn("there is no id in what the provider tells of a user")
    emails, organizations, teams = (*lists, [], [], [])[:3]
    told: dict[str, Any] = {
        "sub": str(number),
        "name": claims.get("name"),
        "preferred_username": claims.get("login"),
        "organizations": [*_texts(organizations, "login")],
        "teams": [
            f"{owner}/{slug}"
            for each in teams
            if isinstance(each, dict) and isinstance(each.get("organization"), dict)
            for owner, slug in [(each["organization"].get("login"), each.get("slug"))]
        ],
    }
    for each in emails:
        if isinstance(each, dict) and each.get("primary") is True and each.get("verified") is True:
            told |= {"email": each.get("email"), "email_verified": True}
    return told


def _texts(listed: list[Any], name: str) -> Iterator[str]:
    return (each[name] for each in listed if isinstance(each, dict) and name in each)


def _check(connection: Connection, claims: Claims) -> None:
    """`allowed_tenants` are organizations, in any letter case; none lets in everybody."""
    allowed = {each.lower() for each in connection.allowed_tenants}
    member = {str(each).lower() for each in claims.get("organizations", ())}
    if allowed and allowed.isdisjoint(member):
        raise NotLetIn("a member of none of the organizations that are let in")


PROVIDER = Provider(
    name="github",
    issuer=_PUBLIC,
    scopes=("read:user", "user:email", "read:org"),
    is_openid=False,
    described=_described,
    check=_check,
    further=_further,
    to_claims=_to_claims,
)
