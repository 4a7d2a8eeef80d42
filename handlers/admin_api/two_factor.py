"""Second factors of an organization: what its policy asks for, and how many people have one."""

from __future__ import annotations

from typing import get_args

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Shown
from porta.services import organizations, statistics
from porta.services.commands import Command
from porta.services.organization_fields import OrganizationPatch, TwoFactorPolicy
from porta.services.permissions import needed_by
from storage.models.organizations import Organization

_BASE = "/organizations/{idOrSlug}/two-factor"


class NewPolicy(Command):
    """What is asked for from now on."""

    two_factor_policy: TwoFactorPolicy


class SecondFactors(Shown):
    """What an organization asks for, and what it could."""

    two_factor_policy: str
    valid_policies: tuple[str, ...]


class Summary(Shown):
    """How many people have a second factor."""

    total_users: int
    enabled_count: int
    disabled_count: int
    totp_count: int
    email_count: int
    compliance_rate: float
    """0 to 1, with four decimals; 1 where there is nobody."""


def _one(stored: Organization) -> Answer:
    policies = get_args(TwoFactorPolicy)
    policy = SecondFactors(two_factor_policy=stored.two_factor_policy, valid_policies=policies)
    return Answer(Data(data=policy), version=stored.version)


async def _get(call: Call) -> Answer:
    return _one(await organizations.get(call.storage, call.actor, call.path["idOrSlug"]))


async def _put(call: Call) -> Answer:
    patch = OrganizationPatch(two_factor_policy=call.body_as(NewPolicy).two_factor_policy)
    target = call.path["idOrSlug"]
    return _one(await organizations.update(call.storage, call.actor, target, patch, call.version))


async def _summary(call: Call) -> Answer:
    found = await organizations.get(call.storage, call.actor, call.path["idOrSlug"])
    total, enabled, totp, email = await statistics.second_factors(
        call.storage, call.actor, found.id
    )
    summary = Summary(
        total_users=total,
        enabled_count=enabled,
        disabled_count=total - enabled,
        totp_count=totp,
        email_count=email,
        compliance_rate=round(enabled / total, 4) if total else 1.0,
    )
    return Answer(Data(data=summary))


ROUTES = (
    Route(
        "GET",
        f"{_BASE}/policy",
        "Read which second factors an organization asks for",
        _get,
        permissions=needed_by(organizations.get),
        response=Data[SecondFactors],
        delegable=True,
    ),
    Route(
        "PUT",
        f"{_BASE}/policy",
        "Change which second factors an organization asks for",
        _put,
        permissions=needed_by(organizations.update),
        request=NewPolicy,
        response=Data[SecondFactors],
        errors=(412,),
        delegable=True,
    ),
    Route(
        "GET",
        f"{_BASE}/summary",
        "Count who has a second factor",
        _summary,
        permissions=needed_by(statistics.second_factors),
        response=Data[Summary],
        delegable=True,
    ),
)
