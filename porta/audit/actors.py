"""Actor: who does something, from where, and with which permissions over which tenants."""

from __future__ import annotations

from dataclasses import dataclass

from porta.errors import Forbidden
from porta.limits.origin import Origin


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something. An actor may nothing that is not said here."""

    user_id: str | None = None
    origin: Origin | None = None
    permissions: frozenset[str] = frozenset()
    """Slugs like `admin:org:read`, read when the request began."""
    organization_id: str | None = None
    """Of a delegated administrator: the one organization whose things exist for him."""
    client_id: str | None = None
    """Of a machine: the client that it is."""
    is_system: bool = False
    """Whether it is Porta itself, or its command line: that may everything."""

    def check(self, permission: str) -> None:
        """Raise Forbidden, naming it, unless the actor holds this permission."""
        if not self.holds([permission]):
            raise Forbidden(f"the permission {permission} is needed")

    def holds(self, permissions: frozenset[str] | list[str]) -> bool:
        """Whether the actor holds each of these permissions."""
        return self.is_system or self.permissions.issuperset(permissions)

    def sees(self, organization_id: str) -> bool:
        """Whether what belongs to this organization exists for the actor."""
        return self.organization_id in (None, organization_id)

    def check_unbound(self) -> None:
        """Raise Forbidden for who administers one organization: what is asked for is of all."""
        if self.organization_id is not None:
            raise Forbidden("this is for administrators of the whole installation")


SYSTEM = Actor(is_system=True)
