"""Permissions of administrators, and the operations that need them (role-based access control)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from porta.audit.actors import Actor
from porta.errors import Forbidden

if TYPE_CHECKING:
    from storage.router import Storage

P = ParamSpec("P")
R = TypeVar("R")
_NEEDED = "permissions_needed"
ADMINISTRATION = "porta-admin"
"""The slug of the application that administrators sign in to, and whose roles they have."""
SUPER_ADMIN = ("porta-super-admin", "porta-admin")
"""The slugs of the roles that permit everything; the second is of old installations of 1.x."""

_ACTIONS = {
    "org": ("Organizations", "create read update suspend archive"),
    "app": ("Applications", "create read update archive"),
    "client": ("Clients", "create read update revoke"),
    "user": ("Users", "create read update suspend archive invite 2fa"),
    "role": ("Roles", "create read update archive assign"),
    "permission": ("Permissions", "create read archive"),
    "claim": ("Claims", "create read update archive"),
    "config": ("Configuration", "read update"),
    "key": ("Signing keys", "read generate rotate"),
    "audit": ("Audit trail", "read"),
    "session": ("Sessions", "read revoke"),
    "stats": ("Statistics", "read"),
    "export": ("Exports", "read"),
    "import": ("Imports", "write"),
}
PERMISSIONS = {
    f"admin:{resource}:{action}": f"{title}: {action}"
    for resource, (title, actions) in _ACTIONS.items()
    for action in actions.split()
}
"""The name of each permission by its slug."""

_Operation = Callable[Concatenate["Storage", Actor, P], Coroutine[Any, Any, R]]


def needs(
    *permissions: str, unbound: bool = False
) -> Callable[[_Operation[P, R]], _Operation[P, R]]:
    """Let an operation refuse whoever lacks one of `permissions`: it raises Forbidden.

    What is `unbound` is of the whole installation, and refuses administrators of one organization.
    """
    unknown = set(permissions) - PERMISSIONS.keys()
    assert not unknown, unknown

    def decorate(operation: _Operation[P, R]) -> _Operation[P, R]:
        @wraps(operation)
        async def guarded(
            storage: Storage, actor: Actor, /, *args: P.args, **options: P.kwargs
        ) -> R:
            for permission in permissions:
                actor.check(permission)
            if unbound:
                actor.check_unbound()
            return await operation(storage, actor, *args, **options)

        setattr(guarded, _NEEDED, permissions)
        return guarded

    return decorate


def needed_by(operation: Callable[..., Any]) -> tuple[str, ...]:
    """Return the permissions that an operation needs. Raises AttributeError for what is none."""
    needed: tuple[str, ...] = getattr(operation, _NEEDED)
    return needed


def check_all(actor: Actor, what: str) -> None:
    """Raise Forbidden for everybody but super-administrators: `what` decides who administers."""
    if not actor.holds(frozenset(PERMISSIONS)) or actor.organization_id is not None:
        raise Forbidden(f"{what} is for super-administrators alone")
