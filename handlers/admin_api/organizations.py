"""Organizations: made, read, changed, suspended, archived, restored, deleted."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from handlers.admin_api import history
from handlers.admin_api.history import History, HistoryQuery
from handlers.admin_api.lists import Listing, Sorting, listing, page_of
from handlers.admin_api.route import Route
from handlers.admin_api.statuses import named, status_routes
from porta.administration.call import Answer, Call, Data, Moment, Shown
from porta.services import organizations
from porta.services.organization_fields import NewOrganization, OrganizationPatch
from porta.services.organizations import OrganizationFilters
from porta.services.permissions import needed_by
from storage.models.audit import AuditFilter
from storage.models.organizations import Brand, ClientBrand
from storage.models.organizations import Organization as Stored

_SortBy = Literal["name", "created_at", "createdAt"]


class Words(Shown):
    """What an organization says on its pages in one language."""

    title: str | None
    lead: str | None
    help: str | None
    note: str | None


class Links(Shown):
    """Where the footer of every page leads."""

    support: str | None
    privacy: str | None
    terms: str | None
    imprint: str | None


class BrandLook(Shown):
    """How pages look; null is what everybody has, or the organization of a client."""

    primary_color: str | None
    company_name: str | None
    logo_url: str | None
    favicon_url: str | None
    ink_color: str | None
    page_color: str | None
    card_color: str | None
    radius: int | None
    font: str | None
    background: str | None
    background_url: str | None
    card_position: str | None
    logo_dark_url: str | None
    home_url: str | None
    links: Links
    texts: dict[str, Words]


class Branding(BrandLook):
    """How an organization looks; null is the look that everybody has."""

    custom_css: str | None


class Organization(Shown):
    """A tenant: an issuer of its own, with people and clients."""

    id: str
    name: str
    slug: str
    status: str
    is_super_admin: bool
    branding_logo_url: str | None
    branding_favicon_url: str | None
    branding_primary_color: str | None
    branding_company_name: str | None
    branding_custom_css: str | None
    branding: Branding
    default_locale: str
    two_factor_policy: str
    default_login_methods: tuple[str, ...]
    require_pkce: bool
    id_token_claims: bool
    id_token_signed_response_alg: str
    email_as_username: bool
    registration: str
    registration_domains: tuple[str, ...]
    trusted_device_days: int
    password_min_length: int | None
    refuse_breached_passwords: bool
    account_deletion: bool
    created_at: Moment
    updated_at: Moment


class OrganizationQuery(Sorting):
    """Which organizations."""

    sort_by: _SortBy | None = None
    sort: _SortBy | None = None
    status: Literal["active", "suspended", "archived"] | None = None
    search: str | None = Field(None, max_length=100, description="A part of name or slug")


def shown(stored: Stored) -> Organization:
    """Return an organization as it is answered."""
    told = {name: getattr(stored, name) for name in Organization.model_fields if name != "branding"}
    return Organization(**told, branding=branding_of(stored))


def branding_of(stored: Stored) -> Branding:
    """Return the look of an organization."""
    brand = stored.brand
    of_1x = ("primary_color", "company_name", "custom_css", "logo_url", "favicon_url")
    told: dict[str, Any] = {name: getattr(stored, f"branding_{name}") for name in of_1x}
    names = set(Branding.model_fields) - {"links", "texts", *of_1x}
    told |= {name: getattr(brand, name) for name in names}
    return Branding(**told, **_links_and_texts(brand))


def look_of(brand: ClientBrand) -> BrandLook:
    """Return the look of a client."""
    names = set(BrandLook.model_fields) - {"links", "texts"}
    return BrandLook(**{name: getattr(brand, name) for name in names}, **_links_and_texts(brand))


def _links_and_texts(brand: Brand) -> dict[str, Any]:
    links = {name: getattr(brand, f"{name}_url") for name in Links.model_fields}
    texts = {each.language: Words.model_validate(each) for each in brand.texts}
    return {"links": Links(**links), "texts": texts}


def _one(stored: Stored) -> Answer:
    return Answer(Data(data=shown(stored)), version=stored.version)


async def _create(call: Call) -> Answer:
    command = call.body_as(NewOrganization)
    return _one(await organizations.create(call.storage, call.actor, command))


async def _list(call: Call) -> Answer:
    query = call.query_as(OrganizationQuery)
    filters = OrganizationFilters.parse({"status": query.status, "search": query.search or None})
    page = page_of(call, query)
    listed = await organizations.list(call.storage, call.actor, page, filters)
    return Answer(listing(call, query, page, listed, shown))


async def _get(call: Call) -> Answer:
    return _one(await organizations.get(call.storage, call.actor, call.path["idOrSlug"]))


async def _update(call: Call) -> Answer:
    patch, target = call.body_as(OrganizationPatch), call.path["idOrSlug"]
    return _one(await organizations.update(call.storage, call.actor, target, patch, call.version))


async def _history(call: Call) -> Answer:
    found = await organizations.get(call.storage, call.actor, call.path["idOrSlug"])
    return await history.answer(call, AuditFilter(organization_id=found.id))


_ONE = "/organizations/{idOrSlug}"


ROUTES = (
    Route(
        "POST",
        "/organizations",
        "Make an organization",
        _create,
        permissions=needed_by(organizations.create),
        request=NewOrganization,
        response=Data[Organization],
        status=201,
        errors=(400, 409),
    ),
    Route(
        "GET",
        "/organizations",
        "List organizations",
        _list,
        permissions=needed_by(organizations.list),
        query=OrganizationQuery,
        response=Listing[Organization],
        delegable=True,
    ),
    Route(
        "GET",
        _ONE,
        "Read an organization",
        _get,
        permissions=needed_by(organizations.get),
        response=Data[Organization],
        delegable=True,
    ),
    *(
        Route(
            method,
            _ONE,
            "Change an organization: what is left out stays, null removes",
            _update,
            permissions=needed_by(organizations.update),
            request=OrganizationPatch,
            response=Data[Organization],
            errors=(400, 412),
            delegable=True,
        )
        for method in ("PUT", "PATCH")
    ),
    *status_routes(
        _ONE,
        named("idOrSlug"),
        (
            (
                "suspend",
                "Refuse its people and clients, and end what was issued",
                organizations.suspend,
            ),
            ("activate", "End a suspension", organizations.activate),
            ("archive", "Let it be as if it were gone", organizations.archive),
            ("restore", "Make an archived organization active again", organizations.restore),
            (
                "revoke-tokens",
                "End every session, code and token that was issued in it until now",
                organizations.revoke_tokens,
            ),
        ),
        delegable=True,
    ),
    Route(
        "GET",
        f"{_ONE}/history",
        "Tell what happened in an organization",
        _history,
        permissions=needed_by(organizations.get),
        query=HistoryQuery,
        response=History,
        delegable=True,
    ),
)
