"""Account page: whose it is, and the sections that it has."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from handlers.account.base import AccountHandler, finish_section
from handlers.pages import home_url
from porta.protocol import endpoints


class OverviewHandler(AccountHandler):
    """GET /{slug}/account."""

    async def show(
        self, *, status: int = HTTPStatus.OK, error: str | None = None, **values: Any
    ) -> None:
        finish_section(
            self, "account", status=status, error=error,
            sections=self.sections, home_url=home_url(self),
            sign_out_url=self.path_of(endpoints.END_SESSION), **values,
        )  # fmt: skip
