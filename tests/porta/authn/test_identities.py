"""Identities: what links one waits for nothing that another transaction may hold."""

from __future__ import annotations

from porta.audit.actors import SYSTEM
from porta.authn import identities
from porta.authn.identities import Waiting
from porta.tenants import resolve
from storage.models.connections import Connection
from storage.models.sign_ins import Link
from tests import factories
from tests.world.runtime import opened


async def test_a_link_waits_for_no_second_connection_to_the_database(
    database_url: str, redis_url: str
) -> None:
    """Else as many sign-ins as there are connections would wait for each other."""
    async with opened(database_url, redis_url, database_pool_size=1) as runtime:
        tenant = await resolve.resolve(runtime, "acme")
        storage, mark = runtime.storage.everywhere, factories.new_id()
        user = factories.user(id=mark, organization_id=tenant.id, email=f"{mark}@acme.test")
        await storage.users.insert(user)
        made = Connection(
            id=factories.new_id(), organization_id=tenant.id, provider="openid", name=mark,
            issuer="https://work.example", client_id="porta",
        )  # fmt: skip
        await storage.connections.insert(made)
        link = Link(connection_id=made.id, issuer=made.issuer, subject=mark)
        waiting = Waiting(made, link, (made,))
        runtime._changed("connections", tenant.id)
        try:
            async with runtime.storage.transaction() as tx:
                assert await identities.link(
                    tx, runtime, tenant, user, waiting, SYSTEM, tells=False
                )
        finally:
            await storage.connections.delete(made.id, tenant.id)
