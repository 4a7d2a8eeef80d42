"""Tenant: what one request stands in: an organization, its issuer, and one snapshot."""

from __future__ import annotations

from dataclasses import dataclass

from porta.config.system import Config
from porta.security.keyring import KeyRing
from storage.models.organizations import Organization


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organization resolved for one request; everything in it is of one moment."""

    organization: Organization
    issuer: str
    """`{ISSUER_BASE_URL}/{slug}`: from the settings, never from a request."""
    config: Config
    keys: KeyRing

    @property
    def id(self) -> str:
        return self.organization.id

    @property
    def slug(self) -> str:
        return self.organization.slug
