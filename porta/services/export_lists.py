"""Lists that can be exported: the table EXPORTS, and how the rows of each are read."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from porta.audit.actors import Actor
from porta.services import (
    application_permissions,
    applications,
    audit_trail,
    claims,
    clients,
    organizations,
    roles,
    users,
)
from porta.services.application_permissions import PermissionFilters
from porta.services.applications import ApplicationFilters
from porta.services.clients import ClientFilters
from porta.services.commands import Command
from porta.services.fields import Id
from porta.services.organizations import OrganizationFilters
from porta.services.pages import each_page
from porta.services.permissions import needed_by
from porta.services.targets import MOST_ROWS
from porta.services.users import UserFilters
from porta.text.timestamps import seconds_of
from storage.models.audit import AuditFilter
from storage.models.pages import Listed, Page

if TYPE_CHECKING:
    from storage.router import Storage


PERMISSION = "admin:export:read"
"""Beside the one that reading the list needs."""


WHEN = frozenset({"created_at", "updated_at", "last_login_at"})


Rows = tuple[dict[str, Any], ...]


Records = AsyncGenerator[tuple[Any, ...]]


_Fetch = Callable[[Page], Awaitable[Listed[Any]]]


class ExportFilters(Command):
    """Which rows. Of what a list does not know there is nothing to ask."""

    organization_id: Id | None = None
    application_id: Id | None = None
    start_date: datetime | None = None
    """A time without zone is UTC."""
    end_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Exportable:
    """A list that can be exported: what it tells, who may, and where the rows come from."""

    columns: tuple[str, ...]
    permissions: tuple[str, ...]
    records: Callable[[Storage, Actor, ExportFilters], Records]
    filters: tuple[str, ...] = ()
    """Those of `ExportFilters` that it knows."""


def _pages(fetch: _Fetch, order: Literal["asc", "desc"] = "asc") -> Records:
    return each_page(fetch, MOST_ROWS, order)


async def _ids(fetch: _Fetch) -> AsyncGenerator[str]:
    async with aclosing(_pages(fetch)) as pages:
        async for rows in pages:
            for row in rows:
                yield row.id


async def _each(
    ids: AsyncGenerator[str], listing: Callable[[str, Page], Awaitable[Listed[Any]]]
) -> Records:
    """Yield the pages of a list for each of these ids, one after the other."""
    async with aclosing(ids):
        async for id in ids:
            async with aclosing(_pages(partial(listing, id))) as pages:
                async for rows in pages:
                    yield rows


def _organizations(storage: Storage, actor: Actor, filters: ExportFilters) -> Records:
    del filters
    return _pages(lambda page: organizations.list(storage, actor, page, OrganizationFilters()))


def _applications(storage: Storage, actor: Actor, filters: ExportFilters) -> Records:
    del filters
    return _pages(lambda page: applications.list(storage, actor, page, ApplicationFilters()))


def _clients(storage: Storage, actor: Actor, filters: ExportFilters) -> Records:
    which = ClientFilters(
        organization_id=filters.organization_id, application_id=filters.application_id
    )
    return _pages(lambda page: clients.list(storage, actor, page, which))


async def _users(storage: Storage, actor: Actor, filters: ExportFilters) -> Records:
    async def listing(of: str, page: Page) -> Listed[Any]:
        return await users.list(storage, actor, of, page, UserFilters())

    async with aclosing(_each(_homes(storage, actor, filters), listing)) as pages:
        async for rows in pages:
            yield rows


async def _homes(storage: Storage, actor: Actor, filters: ExportFilters) -> AsyncGenerator[str]:
    """Yield the ids of the organizations that are meant: that one, or all that the actor sees."""
    only = filters.organization_id or actor.organization_id
    if only is not None:
        yield only
        return

    async with aclosing(_ids(storage.organizations.list_page)) as ids:
        async for id in ids:
            yield id


def _of_applications(
    listing: Callable[[Storage, Actor, str, Page], Awaitable[Listed[Any]]],
) -> Callable[[Storage, Actor, ExportFilters], Records]:
    """Return what lists something of one application, or of all of them."""

    async def records(storage: Storage, actor: Actor, filters: ExportFilters) -> Records:
        fetch = partial(listing, storage, actor)
        async with aclosing(_each(_owners(storage, filters), fetch)) as pages:
            async for rows in pages:
                yield rows

    return records


async def _owners(storage: Storage, filters: ExportFilters) -> AsyncGenerator[str]:
    if filters.application_id is not None:
        yield filters.application_id
        return

    async with aclosing(_ids(storage.applications.list_page)) as ids:
        async for id in ids:
            yield id


def _audit(storage: Storage, actor: Actor, filters: ExportFilters) -> Records:
    wanted = AuditFilter(
        organization_id=filters.organization_id,
        since=_seconds(filters.start_date),
        until=_seconds(filters.end_date),
    )
    return _pages(lambda page: audit_trail.list_entries(storage, actor, wanted, page), "desc")


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else seconds_of(moment)


EXPORTS: dict[str, Exportable] = {
    "organizations": Exportable(
        (
            *("id", "name", "slug", "status", "is_super_admin", "default_locale"),
            *("created_at", "updated_at", "two_factor_policy"),
        ),
        needed_by(organizations.list),
        _organizations,
    ),
    "applications": Exportable(
        ("id", "name", "slug", "description", "status", "created_at", "updated_at"),
        needed_by(applications.list),
        _applications,
    ),
    "clients": Exportable(
        (
            *("id", "client_id", "client_name", "client_type", "status", "application_type"),
            *("grant_types", "redirect_uris", "created_at", "updated_at"),
            *("organization_id", "application_id", "scope", "token_endpoint_auth_method"),
        ),
        needed_by(clients.list),
        _clients,
        ("organization_id", "application_id"),
    ),
    "users": Exportable(
        (
            *("id", "email", "status", "given_name", "family_name", "nickname", "locale"),
            *("email_verified", "phone_number", "created_at", "updated_at", "last_login_at"),
            *("login_count", "organization_id", "middle_name", "preferred_username"),
        ),
        needed_by(users.list),
        _users,
        ("organization_id",),
    ),
    "roles": Exportable(
        ("id", "name", "slug", "description", "created_at", "application_id"),
        needed_by(roles.list),
        _of_applications(roles.list),
        ("application_id",),
    ),
    "permissions": Exportable(
        ("id", "name", "slug", "description", "created_at", "application_id", "module_id"),
        needed_by(application_permissions.list),
        _of_applications(
            lambda storage, actor, of, page: application_permissions.list(
                storage, actor, of, page, PermissionFilters()
            )
        ),
        ("application_id",),
    ),
    "claims": Exportable(
        (
            *("id", "claim_name", "claim_type", "title", "description", "include_in_id_token"),
            *("include_in_access_token", "include_in_userinfo", "created_at", "application_id"),
        ),
        needed_by(claims.list),
        _of_applications(claims.list),
        ("application_id",),
    ),
    "audit": Exportable(
        (
            *("id", "event_type", "event_category", "actor_id", "metadata", "ip_address"),
            *("created_at", "organization_id", "user_id", "description", "request_id"),
        ),
        needed_by(audit_trail.list_entries),
        _audit,
        ("organization_id", "start_date", "end_date"),
    ),
}
"""What can be exported; columns of Porta 1.x stand first, in its order."""
