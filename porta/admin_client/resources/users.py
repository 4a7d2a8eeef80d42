"""Users: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Unpack

from msgspec import UNSET, UnsetType

from porta.admin_client.listing import Listed
from porta.admin_client.model import Entity, Model
from porta.admin_client.resource import Change, Condition, ConditionalOnce, Once, Resource
from porta.admin_client.resources.shared import (
    Happened,
    ImportReport,
    LockBody,
    NewPassword,
    Reasoned,
    SentInvitation,
    User,
    UserPatch,
)


class NewUser(UserPatch, frozen=True, kw_only=True):
    """A person to be added. Without a password they have none."""

    email: str
    password: str | UnsetType | None = UNSET
    status: Literal["active", "inactive"] | UnsetType = UNSET


class GivenConsent(Model, frozen=True, kw_only=True):
    """What a client was allowed at once."""

    scope: tuple[str, ...]
    resource: tuple[str, ...]
    claims: tuple[str, ...]


class FormerAddress(Model, frozen=True, kw_only=True):
    """A letter to an address of the person, by which its reader may refuse another one."""

    email: str
    wanted: str
    at: datetime
    until: datetime


class HomeOrganization(Model, frozen=True, kw_only=True):
    """The organization of a person."""

    id: str
    name: str
    slug: str


class LetIn(Model, frozen=True, kw_only=True):
    """A client that the person let in, and until when."""

    client_id: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    revoked_reason: str | None


class Link(Model, frozen=True, kw_only=True):
    """A link that the person was sent: `invitation`, `password_reset` or `magic_link`."""

    kind: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


class Passkey(Entity, frozen=True, kw_only=True):
    """A passkey of a person. Neither its key nor its id at the authenticator is told."""

    id: str
    name: str
    aaguid: str | None
    transports: tuple[str, ...]
    backup_eligible: bool
    backed_up: bool
    attestation_format: str
    created_at: datetime
    last_used_at: datetime | None


class PersonalClaim(Model, frozen=True, kw_only=True):
    """A value of a claim that an application defines."""

    claim_name: str
    value: Any
    application_id: str


class PersonalIdentity(Model, frozen=True, kw_only=True):
    """Whom a person is at an identity provider."""

    connection_id: str
    issuer: str
    subject: str
    email: str | None
    created_at: datetime
    last_used_at: datetime


class PersonalRole(Model, frozen=True, kw_only=True):
    """A role, and since when."""

    role_id: str
    role_name: str
    role_slug: str
    application_id: str
    assigned_at: datetime


class SecondFactor(Model, frozen=True, kw_only=True):
    """Whether a second factor is asked for; what proves it is told nobody."""

    enabled: bool
    method: str | None
    put_off_until: datetime | None


class SignedIn(Model, frozen=True, kw_only=True):
    """A browser that the person signed in with."""

    ip_address: str | None
    user_agent: str | None
    created_at: datetime
    expires_at: datetime
    last_activity_at: datetime


class TrailEntry(Model, frozen=True, kw_only=True):
    """What happened to the person, or what they did; where from, where it was they."""

    id: str
    event_type: str
    event_category: str
    description: str | None
    ip_address: str | None
    user_agent: str | None
    created_at: datetime


class TrustedDevice(Model, frozen=True, kw_only=True):
    """A browser at which a person is not asked for their second factor until it expires."""

    id: str
    user_agent: str | None
    ip_address: str | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime


class WantedAddress(Model, frozen=True, kw_only=True):
    """An address that the person asked for, and did not confirm yet."""

    email: str
    sent_from: str
    asked_at: datetime


class PurgeOutcome(Entity, frozen=True, kw_only=True):
    """What is gone; of a dry run, what would go."""

    dry_run: bool
    user_id: str
    anonymized_email: str
    deleted_roles: int
    deleted_claims: int
    deleted_two_factor: int
    deleted_passkeys: int
    deleted_identities: int
    deleted_oidc_payloads: int
    deleted_authorizations: int
    deleted_sessions: int
    deleted_links: int
    deleted_mails: int
    deleted_delegations: int
    anonymized_audit_entries: int


class Purge(Model, frozen=True, kw_only=True):
    """Whether a person is really to be erased, which nothing brings back."""

    confirm_purge: bool | UnsetType = UNSET
    dry_run: bool | UnsetType = UNSET


class AssignedClaim(Model, frozen=True, kw_only=True):
    """A value of a claim, which the person has once they have accepted."""

    application_id: str
    claim_definition_id: str
    value: Any


class AssignedRole(Model, frozen=True, kw_only=True):
    """A role of an application, which the person has once they have accepted."""

    application_id: str
    role_id: str


class InvitationLetter(Entity, frozen=True, kw_only=True):
    """A mail as it would be sent; its link leads nowhere."""

    subject: str
    html: str
    text: str


class InvitationPreview(Model, frozen=True, kw_only=True):
    """Whom the mail would be for, who need not be there yet, and what it would say."""

    email: str
    personal_message: str | UnsetType | None = UNSET
    locale: str | UnsetType | None = UNSET
    given_name: str | UnsetType | None = UNSET
    family_name: str | UnsetType | None = UNSET


class TwoFactorStatus(Entity, frozen=True, kw_only=True):
    """What a person has enrolled beside the first factor."""

    enabled: bool
    method: str | None
    totp_configured: bool
    passkeys: int
    recovery_codes_remaining: int


class RecoveryCodes(Entity, frozen=True, kw_only=True):
    """Recovery codes, shown this once."""

    recovery_codes: tuple[str, ...]
    count: int
    warning: str


class PasskeyPatch(Model, frozen=True, kw_only=True):
    """What of a passkey may change."""

    name: str


class Identity(Model, frozen=True, kw_only=True):
    """That a person is somebody at another provider."""

    id: str
    connection_id: str
    connection_name: str
    issuer: str
    subject: str
    email: str | None
    name: str | None
    created_at: datetime
    last_used_at: datetime


class ConsentedClient(Model, frozen=True, kw_only=True):
    """What a person allowed a client, in all their sessions that live."""

    client_id: str
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    claims: tuple[str, ...]
    sessions: int
    consented_at: datetime


class Withdrawn(Entity, frozen=True, kw_only=True):
    """The clients that may nothing more."""

    client_ids: tuple[str, ...]


class PeopleCommand(Model, frozen=True, kw_only=True):
    """The people to be imported, by the keys of a provisioning file; or as CSV."""

    mode: Literal["merge", "overwrite", "dry-run"] | UnsetType = UNSET
    dry_run: bool | UnsetType = UNSET
    users: tuple[dict[str, Any], ...] | UnsetType | None = UNSET
    csv: str | UnsetType | None = UNSET


class AbsentClaim(Model, frozen=True, kw_only=True):
    """A claim that is not told, and why."""

    name: str
    source: str
    reason: str
    detail: str


class ToldClaim(Model, frozen=True, kw_only=True):
    """A claim that is told; `value` is null for what is only known when it is issued."""

    name: str
    source: str
    rule: str
    value: Any | None = None


class PolicyOutcome(Model, frozen=True, kw_only=True):
    """One policy, and what it makes of this."""

    policy: str
    outcome: str
    reason: str


class ScopeOutcome(Model, frozen=True, kw_only=True):
    """One scope that was asked for."""

    scope: str
    is_granted: bool
    reason: str


class Allowed(Model, frozen=True, kw_only=True):
    """What a person allowed a client, in one session."""

    client_id: str
    created_at: datetime
    consents: tuple[GivenConsent, ...]


class NewInvitation(Model, frozen=True, kw_only=True):
    """Who is invited, with what, and whereto. Names are of who is not there yet."""

    email: str
    personal_message: str | UnsetType | None = UNSET
    locale: str | UnsetType | None = UNSET
    roles: tuple[AssignedRole, ...] | UnsetType = UNSET
    claims: tuple[AssignedClaim, ...] | UnsetType = UNSET
    given_name: str | UnsetType | None = UNSET
    family_name: str | UnsetType | None = UNSET
    client_id: str | UnsetType | None = UNSET


class ExplainedTarget(Model, frozen=True, kw_only=True):
    """What the ID token, the access token or userinfo holds."""

    target: str
    form: str
    reason: str
    claims: tuple[ToldClaim, ...]
    absent: tuple[AbsentClaim, ...]
    size: int
    is_large: bool
    referenced: tuple[str, ...]


class PersonalExport(Entity, frozen=True, kw_only=True):
    """All that is kept of a person, but secrets and their hashes."""

    exported_at: datetime
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
    oidc_sessions: int
    links: tuple[Link, ...]
    audit_log: tuple[TrailEntry, ...]
    actions: tuple[TrailEntry, ...]


class ExplainedTokens(Entity, frozen=True, kw_only=True):
    """Everything that decides on the tokens of one person for one client."""

    organization_id: str
    user_id: str
    client_id: str
    is_issued: bool
    decisions: tuple[PolicyOutcome, ...]
    scopes: tuple[ScopeOutcome, ...]
    audience: tuple[str, ...]
    targets: tuple[ExplainedTarget, ...]


class UsersResource(Resource):
    """Users."""

    async def create(self, organization_id: str, body: NewUser, **once: Unpack[Once]) -> User:
        """Add a person to an organization."""
        return await self._one(
            User, "POST", ("organizations", organization_id, "users"), body=body, **once
        )

    def list(
        self,
        organization_id: str,
        *,
        sort_by: Literal["email", "given_name", "family_name", "created_at", "last_login_at"]
        | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        status: Literal["active", "inactive", "suspended", "locked"] | None = None,
        search: str | None = None,
        page_size: int = 100,
    ) -> Listed[User]:
        """List the people of an organization."""
        return self._pages(
            User,
            ("organizations", organization_id, "users"),
            query={"sortBy": sort_by, "sortOrder": sort_order, "status": status, "search": search},
            page_size=page_size,
        )

    async def get(self, organization_id: str, user_id: str) -> User:
        """Read a person."""
        return await self._one(User, "GET", ("organizations", organization_id, "users", user_id))

    async def update(
        self, organization_id: str, user_id: str, body: UserPatch, **condition: Unpack[Condition]
    ) -> User:
        """Change a person: what is left out stays, null removes."""
        return await self._one(
            User,
            "PATCH",
            ("organizations", organization_id, "users", user_id),
            body=body,
            **condition,
        )

    async def verify_email(
        self, organization_id: str, user_id: str, **once: Unpack[ConditionalOnce]
    ) -> None:
        """Take the address of a person for theirs."""
        return await self._nothing(
            "POST", ("organizations", organization_id, "users", user_id, "verify-email"), **once
        )

    def history(
        self,
        organization_id: str,
        user_id: str,
        *,
        event_type: str | None = None,
        page_size: int = 100,
    ) -> Listed[Happened]:
        """Tell what happened to a person."""
        return self._pages(
            Happened,
            ("organizations", organization_id, "users", user_id, "history"),
            query={"eventType": event_type},
            page_size=page_size,
        )

    async def deactivate(
        self,
        organization_id: str,
        user_id: str,
        body: Reasoned | None = None,
        **once: Unpack[ConditionalOnce],
    ) -> None:
        """Refuse a person, and end what they hold."""
        return await self._nothing(
            "POST",
            ("organizations", organization_id, "users", user_id, "deactivate"),
            body=body,
            **once,
        )

    async def reactivate(
        self,
        organization_id: str,
        user_id: str,
        body: Reasoned | None = None,
        **once: Unpack[ConditionalOnce],
    ) -> None:
        """Make an inactive person active."""
        return await self._nothing(
            "POST",
            ("organizations", organization_id, "users", user_id, "reactivate"),
            body=body,
            **once,
        )

    async def suspend(
        self,
        organization_id: str,
        user_id: str,
        body: Reasoned | None = None,
        **once: Unpack[ConditionalOnce],
    ) -> None:
        """Suspend a person, and end what they hold."""
        return await self._nothing(
            "POST",
            ("organizations", organization_id, "users", user_id, "suspend"),
            body=body,
            **once,
        )

    async def unsuspend(
        self,
        organization_id: str,
        user_id: str,
        body: Reasoned | None = None,
        **once: Unpack[ConditionalOnce],
    ) -> None:
        """End a suspension."""
        return await self._nothing(
            "POST",
            ("organizations", organization_id, "users", user_id, "unsuspend"),
            body=body,
            **once,
        )

    async def unlock(
        self,
        organization_id: str,
        user_id: str,
        body: Reasoned | None = None,
        **once: Unpack[ConditionalOnce],
    ) -> None:
        """Unlock a person."""
        return await self._nothing(
            "POST",
            ("organizations", organization_id, "users", user_id, "unlock"),
            body=body,
            **once,
        )

    async def revoke_tokens(
        self,
        organization_id: str,
        user_id: str,
        body: Reasoned | None = None,
        **once: Unpack[ConditionalOnce],
    ) -> None:
        """End every session, code and token of a person."""
        return await self._nothing(
            "POST",
            ("organizations", organization_id, "users", user_id, "revoke-tokens"),
            body=body,
            **once,
        )

    async def lock(
        self,
        organization_id: str,
        user_id: str,
        body: LockBody | None = None,
        **once: Unpack[ConditionalOnce],
    ) -> None:
        """Lock a person, and end what they hold."""
        return await self._nothing(
            "POST", ("organizations", organization_id, "users", user_id, "lock"), body=body, **once
        )

    async def set_password(
        self, organization_id: str, user_id: str, body: NewPassword, **once: Unpack[ConditionalOnce]
    ) -> None:
        """Give a person another password, and end what they hold."""
        return await self._nothing(
            "POST",
            ("organizations", organization_id, "users", user_id, "password"),
            body=body,
            **once,
        )

    async def delete_password(
        self, organization_id: str, user_id: str, **condition: Unpack[Condition]
    ) -> None:
        """Take the password from a person."""
        return await self._nothing(
            "DELETE", ("organizations", organization_id, "users", user_id, "password"), **condition
        )

    async def export(self, organization_id: str, user_id: str) -> PersonalExport:
        """Hand out all that is kept of a person (GDPR Art. 15, 20)."""
        return await self._one(
            PersonalExport, "GET", ("organizations", organization_id, "users", user_id, "export")
        )

    async def purge(
        self, organization_id: str, user_id: str, body: Purge | None = None, **once: Unpack[Once]
    ) -> PurgeOutcome:
        """Erase a person for good (GDPR Art. 17), or tell what would go."""
        return await self._one(
            PurgeOutcome,
            "POST",
            ("organizations", organization_id, "users", user_id, "purge"),
            body=body,
            **once,
        )

    async def invite(
        self, organization_id: str, body: NewInvitation, **once: Unpack[Once]
    ) -> SentInvitation:
        """Invite a person, who is added where there is nobody of this address."""
        return await self._one(
            SentInvitation,
            "POST",
            ("organizations", organization_id, "users", "invite"),
            body=body,
            **once,
        )

    async def invite_preview(
        self, organization_id: str, body: InvitationPreview, **once: Unpack[Once]
    ) -> InvitationLetter:
        """Show the mail that would invite a person."""
        return await self._one(
            InvitationLetter,
            "POST",
            ("organizations", organization_id, "users", "invite", "preview"),
            body=body,
            **once,
        )

    async def two_factor_status(self, organization_id: str, user_id: str) -> TwoFactorStatus:
        """Read which second factors a person has."""
        return await self._one(
            TwoFactorStatus,
            "GET",
            ("organizations", organization_id, "users", user_id, "two-factor", "status"),
        )

    async def two_factor_disable(
        self, organization_id: str, user_id: str, **once: Unpack[ConditionalOnce]
    ) -> None:
        """Take every second factor from a person, and end what they hold."""
        return await self._nothing(
            "POST",
            ("organizations", organization_id, "users", user_id, "two-factor", "disable"),
            **once,
        )

    async def two_factor_reset(
        self, organization_id: str, user_id: str, **once: Unpack[ConditionalOnce]
    ) -> None:
        """Let a person who has lost their second factor begin anew, and end what they hold."""
        return await self._nothing(
            "POST",
            ("organizations", organization_id, "users", user_id, "two-factor", "reset"),
            **once,
        )

    async def two_factor_recovery_codes_regenerate(
        self, organization_id: str, user_id: str, **once: Unpack[ConditionalOnce]
    ) -> RecoveryCodes:
        """Give a person new recovery codes in the place of all before."""
        return await self._one(
            RecoveryCodes,
            "POST",
            (
                "organizations",
                organization_id,
                "users",
                user_id,
                "two-factor",
                "recovery-codes",
                "regenerate",
            ),
            **once,
        )

    async def passkeys(self, organization_id: str, user_id: str) -> tuple[Passkey, ...]:
        """List the passkeys of a person."""
        return await self._all(
            Passkey, "GET", ("organizations", organization_id, "users", user_id, "passkeys")
        )

    async def get_passkey(self, organization_id: str, user_id: str, passkey_id: str) -> Passkey:
        """Read a passkey of a person."""
        return await self._one(
            Passkey,
            "GET",
            ("organizations", organization_id, "users", user_id, "passkeys", passkey_id),
        )

    async def update_passkey(
        self,
        organization_id: str,
        user_id: str,
        passkey_id: str,
        body: PasskeyPatch,
        **condition: Unpack[Condition],
    ) -> Passkey:
        """Call a passkey something else."""
        return await self._one(
            Passkey,
            "PATCH",
            ("organizations", organization_id, "users", user_id, "passkeys", passkey_id),
            body=body,
            **condition,
        )

    async def delete_passkey(
        self, organization_id: str, user_id: str, passkey_id: str, **condition: Unpack[Condition]
    ) -> None:
        """Take a passkey from a person, and end what they hold."""
        return await self._nothing(
            "DELETE",
            ("organizations", organization_id, "users", user_id, "passkeys", passkey_id),
            **condition,
        )

    async def trusted_devices(
        self, organization_id: str, user_id: str
    ) -> tuple[TrustedDevice, ...]:
        """List the devices at which a person is not asked for their second factor."""
        return await self._all(
            TrustedDevice,
            "GET",
            ("organizations", organization_id, "users", user_id, "trusted-devices"),
        )

    async def delete_trusted_device(
        self, organization_id: str, user_id: str, device_id: str, **change: Unpack[Change]
    ) -> None:
        """Have the second factor asked for at a device again."""
        return await self._nothing(
            "DELETE",
            ("organizations", organization_id, "users", user_id, "trusted-devices", device_id),
            **change,
        )

    async def identities(self, organization_id: str, user_id: str) -> tuple[Identity, ...]:
        """List who a person is at other providers."""
        return await self._all(
            Identity, "GET", ("organizations", organization_id, "users", user_id, "identities")
        )

    async def delete_identity(
        self, organization_id: str, user_id: str, identity_id: str, **change: Unpack[Change]
    ) -> None:
        """Have a person be nobody at another provider any more."""
        return await self._nothing(
            "DELETE",
            ("organizations", organization_id, "users", user_id, "identities", identity_id),
            **change,
        )

    async def consents(self, organization_id: str, user_id: str) -> tuple[ConsentedClient, ...]:
        """List the clients that a person allowed something."""
        return await self._all(
            ConsentedClient, "GET", ("organizations", organization_id, "users", user_id, "consents")
        )

    async def delete_consents(
        self, organization_id: str, user_id: str, **change: Unpack[Change]
    ) -> Withdrawn:
        """Withdraw all that a person was asked for, with the tokens that stand on it."""
        return await self._one(
            Withdrawn,
            "DELETE",
            ("organizations", organization_id, "users", user_id, "consents"),
            **change,
        )

    async def delete_consent(
        self, organization_id: str, user_id: str, client_id: str, **change: Unpack[Change]
    ) -> None:
        """Withdraw what a person allowed a client, with the tokens that stand on it."""
        return await self._nothing(
            "DELETE",
            ("organizations", organization_id, "users", user_id, "consents", client_id),
            **change,
        )

    async def import_(
        self, organization_id: str, body: PeopleCommand | None = None, **once: Unpack[Once]
    ) -> ImportReport:
        """Import people as JSON or CSV; more than 100 entries by a job (202)."""
        return await self._plain(
            ImportReport,
            "POST",
            ("organizations", organization_id, "users", "import"),
            body=body,
            **once,
        )

    async def explain(
        self,
        organization_id: str,
        user_id: str,
        *,
        client_id: str,
        scope: str | None = None,
        resource: str | None = None,
        claims: str | None = None,
        roles: str | None = None,
        without_roles: str | None = None,
        claim_values: str | None = None,
        user_status: Literal["active", "inactive", "suspended", "locked"] | None = None,
        client_status: Literal["active", "inactive", "revoked"] | None = None,
        organization_status: Literal["active", "suspended", "archived"] | None = None,
        first_party: bool | None = None,
    ) -> ExplainedTokens:
        """Tell why a person's tokens for a client say what they say, and what if."""
        return await self._one(
            ExplainedTokens,
            "GET",
            ("organizations", organization_id, "users", user_id, "explain"),
            query={
                "clientId": client_id,
                "scope": scope,
                "resource": resource,
                "claims": claims,
                "roles": roles,
                "withoutRoles": without_roles,
                "claimValues": claim_values,
                "userStatus": user_status,
                "clientStatus": client_status,
                "organizationStatus": organization_status,
                "firstParty": first_party,
            },
        )
