"""Import reports: what an import did, as the Admin API tells it and a job keeps it, sealed."""

from __future__ import annotations

import msgspec
from pydantic import Field

from porta.administration.call import Moment, Shown
from porta.errors import PortaError, spell_path
from porta.security import boxes
from porta.services.provisioning import Credential, Line, Report

_PURPOSE = "import report"
_NOTHING = dict.fromkeys(("created", "updated", "skipped", "errors", "credentials", "notes"), ())


class ImportLine(Shown):
    """One thing of what was imported."""

    type: str
    slug: str
    name: str
    changes: str | None = Field(None, description="The fields that changed")
    reason: str | None = Field(None, description="Why nothing did")
    lost: tuple[str, ...] = Field((), description="What the change took away")


class ImportProblem(Shown):
    """Why something cannot be."""

    path: str
    message: str


class ImportCredential(Shown):
    """A client of what was imported; with its secret, this once, where one was made."""

    organization: str
    application: str
    client_name: str
    client_id: str
    client_type: str
    secret_plaintext: str | None = None
    secret_label: str | None = None
    secret_expires_at: Moment | None = None


class ImportReport(Shown):
    """What an import did, or would do. With an error nothing was done."""

    mode: str
    created: tuple[ImportLine, ...] = ()
    updated: tuple[ImportLine, ...] = ()
    skipped: tuple[ImportLine, ...] = ()
    errors: tuple[ImportProblem, ...] = ()
    credentials: tuple[ImportCredential, ...] = ()
    notes: tuple[ImportProblem, ...] = Field((), description="What may be meant, and may be a slip")
    job_id: str | None = Field(None, description="The job that does it: its report is yet to come")


def report_of(report: Report, mode: str) -> ImportReport:
    """Return what was done as it is told."""
    return ImportReport(
        mode=mode,
        created=tuple(_line(each) for each in report.created),
        updated=tuple(_line(each, changes=each.detail, lost=each.lost) for each in report.updated),
        skipped=tuple(_line(each, reason=each.detail) for each in report.skipped),
        credentials=tuple(map(_credential, report.credentials)),
        errors=(),
        notes=tuple(
            ImportProblem(path=spell_path(each.path), message=each.message) for each in report.notes
        ),
    )


def coming(job_id: int, mode: str) -> ImportReport:
    """Return that a job does it."""
    return ImportReport.model_validate({**_NOTHING, "mode": mode, "job_id": str(job_id)})


def refused(refusal: PortaError, mode: str) -> ImportReport:
    """Return that nothing was done, and every reason."""
    problems = refusal.problems
    told = (ImportProblem(path=spell_path(p.path), message=p.message) for p in problems)
    whole = (ImportProblem(path="", message=refusal.message),)
    return ImportReport.model_validate({**_NOTHING, "mode": mode, "errors": tuple(told) or whole})


def seal(keys: tuple[str, ...], job_id: int, report: ImportReport) -> str:
    """Return a report as it is kept."""
    told = {name: getattr(report, name) for name in report.model_fields_set}
    raw = msgspec.json.encode(told, enc_hook=lambda each: dict(each))
    return boxes.close(keys, f"{_PURPOSE} {job_id}", raw)


def unseal(keys: tuple[str, ...], job_id: int, box: str) -> ImportReport | None:
    """Return a report that was kept; None where none of our keys has sealed it."""
    found = boxes.unlock(keys, f"{_PURPOSE} {job_id}", box)
    return None if found is None else ImportReport.model_validate(msgspec.json.decode(found))


def _line(line: Line, **more: object) -> ImportLine:
    said = {name: value for name, value in more.items() if value}
    return ImportLine.model_validate(
        {"type": line.kind, "slug": line.slug, "name": line.name, **said}
    )


def _credential(each: Credential) -> ImportCredential:
    told = each.names()
    if each.is_generated:
        told["secret_plaintext"] = each.client_secret or ""
    more = {"secret_label": each.label, "secret_expires_at": each.expires_at}
    said = {name: value for name, value in more.items() if value is not None}
    return ImportCredential.model_validate({**told, **said})
