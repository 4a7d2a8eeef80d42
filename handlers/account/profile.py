"""Account section: what a person says of themselves."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from handlers.account.base import AccountHandler, Section, accepted, finish_section
from handlers.interactions.endings import shown
from porta.browser.account_visits import VisitOver
from porta.errors import Invalid, PreconditionFailed
from porta.protocol.requests.params import Params
from porta.services import own_profile
from porta.services.own_profile import FIELDS

_VERSION = re.compile(r"[0-9]{1,9}")


class ProfileHandler(AccountHandler):
    """/{slug}/account/profile; POST changes the fields of `own_profile.FIELDS`, all of them, of the
    `version` that was shown.
    """

    told = frozenset({"profile"})

    async def show(
        self, *, status: int = HTTPStatus.OK, error: str | None = None, **values: Any
    ) -> None:
        users, key = self.runtime.storage.users, self.visit.user.id
        person = await users.find(key, organization_id=self.tenant.id)
        if person is None:
            raise VisitOver("this person is gone")
        stored = {name: getattr(person, name) or "" for name in FIELDS}
        said = {"fields": stored, "version": str(person.version)}
        finish_section(self, "account_profile", status=status, error=error, **(said | values))

    async def again(self, form: Params) -> dict[str, Any]:
        fields = {name: shown(form.get(name) or "") or "" for name in FIELDS}
        return {"fields": fields, "version": (form.get("version") or "")[:10]}

    async def post(self) -> None:
        form = await accepted(self, free=frozenset(FIELDS))
        if form is None:
            return
        typed = {name: form.get(name) or "" for name in FIELDS}
        version = form.get("version") or ""
        try:
            patch = own_profile.parse(typed)
            async with self.runtime.storage.transaction() as tx:
                of = int(version) if _VERSION.fullmatch(version) else -1  # of nobody
                await own_profile.update(tx, self.actor(), self.visit, patch, of)
        except Invalid as refusal:
            wrong = {str(problem.path[0]) for problem in refusal.problems if problem.path}
            problems = tuple(name for name in FIELDS if name in wrong)
            await self.show(problems=problems, **await self.again(form))
        except PreconditionFailed:
            await self.show(
                status=HTTPStatus.PRECONDITION_FAILED, error="account.changed_meanwhile"
            )
        else:
            self.done("profile")


SECTION = Section("profile", ProfileHandler)
