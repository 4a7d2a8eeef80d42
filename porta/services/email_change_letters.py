"""Letters of a change of address: to the new one, to who has it already, and to the old one."""

from __future__ import annotations

from typing import NamedTuple

from porta.emails.message import Letter
from porta.protocol import endpoints
from porta.runtime import Runtime
from porta.tenants.tenant import Tenant
from storage.models.artifacts import EmailChange
from storage.models.users import User

_DONE = "email_changed"


class Addressed(NamedTuple):
    """A letter, by its template, to whom it goes, and whose it is."""

    template: str
    letter: Letter
    to: str
    user_id: str | None


def write(
    runtime: Runtime, tenant: Tenant, change: EmailChange, user: User, taken: User | None,
    language: str, confirmation: str, refusal: str,
) -> tuple[Addressed, Addressed]:  # fmt: skip
    """Write both: whoever has the new address already is told so, and given no link."""
    emails = runtime.post.emails
    url = endpoints.absolute(tenant.issuer, endpoints.EMAIL_CHANGE, token=confirmation)
    minutes = tenant.config.email_change_ttl // 60
    wanted, home = user.locale or language, endpoints.absolute(tenant.issuer, endpoints.ACCOUNT)
    new = "email_change" if taken is None else "email_change_taken"
    letter = emails.write(
        new, tenant.organization, wanted if taken is None else taken.locale,
        name=None, email=change.email, url=url if taken is None else home, minutes=minutes,
    )  # fmt: skip
    refuse = endpoints.absolute(tenant.issuer, endpoints.EMAIL_CHANGE_REFUSAL, token=refusal)
    old = emails.write(
        "email_change_asked", tenant.organization, wanted,
        name=user.given_name, email=change.sent_from, url=refuse, days=_days(tenant),
    )  # fmt: skip
    return (
        Addressed(new, letter, change.email, taken.id if taken is not None else user.id),
        Addressed("email_change_asked", old, change.sent_from, user.id),
    )


def write_done(runtime: Runtime, tenant: Tenant, user: User, undo: str) -> Addressed:
    """Write to the address that `user` had until now that it is another one, and how to undo it."""
    url = endpoints.absolute(tenant.issuer, endpoints.EMAIL_CHANGE_REFUSAL, token=undo)
    letter = runtime.post.emails.write(
        _DONE, tenant.organization, user.locale,
        name=user.given_name, email=user.email, url=url, days=_days(tenant),
    )  # fmt: skip
    return Addressed(_DONE, letter, user.email, user.id)


def _days(tenant: Tenant) -> int:
    return max(1, round(tenant.config.email_undo_ttl / 86_400))
