"""Notice of a bound authenticator: its owner is told by mail (NIST SP 800-63B §4.1.2)."""

from __future__ import annotations

from porta.emails import notices
from porta.runtime import Runtime
from porta.tenants.tenant import Tenant
from storage.models.users import User
from storage.router import Storage

_TEMPLATE = "authenticator_added"


async def queue(tx: Storage, runtime: Runtime, tenant: Tenant, user: User, method: str) -> None:
    """Queue the notice that a person has a new `method` (`totp`, `email`, `passkey`) to sign in by,
    in the transaction that keeps it. Nothing where this installation sends no mail.
    """
    if runtime.settings.smtp_host is None:
        return
    has_password = "password" in tenant.organization.default_login_methods
    letter = notices.write(
        runtime.post, _TEMPLATE, tenant.organization, user,
        method=method, url=f"{tenant.issuer}/auth/forgot-password" if has_password else None,
    )  # fmt: skip
    await notices.queue(tx, runtime.post, _TEMPLATE, letter, user)
