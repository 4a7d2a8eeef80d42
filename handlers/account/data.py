"""Account section: all that is kept of a person, for themselves, and an end to it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from handlers.account.base import AccountHandler, Section, accepted, finish_section
from handlers.admin_api.personal_data import exported
from handlers.pages import finish_page, home_url, wait
from porta.browser.account_visits import VisitOver
from porta.errors import Forbidden
from porta.limits.rate_limits import Throttled
from porta.services import own_data
from porta.services.own_data import NotConfirmed


class DataHandler(AccountHandler):
    """/{slug}/account/data; POST deletes the account of whoever typed its address to `confirm`."""

    async def show(
        self, *, status: int = HTTPStatus.OK, error: str | None = None, **values: Any
    ) -> None:
        may_delete = await own_data.may_delete(self.runtime, self.tenant, self.visit)
        finish_section(
            self, "account_data", status=status, error=error, may_delete=may_delete, **values
        )

    async def post(self) -> None:
        form = await accepted(self, free=frozenset({"confirm"}))
        if form is None:
            return
        typed = form.get("confirm") or ""
        try:
            await own_data.delete(self.runtime, self.tenant, self.visit, typed, self.actor())
        except NotConfirmed:
            await self.show(error="account.delete_not_confirmed")
        except VisitOver:
            raise
        except Forbidden:
            await self.show(status=HTTPStatus.FORBIDDEN, error="account.delete_refused")
        else:
            finish_page(self, "account_deleted", home_url=home_url(self))


class DownloadHandler(DataHandler):
    """POST /{slug}/account/data/download: the same as a file of JSON."""

    async def get(self) -> None:
        """Answer a reload of the page that a form was answered with."""
        self.done(None)

    async def post(self) -> None:
        if await accepted(self) is None:
            return
        try:
            record = await own_data.export(self.runtime, self.tenant, self.visit, self.actor())
        except Throttled as refusal:
            self.set_header("Retry-After", refusal.retry_after or 0)
            told = wait(self, refusal.retry_after)
            await self.show(status=refusal.status, error="errors.rate_limit_exceeded", **told)
            return
        self.set_header("Content-Disposition", 'attachment; filename="my-data.json"')
        told_of = exported(record, self.runtime.clock())
        self.finish_text(
            told_of.model_dump_json(by_alias=True, indent=2), "application/json; charset=utf-8"
        )


SECTION = Section("data", DataHandler, (("/download", DownloadHandler),))
