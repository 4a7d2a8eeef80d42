"""Identity providers: where the people of an organization may sign in, in one table."""

from __future__ import annotations

from porta.protocol.federation import apple, entra, github, google, oauth2, openid
from porta.protocol.federation.provider import Provider

PROVIDERS: dict[str, Provider] = {
    each.name: each
    for each in (
        openid.PROVIDER,
        oauth2.PROVIDER,
        google.PROVIDER,
        entra.PROVIDER,
        apple.PROVIDER,
        github.PROVIDER,
    )
}
