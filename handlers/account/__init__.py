"""Account table: every section of one's own account, in the order in which the page lists them."""

from __future__ import annotations

import re

from tornado.routing import URLSpec

from handlers.account import (
    applications,
    data,
    email,
    identities,
    language,
    password,
    profile,
    security,
    sessions,
)
from handlers.account.base import AccountHandler, Section
from handlers.account.overview import OverviewHandler
from porta.protocol import endpoints

SECTIONS: tuple[Section, ...] = (
    profile.SECTION,
    email.SECTION,
    password.SECTION,
    security.SECTION,
    identities.SECTION,
    sessions.SECTION,
    applications.SECTION,
    language.SECTION,
    data.SECTION,
)


def specs() -> list[URLSpec]:
    """Return the routes of the account, whatever organization it is of."""
    found = [_spec("", None, OverviewHandler)]
    for each in SECTIONS:
        found.append(_spec("", each.name, each.handler))
        found += [_spec(below, each.name, handler) for below, handler in each.further]
    return found


def _spec(below: str, section: str | None, handler: type[AccountHandler]) -> URLSpec:
    pattern = f"/[^/]+{re.escape(endpoints.account_page(section))}{below}"
    known = {"section": section, "sections": tuple(each.name for each in SECTIONS)}
    return URLSpec(pattern, handler, known)
