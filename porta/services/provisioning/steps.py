"""Steps of a provisioning file: what is made first, because others name it."""

from __future__ import annotations

from collections.abc import Iterator

from porta.services.provisioning import (
    applications,
    clients,
    connections,
    organizations,
    settings,
    users,
)
from porta.services.provisioning.document import ApplicationEntry, Document, OrganizationEntry
from porta.services.provisioning.problems import Path
from porta.services.provisioning.run import Catalogue, Run


async def apply(run: Run, document: Document) -> None:
    """Do what a document says. What is wrong is in the report of the run."""
    entries: list[tuple[Path, OrganizationEntry]] = [
        (("organizations", index), entry) for index, entry in enumerate(document.organizations)
    ]
    for path, entry in entries:
        await organizations.provision_organization(run, path, entry)
    nested = list(_applications(entries))
    for path, _, application in nested:
        await applications.provision_application(run, path, application)
    for path, organization, application in nested:
        await _provision_clients(run, path, organization, application)
    for path, entry in entries:  # after the clients that they name
        await organizations.provision_api_resources(run, path, entry)
    for path, entry in entries:
        await organizations.note_unknown_scopes(run, path, entry)
    for path, _, application in nested:
        with run.at(*path):
            await _provision_definitions(
                run, path, await run.catalogue(application.slug), application
            )
    for path, entry in entries:  # after the roles that they give
        await connections.provision_connections(run, path, entry)
    for path, entry in entries:
        await users.provision_users(run, path, entry)
    for path, entry in entries:
        await users.provision_belongings(run, path, entry)
    await settings.provision_settings(run, document.config)


async def _provision_clients(
    run: Run, path: Path, entry: OrganizationEntry, application: ApplicationEntry
) -> None:
    organization = run.organizations.get(entry.slug)
    if organization is None:
        return
    for index, client in enumerate(application.clients):
        await run.tell()
        with run.at(*path, "clients", index):
            catalogue = await run.catalogue(application.slug)
            await clients.provision_client(run, organization, catalogue, client)


async def _provision_definitions(
    run: Run, path: Path, catalogue: Catalogue, entry: ApplicationEntry
) -> None:
    for index, role in enumerate(entry.roles):
        with run.at(*path, "roles", index):
            await applications.provision_role(run, catalogue, role)
    for index, permission in enumerate(entry.permissions):
        with run.at(*path, "permissions", index):
            await applications.provision_permission(run, catalogue, permission)
    for index, definition in enumerate(entry.claim_definitions):
        with run.at(*path, "claim_definitions", index):
            await applications.provision_claim_definition(run, catalogue, definition)
    for index, role in enumerate(entry.roles):
        await applications.provision_role_permissions(run, (*path, "roles", index), catalogue, role)
    for index, module in enumerate(entry.modules):
        with run.at(*path, "modules", index):
            await applications.provision_module(run, catalogue, module)


def _applications(
    entries: list[tuple[Path, OrganizationEntry]],
) -> Iterator[tuple[Path, OrganizationEntry, ApplicationEntry]]:
    for path, entry in entries:
        for index, application in enumerate(entry.applications):
            yield (*path, "applications", index), entry, application
