"""Imports: documents of provisioning, manifests of Porta 1.x, and lists of people."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from handlers.admin_api.jobs import Progress
from handlers.admin_api.route import Route
from porta.administration import import_reports, importing
from porta.administration.call import Answer, Call, Data, Shown
from porta.administration.import_reports import ImportReport
from porta.errors import NotFound
from porta.services import imports
from porta.services.commands import Command
from porta.services.imports import MOST_AT_ONCE, PERMISSION, Mode
from porta.services.people_files import parse_people
from porta.services.provisioning.manifest import Nested
from storage.models.jobs import JobState
from storage.models.organizations import Organization

LONGEST = 768 * 1024
"""Bytes of a body."""
_LONGEST_CSV = 700_000


class Importing(Command):
    """What an import does with what exists already."""

    mode: Literal["merge", "overwrite", "dry-run"] = "dry-run"
    dry_run: bool = Field(False, description="Tell what would be done, in whichever mode")

    @property
    def way(self) -> Mode:
        return "dry-run" if self.dry_run else self.mode


class ImportCommand(Importing):
    """What is to be imported: a provisioning file, or a flat manifest of Porta 1.x."""

    manifest: dict[str, Any]


class PeopleCommand(Importing):
    """The people to be imported, by the keys of a provisioning file; or as CSV."""

    users: Annotated[tuple[dict[str, Any], ...], Field(max_length=10_000)] | None = None
    csv: str | None = Field(None, max_length=_LONGEST_CSV, description="With a header")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.users is None) == (self.csv is None):
            raise ValueError("users, or csv: one of both")
        return self


class ImportState(Shown):
    """How far an import by a job is; its report, once that is made."""

    job_id: str
    state: JobState
    progress: Progress | None
    report: ImportReport | None


async def _import(call: Call) -> Answer:
    command = call.body_as(ImportCommand)
    asked = await asyncio.to_thread(imports.read, command.manifest)
    return await importing.do(call, command.manifest, asked, command.way)


async def _import_people(call: Call) -> Answer:
    command, home = call.body_as(PeopleCommand), await _home(call)
    listed = list(command.users or ())
    if command.csv is not None:
        listed = await asyncio.to_thread(parse_people, command.csv)
    manifest: dict[str, Any] = {
        "version": "1.0",
        "allow_passwords": True,
        "organizations": [{"name": home.name, "slug": home.slug, "users": listed}],
    }
    name = "users" if command.csv is None else "csv"
    nested = Nested(manifest, {("organizations", 0, "users"): (name,)})
    asked = await asyncio.to_thread(imports.read_nested, nested)
    return await importing.do(call, manifest, asked, command.way)


async def _home(call: Call) -> Organization:
    found = await call.storage.organizations.find_by_id(call.id("organizationId"))
    if found is None or not call.actor.sees(found.id):
        raise NotFound("Organization not found")
    return found


async def _state(call: Call) -> Answer:
    assert call.caller is not None
    job, sealed = await imports.find(call.storage, call.actor, call.path["jobId"], call.caller.key)
    keys = call.runtime.settings.cookie_keys
    report = import_reports.unseal(keys, job.id, sealed) if sealed is not None else None
    progress = None
    if job.progress_done is not None:
        progress = Progress(
            done=job.progress_done, total=job.progress_total, message=job.progress_message
        )
    state = ImportState(job_id=str(job.id), state=job.state, progress=progress, report=report)
    return Answer(Data(data=state))


ROUTES = (
    Route(
        "POST",
        "/import",
        f"Import a provisioning file; of more than {MOST_AT_ONCE} entries by a job (202)",
        _import,
        permissions=(PERMISSION,),
        request=ImportCommand,
        response=ImportReport,
        also=(202,),
        errors=(400, 403),
        opens_transactions=True,
        longest_body=LONGEST,
        delegable=True,
    ),
    Route(
        "POST",
        "/organizations/{organizationId}/users/import",
        f"Import people as JSON or CSV; more than {MOST_AT_ONCE} entries by a job (202)",
        _import_people,
        permissions=(PERMISSION, "admin:org:read", "admin:user:create"),
        request=PeopleCommand,
        response=ImportReport,
        also=(202,),
        errors=(400, 403),
        opens_transactions=True,
        longest_body=LONGEST,
        delegable=True,
    ),
    Route(
        "GET",
        "/import/{jobId}",
        "Tell how far an import is that the caller asked for, and what it did",
        _state,
        permissions=(PERMISSION,),
        response=Data[ImportState],
        delegable=True,
    ),
)
