"""Consent: a person decides what a client may have."""

from __future__ import annotations

from http import HTTPStatus

from handlers.interactions.base import InteractionHandler
from porta.authn import login
from porta.protocol.tokens.standard_claims import ROLE_CLAIMS


class ConsentPageHandler(InteractionHandler):
    """Shows the consent page: the client, what it asks for, and where it leads."""

    async def show_consent(self, *, status: int = HTTPStatus.OK, error: str | None = None) -> None:
        interaction, client = self.opened.interaction, self.opened.client
        shown = interaction.shown
        self.finish_step(
            "consent",
            status=status,
            error=error,
            account=await login.signed_in_as(self.runtime, self.opened),
            scopes=shown.scope,
            roles=any(name in ROLE_CLAIMS for name in shown.claims),
            claims=[name for name in shown.claims if name not in ROLE_CLAIMS],
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
    """POST /interaction/{uid}/confirm: `decision` is `approve`, or it is no."""

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
        approve = form.get("decision") == "approve"
        await login.consent(self.runtime, self.opened, approve, self.origin)
        self.resume()
