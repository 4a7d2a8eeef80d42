"""Page on which who has proved an account is asked whether they were at another provider."""

from __future__ import annotations

from http import HTTPStatus

from handlers.interactions.base import InteractionHandler
from porta.authn.linking import Pending


async def show_linking(
    handler: InteractionHandler,
    pending: Pending,
    *,
    status: int = HTTPStatus.OK,
    error: str | None = None,
) -> None:
    """Show who was there, whose account was proved, and ask whether both are one person."""
    handler.finish_step(
        "link_identity",
        status=status,
        error=error,
        shown=pending.mark,
        connection=pending.waiting.connection.name,
        said=pending.waiting.said,
        account=pending.user.email,
        differs=pending.differs,
    )
