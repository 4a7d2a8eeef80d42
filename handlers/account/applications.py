"""Account section: which applications act for its owner, and an end to it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, NamedTuple

from handlers import languages
from handlers.account.base import AccountHandler, Section, accepted, finish_section
from porta.browser import account_visits
from porta.pages import consent_lines
from porta.pages.consent_lines import Line
from porta.protocol.requests.params import Params
from porta.services import consents
from porta.services.consents import ConsentedClient
from storage.models.interactions import Consent


class ApplicationLine(NamedTuple):
    """An application, and what its owner let it do; no lines for one that never asked."""

    client_id: str
    name: str
    lines: tuple[Line, ...]


class ApplicationsHandler(AccountHandler):
    """/{slug}/account/applications; POST takes back what the `client` was allowed."""

    told = frozenset({"application"})

    async def show(
        self, *, status: int = HTTPStatus.OK, error: str | None = None, **values: Any
    ) -> None:
        acting = await consents.list_acting(self.runtime.storage, self.visit.user)
        lines = tuple([await _line(self, each) for each in acting])
        finish_section(
            self, "account_applications", status=status, error=error, applications=lines, **values
        )

    def is_counted(self, form: Params) -> bool:
        """Return False: what was allowed can always be taken back."""
        return False

    async def post(self) -> None:
        form = await accepted(self)
        if form is None:
            return
        named = form.get("client") or ""
        async with self.runtime.storage.transaction() as tx:
            await account_visits.hold(tx, self.visit)
            taken = await consents.take_back(tx, self.actor(), self.visit.user, named)
        self.done("application" if taken else None)


async def _line(handler: AccountHandler, allowed: ConsentedClient) -> ApplicationLine:
    runtime, language = handler.runtime, languages.language(handler)
    client = await runtime.client(allowed.client_id, handler.tenant.id)
    lines = consent_lines.build(
        Consent(scope=allowed.scopes, resource=allowed.resources, claims=allowed.claims),
        await runtime.api_resources(handler.tenant.id),
        client.claim_definitions if client else (),
        runtime.pages.texts(handler.organization(), language),
        language,
    )
    name = client.client_name if client else allowed.client_id
    return ApplicationLine(allowed.client_id, name, tuple(lines))


SECTION = Section("applications", ApplicationsHandler)
