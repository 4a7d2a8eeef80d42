"""Links of a change of address: one takes it into use, one refuses it; neither asks who it is."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from handlers.links.base import LinkHandler
from handlers.pages import finish_page, home_url
from porta.protocol import endpoints
from porta.services import email_change, email_undo, password_reset
from porta.services.password_reset import LinkOver


class EmailChangeHandler(LinkHandler):
    """GET and POST /{slug}/auth/email-change/{token}, the link that went to the new address; and
    /{slug}/auth/refuse-email-change/{token}, the one to the address of before, which `refuses`.
    """

    refuses: bool

    def initialize(self, *, refuses: bool) -> None:
        self.refuses = refuses

    async def get(self) -> None:
        await self._show()

    async def head(self) -> None:
        await self.get()

    async def post(self) -> None:
        if not self.csrf_holds(self.form()):
            await self._show(HTTPStatus.FORBIDDEN, error="errors.csrf_invalid")
            return
        try:
            await (self._refuse() if self.refuses else self._complete())
        except LinkOver:
            await self._finish_over()

    async def _complete(self) -> None:
        email = await email_change.complete(self.runtime, self.tenant, self.token(), self.origin)
        account_url = f"{self.application.base_path}/{self.tenant.slug}{endpoints.ACCOUNT}"
        finish_page(self, "email_change_done", account=email, home_url=account_url)

    async def _refuse(self) -> None:
        found = await email_undo.refuse(self.runtime, self.tenant, self.token(), self.origin)
        takes_passwords = await password_reset.is_possible(self.runtime, self.tenant, None)
        finish_page(
            self, "email_change_done", is_refused=True, is_undone=found.is_made,
            is_suspended=found.is_taken,
            account=found.letter.email, home_url=home_url(self),
            password_url=self.path_of("forgot-password") if takes_passwords else None,
        )  # fmt: skip

    async def _show(self, status: int = HTTPStatus.OK, error: str | None = None) -> None:
        try:
            values = await (self._refusable() if self.refuses else self._changeable())
        except LinkOver:
            await self._finish_over()
            return
        finish_page(self, "email_change", status=status, error=error, csrf=self.csrf(), **values)

    async def _changeable(self) -> dict[str, Any]:
        found = await email_change.find(self.runtime, self.tenant, self.token())
        return {"account": found.user.email, "email": found.change.email}

    async def _refusable(self) -> dict[str, Any]:
        """Of an account that has another address by now that one is not told."""
        found = await email_undo.find(self.runtime, self.tenant, self.token())
        letter = found.letter
        told = {"account": letter.email, "email": letter.wanted}
        return {"refuses": True, "is_made": found.is_made, **told}

    async def _finish_over(self) -> None:
        await self.finish_over("email_refusal" if self.refuses else "email_change")
