"""No sequence of calls makes a user administrator more than that (J.2).

Every route that changes something is called with ids that would be worth something: the
super-admin, roles of administrators, what those permit, the caller itself. Few calls in
`make test`, thousands in `make long`.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any, get_args

import httpx
import pytest

from handlers.admin_api.route import Route
from handlers.admin_api.table import ROUTES
from porta.services.permissions import ADMINISTRATION
from tests.world.administrators import Installation, bearer

_CHANGES = [route for route in ROUTES if route.changes]
_HELD = """
SELECT u.id::text, p.slug FROM users u JOIN user_roles ur ON ur.user_id = u.id
JOIN roles r ON r.id = ur.role_id JOIN applications a ON a.id = r.application_id
JOIN role_permissions rp ON rp.role_id = r.id JOIN permissions p ON p.id = rp.permission_id
WHERE a.slug = %(application)s
UNION SELECT coalesce(d.user_id, d.client_id)::text, p.slug FROM delegations d
JOIN delegation_roles dr ON dr.delegation_id = d.id
JOIN role_permissions rp ON rp.role_id = dr.role_id JOIN permissions p ON p.id = rp.permission_id
"""
_ABOVE = """
SELECT u.id::text, md5(u::text), o.status, (SELECT count(*) FROM role_permissions),
    (SELECT count(*) FROM token_families f WHERE f.account_id = u.id AND f.revoked_at IS NULL)
FROM users u JOIN organizations o ON o.id = u.organization_id
WHERE u.id::text = ANY(%(ids)s) ORDER BY 1
"""
"""Whoever may what a user administrator may not: who could become them would be more."""


@dataclass(frozen=True)
class Worth:
    """Ids that somebody who wants to be more would use."""

    by_name: dict[str, list[str]]
    homes: dict[str, str]
    """The organization of each person."""
    above: list[str]
    """People who may what the caller may not."""

    def of(self, name: str, dice: random.Random) -> str:
        """Return an id for a place of this name, now and then one of another kind."""
        known = self.by_name.get(name.removesuffix("s")) or [
            id for ids in self.by_name.values() for id in ids
        ]
        return dice.choice(known)

    def path(self, route: Route, dice: random.Random) -> dict[str, str]:
        """Return ids for a path; as a rule a person's organization is theirs."""
        path = {name: self.of(name, dice) for name in route.placeholders}
        if {"organizationId", "userId"} <= path.keys() and dice.random() < 0.9:
            path["organizationId"] = self.homes.get(path["userId"], path["organizationId"])
        return path


async def _worth(installation: Installation, own: str) -> Worth:
    application = installation.made.application.id
    permissions = await installation.runtime.storage.everywhere.roles.permissions(application)
    organization = await installation.organization()
    customer = await installation.person(organization_id=organization.id)
    machine, other = await installation.client(), await installation.person("porta-org-admin")
    await installation.token(other)
    root = installation.made.user.id
    return Worth(
        {
            "userId": [own, root, other.id, customer.id],
            "organizationId": [installation.admin_id, organization.id],
            "idOrSlug": [installation.admin_id, organization.id],
            "applicationId": [application],
            "roleId": [role.id for role in await installation.roles()],
            "permissionId": [each.id for each in permissions],
            "clientId": [machine.id, installation.made.client.id],
        },
        {
            own: installation.admin_id,
            root: installation.admin_id,
            other.id: installation.admin_id,
            customer.id: organization.id,
        },
        [root, other.id],
    )


def _value(name: str, hint: Any, worth: Worth, dice: random.Random) -> Any:
    if name.endswith("Ids"):
        return [worth.of(name, dice) for _ in range(dice.randint(1, 2))]
    if name.endswith("Id") or name == "ids":
        return worth.of(name, dice) if name != "ids" else [worth.of("userId", dice)]
    if name == "roles":
        given = {name: worth.of(name, dice) for name in ("applicationId", "roleId")}
        return dice.choice([[], [given]])
    words = [each for each in _leaves(hint) if isinstance(each, str)]
    if words:
        return dice.choice(words)
    plain: dict[str, Any] = {
        "email": "super@admin.example",
        "password": "quiet-otter-paints-nine-lamps",
        "name": "Mine",
        "slug": f"mine-{dice.randint(1, 10**9)}",
        "redirectUris": ["https://mine.example/cb"],
        "grantTypes": ["authorization_code", "client_credentials"],
    }
    return plain.get(name, dice.choice([True, "x", None, 1]))


def _leaves(hint: Any) -> list[Any]:
    found = get_args(hint)
    return [leaf for each in found for leaf in _leaves(each)] if found else [hint]


def _body(route: Route, worth: Worth, dice: random.Random) -> dict[str, Any] | None:
    if route.request is None:
        return None
    fields = route.request.model_fields.items()
    return {
        field.alias or name: _value(field.alias or name, field.annotation, worth, dice)
        for name, field in fields
        if field.is_required() or dice.random() < 0.4
    }


async def _held(installation: Installation) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for holder, permission in await installation.fetch(_HELD, application=ADMINISTRATION):
        found.setdefault(str(holder), set()).add(str(permission))
    return found


async def _climb(installation: Installation, calls: int, seed: int) -> None:
    dice = random.Random(seed)
    person = await installation.person("porta-user-admin")
    may = (await _held(installation))[person.id]
    worth = await _worth(installation, person.id)
    held = await _held(installation)
    above = await installation.fetch(_ABOVE, ids=worth.above)
    assert len(above) == 2
    within = [route for route in _CHANGES if set(route.permissions) <= may]
    succeeded: set[str] = set()
    async with httpx.AsyncClient(base_url=installation.http.base_url, timeout=60) as http:
        for number in range(calls):
            if number % 40 == 0:  # who locked themselves out begins again
                await installation.execute(
                    "UPDATE users SET status = 'active' WHERE id = %(id)s", id=person.id
                )
                http.headers.update(bearer(await installation.token(person)))
            route = dice.choice(within if dice.random() < 0.9 else _CHANGES)
            path = worth.path(route, dice)
            sent = _body(route, worth, dice)
            answer = await http.request(route.method, route.path.format_map(path), json=sent)
            assert answer.status_code < 500, (route, path, sent, answer.text)
            if not answer.is_success:
                continue
            succeeded.add(f"{route.method} {route.path}")
            said = json.dumps([route.method, route.path, path, sent])
            for holder, permissions in (await _held(installation)).items():
                assert permissions <= held.get(holder, set()) | may, said
            assert await installation.fetch(_ABOVE, ids=worth.above) == above, said
    assert any("/users" in each for each in succeeded), "nothing was done at all"


async def test_a_user_administrator_stays_one(installation: Installation) -> None:
    await _climb(installation, 250, seed=1)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_a_user_administrator_stays_one_by_very_many_calls(
    installation: Installation,
) -> None:
    for seed in range(2, 7):
        await _climb(installation, 1500, seed)


async def test_what_would_be_told_is_told(installation: Installation) -> None:
    """The look at who holds what finds what the super-admin gives."""
    person = await installation.person()
    (role,) = [each.id for each in await installation.roles() if each.slug == "porta-super-admin"]
    before = await _held(installation)
    await installation.put(
        f"/organizations/{installation.admin_id}/users/{person.id}/roles", {"roleIds": [role]}
    )
    after = await _held(installation)
    assert "admin:org:create" in after[person.id] - before.get(person.id, set())
