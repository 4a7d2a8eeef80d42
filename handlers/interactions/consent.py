"""Consent: a person decides what a client may have."""

from __future__ import annotations

from http import HTTPStatus

from handlers import languages
from handlers.interactions.base import InteractionHandler
from porta.browser import open_interactions
from porta.pages import consent_lines


async def show_consent(
    handler: InteractionHandler, *, status: int = HTTPStatus.OK, error: str | None = None
) -> None:
    """Show the consent page: the client, what it asks for, and where it leads."""
    interaction, client = handler.opened.interaction, handler.opened.client
    shown, language = interaction.shown, languages.language(handler)
    handler.finish_step(
        "consent",
        status=status,
        error=error,
        account=await open_interactions.signed_in_as(handler.runtime, handler.opened),
        may_switch=handler.opened.may_switch,
        lines=consent_lines.build(
            shown,
            await handler.runtime.api_resources(handler.tenant.id),
            client.claim_definitions,
            handler.runtime.pages.texts(handler.organization(), language),
            language,
        ),
        resources=shown.resource,
        redirect_uri=handler.opened.redirect_uri,
        client_logo_url=client.metadata.get("logo_uri"),
        tos_url=client.metadata.get("tos_uri"),
        policy_url=client.metadata.get("policy_uri"),
    )


class ConsentHandler(InteractionHandler):
    """GET /interaction/{uid}/consent."""

    async def get(self) -> None:
        if self.asks_for("consent"):
            await show_consent(self)
        else:
            self.start_over()


class ConfirmHandler(InteractionHandler):
    """POST /interaction/{uid}/confirm: `decision` is `approve` or `switch`, or it is no."""

    async def get(self) -> None:
        """Answer a reload of the page that a form was answered with."""
        self.start_over()

    async def post(self) -> None:
        form = self.form()
        if not self.asks_for("consent"):
            self.start_over()
            return
        if not self.csrf_holds(form):
            await show_consent(self, status=HTTPStatus.FORBIDDEN, error="errors.csrf_invalid")
            return
        if form.get("decision") == "switch":
            await open_interactions.switch_account(self.runtime, self.opened)
            self.start_over()
            return
        approve = form.get("decision") == "approve"
        await open_interactions.consent(self.runtime, self.opened, approve, self.origin)
        self.resume()
