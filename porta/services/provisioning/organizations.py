"""Step: organizations and their API resources."""

from __future__ import annotations

from porta.audit.changes import differing
from porta.protocol.requests.scopes import OIDC_SCOPES
from porta.services import api_resources, organizations
from porta.services.api_resources import ApiResourcePatch, NewApiResource
from porta.services.organization_fields import NewOrganization, OrganizationPatch
from porta.services.provisioning.document import ApiResourceEntry, OrganizationEntry
from porta.services.provisioning.entries import command_of
from porta.services.provisioning.problems import FileProblem, Path
from porta.services.provisioning.run import Run
from porta.services.targets import check_sees
from porta.text.suggestions import did_you_mean
from storage.models.clients import ApiResource
from storage.models.organizations import Organization

_NESTED = {"name", "slug", "users", "applications", "api_resources", "connections", "domains"}


async def provision_organization(run: Run, path: Path, entry: OrganizationEntry) -> None:
    """Make the organization of this slug, or change it to what the file says of it."""
    stored = await run.storage.organizations.find_by_slug(entry.slug)
    with run.at(*path):
        if run.actor.organization_id is not None:  # as bound to one, others are not, or may be
            check_sees(run.actor, stored.id if stored is not None else "", "Organization")
        if stored is None:
            command = command_of(entry, NewOrganization)
            made = await organizations.create(run.storage, run.actor, command)
            run.organizations[entry.slug] = made
            run.created("organization", entry.slug, entry.name)
            return
        if not run.overwrite:
            run.skipped("organization", entry.slug, entry.name)
            run.organizations[entry.slug] = stored
            return
        run.organizations[entry.slug] = stored
        if entry.model_fields_set <= _NESTED and entry.name == stored.name:
            run.skipped("organization", entry.slug, entry.name, "unchanged")
            return  # it is where others are, and is not to be changed itself
        patch = _patch(entry, stored)
        after = await organizations.update(run.storage, run.actor, stored.id, patch)
        changed = differing(stored, after)
        run.updated("organization", entry.slug, entry.name, changed, (stored, after))


def _patch(entry: OrganizationEntry, stored: Organization) -> OrganizationPatch:
    """Return what the file says; of texts it says all there are."""
    branding = entry.branding
    if branding is None or "texts" not in branding.model_fields_set:
        return command_of(entry, OrganizationPatch)
    gone = {each.language: None for each in stored.brand.texts}
    texts = {**gone, **(branding.texts or {})}
    return command_of(
        entry, OrganizationPatch, branding=branding.model_copy(update={"texts": texts})
    )


async def provision_api_resources(run: Run, path: Path, entry: OrganizationEntry) -> None:
    organization = run.organizations.get(entry.slug)
    if organization is None or not entry.api_resources:
        return
    stored = {
        resource.identifier: resource
        for resource in await run.storage.api_resources.find_all(organization.id)
    }
    for index, resource in enumerate(entry.api_resources):
        with run.at(*path, "api_resources", index):
            found = stored.get(resource.identifier)
            await _provision_api_resource(run, organization, resource, found)


async def _provision_api_resource(
    run: Run, organization: Organization, entry: ApiResourceEntry, stored: ApiResource | None
) -> None:
    slug, args = entry.identifier, (run.storage, run.actor)
    if stored is None:
        command = command_of(entry, NewApiResource)
        await api_resources.create(*args, organization.id, command)
        run.created("api_resource", slug, entry.name)
    elif not run.overwrite:
        run.skipped("api_resource", slug, entry.name)
    else:
        patch = command_of(entry, ApiResourcePatch)
        after = await api_resources.update(*args, stored.id, patch)
        run.updated("api_resource", slug, entry.name, differing(stored, after), (stored, after))


async def note_unknown_scopes(run: Run, path: Path, entry: OrganizationEntry) -> None:
    """Note scopes of clients that nothing gives a meaning to: an application may all the same."""
    organization = run.organizations.get(entry.slug)
    if organization is None:
        return
    resources = await run.storage.api_resources.find_all(organization.id)
    known = {*OIDC_SCOPES, *(scope for resource in resources for scope in resource.scopes)}
    for index, application in enumerate(entry.applications):
        for place, client in enumerate(application.clients):
            for scope in (scope for scope in client.scope.split() if scope not in known):
                meant = did_you_mean(scope, sorted(known))
                message = f"no API resource of '{entry.slug}' has the scope '{scope}'{meant}"
                at = (*path, "applications", index, "clients", place, "scope")
                run.report.notes.append(FileProblem(at, message))
