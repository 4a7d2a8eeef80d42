"""Magic link: whoever opens the mail shows it, in the browser that asked, or a code there (G.5).

A link belongs to the interaction that it was asked for at, and so to its browser. Opened in another
one it signs nobody in: after a person said there that they began it, it is given up for a code,
which is typed in the first one. Nobody is signed in where they did not begin to sign in, and who
began a sign-in in somebody else's name has to be told a code.
"""

from __future__ import annotations

import re
import secrets

from porta.audit import events
from porta.authn.authenticator import Authenticator, Evidence, LoginFailed
from porta.browser import interactions
from porta.limits import mailed_links
from porta.limits.origin import Origin
from porta.limits.rate_limits import Guesses
from porta.protocol.tokens.authentication import Kind
from porta.runtime import Runtime
from porta.security import link_tokens, opaque
from porta.tenants.tenant import Tenant
from storage.models.auth_tokens import LinkKind, MailedLink
from storage.models.interactions import Interaction
from storage.models.users import User

CODE_TTL = 600
"""Seconds for which a code is good that a link was given up for."""
_DIGITS = 8
_CODE = re.compile(rf"[0-9]{{{_DIGITS}}}")
_OVER = "links.over"
WRONG_CODE = "magic_link.error_wrong_code"


async def find(runtime: Runtime, tenant: Tenant, token: str) -> MailedLink | None:
    """Return the link of a token, or None for one that is unknown, used or over."""
    digest = link_tokens.digest_of(token)
    if digest is None:
        return None
    return await runtime.storage.auth_tokens.find(LinkKind.MAGIC_LINK, digest, tenant.id)


async def find_origin(
    runtime: Runtime, tenant: Tenant, link: MailedLink, uid: str | None
) -> Interaction | None:
    """Return the interaction that a link was asked for at, in whatever browser, while it waits for
    somebody to sign in. `uid` is what the URL says of it.
    """
    found = await interactions.find(runtime, uid or "")
    if found is None or found.organization_id != tenant.id or found.id != link.interaction:
        return None
    return found if found.prompt == "login" else None


async def give_up(runtime: Runtime, tenant: Tenant, token: str, link: MailedLink) -> str | None:
    """Use a link, opened in another browser than the one it is for, and return the code to be typed
    there; None where it was used meanwhile. It is kept as a keyed digest, and good once.
    """
    code = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"
    (digest, *_) = _digests(runtime, link.interaction or "", code)
    used = await runtime.storage.auth_tokens.use_elsewhere(
        link_tokens.digest_of(token) or "", tenant.id, digest
    )
    return code if used is not None else None


async def disown(
    runtime: Runtime, tenant: Tenant, token: str, link: MailedLink, origin: Origin
) -> None:
    """End a link whose person says that they did not ask for it."""
    digest = link_tokens.digest_of(token) or ""
    if await runtime.storage.auth_tokens.use(LinkKind.MAGIC_LINK, digest, tenant.id):
        await _failed(runtime, tenant, origin, "disowned", link.user_id)


async def _verify(evidence: Evidence) -> User:
    runtime, tenant = evidence.runtime, evidence.tenant
    token, code = evidence.form.get("token"), evidence.form.get("code")
    link = await (_use(evidence, token) if token is not None else _use_code(evidence, code or ""))
    if link is None:
        await _failed(runtime, tenant, evidence.origin, "over" if token else "wrong_code")
        raise LoginFailed(_OVER if token else WRONG_CODE, reason="over" if token else "wrong_code")
    user = await runtime.storage.users.find_by_id(link.user_id, tenant.id)
    if user is None or not user.is_usable:
        status = user.status if user is not None else "inactive"
        await _failed(runtime, tenant, evidence.origin, status, link.user_id)
        raise LoginFailed(f"login.error_account_{status}", reason=status)
    if not user.email_verified:  # what was sent there has come back
        await runtime.storage.users.update(user.id, tenant.id, {"email_verified": True})
    return user


def _guesses(evidence: Evidence) -> Guesses:
    # The token of a link that is found cannot have been guessed.
    address = evidence.origin.address if evidence.form.get("token") is None else None
    return mailed_links.of_link_use(evidence.tenant, evidence.opened.interaction.id, address)


async def _use(evidence: Evidence, token: str) -> MailedLink | None:
    """Use a link at the interaction that it belongs to; one of Porta 1.x tells of none."""
    runtime, tenant = evidence.runtime, evidence.tenant
    link = await find(runtime, tenant, token)
    if link is None or link.interaction not in (None, evidence.opened.interaction.id):
        return None
    digest = link_tokens.digest_of(token) or ""
    return await runtime.storage.auth_tokens.use(LinkKind.MAGIC_LINK, digest, tenant.id)


async def _use_code(evidence: Evidence, typed: str) -> MailedLink | None:
    code, interaction = re.sub(r"[\s-]+", "", typed), evidence.opened.interaction.id
    if _CODE.fullmatch(code) is None:
        return None
    digests = _digests(evidence.runtime, interaction, code)
    return await evidence.runtime.storage.auth_tokens.use_code(
        interaction, evidence.tenant.id, digests, CODE_TTL
    )


def _digests(runtime: Runtime, interaction: str, code: str) -> list[str]:
    """Return what is stored of a code, under each of our keys: who reads the table could try out
    all that there are otherwise.
    """
    keys = runtime.settings.cookie_keys
    return [opaque.sign_value((key,), "magic link code", f"{interaction}\n{code}") for key in keys]


async def _failed(
    runtime: Runtime, tenant: Tenant, origin: Origin, reason: str, user_id: str | None = None
) -> None:
    await events.record(
        runtime.storage, "user.magic_link.failed", organization_id=tenant.id, user_id=user_id,
        metadata={"reason": reason}, origin=origin,
    )  # fmt: skip


AUTHENTICATOR = Authenticator(
    name="magic_link",
    kind=Kind.POSSESSION,
    # RFC 8176: more than one channel. It is no password, nor a code of a device.
    amr=("mca",),
    verify=_verify,
    event="user.login.magic_link",
    event_refused="user.magic_link.failed",
    guesses=_guesses,
    limit_event="rate_limit.magic_link",
    is_ready=lambda settings: settings.smtp_host is not None,
)
