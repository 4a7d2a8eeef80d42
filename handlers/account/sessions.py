"""Account section: where its owner is signed in, and an end to it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, NamedTuple

from handlers.account.base import AccountHandler, Section, accepted, finish_section
from porta.browser import account_visits
from porta.protocol.requests.params import Params
from porta.services import session_control
from porta.text import user_agents
from storage.models.sessions import SessionEntry


class SessionLine(NamedTuple):
    """A session, for its owner to recognize. `used_at` is in seconds since the epoch."""

    id: str
    browser: str | None
    system: str | None
    address: str | None
    used_at: float
    is_this: bool


class SessionsHandler(AccountHandler):
    """/{slug}/account/sessions; POST ends the `session` that is named, or all `others`."""

    told = frozenset({"session", "sessions"})

    async def show(
        self, *, status: int = HTTPStatus.OK, error: str | None = None, **values: Any
    ) -> None:
        found = await session_control.list_own(self.runtime.storage, self.visit.user)
        lines = tuple(_line(each, self.visit.session.uid) for each in found)
        finish_section(
            self, "account_sessions", status=status, error=error, sessions=lines, **values
        )

    def is_counted(self, form: Params) -> bool:
        """Return False: ending sessions is always possible."""
        return False

    async def post(self) -> None:
        form = await accepted(self)
        if form is not None:
            self.done(await self._end(form))

    async def _end(self, form: Params) -> str | None:
        user, uid = self.visit.user, self.visit.session.uid
        async with self.runtime.storage.transaction() as tx:
            await account_visits.hold(tx, self.visit)
            if "others" in form:
                await session_control.end_others(tx, self.actor(), user, uid)
                return "sessions"
            named = form.get("session") or ""
            ended = named != uid and await session_control.end_own(tx, self.actor(), user, named)
            return "session" if ended else None


def _line(entry: SessionEntry, this: str) -> SessionLine:
    browser, system = user_agents.name_of(entry.user_agent)
    address, used_at = entry.ip_address, entry.last_activity_at
    return SessionLine(entry.id, browser, system, address, used_at, entry.id == this)


SECTION = Section("sessions", SessionsHandler)
