"""Google: people of hosted domains (`hd`), which the ID token has to say, not the request alone."""

from __future__ import annotations

from porta.protocol.federation.provider import Claims, NotLetIn, Provider
from storage.models.connections import Connection


def _check(connection: Connection, claims: Claims) -> None:
    """`allowed_tenants` are hosted domains; none lets in whoever has an account at Google."""
    if connection.allowed_tenants and claims.get("hd") not in connection.allowed_tenants:
        raise NotLetIn("hd is none of the hosted domains that are let in")


PROVIDER = Provider(
    name="google",
    issuer="https://accounts.google.com",
    parameters={"prompt": "select_account"},
    check=_check,
)
