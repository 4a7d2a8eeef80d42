"""Options of passkey ceremonies: what a page hands to its browser (WebAuthn §5.4, §5.5)."""

from __future__ import annotations

import secrets
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

import msgspec

from porta.browser.open_interactions import OpenInteraction
from porta.config import hosts
from porta.config.settings import Settings
from porta.runtime import Runtime
from porta.security import passkey_challenges, passkeys
from porta.security.passkeys import Ceremony
from porta.tenants.tenant import Tenant
from storage.models.passkeys import Passkey
from storage.models.users import User

_PORTS = {"http": 80, "https": 443}
_TYPE = "public-key"


class Purpose(Enum):
    """What a challenge is for: an answer to one is none to another."""

    FIRST = "first"
    SECOND = "second"
    ENROL = "enrol"
    CREATE = "create"
    """Made by the way, right after a sign-in with a password (conditional create)."""
    ACCOUNT = "account"
    """Made by who is at their own account."""


def is_ready(settings: Settings) -> bool:
    """Whether browsers know passkeys here: at a name, over https or on this machine (§5.1.2)."""
    host = urlsplit(settings.issuer_base_url).hostname
    if host is None or hosts.is_address(host):
        return False
    return settings.secure or hosts.is_this_host(host)


def ceremony(settings: Settings, challenge: str) -> Ceremony:
    """Return what an answer has to be for: our host as the RP ID, and the one origin of ours."""
    issuer = urlsplit(settings.issuer_base_url)
    scheme, host = issuer.scheme.lower(), (issuer.hostname or "").lower()
    port = "" if issuer.port in (None, _PORTS.get(scheme)) else f":{issuer.port}"
    return Ceremony(rp_id=host, origin=f"{scheme}://{host}{port}", challenge=challenge)


def bound_to(opened: OpenInteraction, purpose: Purpose, user: User | None) -> str:
    """Return what a challenge is bound to: the interaction, and with it the browser; the person."""
    whose = user.id if user is not None else ""
    return f"{opened.interaction.id}\n{purpose.value}\n{whose}"


def is_good(
    runtime: Runtime, opened: OpenInteraction, purpose: Purpose, user: User | None, challenge: str
) -> bool:
    """Whether a challenge was handed out for this, and not too long ago."""
    keys, bound = runtime.settings.cookie_keys, bound_to(opened, purpose, user)
    return passkey_challenges.is_good(keys, bound, challenge, runtime.clock())


def of_first(runtime: Runtime, opened: OpenInteraction) -> str:
    """Return the options of a sign-in by whichever passkey is there, as JSON: none is named, so
    that nobody learns who has one.
    """
    return _json(get=_to_get(runtime, opened, Purpose.FIRST, None, (), "required"))


async def of_second(runtime: Runtime, opened: OpenInteraction, user: User) -> str:
    """Return the options of a second factor by one of a person's passkeys, as JSON."""
    held = await runtime.storage.passkeys.list(user.id, user.organization_id)
    return _json(get=_to_get(runtime, opened, Purpose.SECOND, user, held, "preferred"))


async def signals(runtime: Runtime, user: User) -> str | None:
    """Return what a browser is told of a person's passkeys, as JSON: those that are good, and what
    the person is called now (§5.1.10). None for who never had one.
    """
    handle = await runtime.storage.passkeys.handle(user.id, user.organization_id)
    if handle is None:
        return None
    held = await runtime.storage.passkeys.list(user.id, user.organization_id)
    rp_id = ceremony(runtime.settings, "").rp_id
    known = {"rpId": rp_id, "userId": handle}
    return _json(
        signalAllAcceptedCredentials={
            **known, "allAcceptedCredentialIds": [each.credential_id for each in held]
        },
        signalCurrentUserDetails={**known, "name": user.email, "displayName": _name_of(user)},
    )  # fmt: skip


def unknown(runtime: Runtime, credential: str) -> str:
    """Return what a browser is told of a passkey that was removed here, as JSON (§5.1.10.1)."""
    told = {
        "rpId": ceremony(runtime.settings, "").rp_id,
        "credentialId": passkeys.present(credential).credential_id,
    }
    return _json(signalUnknownCredential=told)


async def of_new(runtime: Runtime, opened: OpenInteraction, user: User, purpose: Purpose) -> str:
    """Return the options of a new passkey of a person, as JSON."""
    challenge = _challenge(runtime, opened, purpose, user)
    alone = "passkey" in opened.login_methods
    return await _of_new(runtime, opened.tenant, user, challenge, alone=alone)


async def of_own(runtime: Runtime, tenant: Tenant, user: User, session_uid: str) -> str:
    """Return the options of a new passkey of who is at their account, in this session, as JSON."""
    keys, bound = runtime.settings.cookie_keys, _at_account(user, session_uid)
    challenge = passkey_challenges.new_challenge(keys, bound, runtime.clock())
    alone = "passkey" in tenant.organization.default_login_methods
    return await _of_new(runtime, tenant, user, challenge, alone=alone)


def is_good_own(runtime: Runtime, user: User, session_uid: str, challenge: str) -> bool:
    """Whether a challenge was handed out for that, and not too long ago."""
    keys, bound = runtime.settings.cookie_keys, _at_account(user, session_uid)
    return passkey_challenges.is_good(keys, bound, challenge, runtime.clock())


def _at_account(user: User, session_uid: str) -> str:
    return f"session {session_uid}\n{Purpose.ACCOUNT.value}\n{user.id}"


async def _of_new(
    runtime: Runtime, tenant: Tenant, user: User, challenge: str, *, alone: bool
) -> str:
    storage, organization = runtime.storage, tenant.organization
    fresh = passkeys.encode(secrets.token_bytes(32))
    handle = await storage.passkeys.handle(user.id, user.organization_id, fresh)
    held = await storage.passkeys.list(user.id, user.organization_id)
    return _json(
        create={
            "challenge": challenge,
            "rp": {
                "id": ceremony(runtime.settings, challenge).rp_id,
                "name": (organization.branding_company_name or organization.name).strip(),
            },
            "user": {"id": handle, "name": user.email, "displayName": _name_of(user)},
            "pubKeyCredParams": [{"type": _TYPE, "alg": each} for each in passkeys.ALGORITHMS],
            "timeout": _LIFE,
            "excludeCredentials": [_described(each) for each in held],
            "authenticatorSelection": {
                "residentKey": "required" if alone else "preferred",
                "requireResidentKey": alone,
                "userVerification": "preferred",
            },
            "attestation": "none",
        }
    )


_LIFE = passkey_challenges.LIFE * 1000
"""Milliseconds."""


def _to_get(
    runtime: Runtime,
    opened: OpenInteraction,
    purpose: Purpose,
    user: User | None,
    held: tuple[Passkey, ...],
    verification: str,
) -> dict[str, Any]:
    challenge = _challenge(runtime, opened, purpose, user)
    return {
        "challenge": challenge,
        "rpId": ceremony(runtime.settings, challenge).rp_id,
        "timeout": _LIFE,
        "userVerification": verification,
        "allowCredentials": [_described(each) for each in held],
    }


def _challenge(
    runtime: Runtime, opened: OpenInteraction, purpose: Purpose, user: User | None
) -> str:
    keys, bound = runtime.settings.cookie_keys, bound_to(opened, purpose, user)
    return passkey_challenges.new_challenge(keys, bound, runtime.clock())


def _described(passkey: Passkey) -> dict[str, Any]:
    return {"type": _TYPE, "id": passkey.credential_id, "transports": list(passkey.transports)}


def _name_of(user: User) -> str:
    return " ".join(filter(None, (user.given_name, user.family_name))) or user.email


def _json(**options: Any) -> str:
    return msgspec.json.encode(options).decode()
