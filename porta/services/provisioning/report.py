"""Provisioning report: what a run did, or would not do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

import msgspec

from porta.services.provisioning.problems import FileProblem, printable

Kind = Literal[
    "organization",
    "api_resource",
    "application",
    "client",
    "client_secret",
    "role",
    "permission",
    "claim_definition",
    "role_permission",
    "module",
    "connection",
    "domain",
    "user",
    "user_role",
    "claim_value",
    "config",
]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing of the file: what it is, the slug it is known by, its name, what to say of it."""

    kind: Kind
    slug: str
    name: str = ""
    detail: str = ""
    """The fields that changed, or why nothing did."""
    lost: tuple[str, ...] = ()
    """What the change takes away: `redirect_uris: https://acme.test/callback`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A client of the file, and how it authenticates."""

    organization: str
    """The slug."""
    application: str
    """The slug."""
    client_name: str
    client_id: str
    client_type: str
    token_endpoint_auth_method: str
    redirect_uris: tuple[str, ...]
    client_secret: str | None = None
    """A secret chosen in the file as long as it works; a generated one this once."""
    is_generated: bool = False
    """Whether the secret was made in this run, and nobody else knows it."""
    label: str | None = None
    expires_at: float | None = None
    """When the secret ends, in seconds since the epoch."""

    def names(self) -> dict[str, str]:
        """Return which client it is, without a secret, as reports name it."""
        return {
            "organization": self.organization,
            "application": self.application,
            "client_name": self.client_name,
            "client_id": self.client_id,
            "client_type": self.client_type,
        }


@dataclass(slots=True)
class Report:
    """Everything about one run. With an error nothing was changed, and nothing else is told."""

    mode: str
    dry_run: bool = False
    created: list[Line] = field(default_factory=list)
    updated: list[Line] = field(default_factory=list)
    skipped: list[Line] = field(default_factory=list)
    errors: list[FileProblem] = field(default_factory=list)
    credentials: list[Credential] = field(default_factory=list)
    is_forbidden: bool = False
    """Whether one of the errors is that the actor may not do it."""
    notes: list[FileProblem] = field(default_factory=list)
    """What may be meant, and may be a slip."""

    def add(self, other: Report, source: str) -> None:
        """Add what was done of the file `source`."""
        self.created += other.created
        self.updated += other.updated
        self.skipped += other.skipped
        self.is_forbidden |= other.is_forbidden
        self.errors += (replace(problem, source=source) for problem in other.errors)
        self.notes += (replace(note, source=source) for note in other.notes)
        self.credentials += other.credentials

    @property
    def changed(self) -> bool:
        return bool(self.created or self.updated)


def find_losses(changed: Iterable[str], before: object, after: object) -> Iterator[str]:
    """Yield what a change of these fields takes away: entries of lists, and values that go."""
    for name in changed:
        old, new = getattr(before, name, None), getattr(after, name, None)
        if isinstance(old, msgspec.Struct):
            yield from find_losses(old.__struct_fields__, old, new)
        elif isinstance(old, tuple | list):
            gone = [each for each in old if each not in (new or ())]
            yield from (f"{name}: {printable(each)}" for each in gone if isinstance(each, str))
            yield from [name] if any(not isinstance(each, str) for each in gone) else ()
        elif old is not None and new is None:
            yield name
