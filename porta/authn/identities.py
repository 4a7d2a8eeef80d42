"""Identities: an account becomes that of somebody who is known at another provider."""

from __future__ import annotations

from porta.audit import events
from porta.authn.authenticator import Evidence
from storage.models.sign_ins import Link
from storage.models.users import User
from storage.router import Storage


async def link(tx: Storage, evidence: Evidence, link: Link, user: User) -> bool:
    """Have an account be somebody's at a provider; False where another one is, or there is no such
    connection any more.
    """
    tenant_id = evidence.tenant.id
    added = await tx.identities.add(
        link.connection_id, tenant_id, user.id, link.issuer, link.subject, link.email
    )
    if added:
        await events.record(
            tx, "user.identity.linked", organization_id=tenant_id, user_id=user.id,
            metadata={"connection_id": link.connection_id}, origin=evidence.origin,
        )  # fmt: skip
    return added
