"""Erasure of one person for good, with what is kept for others."""

from __future__ import annotations

from pydantic import Field

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Shown
from porta.errors import Invalid
from porta.services import personal_data
from porta.services.permissions import needed_by
from porta.services.personal_data import Purge, Purged

_CONFIRMED = "x-confirm-purge"


class PurgeOutcome(Shown):
    """What is gone; of a dry run, what would go."""

    dry_run: bool
    user_id: str
    anonymized_email: str
    deleted_roles: int
    deleted_claims: int
    deleted_two_factor: int
    deleted_passkeys: int
    deleted_identities: int
    deleted_oidc_payloads: int = Field(description="Tokens, and grants")
    deleted_authorizations: int
    deleted_sessions: int
    deleted_links: int
    deleted_mails: int
    deleted_delegations: int
    anonymized_audit_entries: int


async def _purge(call: Call) -> Answer:
    command = call.body_as(Purge)
    confirmed = command.confirm_purge or call.headers.get(_CONFIRMED) == "true"
    if not confirmed and not command.dry_run:
        raise Invalid.at(
            "confirmPurge", message="must be true: nothing brings a purged person back"
        )
    purged = await personal_data.purge(
        call.storage,
        call.actor,
        call.id("userId"),
        within=call.id("organizationId"),
        dry_run=command.dry_run,
    )
    return Answer(Data(data=_outcome(purged)))


def _outcome(purged: Purged) -> PurgeOutcome:
    counts = purged.counts
    return PurgeOutcome(
        dry_run=purged.dry_run,
        user_id=purged.user_id,
        anonymized_email=purged.anonymized_email,
        deleted_roles=counts["roles"],
        deleted_claims=counts["claims"],
        deleted_two_factor=counts["two_factor"],
        deleted_passkeys=counts["passkeys"],
        deleted_identities=counts["identities"],
        deleted_oidc_payloads=counts["tokens"],
        deleted_authorizations=counts["families"],
        deleted_sessions=counts["sessions"],
        deleted_links=counts["links"],
        deleted_mails=counts["mails"],
        deleted_delegations=counts["delegations"],
        anonymized_audit_entries=purged.anonymized_audit_entries,
    )


ROUTES = (
    Route(
        "POST",
        "/organizations/{organizationId}/users/{userId}/purge",
        "Erase a person for good (GDPR Art. 17), or tell what would go",
        _purge,
        permissions=needed_by(personal_data.purge),
        request=Purge,
        response=Data[PurgeOutcome],
        optional_body=True,
        errors=(400,),
        delegable=True,
    ),
)
