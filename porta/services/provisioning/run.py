"""One provisioning run: the transaction it works in, what it found, and what it tells."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from porta.audit.actors import Actor
from porta.errors import Forbidden, Invalid, NotFound
from porta.protocol.clients.client_metadata import InvalidMetadata
from porta.security.encryption import EncryptionKeys
from porta.services.provisioning.hashes import Hashes
from porta.services.provisioning.problems import FileProblem, Path, problems_of
from porta.services.provisioning.report import Kind, Line, Report, find_losses
from porta.text.suggestions import did_you_mean
from storage.models.applications import Application, ApplicationModule
from storage.models.claims import ClaimDefinition
from storage.models.organizations import Organization
from storage.models.roles import Permission, Role

if TYPE_CHECKING:
    from storage.router import Storage

T = TypeVar("T", bound=Hashable)
Progress = Callable[[int], Awaitable[None]]
"""Hears how many things of the documents were done."""
_READS: dict[Kind, str] = {
    "organization": "admin:org:read",
    "api_resource": "admin:client:read",
    "application": "admin:app:read",
    "client": "admin:client:read",
    "client_secret": "admin:client:read",
    "role": "admin:role:read",
    "permission": "admin:permission:read",
    "claim_definition": "admin:claim:read",
    "role_permission": "admin:role:read",
    "module": "admin:app:read",
    "connection": "admin:org:read",
    "domain": "admin:org:read",
    "user": "admin:user:read",
    "user_role": "admin:role:read",
    "claim_value": "admin:claim:read",
    "config": "admin:config:read",
}
"""What it takes to be told that something is there already."""


def first_places(listed: Sequence[T]) -> dict[T, int]:
    """Return what a list of the file holds, once each, with the index at which it first stands."""
    places: dict[T, int] = {}
    for index, each in enumerate(listed):
        places.setdefault(each, index)
    return places


@dataclass(slots=True)
class Catalogue:
    """An application and everything it defines, by slug or claim name."""

    application: Application
    roles: dict[str, Role] = field(default_factory=dict)
    permissions: dict[str, Permission] = field(default_factory=dict)
    claims: dict[str, ClaimDefinition] = field(default_factory=dict)
    modules: dict[str, ApplicationModule] = field(default_factory=dict)


@dataclass(slots=True)
class Run:
    """Handed from step to step. `storage` is the transaction; `now` seconds since the epoch."""

    storage: Storage
    hashes: Hashes
    overwrite: bool
    now: float
    actor: Actor
    report: Report
    progress: Progress | None = None
    keys: EncryptionKeys = ()
    """Under which secrets of connections are kept."""
    organizations: dict[str, Organization] = field(default_factory=dict)
    catalogues: dict[str, Catalogue | None] = field(default_factory=dict)

    @contextmanager
    def at(self, *path: int | str) -> Iterator[None]:
        """Turn a refusal inside into an error at `path`, and let the run go on to find more."""
        try:
            yield
        except (Invalid, InvalidMetadata, NotFound, Forbidden) as refusal:
            self.report.is_forbidden |= isinstance(refusal, Forbidden)
            self.report.errors += problems_of(refusal, path)

    async def tell(self) -> None:
        """Tell how much was done, where somebody waits to hear it."""
        if self.progress is not None:
            report = self.report
            await self.progress(len(report.created) + len(report.updated) + len(report.skipped))

    def error(self, path: Path, message: str) -> None:
        self.report.errors.append(FileProblem(path, message))

    def created(self, kind: Kind, slug: str, name: str = "") -> None:
        self.report.created.append(Line(kind, slug, name))

    def updated(
        self,
        kind: Kind,
        slug: str,
        name: str,
        changed: tuple[str, ...],
        records: tuple[object, object] = (None, None),
    ) -> None:
        """Tell of an update, or that there was nothing to change.

        `records` are the thing before and after it, for what its fields lose.
        """
        if changed:
            lost = tuple(find_losses(changed, *records))
            self.report.updated.append(Line(kind, slug, name, ", ".join(changed), lost))
        else:
            self.skipped(kind, slug, name, "unchanged")

    def skipped(self, kind: Kind, slug: str, name: str = "", detail: str = "exists") -> None:
        """Tell that something is there, which is for those who may read it. Raises Forbidden."""
        self.actor.check(_READS[kind])
        self.report.skipped.append(Line(kind, slug, name, detail))

    async def catalogue(self, slug: str) -> Catalogue:
        """Return what the application of `slug` defines, read once. Raises NotFound, Forbidden."""
        self.actor.check(_READS["application"])
        if slug not in self.catalogues:
            application = await self.storage.applications.find_by_slug(slug)
            self.catalogues[slug] = await self._read(application) if application else None
        found = self.catalogues[slug]
        if found is None:
            known = self.catalogues
            meant = did_you_mean(slug, sorted(each for each in known if known[each] is not None))
            raise NotFound(f"there is no application '{slug}'{meant}")
        return found

    async def _read(self, application: Application) -> Catalogue:
        storage, id = self.storage, application.id
        return Catalogue(
            application,
            roles={role.slug: role for role in await storage.roles.list(id)},
            permissions={each.slug: each for each in await storage.roles.permissions(id)},
            claims={each.claim_name: each for each in await storage.claims.definitions(id)},
            modules={each.slug: each for each in await storage.applications.modules(id)},
        )
