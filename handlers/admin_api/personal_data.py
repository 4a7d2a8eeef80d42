"""Personal data of one person: handed out as a whole, and erased for good."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from handlers.admin_api.route import Route
from handlers.admin_api.user_passkeys import Passkey
from handlers.admin_api.user_trusted_devices import TrustedDevice
from handlers.admin_api.users import User, shown
from porta.administration.call import Answer, Call, Data, Moment, Shown
from porta.services import personal_data
from porta.services.permissions import needed_by
from porta.services.personal_data import PersonalRecord
from storage.models.audit import AuditEntry

_ONE = "/organizations/{organizationId}/users/{userId}"


class HomeOrganization(Shown):
    """The organization of a person."""

    id: str
    name: str
    slug: str


class PersonalRole(Shown):
    """A role, and since when."""

    role_id: str
    role_name: str
    role_slug: str
    application_id: str
    assigned_at: Moment


class PersonalClaim(Shown):
    """A value of a claim that an application defines."""

    claim_name: str
    value: Any
    application_id: str


class GivenConsent(Shown):
    """What a client was allowed at once."""

    scope: tuple[str, ...]
    resource: tuple[str, ...]
    claims: tuple[str, ...]


class Allowed(Shown):
    """What a person allowed a client, in one session."""

    client_id: str
    created_at: Moment
    consents: tuple[GivenConsent, ...]


class LetIn(Shown):
    """A client that the person let in, and until when."""

    client_id: str
    created_at: Moment
    expires_at: Moment
    revoked_at: Moment | None
    revoked_reason: str | None


class SignedIn(Shown):
    """A browser that the person signed in with."""

    ip_address: str | None
    user_agent: str | None
    created_at: Moment
    expires_at: Moment
    last_activity_at: Moment


class Link(Shown):
    """A link that the person was sent: `invitation`, `password_reset` or `magic_link`."""

    kind: str
    created_at: Moment
    expires_at: Moment
    used_at: Moment | None


class TrailEntry(Shown):
    """What happened to the person, or what they did; where from, where it was they."""

    id: str
    event_type: str
    event_category: str
    description: str | None
    ip_address: str | None
    user_agent: str | None
    created_at: Moment


class SecondFactor(Shown):
    """Whether a second factor is asked for; what proves it is told nobody."""

    enabled: bool
    method: str | None
    put_off_until: Moment | None = Field(description="Until when none is offered")


class PersonalIdentity(Shown):
    """Whom a person is at an identity provider."""

    connection_id: str
    issuer: str
    subject: str
    email: str | None
    created_at: Moment
    last_used_at: Moment


class WantedAddress(Shown):
    """An address that the person asked for, and did not confirm yet."""

    email: str
    sent_from: str = Field(description="The address that they had")
    asked_at: Moment


class FormerAddress(Shown):
    """A letter to an address of the person, by which its reader may refuse another one."""

    email: str = Field(description="Where it went")
    wanted: str = Field(description="The address that was asked for instead")
    at: Moment
    until: Moment


class PersonalExport(Shown):
    """All that is kept of a person, but secrets and their hashes."""

    exported_at: Moment
    user: User
    organization: HomeOrganization
    roles: tuple[PersonalRole, ...]
    custom_claims: tuple[PersonalClaim, ...]
    two_factor: SecondFactor
    passkeys: tuple[Passkey, ...]
    trusted_devices: tuple[TrustedDevice, ...]
    identities: tuple[PersonalIdentity, ...]
    email_change: WantedAddress | None
    former_addresses: tuple[FormerAddress, ...]
    consents: tuple[Allowed, ...]
    authorizations: tuple[LetIn, ...]
    sessions: tuple[SignedIn, ...]
    oidc_sessions: int = Field(description="How many sessions there are")
    links: tuple[Link, ...]
    audit_log: tuple[TrailEntry, ...]
    actions: tuple[TrailEntry, ...] = Field(description="What the person did to others")


def _entry(entry: AuditEntry, person: str) -> TrailEntry:
    """Where an administrator was is no business of the person's (GDPR Art. 15(4))."""
    theirs = entry.actor_id in (None, person)
    told = {name: getattr(entry, name) for name in TrailEntry.model_fields}
    hidden = {} if theirs else {"ip_address": None, "user_agent": None}
    return TrailEntry(**{**told, **hidden})


def _second_factor(record: PersonalRecord) -> SecondFactor:
    return SecondFactor(
        enabled=record.user.two_factor_enabled, method=record.user.two_factor_method,
        put_off_until=record.put_off_until,
    )  # fmt: skip


def _wanted(record: PersonalRecord) -> WantedAddress | None:
    change = record.email_change
    return None if change is None else WantedAddress.model_validate(change)


def exported(record: PersonalRecord, now: float) -> PersonalExport:
    """Return what is kept of a person as it is handed out at `now`, seconds since the epoch."""
    user = record.user
    return PersonalExport(
        exported_at=now,
        user=shown(user),
        organization=HomeOrganization.model_validate(record.organization),
        roles=tuple(map(PersonalRole.model_validate, record.roles)),
        custom_claims=tuple(
            PersonalClaim(
                claim_name=claim.claim_name, value=held.value, application_id=claim.application_id
            )
            for claim, held in record.claims
        ),
        two_factor=_second_factor(record),
        passkeys=tuple(map(Passkey.model_validate, record.passkeys)),
        trusted_devices=tuple(map(TrustedDevice.model_validate, record.devices)),
        identities=tuple(map(PersonalIdentity.model_validate, record.identities)),
        email_change=_wanted(record),
        former_addresses=tuple(map(FormerAddress.model_validate, record.letters)),
        consents=tuple(map(Allowed.model_validate, record.grants)),
        authorizations=tuple(map(LetIn.model_validate, record.authorizations)),
        sessions=tuple(map(SignedIn.model_validate, record.sessions)),
        oidc_sessions=len(record.sessions),
        links=tuple(map(Link.model_validate, record.links)),
        audit_log=tuple(_entry(each, user.id) for each in record.happened),
        actions=tuple(_entry(each, user.id) for each in record.done),
    )


async def _export(call: Call) -> Answer:
    found = await personal_data.export(
        call.storage, call.actor, call.id("userId"), within=call.id("organizationId")
    )
    return Answer(Data(data=exported(found, call.runtime.clock())))


ROUTES = (
    Route(
        "GET",
        f"{_ONE}/export",
        "Hand out all that is kept of a person (GDPR Art. 15, 20)",
        _export,
        permissions=needed_by(personal_data.export),
        response=Data[PersonalExport],
        delegable=True,
    ),
)
