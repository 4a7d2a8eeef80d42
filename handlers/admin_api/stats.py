"""Statistics: of the installation, and of one organization."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Moment, Shown
from porta.services import statistics
from porta.services.permissions import needed_by
from storage.errors import StorageError
from storage.models.statistics import Counts

_FAILED = ".failed"
_SPANS = {"last24h": 1, "last7d": 7, "last30d": 30}
_By = dict[str, int]
_STATUSES = Field(description="`total`, and each status that something has")


class Logins(Shown):
    """Sign-ins of a span of time."""

    successful: int
    failed: int


class Health(Shown):
    """Whether the databases answer: `healthy`, `unhealthy`, or `absent`."""

    database: str
    redis: str


class Overview(Shown):
    """What there is in the whole installation."""

    organizations: _By = _STATUSES
    users: _By = Field(description="By status, and newLast7d, newLast30d, activeLast30d")
    applications: _By = _STATUSES
    clients: _By = _STATUSES
    login_activity: dict[str, Logins]
    system_health: Health
    generated_at: Moment


class OfOrganization(Shown):
    """What there is in one organization."""

    organization_id: str
    users: _By = Field(description="By status, and newLast7d, newLast30d, activeLast30d")
    clients: _By = _STATUSES
    login_activity: dict[str, Logins]
    generated_at: Moment


def _total(counted: Mapping[str, int]) -> dict[str, int]:
    return {"total": sum(counted.values()), **counted}


def _users(counts: Counts) -> dict[str, int]:
    return {
        **_total(counts.users),
        "newLast7d": counts.created_7d,
        "newLast30d": counts.created_30d,
        "activeLast30d": counts.active_30d,
    }


def _logins(counts: Counts) -> dict[str, Logins]:
    found = {}
    for span, days in _SPANS.items():
        of_span = {
            kind: n for kind, n in counts.logins.items() if kind.rpartition("/")[2] == str(days)
        }
        failed = sum(n for kind, n in of_span.items() if kind.rpartition("/")[0].endswith(_FAILED))
        found[span] = Logins(successful=sum(of_span.values()) - failed, failed=failed)
    return found


async def _overview(call: Call) -> Answer:
    counts = await statistics.overview(call.storage, call.actor)
    shown = Overview(
        organizations=_total(counts.organizations),
        users=_users(counts),
        applications=_total(counts.applications),
        clients=_total(counts.clients),
        login_activity=_logins(counts),
        system_health=Health(database="healthy", redis=await _redis(call)),
        generated_at=call.runtime.clock(),
    )
    return Answer(Data(data=shown))


async def _redis(call: Call) -> str:
    if not call.runtime.storage.has_redis:
        return "absent"
    try:
        await call.runtime.storage.try_redis()
    except StorageError:
        return "unhealthy"
    return "healthy"


async def _of_organization(call: Call) -> Answer:
    organization_id = call.id("organizationId")
    counts = await statistics.of_organization(call.storage, call.actor, organization_id)
    shown = OfOrganization(
        organization_id=organization_id,
        users=_users(counts),
        clients=_total(counts.clients),
        login_activity=_logins(counts),
        generated_at=call.runtime.clock(),
    )
    return Answer(Data(data=shown))


ROUTES = (
    Route(
        "GET",
        "/stats/overview",
        "Count everything",
        _overview,
        permissions=needed_by(statistics.overview),
        response=Data[Overview],
    ),
    Route(
        "GET",
        "/stats/organization/{organizationId}",
        "Count what an organization has",
        _of_organization,
        permissions=needed_by(statistics.of_organization),
        response=Data[OfOrganization],
        delegable=True,
    ),
)
