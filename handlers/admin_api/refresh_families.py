"""Refresh families: who lets which client act for them, for how long; ended one by one."""

from __future__ import annotations

from pydantic import Field

from handlers.admin_api.lists import Listing, listing, page_of
from handlers.admin_api.route import Route
from handlers.admin_api.sessions import SessionQuery
from porta.administration.call import Answer, Call, Data, Moment, Shown
from porta.services import refresh_families
from porta.services.permissions import needed_by
from storage.models.refresh_families import FamilyFilter
from storage.models.refresh_families import RefreshFamily as Stored


class RefreshFamily(Shown):
    """All refresh tokens that descend from one authorization, and what they were used for."""

    id: str
    organization_id: str
    user_id: str
    client_id: str = Field(description="The client_id that has them")
    session_id: str = Field(description="The `sid` of the session that it began in")
    scopes: tuple[str, ...]
    created_at: Moment
    last_used_at: Moment
    expires_at: Moment
    revoked_at: Moment | None
    revoked_reason: str | None


class FamilyQuery(SessionQuery):
    """Whose families: a person's, a client's, or those of one at the other."""

    client_id: str | None = Field(None, max_length=255)


def _shown(stored: Stored) -> RefreshFamily:
    names = set(RefreshFamily.model_fields) - {"scopes"}
    told = {name: getattr(stored, name) for name in names}
    return RefreshFamily(**told, scopes=tuple(stored.scope.split()))


async def _list(call: Call) -> Answer:
    query = call.query_as(FamilyQuery)
    wanted = FamilyFilter(**query.wanted())
    page = page_of(call, query)
    listed = await refresh_families.list(call.storage, call.actor, wanted, page)
    return Answer(listing(call, query, page, listed, _shown))


async def _get(call: Call) -> Answer:
    found = await refresh_families.get(call.storage, call.actor, call.path["familyId"])
    return Answer(Data(data=_shown(found)))


async def _revoke(call: Call) -> Answer:
    await refresh_families.revoke(call.storage, call.actor, call.path["familyId"])
    return Answer()


ROUTES = (
    Route(
        "GET",
        "/refresh-families",
        "List the refresh tokens of a person or of a client by family, the newest first",
        _list,
        permissions=needed_by(refresh_families.list),
        query=FamilyQuery,
        response=Listing[RefreshFamily],
        errors=(400,),
        delegable=True,
    ),
    Route(
        "GET",
        "/refresh-families/{familyId}",
        "Read a refresh family",
        _get,
        permissions=needed_by(refresh_families.get),
        response=Data[RefreshFamily],
        delegable=True,
    ),
    Route(
        "DELETE",
        "/refresh-families/{familyId}",
        "End a refresh family, its access tokens too",
        _revoke,
        permissions=needed_by(refresh_families.revoke),
        delegable=True,
    ),
)
