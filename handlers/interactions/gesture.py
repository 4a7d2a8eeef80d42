"""Gesture page: a person confirms before a native client gets a code (RFC 8252 §8.6)."""

from __future__ import annotations

from http import HTTPStatus

from handlers.interactions.base import InteractionHandler
from porta.browser import open_interactions


async def show_gesture(
    handler: InteractionHandler, *, status: int = HTTPStatus.OK, error: str | None = None
) -> None:
    """Show who is about to go on, and to which client."""
    handler.finish_step(
        "gesture",
        status=status,
        error=error,
        account=await open_interactions.signed_in_as(handler.runtime, handler.opened),
        may_switch=handler.opened.may_switch,
        redirect_uri=handler.opened.redirect_uri,
        client_logo_url=handler.opened.client.metadata.get("logo_uri"),
    )


class ContinueHandler(InteractionHandler):
    """POST /interaction/{uid}/continue: `decision` is `continue` or `switch`, or it is no."""

    async def get(self) -> None:
        """Answer a reload of the page that a form was answered with."""
        self.start_over()

    async def post(self) -> None:
        form = self.form()
        if not self.asks_for("gesture"):
            self.start_over()
            return
        if not self.csrf_holds(form):
            await show_gesture(self, status=HTTPStatus.FORBIDDEN, error="errors.csrf_invalid")
            return
        await self._decide(form.get("decision"))

    async def _decide(self, decision: str | None) -> None:
        if decision == "switch":
            await open_interactions.switch_account(self.runtime, self.opened)
            self.start_over()
            return
        if decision == "continue":
            await open_interactions.go_on(self.runtime, self.opened)
        else:
            await open_interactions.abort(self.runtime, self.opened)
        self.resume()
