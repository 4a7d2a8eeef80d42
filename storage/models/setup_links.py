"""Set-up links: by one, somebody connects one identity provider, or proves one domain (0048)."""

from __future__ import annotations

import msgspec

from storage.models.connections import Connection


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider told of whoever tried a draft, as it is shown to them."""

    claims: dict[str, str]
    """Shortened, by name."""
    mappable: tuple[str, ...] = ()
    """Those that may fill a field of a person."""
    email: str | None = None
    email_verified: bool = False


class SetupLink(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `setup_links`, without its token. Times are seconds since the epoch."""

    id: str
    organization_id: str
    provider: str | None = None
    """Of a link that connects one: the name of a line of `porta.protocol.federation.PROVIDERS`."""
    name: str | None = None
    """What people will know its connection by."""
    connection_id: str | None = None
    """The id that the connection will have."""
    domain_id: str | None = None
    """Of a link that proves one."""
    sent_to: str | None = None
    """The address that it was mailed to."""
    made_by: str | None = None
    """The person whose rights it has, as these are by then."""
    made_by_client: str | None = None
    """The same of a machine: the internal id of the client."""
    browser: str | None = None
    """Digest of the secret of the browser that began; no other goes on."""
    draft: Connection | None = None
    """What was typed: no connection yet, and nobody else reads it."""
    draft_number: int = 0
    """Counts what was typed: a test is one of a draft, and of none that came after it."""
    tests: int = 0
    """How many sign-ins were tried."""
    tested: Tested | None = None
    """What the test of this very draft told; None before it."""
    begun_at: float | None = None
    completed_at: float | None = None
    expires_at: float = 0.0
    created_at: float = 0.0
