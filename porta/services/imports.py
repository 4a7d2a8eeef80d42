"""Import service: a document of provisioning, a manifest of Porta 1.x, or a list of people, made so
with the rights of whoever imports it: at once, or by a job where it is long.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from porta.audit.actors import Actor
from porta.errors import Forbidden, Invalid, NotFound, Unavailable
from porta.outbox import queue
from porta.outbox.queue import Kind
from porta.security import boxes
from porta.security.encryption import EncryptionKeys
from porta.security.passwords import Passwords
from porta.services import jobs
from porta.services.permissions import needs
from porta.services.provisioning import (
    OCCUPIED,
    AtEnd,
    Document,
    Report,
    build_document,
    provision_all,
)
from porta.services.provisioning.manifest import Nested, is_flat, nest
from porta.services.provisioning.problems import DocumentInvalid, FileProblem
from porta.services.provisioning.run import Progress
from storage.models.jobs import Job

if TYPE_CHECKING:
    from storage.router import Storage

PERMISSION = "admin:import:write"
MOST_AT_ONCE = 100
"""Entries that are imported while the caller waits; more are by a job."""
MOST_TOLD = 200
KEPT = 86_400
"""Seconds that the report of a job is kept."""
Mode = Literal["merge", "overwrite", "dry-run"]
_PURPOSE = "import"


@dataclass(frozen=True, slots=True)
class Import:
    """What is to be imported, read and found well formed."""

    document: Document
    nested: Nested = field(default_factory=Nested)
    """Where its parts stood, in a flat manifest."""

    @property
    def size(self) -> int:
        """How many entries it has."""
        return sum(_count(each) for each in self.document.organizations) + len(self.document.config)


class QueuedImport(msgspec.Struct, frozen=True, kw_only=True):
    """An import that waits. What it says is sealed: passwords and secrets may be in it. It is done
    with the rights that whoever asked has when it is done.
    """

    box: str
    mode: Mode
    owner: str
    user_id: str | None = None
    client_id: str | None = None
    total: int = 0


IMPORT = Kind("import", QueuedImport, max_attempts=5)


def read(manifest: dict[str, Any]) -> Import:
    """Return what a decoded manifest says. Raises Invalid with every problem, each at its path."""
    nested = nest(manifest) if is_flat(manifest) else Nested(manifest, {(): ("manifest",)})
    if is_flat(manifest):
        nested.origins = {path: ("manifest", *at) for path, at in nested.origins.items()}
        nested.problems = [replace(each, path=("manifest", *each.path)) for each in nested.problems]
        nested.origins[()] = ("manifest",)
    return read_nested(nested)


def read_nested(nested: Nested) -> Import:
    """Return what a nested manifest says. Raises Invalid as `read` does."""
    problems = list(nested.problems)
    try:
        document = build_document("manifest", nested.document)
    except DocumentInvalid as refusal:
        problems += _located(nested, refusal.problems)
    if problems:
        raise Invalid(problems=_told(problems))
    return Import(document, nested)


@needs(PERMISSION)
async def run(
    storage: Storage,
    actor: Actor,
    asked: Import,
    mode: Mode,
    *,
    passwords: Passwords,
    keys: EncryptionKeys,
    now: float,
    at_end: AtEnd | None = None,
    progress: Progress | None = None,
) -> Report:
    """Import it, all or nothing, or tell what that would do. For whoever holds no transaction.

    `keys`, `at_end` and `progress` are those of `provision_all`, `now` is seconds since the epoch.
    Raises Invalid with every problem, and Forbidden where one of them is a right that the actor
    lacks.
    """
    report = await provision_all(
        storage,
        {"": asked.document},
        passwords=passwords,
        keys=keys,
        mode="merge" if mode == "dry-run" else mode,
        dry_run=mode == "dry-run",
        now=now,
        actor=actor,
        at_end=at_end,
        progress=progress,
    )
    if any(each.message == OCCUPIED for each in report.errors):
        raise Unavailable(OCCUPIED, retry_after=10)
    if report.errors:
        refusal = Forbidden if report.is_forbidden else Invalid
        raise refusal(problems=_told(_located(asked.nested, report.errors)))
    return report


@needs(PERMISSION)
async def enqueue(
    tx: Storage,
    actor: Actor,
    manifest: dict[str, Any],
    asked: Import,
    mode: Mode,
    *,
    owner: str,
    keys: tuple[str, ...],
) -> int:
    """Have it imported by a job, in the transaction `tx`; return the id of that.

    `owner` is who may fetch the report, sealed under `keys`. Raises Unavailable for a full queue.
    """
    payload = QueuedImport(
        box=boxes.close(keys, _PURPOSE, msgspec.json.encode(manifest)),
        mode=mode,
        owner=owner,
        user_id=actor.user_id,
        client_id=actor.client_id,
        total=asked.size,
    )
    id = await queue.enqueue(tx, IMPORT, payload, organization_id=actor.organization_id)
    await tx.job_results.expect(id, owner, KEPT)
    return id


@needs(PERMISSION)
async def find(storage: Storage, actor: Actor, target: str, owner: str) -> tuple[Job, str | None]:
    """Return the job of an import that `owner` asked for, and its report, sealed, once there is
    one. Raises NotFound, also for what others asked for.
    """
    del actor
    known = target.isascii() and target.isdecimal() and len(target) <= jobs.LONGEST_ID
    # One transaction writes both. The job is read first: done means that its report is there.
    job = await storage.jobs.find(int(target)) if known else None
    found = await storage.job_results.find(int(target), owner) if job is not None else None
    if found is None or job is None:
        raise NotFound("Import not found")
    return job, found[0]


def unseal(keys: tuple[str, ...], box: str) -> dict[str, Any] | None:
    """Return the manifest of a queued import; None where none of our keys has sealed it."""
    found = boxes.unlock(keys, _PURPOSE, box)
    return None if found is None else msgspec.json.decode(found)


def _located(nested: Nested, problems: Iterable[FileProblem]) -> list[FileProblem]:
    """Return problems at their paths in what was sent."""
    return [replace(each, path=nested.locate(each.path)) for each in problems]


def _told(problems: list[FileProblem]) -> list[FileProblem]:
    left = len(problems) - MOST_TOLD
    more = [FileProblem((), f"and {left} more problems")] if left > 0 else []
    return [*problems[:MOST_TOLD], *more]


def _count(organization: Any) -> int:
    applications = organization.applications
    listed = ("modules", "permissions", "roles", "claim_definitions", "clients")
    inner = sum(len(getattr(each, name)) for each in applications for name in listed)
    grants = sum(len(role.permissions) for each in applications for role in each.roles)
    people = sum(1 + len(each.roles) + len(each.claims) for each in organization.users)
    realms = len(organization.connections) + len(organization.domains)
    return (
        1 + realms + len(organization.api_resources) + len(applications) + inner + grants + people
    )
