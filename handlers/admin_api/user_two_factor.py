"""Second factors of one person: what is enrolled, taken away, and new recovery codes."""

from __future__ import annotations

from pydantic import Field

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Nothing, Shown
from porta.services import user_two_factor
from porta.services.permissions import needed_by
from porta.services.user_two_factor import NewCodes

_BASE = "/organizations/{organizationId}/users/{userId}/two-factor"
_WARNING = "These codes are shown once: whoever has one can stand in for the second factor"


class TwoFactorStatus(Shown):
    """What a person has enrolled beside the first factor."""

    enabled: bool
    method: str | None = Field(description="`totp`, `email` or `passkey`")
    totp_configured: bool
    passkeys: int = Field(description="How many the person has")
    recovery_codes_remaining: int


class RecoveryCodes(Shown):
    """Recovery codes, shown this once."""

    recovery_codes: tuple[str, ...]
    count: int
    warning: str


async def _status(call: Call) -> Answer:
    user, within = call.id("userId"), call.id("organizationId")
    person, found = await user_two_factor.status(call.storage, call.actor, user, within=within)
    status = TwoFactorStatus(
        enabled=person.two_factor_enabled,
        method=found.method,
        totp_configured=found.has_totp,
        passkeys=found.passkeys,
        recovery_codes_remaining=found.recovery_codes,
    )
    return Answer(Data(data=status), version=person.version)


async def _disable(call: Call) -> Answer:
    user, within = call.id("userId"), call.id("organizationId")
    post = call.runtime.post
    await user_two_factor.disable(
        call.storage, call.actor, user, call.version, within=within, post=post
    )
    return Answer()


async def _reset(call: Call) -> Answer:
    user, within = call.id("userId"), call.id("organizationId")
    post = call.runtime.post
    await user_two_factor.reset(
        call.storage, call.actor, user, call.version, within=within, post=post
    )
    return Answer()


async def _prepare_codes(call: Call) -> NewCodes:
    return await user_two_factor.prepare_codes(call.runtime.passwords)


async def _regenerate(call: Call) -> Answer:
    user, within, new = call.id("userId"), call.id("organizationId"), call.prepared
    assert isinstance(new, NewCodes)
    await user_two_factor.regenerate_codes(
        call.storage, call.actor, user, new, call.version, within=within, post=call.runtime.post
    )
    codes = RecoveryCodes(recovery_codes=new.codes, count=len(new.codes), warning=_WARNING)
    return Answer(Data(data=codes))


ROUTES = (
    Route(
        "GET",
        f"{_BASE}/status",
        "Read which second factors a person has",
        _status,
        permissions=needed_by(user_two_factor.status),
        response=Data[TwoFactorStatus],
        delegable=True,
    ),
    Route(
        "POST",
        f"{_BASE}/disable",
        "Take every second factor from a person, and end what they hold",
        _disable,
        permissions=needed_by(user_two_factor.disable),
        request=Nothing,
        optional_body=True,
        errors=(400, 412),
        delegable=True,
    ),
    Route(
        "POST",
        f"{_BASE}/reset",
        "Let a person who has lost their second factor begin anew, and end what they hold",
        _reset,
        permissions=needed_by(user_two_factor.reset),
        request=Nothing,
        optional_body=True,
        errors=(400, 412),
        delegable=True,
    ),
    Route(
        "POST",
        f"{_BASE}/recovery-codes/regenerate",
        "Give a person new recovery codes in the place of all before",
        _regenerate,
        permissions=needed_by(user_two_factor.regenerate_codes),
        request=Nothing,
        prepare=_prepare_codes,
        response=Data[RecoveryCodes],
        optional_body=True,
        errors=(400, 412),
        delegable=True,
    ),
)
