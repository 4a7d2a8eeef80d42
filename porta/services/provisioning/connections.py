"""Steps: connections, and the domains that lead to them.

A domain is claimed by a file and proven by its record alone. What it leads to comes first; what is
switched off comes last, when no domain requires it any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from porta.audit.changes import differing
from porta.errors import Conflict, Invalid, NotFound
from porta.services import connections, domains
from porta.services.connections import ConnectionPatch, NewConnection, Rule
from porta.services.domains import DomainPatch, NewDomain
from porta.services.pages import collect
from porta.services.provisioning.document import OrganizationEntry
from porta.services.provisioning.entries import command_of
from porta.services.provisioning.problems import FileProblem, Path
from porta.services.provisioning.realms import ConnectionEntry, DomainEntry, RuleEntry
from porta.services.provisioning.run import Run, first_places
from porta.services.usable_keys import check_encryption_key
from porta.text.suggestions import did_you_mean
from storage.models.connections import Connection
from storage.models.domains import Domain
from storage.models.organizations import Organization

_NAMED = {"connectionId": "connection", "roleIds": "roles"}
"""What a file calls otherwise than a command."""
_FOUND_BY: set[Path] = {("name",), ("domain",)}
"""What somebody else has given another one meanwhile."""
_PAGE = 100


async def provision_connections(run: Run, path: Path, entry: OrganizationEntry) -> None:
    """Make the connections of an organization, and lead its domains to them."""
    organization = run.organizations.get(entry.slug)
    if organization is None or not (entry.connections or entry.domains):
        return
    stored = await _connections(run, organization)
    closing = {each.name for each in entry.connections if _closes(run, each, stored)}
    for closes in (False, True):
        for index, each in enumerate(entry.connections):
            if (each.name in closing) is closes:
                await run.tell()
                at = (*path, "connections", index)
                with _at(run, *at):
                    await _provision(run, at, organization, each, stored.get(each.name))
        if not closes:
            await _provision_domains(run, path, entry, organization)


async def _connections(run: Run, organization: Organization) -> dict[str, Connection]:
    fetch = partial(run.storage.connections.list_page, organization.id)
    return {each.name: each for each in await collect(fetch, _PAGE)}


def _closes(run: Run, entry: ConnectionEntry, stored: dict[str, Connection]) -> bool:
    """Whether it is switched off, which no domain that requires it allows."""
    found = stored.get(entry.name)
    closes = "status" in entry.model_fields_set and entry.status == "inactive"
    return run.overwrite and closes and found is not None and found.status == "active"


async def _provision(
    run: Run,
    path: Path,
    organization: Organization,
    entry: ConnectionEntry,
    stored: Connection | None,
) -> None:
    args = run.storage, run.actor
    if stored is None:
        if entry.client_secret is not None:
            await _check_keys(run)
        made = command_of(
            entry, NewConnection, without=_silent(entry), **await _mapping(run, entry)
        )
        await connections.create(*args, organization.id, made, run.keys)
        run.created("connection", entry.name, entry.provider)
        if entry.client_secret is None:
            message = "has no client_secret, and whoever needs one signs nobody in without it"
            run.report.notes.append(FileProblem(path, message))
    elif not run.overwrite:
        run.skipped("connection", entry.name, entry.provider)
    else:
        _check_same(entry, stored)
        without = _silent(entry)
        if stored.client_secret is not None:  # it is not overwritten, whatever a file says
            without |= {"client_secret"}
        elif entry.client_secret is not None:
            await _check_keys(run)
        patch = command_of(entry, ConnectionPatch, without=without, **await _mapping(run, entry))
        after = await connections.update(*args, stored.id, patch, run.keys)
        changed = differing(stored, after)
        run.updated("connection", entry.name, entry.provider, changed, (stored, after))


def _silent(entry: ConnectionEntry) -> frozenset[str]:
    """Return what a file says nothing of by leaving it empty."""
    return frozenset({"client_secret"} if entry.client_secret is None else ())


def _check_same(entry: ConnectionEntry, stored: Connection) -> None:
    """Raise Invalid for another provider or issuer: who somebody is, is said by them."""
    for name in ("provider", "issuer"):
        if name in entry.model_fields_set and getattr(entry, name) != getattr(stored, name):
            message = f"is {getattr(stored, name)}, and never changes; make another connection"
            raise Invalid.at(name, message=message)


async def _check_keys(run: Run) -> None:
    """Raise Invalid, or Conflict, where a secret would be kept under a key that servers lack."""
    if not run.keys:
        message = "is kept encrypted: SIGNING_KEY_ENCRYPTION_KEY has to be set"
        raise Invalid.at("client_secret", message=message)
    check_encryption_key(await run.storage.signing_keys.list(), run.keys)


async def _mapping(run: Run, entry: ConnectionEntry) -> dict[str, tuple[Rule, ...]]:
    """Return the mapping of roles as a command has it, where the file speaks of one."""
    if "role_mapping" not in entry.model_fields_set:
        return {}
    return {
        "role_mapping": tuple(
            [await _rule(run, index, rule) for index, rule in enumerate(entry.role_mapping)]
        )
    }


async def _rule(run: Run, index: int, entry: RuleEntry) -> Rule:
    ids = []
    for reference, place in first_places(entry.roles).items():
        try:
            known = (await run.catalogue(reference.app)).roles
            if reference.role not in known:
                meant = did_you_mean(reference.role, sorted(known))
                raise NotFound(f"there is no role '{reference.role}' in '{reference.app}'{meant}")
        except NotFound as refusal:
            path = ("role_mapping", index, "roles", place)
            raise Invalid.at(*path, message=refusal.message) from None
        ids.append(known[reference.role].id)
    return Rule.model_construct(claim=entry.claim, value=entry.value, role_ids=tuple(ids))


async def _provision_domains(
    run: Run, path: Path, entry: OrganizationEntry, organization: Organization
) -> None:
    fetch = partial(run.storage.domains.list_page, organization.id)
    stored = {each.domain: each for each in await collect(fetch, _PAGE)}
    known = await _connections(run, organization)
    for index, each in enumerate(entry.domains):
        await run.tell()
        with _at(run, *path, "domains", index):
            await _provision_domain(run, organization, each, stored.get(each.domain), known)


async def _provision_domain(
    run: Run,
    organization: Organization,
    entry: DomainEntry,
    stored: Domain | None,
    known: dict[str, Connection],
) -> None:
    args, slug = (run.storage, run.actor), entry.domain
    if stored is not None and not run.overwrite:
        run.skipped("domain", slug)
        return
    leads: dict[str, Any] = {}
    if "connection" in entry.model_fields_set:
        leads["connection_id"] = _find(entry, known)
    if stored is None:
        await domains.create(*args, organization.id, command_of(entry, NewDomain, **leads))
        run.created("domain", slug)
    else:
        after = await domains.update(*args, stored.id, command_of(entry, DomainPatch, **leads))
        run.updated("domain", slug, "", differing(stored, after), (stored, after))


def _find(entry: DomainEntry, known: dict[str, Connection]) -> str | None:
    if entry.connection is None:
        return None
    if entry.connection not in known:
        meant = did_you_mean(entry.connection, sorted(known))
        message = f"this organization has no connection '{entry.connection}'{meant}"
        raise Invalid.at("connection", message=message)
    return known[entry.connection].id


@contextmanager
def _at(run: Run, *path: int | str) -> Iterator[None]:
    """As `Run.at`, with what the file calls otherwise; what conflicts with nothing that was made at
    the same time is a mistake of the file.
    """
    with run.at(*path):
        try:
            yield
        except (Conflict, Invalid) as refusal:
            if (
                isinstance(refusal, Conflict)
                and {each.path for each in refusal.problems} & _FOUND_BY
            ):
                raise
            named = [
                replace(each, path=tuple(_NAMED.get(str(part), part) for part in each.path))
                for each in refusal.problems
            ]
            raise Invalid(refusal.message, problems=named) from None
