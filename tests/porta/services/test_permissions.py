"""Every operation names the permission that it needs, and refuses whoever lacks it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any
from unittest.mock import Mock

import pytest

from porta.audit.actors import SYSTEM, Actor
from porta.errors import Forbidden
from porta.services import (
    api_resources,
    applications,
    claims,
    client_secrets,
    clients,
    connections,
    organizations,
    roles,
    user_passwords,
    user_roles,
    users,
)
from porta.services.permissions import PERMISSIONS, check_all, needed_by

FAMILIES: tuple[ModuleType, ...] = (
    api_resources,
    connections,
    *(organizations, applications, roles, user_roles, claims, clients, users),
    *(client_secrets, user_passwords),
)

FOR_ALL = (
    user_passwords.expect_stored_costs,
    user_passwords.hash_new,
    client_secrets.hash_new,
    client_secrets.hash_first,
    organizations.hold_for_change,
    claims.hold_claim,
    user_passwords.is_breached,
)
"""What no administrator asks for: a server does, and what is a part of an operation."""


def operations() -> Iterator[Callable[..., Any]]:
    for family in FAMILIES:
        for name, value in vars(family).items():
            own = inspect.isfunction(value) and value.__module__ == family.__name__
            if (
                own
                and not name.startswith("_")
                and value not in FOR_ALL
                and inspect.iscoroutinefunction(value)
            ):
                yield value


@pytest.mark.parametrize(
    "operation", list(operations()), ids=lambda each: f"{each.__module__}.{each.__name__}"
)
async def test_an_operation_refuses_whoever_lacks_its_permission(
    operation: Callable[..., Any],
) -> None:
    """Before anything is read: what is handed over beside the actor would fail otherwise."""
    needed = needed_by(operation)
    assert needed
    rest = [Mock()] * (len(inspect.signature(operation).parameters) - 2)
    for lacking in needed:
        actor = Actor(permissions=frozenset(PERMISSIONS) - {lacking})
        with pytest.raises(Forbidden, match=lacking):
            await operation(Mock(spec=[]), actor, *rest)


@pytest.mark.parametrize(
    "actor",
    [
        Actor(),
        Actor(permissions=frozenset(PERMISSIONS) - {"admin:stats:read"}),
        Actor(permissions=frozenset(PERMISSIONS), organization_id="one"),
    ],
)
def test_super_administrators_hold_every_permission_everywhere(actor: Actor) -> None:
    with pytest.raises(Forbidden, match="this is for super-administrators alone"):
        check_all(actor, "this")
    check_all(Actor(permissions=frozenset(PERMISSIONS)), "this")
    check_all(SYSTEM, "this")
