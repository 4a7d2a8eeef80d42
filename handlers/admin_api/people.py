"""People, as the paths of the Admin API name them: with their organization, and without."""

from __future__ import annotations

from porta.administration.call import Call

WITHIN = "/organizations/{organizationId}/users"


ONES = (f"{WITHIN}/{{userId}}", "/users/{userId}")
"""The same people, with their organization named and without."""


def person(call: Call) -> tuple[str, str | None]:
    """Return the person, and the organization that the path names."""
    named = "organizationId" in call.path
    return call.id("userId"), call.id("organizationId") if named else None
