"""Audit trail: every event Porta tells of with its category, and the one way to record it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from porta.audit.actors import SYSTEM, Actor
from porta.audit.entries import authenticated
from porta.limits.origin import Origin
from porta.observability import log
from storage.models.audit import ERASED
from storage.models.events import Event

if TYPE_CHECKING:
    from storage.databases import Stamp
    from storage.router import Storage

E = TypeVar("E", bound=Event)

_BY_CATEGORY: dict[str, tuple[str, ...]] = {
    "admin": (
        "admin.export",
        "admin.import",
        "admin.initialized",
        "api_resource.created",
        "api_resource.deleted",
        "api_resource.updated",
        "app.activated",
        "app.archived",
        "app.created",
        "app.deactivated",
        "app.module.created",
        "app.module.deactivated",
        "app.module.updated",
        "app.updated",
        "audit.cleaned",
        "claim.defined",
        "claim.deleted",
        "claim.updated",
        "claim.value.deleted",
        "claim.value.set",
        "client.activated",
        "client.created",
        "client.deactivated",
        "client.revoked",
        "client.secret.failed",
        "client.secret.generated",
        "client.secret.revoked",
        "client.secret.verified",
        "client.tokens.revoked",
        "client.updated",
        "config.updated",
        "connection.created",
        "connection.deleted",
        "connection.updated",
        "delegation.removed",
        "delegation.set",
        "domain.created",
        "domain.deleted",
        "domain.lapsed",
        "domain.updated",
        "domain.verified",
        "job.cancelled",
        "job.retried",
        "key.adopted",
        "key.generated",
        "key.reencrypted",
        "key.revoked",
        "key.rotated",
        "org.2fa.policyChanged",
        "org.activated",
        "org.archived",
        "org.branding.updated",
        "org.created",
        "org.destroyed",
        "org.restored",
        "org.suspended",
        "org.tokens.revoked",
        "org.updated",
        "permission.created",
        "permission.deleted",
        "permission.updated",
        "role.created",
        "role.deleted",
        "role.permissions.assigned",
        "role.permissions.removed",
        "role.updated",
        "session.revoked",
        "token.family_revoked",
        "user.2fa.codesRegenerated",
        "user.2fa.disabled",
        "user.2fa.reset",
        "user.activated",
        "user.created",
        "user.deactivated",
        "user.device.removed",
        "user.email.verified",
        "user.identity.linked",
        "user.identity.unlinked",
        "user.invite.resent",
        "user.invite.revoked",
        "user.invited",
        "user.locked",
        "user.passkey.removed",
        "user.passkey.renamed",
        "user.password.cleared",
        "user.password.set",
        "user.reactivated",
        "user.roles.assigned",
        "user.roles.removed",
        "user.suspended",
        "user.tokens.revoked",
        "user.unlocked",
        "user.updated",
    ),
    "gdpr": (ERASED, "user.exported", "user.purged"),
    "authentication": (
        "2fa.challenge.started",
        "2fa.device.trusted",
        "2fa.device.used",
        "2fa.otp.resent",
        "2fa.setup.email.complete",
        "2fa.setup.passkey.complete",
        "2fa.setup.totp.complete",
        "2fa.verify.success",
        "auth.prompt_login.session_reset",
        "user.consent.denied",
        "user.consent.granted",
        "user.consent.withdrawn",
        "user.invite.accepted",
        "user.invite.pre_assignments_applied",
        "user.login.federation",
        "user.login.magic_link",
        "user.login.passkey",
        "user.login.password",
        "user.logout",
        "user.magic_link.sent",
        "user.passkey.added",
        "user.profile.updated",
        "user.registration.completed",
        "user.registration.requested",
    ),
    "security": (
        "2fa.setup.totp.failed",
        "2fa.verify.failed",
        "audit.tampered",
        "passkey.counter_reused",
        "rate_limit.2fa_resend",
        "rate_limit.2fa_verify",
        "rate_limit.client_auth",
        "rate_limit.email_change",
        "rate_limit.login",
        "rate_limit.magic_link",
        *("rate_limit.own_change", "rate_limit.own_export"),
        "rate_limit.password_reset",
        "rate_limit.registration",
        "security.login_method_disabled",
        "token.code_replayed",
        "token.refresh_reused",
        "user.auto_locked",
        "user.auto_unlocked",
        "user.email_change.completed",
        "user.email_change.refused",
        "user.email_change.requested",
        "user.email_change.undone",
        "user.email_change.withdrawn",
        "user.login.federation.failed",
        "user.login.passkey.failed",
        "user.login.password.failed",
        "user.magic_link.failed",
        "user.password.changed",
        "user.password_reset.completed",
        "user.password_reset.failed",
        "user.password_reset.requested",
    ),
    "auth": (
        "2fa.disabled",
        "2fa.otp.sent",
        "2fa.recovery.regenerated",
        "2fa.recovery.used",
        "2fa.setup.email",
        "2fa.setup.totp",
        "email.send.failed",
        "email.send.success",
    ),
}

EVENTS: dict[str, str] = {
    event_type: category for category, types in _BY_CATEGORY.items() for event_type in types
}
"""Every event type with its category. A type outside of this table is not recorded."""

_BY_THEMSELVES = frozenset(
    {
        *("2fa.device.trusted", "2fa.device.used"),
        *("2fa.setup.email.complete", "2fa.setup.passkey.complete"),
        *("2fa.setup.totp.complete", "2fa.verify.success", "user.login.passkey"),
        *("user.consent.denied", "user.consent.granted", "user.invite.accepted"),
        *("user.login.federation", "user.login.magic_link", "user.login.password", "user.logout"),
        *("user.passkey.added", "user.password_reset.completed"),
        "user.registration.completed",
    }
)
"""What people do themselves, who have proven by then who they are."""
_LOGGED = frozenset({"authentication", "security"})
"""Categories whose events leave a line in the log as well: who reads it asks who signs in."""
_TOLD = ("client_id", "reason", "method", "failed_count")
"""Of the metadata, what that line tells: nothing that a person could be found by."""


async def record(
    storage: Storage,
    event_type: str,
    *,
    organization_id: str | None = None,
    user_id: str | None = None,
    description: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    actor: Actor = SYSTEM,
    origin: Origin | None = None,
) -> None:
    """Write an event down where `storage` stands: inside the transaction, if it is one.

    `user_id` is the person it happened to, `actor` who did it; `origin` is the actor's unless
    given. Raises ValueError for a type that EVENTS does not know: a mistake of the caller, which
    a dashboard would otherwise find out too late.
    """
    category = EVENTS.get(event_type)
    if category is None:
        raise ValueError(f"{event_type} is no event of EVENTS")
    source = origin or actor.origin
    if actor is SYSTEM and event_type in _BY_THEMSELVES:
        actor = Actor(user_id=user_id)
    happened = Event(
        event_type=event_type,
        event_category=category,
        organization_id=organization_id,
        user_id=user_id,
        actor_id=actor.user_id,
        actor_type=_type_of(actor, source),
        actor_client=actor.client_id,
        description=description,
        metadata=msgspec.json.encode(metadata or {}).decode(),
        ip_address=(source.address or None) if source else None,
        user_agent=(source.user_agent or None) if source else None,
        request_id=(source.request_id or None) if source else None,
    )
    await storage.events.record(stamped(happened, storage.stamp))
    if category in _LOGGED:
        _log(event_type, user_id, metadata or {})


def stamped(event: E, stamp: Stamp | None) -> E:
    """Return an event with the code that proves it ours; without a key it has none."""
    mac = stamp(authenticated(event)) if stamp is not None else None
    return msgspec.structs.replace(event, mac=mac)


def _type_of(actor: Actor, source: Origin | None) -> str:
    """Who is known neither as a person nor as a client, and asked from outside, is a stranger."""
    if actor.user_id is not None:
        return "user"
    if actor.client_id is not None:
        return "client"
    return "system" if source is None else "anonymous"


def _log(event_type: str, user_id: str | None, metadata: Mapping[str, Any]) -> None:
    """Tell the log, which knows organization and client of the request at hand."""
    told = {name: metadata[name] for name in _TOLD if name in metadata}
    told |= {"user_id": user_id} if user_id else {}
    log.request_log().info(event_type, **told)
    log.remember(event_type, **told)
