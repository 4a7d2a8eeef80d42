"""References of a provisioning file to what nothing in it defines: roles, permissions, claims."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from porta.services.provisioning.problems import FileProblem, Path
from porta.services.provisioning.rules import entries
from porta.tenants import slugs
from porta.text.suggestions import did_you_mean


@dataclass(slots=True)
class _Defined:
    """The slugs that one application of the file defines."""

    roles: set[str] = field(default_factory=set)
    permissions: set[str] = field(default_factory=set)
    claim_definitions: set[str] = field(default_factory=set)


def find_loose_references(data: object) -> Iterator[FileProblem]:
    """Yield what `data`, a decoded file of whatever form, names and does not define.

    The database may hold it. A file that is refused anyway is told of it in the same round.
    """
    defined: dict[str, _Defined] = {}
    for _, organization in entries(data, (), "organizations"):
        for _, application in entries(organization, (), "applications"):
            _collect(application, defined.setdefault(_slug_of(application), _Defined()))
    for path, organization in entries(data, (), "organizations"):
        for at, application in entries(organization, path, "applications"):
            known = defined[_slug_of(application)].permissions
            for place, role in entries(application, at, "roles"):
                yield from _of_role(place, role, known)
        for at, connection in entries(organization, path, "connections"):
            for place, rule in entries(connection, at, "role_mapping"):
                yield from _of_user(place, rule, defined)
        for at, user in entries(organization, path, "users"):
            yield from _of_user(at, user, defined)


def _of_role(path: Path, role: dict[str, Any], known: Collection[str]) -> Iterator[FileProblem]:
    listed = role.get("permissions")
    for index, slug in enumerate(listed) if isinstance(listed, list) else ():
        if isinstance(slug, str) and slug not in known:
            yield _loose((*path, "permissions", index), "permission", slug, known)


def _of_user(
    path: Path, user: dict[str, Any], defined: dict[str, _Defined]
) -> Iterator[FileProblem]:
    for key, named, kind in (("roles", "role", "roles"), ("claims", "claim", "claim_definitions")):
        for place, reference in entries(user, path, key):
            app, slug = reference.get("app"), reference.get(named)
            if not isinstance(app, str) or not isinstance(slug, str):
                continue
            if app not in defined:
                yield _loose(place, "application", app, defined)
            elif slug not in (known := getattr(defined[app], kind)):
                yield _loose(place, named, slug, known)


def _loose(path: Path, kind: str, slug: str, known: Collection[str]) -> FileProblem:
    meant = did_you_mean(slug, sorted(known))
    return FileProblem(
        path, f"this file has no {kind} of this slug; it has to exist already{meant}"
    )


def _collect(application: dict[str, Any], into: _Defined) -> None:
    for kind in ("roles", "permissions", "claim_definitions"):
        getattr(into, kind).update(_slug_of(entry) for _, entry in entries(application, (), kind))


def _slug_of(entry: dict[str, Any]) -> str:
    slug, name = entry.get("slug"), entry.get("name")
    if isinstance(slug, str):
        return slug
    return slugs.slugify(name) if isinstance(name, str) else ""
