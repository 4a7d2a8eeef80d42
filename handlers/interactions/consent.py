"""Consent: a person decides what a client may have."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus

from handlers.interactions.base import InteractionHandler
from porta.authn import login
from porta.pages import consent_lines


class ConsentPageHandler(InteractionHandler):
    """Shows the consent page: the client, what it asks for, and where it leads."""

    async def show_consent(self, *, status: int = HTTPStatus.OK, error: str | None = None) -> None:
        interaction, client = self.opened.interaction, self.opened.client
        shown, language = interaction.shown, self.language()
        self.finish_step(
            "consent",
            status=status,
            error=error,
            account=await login.signed_in_as(self.runtime, self.opened),
            may_switch=self.opened.may_switch,
            lines=consent_lines.build(
                shown,
                await self.runtime.api_resources(self.tenant.id),
                client.claim_definitions,
                partial(self.runtime.pages.text, language),
                language,
            ),
            resources=shown.resource,
            redirect_uri=interaction.parameters["redirect_uri"],
            client_logo_url=client.metadata.get("logo_uri"),
            tos_url=client.metadata.get("tos_uri"),
            policy_url=client.metadata.get("policy_uri"),
        )


class ConsentHandler(ConsentPageHandler):
    """GET /interaction/{uid}/consent."""

    async def get(self) -> None:
        if self.asks_for("consent"):
            await self.show_consent()
        else:
            self.start_over()


class ConfirmHandler(ConsentPageHandler):
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
            await self.show_consent(status=HTTPStatus.FORBIDDEN, error="errors.csrf_invalid")
            return
        if form.get("decision") == "switch":
            await login.switch_account(self.runtime, self.opened)
            self.start_over()
            return
        approve = form.get("decision") == "approve"
        await login.consent(self.runtime, self.opened, approve, self.origin)
        self.resume()
