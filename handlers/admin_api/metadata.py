"""Admin API metadata: where administrators sign in, and with which client; public."""

from __future__ import annotations

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Shown
from porta.errors import Unavailable
from porta.protocol import endpoints


class Metadata(Shown):
    """What a command line needs before it has a token."""

    issuer: str
    org_slug: str
    client_id: str | None
    """The public client that `porta init` made; None where there is none."""
    audience: str
    """The `resource` (RFC 8707) that tokens for this API are asked for with."""


async def _get(call: Call) -> Answer:
    found = await call.storage.administrators.find_entrance()
    if found is None:
        raise Unavailable("Not initialized")
    base = call.runtime.settings.issuer_base_url
    return Answer(
        Metadata(
            issuer=f"{base}/{found.slug}",
            org_slug=found.slug,
            client_id=found.client_id,
            audience=f"{base}{endpoints.ADMIN_API}",
        )
    )


ROUTES = (
    Route(
        "GET",
        "/metadata",
        "Tell where administrators sign in",
        _get,
        response=Metadata,
        public=True,
    ),
)
