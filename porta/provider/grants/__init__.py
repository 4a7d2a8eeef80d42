"""The table GRANTS: every grant type of the token endpoint by its name."""

from __future__ import annotations

from porta.provider.grants import authorization_code, client_credentials, refresh_token
from porta.provider.grants.base import GrantType

GRANTS: dict[str, GrantType] = {
    grant.name: grant
    for grant in (authorization_code.GRANT, refresh_token.GRANT, client_credentials.GRANT)
}
