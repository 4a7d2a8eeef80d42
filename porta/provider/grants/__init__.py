"""Grant types: the table GRANTS of the token endpoint."""

from __future__ import annotations

from porta.provider.grants import authorization_code, client_credentials, refresh_token
from porta.provider.grants.base import GrantType

GRANTS: dict[str, GrantType] = {
    grant.name: grant
    for grant in (authorization_code.GRANT, refresh_token.GRANT, client_credentials.GRANT)
}
