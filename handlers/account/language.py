"""Account section: the language in which a person is addressed, on pages and by mail."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from handlers import languages
from handlers.account.base import AccountHandler, Section, accepted, finish_section
from porta.services import own_profile


class LanguageHandler(AccountHandler):
    """/{slug}/account/language; POST chooses one `language`, or none."""

    told = frozenset({"language"})

    async def show(
        self, *, status: int = HTTPStatus.OK, error: str | None = None, **values: Any
    ) -> None:
        pages = self.runtime.pages
        finish_section(
            self, "account_language", status=status, error=error,
            chosen=pages.spoken(self.visit.user.locale), **values,
        )  # fmt: skip

    async def post(self) -> None:
        form = await accepted(self)
        if form is None:
            return
        language = form.get("language")
        if language is not None and language not in self.runtime.pages.locales:
            self.done(None)  # no choice that the page has
            return
        async with self.runtime.storage.transaction() as tx:
            await own_profile.update(tx, self.actor(), self.visit, own_profile.speaks(language))
        languages.keep(self, language)
        self.done("language")


SECTION = Section("language", LanguageHandler)
