"""Admin API table: every route of it, from which the URLs, the document and the tests are made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

from tornado.routing import URLSpec

from handlers.admin_api import (
    api_resources,
    application_permissions,
    applications,
    audit,
    branding,
    bulk,
    claims,
    client_registration,
    client_secrets,
    clients,
    config,
    connections,
    consents,
    delegations,
    domains,
    explain,
    exports,
    identities,
    imports,
    invitations,
    jobs,
    keys,
    mail_previews,
    me,
    metadata,
    modules,
    organization_deletion,
    organization_slugs,
    organizations,
    personal_data,
    refresh_families,
    roles,
    sessions,
    setup_links,
    stats,
    traces,
    two_factor,
    user_claims,
    user_passkeys,
    user_passwords,
    user_purge,
    user_roles,
    user_statuses,
    user_trusted_devices,
    user_two_factor,
    users,
)
from handlers.admin_api.handler import AdminHandler
from handlers.admin_api.reference import OpenApiHandler, ReferenceHandler
from handlers.admin_api.route import Route
from handlers.admin_api.unknown_paths import AdminErrorHandler
from porta.protocol import endpoints

ROUTES: tuple[Route, ...] = (
    *metadata.ROUTES,
    *me.ROUTES,
    *organizations.ROUTES,
    *organization_slugs.ROUTES,
    *organization_deletion.ROUTES,
    *branding.ROUTES,
    *two_factor.ROUTES,
    *connections.ROUTES,
    *domains.ROUTES,
    *setup_links.ROUTES,
    *applications.ROUTES,
    *modules.ROUTES,
    *roles.ROUTES,
    *application_permissions.ROUTES,
    *claims.ROUTES,
    *user_claims.ROUTES,
    *users.ROUTES,
    *user_statuses.ROUTES,
    *user_passwords.ROUTES,
    *personal_data.ROUTES,
    *user_purge.ROUTES,
    *invitations.ROUTES,
    *user_roles.ROUTES,
    *user_two_factor.ROUTES,
    *user_passkeys.ROUTES,
    *user_trusted_devices.ROUTES,
    *identities.ROUTES,
    *consents.ROUTES,
    *client_registration.ROUTES,
    *clients.ROUTES,
    *mail_previews.ROUTES,
    *client_secrets.ROUTES,
    *delegations.ROUTES,
    *api_resources.ROUTES,
    *bulk.ROUTES,
    *exports.ROUTES,
    *imports.ROUTES,
    *stats.ROUTES,
    *sessions.ROUTES,
    *refresh_families.ROUTES,
    *audit.ROUTES,
    *traces.ROUTES,
    *config.ROUTES,
    *keys.ROUTES,
    *jobs.ROUTES,
    *explain.ROUTES,
)


def _by_path(route: Route) -> tuple[str, str]:
    """A word stands before a placeholder at the same place: it would be taken for one."""
    return route.path.replace("{", "~"), route.path


def specs(routes: tuple[Route, ...]) -> list[URLSpec]:
    """Return the URLs of `routes`; whatever else stands below /api/admin is refused alike."""
    base = re.escape(endpoints.ADMIN_API)
    found = [
        URLSpec(f"{base}{group[0].pattern}/?", AdminHandler, {"routes": _by_method(group)})
        for group in (list(each) for _, each in groupby(sorted(routes, key=_by_path), _by_path))
    ]
    documents = [
        URLSpec(f"{base}/openapi\\.json", OpenApiHandler, {"routes": tuple(routes)}),
        URLSpec(f"{base}/docs", ReferenceHandler, {"routes": tuple(routes)}),
    ]
    return [*documents, *found, URLSpec(f"{base}(?:/.*)?", AdminErrorHandler)]


def _by_method(routes: Iterable[Route]) -> dict[str, Route]:
    found: dict[str, Route] = {}
    for route in routes:
        assert route.method not in found, f"{route.method} {route.path} stands twice in the table"
        found[route.method] = route
    return found
