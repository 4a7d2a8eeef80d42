"""Flat manifests, as the command line of Porta 1.x sends them: lists of everything, each entry with
the slugs of what it is in; made the nested document that says the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from porta.services.provisioning.problems import FileProblem, Path
from porta.tenants import slugs

Raw = dict[str, Any]
_IN_APPLICATION = {
    "clients": "clients",
    "roles": "roles",
    "permissions": "permissions",
    "claim_definitions": "claim_definitions",
    "application_modules": "modules",
}
_LISTS = (
    *("applications", *_IN_APPLICATION, "role_permission_mappings", "users"),
    *("user_role_assignments", "user_claim_values"),
)
_BRANDING = "branding_"
_HOMES = ("organization_slug", "application_slug")


@dataclass(slots=True)
class Nested:
    """A nested document, where each part of it came from, and what has no place in it."""

    document: Raw = field(default_factory=dict)
    origins: dict[Path, Path] = field(default_factory=dict)
    problems: list[FileProblem] = field(default_factory=list)

    def locate(self, path: Path) -> Path:
        """Return where in the manifest that stands what is at `path` of the document."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.origins:
                return (*self.origins[path[:end]], *path[end:])
        return path


def is_flat(manifest: Raw) -> bool:
    """Whether it has lists at its top that a document has none of."""
    return any(name in manifest for name in _LISTS)


def nest(manifest: Raw) -> Nested:
    """Return the document that says what a flat manifest does, decoded as that is."""
    rest = {k: v for k, v in manifest.items() if k not in {*_LISTS, "organizations", "exportedAt"}}
    nested = Nested({**rest, "organizations": []})
    homes = _Homes(nested)
    for at, raw in _entries(manifest, "organizations", nested):
        homes.add_organization(at, raw)
    for at, raw in _entries(manifest, "applications", nested):
        homes.add(at, raw, ("organization_slug",), "applications")
    for listed, kind in _IN_APPLICATION.items():
        for at, raw in _entries(manifest, listed, nested):
            homes.add(at, _client(raw) if kind == "clients" else raw, _HOMES, kind)
    for at, raw in _entries(manifest, "role_permission_mappings", nested):
        homes.grant(at, raw)
    for at, raw in _entries(manifest, "users", nested):
        homes.add(at, raw, ("organization_slug",), "users")
        nested.document["allow_passwords"] = True
    for listed, kind, named in (
        ("user_role_assignments", "roles", "role"),
        ("user_claim_values", "claims", "claim"),
    ):
        for at, raw in _entries(manifest, listed, nested):
            homes.give(at, raw, kind, named)
    return nested


class _Homes:
    """What of the document there is already, by slugs and addresses."""

    def __init__(self, nested: Nested) -> None:
        self._nested = nested
        self._found: dict[tuple[str, ...], tuple[Path, Raw]] = {}

    def add_organization(self, at: Path, raw: Raw) -> None:
        entry = {name: value for name, value in raw.items() if not name.startswith(_BRANDING)}
        looks = {
            name.removeprefix(_BRANDING): value
            for name, value in raw.items()
            if name.startswith(_BRANDING)
        }
        if looks:
            entry["branding"] = looks
        listed = self._nested.document["organizations"]
        path: Path = ("organizations", len(listed))
        listed.append(entry)
        self._remember(at, path, entry, _slug(raw))

    def add(self, at: Path, raw: Raw, homes: tuple[str, ...], kind: str) -> None:
        """Put an entry into the list `kind` of what its slugs name."""
        where = tuple(str(raw.get(name)) for name in homes)
        home = self._find(at, *where)
        if home is None:
            return
        path, holder = home
        entry = {name: value for name, value in raw.items() if name not in _HOMES}
        listed = holder.setdefault(kind, [])
        place = (*path, kind, len(listed))
        listed.append(entry)
        key = str(raw.get("email")).lower() if kind == "users" else f"{kind} {_slug(raw)}"
        self._remember(at, place, entry, *where, key if kind != "applications" else _slug(raw))

    def grant(self, at: Path, raw: Raw) -> None:
        where = (*(str(raw.get(name)) for name in _HOMES), f"roles {raw.get('role_slug')}")
        role, listed = self._find(at, *where), raw.get("permission_slugs")
        if role is None or not isinstance(listed, list):
            return
        granted = role[1].setdefault("permissions", [])
        for index, slug in enumerate(listed):
            place = (*role[0], "permissions", len(granted))
            self._nested.origins[place] = (*at, "permission_slugs", index)
            granted.append(slug)

    def give(self, at: Path, raw: Raw, kind: str, named: str) -> None:
        """Put a role, or a value, to the person who has it."""
        user = self._find(at, str(raw.get("organization_slug")), str(raw.get("email")).lower())
        if user is None:
            return
        held = user[1].setdefault(kind, [])
        entry = {"app": raw.get("application_slug"), named: raw.get(f"{named}_slug")}
        if "value" in raw:
            entry["value"] = raw["value"]
        self._nested.origins[(*user[0], kind, len(held))] = at
        held.append(entry)

    def _find(self, at: Path, *key: str) -> tuple[Path, Raw] | None:
        found = self._found.get(key)
        if found is None:
            names = ", ".join(f"'{part.rpartition(' ')[2]}'" for part in key)
            message = f"there is nothing in this manifest that is called {names}"
            self._nested.problems.append(FileProblem(at, message))
        return found

    def _remember(self, at: Path, path: Path, entry: Raw, *key: str) -> None:
        self._found.setdefault(key, (path, entry))
        self._nested.origins[path] = at


def _client(raw: Raw) -> Raw:
    """Return a client with its secret as a document has it."""
    names = {"secret_label": "label", "secret_expires_at": "expires_at"}
    secret = {names[name]: value for name, value in raw.items() if name in names and value}
    entry = {name: value for name, value in raw.items() if name not in names}
    return {**entry, "secret": secret} if secret else entry


def _slug(raw: Raw) -> str:
    slug, name = raw.get("slug"), raw.get("name")
    if isinstance(slug, str):
        return slug
    return slugs.slugify(name) if isinstance(name, str) else ""


def _entries(manifest: Raw, name: str, nested: Nested) -> Iterator[tuple[Path, Raw]]:
    listed = manifest.get(name, [])
    if not isinstance(listed, list):
        nested.problems.append(FileProblem((name,), "must be a list"))
        return
    for index, raw in enumerate(listed):
        if isinstance(raw, dict):
            yield (name, index), raw
        else:
            nested.problems.append(FileProblem((name, index), "must be a mapping"))
