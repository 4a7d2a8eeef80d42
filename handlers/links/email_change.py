"""Links of a change of address: one takes it into use, one refuses it; neither asks who it is."""

from __future__ import annotations

from http import HTTPStatus

from handlers.links.base import LinkHandler
from handlers.pages import finish_page, home_url
from porta.protocol import endpoints
from porta.services import email_change
from porta.services.password_reset import LinkOver


class EmailChangeHandler(LinkHandler):
    """GET and POST /{slug}/auth/email-change/{token}: the link that went to the new address."""

    async def get(self) -> None:
        await self._show()

    async def head(self) -> None:
        await self.get()

    async def post(self) -> None:
        if not self.csrf_holds(self.form()):
            await self._show(HTTPStatus.FORBIDDEN, error="errors.csrf_invalid")
            return
        try:
            email = await email_change.complete(
                self.runtime, self.tenant, self.token(), self.origin
            )  # fmt: skip
        except LinkOver:
            await self.finish_over("email_change")
        else:
            finish_page(self, "email_change_done", account=email, home_url=self._account_url())

    async def _show(self, status: int = HTTPStatus.OK, error: str | None = None) -> None:
        try:
            found = await email_change.find(self.runtime, self.tenant, self.token())
        except LinkOver:
            await self.finish_over("email_change")
            return
        finish_page(
            self, "email_change", status=status, error=error, csrf=self.csrf(),
            account=found.user.email, email=found.change.email,
        )  # fmt: skip

    def _account_url(self) -> str:
        return f"{self.application.base_path}/{self.tenant.slug}{endpoints.ACCOUNT}"


class EmailRefusalHandler(LinkHandler):
    """GET and POST /{slug}/auth/refuse-email-change/{token}: the link that went to the old one."""

    async def get(self) -> None:
        await self._show()

    async def head(self) -> None:
        await self.get()

    async def post(self) -> None:
        if not self.csrf_holds(self.form()):
            await self._show(HTTPStatus.FORBIDDEN, error="errors.csrf_invalid")
            return
        try:
            await email_change.refuse(self.runtime, self.tenant, self.token(), self.origin)
        except LinkOver:
            await self.finish_over("email_refusal")
        else:
            finish_page(self, "email_change_done", is_refused=True, home_url=home_url(self))

    async def _show(self, status: int = HTTPStatus.OK, error: str | None = None) -> None:
        try:
            found = await email_change.find_refusable(self.runtime, self.tenant, self.token())
        except LinkOver:
            await self.finish_over("email_refusal")
            return
        finish_page(
            self, "email_change", status=status, error=error, csrf=self.csrf(),
            account=found.user.email, email=found.change.email, refuses=True,
        )  # fmt: skip
