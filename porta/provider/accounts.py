"""Account: what the protocol needs to know of a person."""

from __future__ import annotations

from porta.runtime import Runtime
from porta.tenants.tenant import Tenant
from storage.models.clients import Client
from storage.models.users import AccountFacts


async def find_facts(
    runtime: Runtime, tenant: Tenant, account_id: str, client: Client
) -> AccountFacts | None:
    """Return an account with its roles, permissions and claims at the client's application; with
    all roles and permissions where the client is told them.

    None when the account is unknown to the organization or does not stand.
    """
    facts = await runtime.storage.users.facts(
        account_id, tenant.id, client.application_id, all_roles=client.tells_all_roles
    )
    return facts if facts is not None and facts.user.is_usable else None
