"""The caller: who a token acts for, and what they may do."""

from __future__ import annotations

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Shown


class Me(Shown):
    """Whoever calls."""

    user_id: str | None
    """None for a client that acts for itself."""
    client_id: str
    """The internal id of the client that the token was issued to."""
    email: str | None
    organization_id: str | None
    """The one organization that they administer; None for all."""
    permissions: list[str]


async def _get(call: Call) -> Answer:
    assert call.caller is not None
    holder = call.caller.holder
    shown = Me(
        user_id=holder.user_id,
        client_id=holder.client_id,
        email=holder.email,
        organization_id=holder.delegated_to,
        permissions=sorted(holder.permissions),
    )
    return Answer(Data(data=shown))


ROUTES = (
    Route(
        "GET",
        "/me",
        "Tell who calls, and what they may do",
        _get,
        response=Data[Me],
        delegable=True,
    ),
)
