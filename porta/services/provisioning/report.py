"""Provisioning report: what a run did, or would not do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from porta.services.provisioning.problems import Problem

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
    label: str | None = None
    expires_at: float | None = None
    """When the secret ends, in seconds since the epoch."""


@dataclass(slots=True)
class Report:
    """Everything about one run. With an error nothing was changed, and nothing else is told."""

    mode: str
    created: list[Line] = field(default_factory=list)
    updated: list[Line] = field(default_factory=list)
    skipped: list[Line] = field(default_factory=list)
    errors: list[Problem] = field(default_factory=list)
    credentials: list[Credential] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.created or self.updated)
