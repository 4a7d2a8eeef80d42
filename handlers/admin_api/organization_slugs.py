"""Slugs of organizations: whether one can be had."""

from __future__ import annotations

from pydantic import Field

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Shown
from porta.errors import Invalid
from porta.services import organizations
from porta.services.commands import Command
from porta.services.permissions import needed_by
from porta.tenants import slugs


class SlugQuery(Command):
    """A slug that somebody would like."""

    slug: str = Field(max_length=255)


class SlugState(Shown):
    """Whether a slug can be had."""

    is_valid: bool
    available: bool
    slug: str
    error: str | None = None


class SlugAnswer(SlugState):
    """The same in the envelope, and without it as Porta 1.x answered."""

    data: SlugState


async def _validate_slug(call: Call) -> Answer:
    slug = call.query_as(SlugQuery).slug
    call.actor.check_unbound()  # whose slugs are taken is nothing to who administers one of them
    error = None
    try:
        slugs.parse_organization_slug(slug)
    except Invalid as refusal:
        error = refusal.message
    if error is None and await call.storage.organizations.find_by_slug(slug) is not None:
        error = "slug: another organization has it"
    state = {"is_valid": error is None, "available": error is None, "slug": slug}
    told = state if error is None else {**state, "error": error}
    return Answer(SlugAnswer(**told, data=SlugState(**told)))


ROUTES = (
    Route(
        "GET",
        "/organizations/validate-slug",
        "Tell whether a slug can be had",
        _validate_slug,
        permissions=needed_by(organizations.get),
        query=SlugQuery,
        response=SlugAnswer,
    ),
)
