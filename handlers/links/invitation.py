"""Invitation: a page that says who invites whom, and one press that accepts."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Any

from handlers.links.base import LinkHandler
from handlers.links.typed import take
from handlers.pages import finish_page, home_url
from porta.services import invitation_acceptance, user_passwords
from porta.services.invitation_acceptance import Accepted
from porta.services.password_reset import LinkOver
from porta.services.welcome import Typed

_KIND = "invitation"


class AcceptInvitationHandler(LinkHandler):
    """GET and POST /{slug}/auth/accept-invite/{token}."""

    async def get(self) -> None:
        await self._show()

    async def head(self) -> None:
        await self.get()

    async def post(self) -> None:
        await take(self, self._accept, self._show, partial(self.finish_over, _KIND))

    async def _accept(self, typed: Typed) -> None:
        accepted = await invitation_acceptance.accept(
            self.runtime, self.tenant, self.token(), typed, self.origin
        )
        self._finish_done(accepted)

    async def _show(self, status: int = HTTPStatus.OK, **values: Any) -> None:
        try:
            offer = await invitation_acceptance.find(self.runtime, self.tenant, self.token())
        except LinkOver:
            await self.finish_over(_KIND)
            return
        finish_page(
            self,
            "accept_invite",
            status=status,
            csrf=self.csrf(),
            account=offer.user.email,
            inviter=offer.carried.details.inviter_name,
            asks_password=offer.asks_password,
            asks_names=offer.asks_names,
            minimum=user_passwords.minimum_of(self.tenant.organization),
            **values,
        )

    def _finish_done(self, accepted: Accepted) -> None:
        offer = accepted.offer
        finish_page(
            self,
            "invite_success",
            account=offer.user.email,
            client_name=offer.client.client_name if offer.client else None,
            client_url=accepted.home_url,
            is_partial=bool(accepted.given.left_out),
            home_url=home_url(self),
        )
