"""Connections and domains in a provisioning file: where people of an organization sign in."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from porta.services.connection_fields import ClaimName, ClientSecret, RuleValue
from porta.services.connections import NewConnection
from porta.services.domains import DomainName, Mode
from porta.services.provisioning.entries import ENTRY, Entry, Name
from porta.services.provisioning.people import RoleReference


class RuleEntry(Entry):
    """Whoever has `value` in `claim` holds these roles: by their slugs, since ids are made anew in
    each installation.
    """

    claim: ClaimName
    value: RuleValue
    roles: Annotated[tuple[RoleReference, ...], Field(min_length=1, max_length=100)]


_Rules = Annotated[tuple[RuleEntry, ...], Field(max_length=100)]


class ConnectionEntry(NewConnection):
    """A connection, found by its name."""

    model_config = ENTRY

    client_secret: ClientSecret | None = Field(None, repr=False)
    role_mapping: _Rules = ()  # type: ignore[assignment]  # roles by slug, a command has ids


class DomainEntry(Entry):
    """A domain that is claimed: nobody is led by it until its record is found."""

    domain: DomainName
    connection: Name | None = None
    """The name of one of the organization, of this file or of the database."""
    mode: Mode = "offer"
