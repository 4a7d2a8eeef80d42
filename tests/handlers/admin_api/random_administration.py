"""A model of an installation beside the real one: what administrators of three kinds do to both.

After each operation the answer is the one that the model expects, and the rows of the database are
those of the model. Hypothesis chooses who does what, and makes a failing sequence short.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from handlers.admin_api.route import Route
from handlers.admin_api.table import ROUTES
from storage.postgres.driver import Postgres
from tests.world.administrators import Installation, bearer

ROUTE = {(route.method, route.path): route for route in ROUTES}
T = TypeVar("T")
_numbers = itertools.count(1)
_SQL = """
SELECT 'org', id::text, name || ' ' || status FROM organizations WHERE id::text = ANY(%(ids)s)
UNION ALL SELECT 'app', id::text, status FROM applications WHERE id::text = ANY(%(ids)s)
UNION ALL SELECT 'client', id::text, client_name || ' ' || status FROM clients
    WHERE organization_id::text = ANY(%(ids)s)
UNION ALL SELECT 'user', id::text, coalesce(given_name, '') || ' ' || status FROM users
    WHERE organization_id::text = ANY(%(ids)s)
UNION ALL SELECT 'role', id::text, name FROM roles WHERE application_id::text = ANY(%(ids)s)
UNION ALL SELECT 'perm', id::text, '' FROM permissions WHERE application_id::text = ANY(%(ids)s)
UNION ALL SELECT 'claim', id::text, '' FROM custom_claim_definitions
    WHERE application_id::text = ANY(%(ids)s)
UNION ALL SELECT 'granted', rp.role_id::text, rp.permission_id::text FROM role_permissions rp
    JOIN roles r ON r.id = rp.role_id WHERE r.application_id::text = ANY(%(ids)s)
UNION ALL SELECT 'held', ur.user_id::text, ur.role_id::text FROM user_roles ur
    JOIN users u ON u.id = ur.user_id WHERE u.organization_id::text = ANY(%(ids)s)
UNION ALL SELECT 'value', v.user_id::text, v.claim_id || ' ' || v.value FROM custom_claim_values v
    JOIN users u ON u.id = v.user_id WHERE u.organization_id::text = ANY(%(ids)s)
"""


@dataclass(frozen=True)
class World:
    """What every sequence has, and the loop that it lives on; sequences run in a thread."""

    installation: Installation
    postgres: Postgres
    loop: asyncio.AbstractEventLoop

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def rows(self, sql: str, **parameters: object) -> list[Any]:
        return list(self.wait(self.postgres.fetch(sql, parameters)))


@dataclass
class Actor:
    """Who administers, what they may, and of which organization alone."""

    headers: dict[str, str]
    permissions: set[str]
    own: str | None


@dataclass
class Model:
    """What there is."""

    orgs: dict[str, tuple[str, str]] = field(default_factory=dict)
    apps: dict[str, str] = field(default_factory=dict)
    clients: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """Organization, name, status."""
    users: dict[str, tuple[str, str, str, str]] = field(default_factory=dict)
    """Organization, given name, status, address."""
    roles: dict[str, tuple[str, str]] = field(default_factory=dict)
    perms: dict[str, str] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)
    granted: set[tuple[str, str]] = field(default_factory=set)
    held: set[tuple[str, str]] = field(default_factory=set)
    values: dict[tuple[str, str], int] = field(default_factory=dict)

    def rows(self) -> set[tuple[str, str, str]]:
        """Return it as the database tells it."""
        found = {("org", id, f"{name} {status}") for id, (name, status) in self.orgs.items()}
        found |= {("app", id, status) for id, status in self.apps.items()}
        found |= {("client", id, f"{name} {s}") for id, (_, name, s) in self.clients.items()}
        found |= {("user", id, f"{given} {s}") for id, (_, given, s, _) in self.users.items()}
        found |= {("role", id, name) for id, (_, name) in self.roles.items()}
        found |= {("perm", id, "") for id in self.perms}
        found |= {("claim", id, "") for id in self.claims}
        found |= {("granted", *each) for each in self.granted}
        found |= {("held", *each) for each in self.held}
        return found | {("value", u, f"{claim} {v}") for (u, claim), v in self.values.items()}


WHO = st.sampled_from(["super", "super", "delegate", "users"])
NUMBER = st.integers(0, 99)
WORD = st.sampled_from(["Ann", "Bo", "Cy", "Dee", "Äö"])
_ORG = {
    "suspend": (("active",), "suspended"),
    "activate": (("suspended",), "active"),
    "archive": (("active", "suspended"), "archived"),
    "restore": (("archived",), "active"),
}
_APP = {
    "deactivate": (("active",), "inactive"),
    "activate": (("inactive",), "active"),
    "archive": (("active", "inactive"), "archived"),
}


def pick(known: dict[str, Any], number: int) -> str:
    """Return one of what there is."""
    return list(known)[number % len(known)]


class Administration(RuleBasedStateMachine):
    """Organizations, applications and all that is in them, made and changed in any order."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.http = httpx.Client(base_url=self.world.installation.http.base_url, timeout=60)

    def teardown(self) -> None:
        self.http.close()

    def begin(self) -> None:
        """Make what every sequence begins with: three who administer, and an organization."""
        installation, wait = self.world.installation, self.world.wait
        own = wait(installation.organization())
        self.model.orgs[own.id] = (own.name, "active")
        delegate, users = wait(installation.person()), wait(installation.person("porta-user-admin"))
        wait(installation.delegate(own.id, "porta-super-admin", user=delegate))
        people = {"super": None, "delegate": delegate, "users": users}
        self.actors = {
            name: self._actor(wait(installation.token(person))) for name, person in people.items()
        }
        self.make_application("super")

    def _actor(self, token: str) -> Actor:
        headers = bearer(token)
        me = self.http.get("/me", headers=headers).json()["data"]
        return Actor(headers, set(me["permissions"]), me["organizationId"])

    @staticmethod
    def slug() -> str:
        return f"r-{next(_numbers)}"

    def do(
        self,
        who: str,
        method: str,
        template: str,
        path: dict[str, str],
        body: Any = None,
        *,
        org: str | None = None,
        problem: int | None = None,
        unseen: int = 404,
        query: dict[str, str] | None = None,
    ) -> Any:
        """Do it, and return what was answered where the model says that it is done.

        `org` is whose it is, None for what belongs to nobody; `problem` is the status of a request
        that the one who may is refused, `unseen` that of who sees no such organization.
        """
        route = ROUTE[method, template]
        expected = self._expected(self.actors[who], route, org, problem, unseen)
        url, headers = template.format_map(path), self.actors[who].headers
        answer = self.http.request(method, url, json=body, params=query, headers=headers)
        assert answer.status_code == expected, (who, method, url, body, answer.text)
        if expected >= 300:
            return None
        return answer.json()["data"] if answer.content else True

    @staticmethod
    def _expected(
        actor: Actor, route: Route, org: str | None, problem: int | None, unseen: int
    ) -> int:
        if not set(route.permissions) <= actor.permissions:
            return 403
        if actor.own is not None and not route.delegable:
            return 403
        if actor.own is not None and org is not None and org != actor.own:
            return unseen
        return problem or route.success

    @invariant()
    def model_and_database_agree(self) -> None:
        ids = [*self.model.orgs, *self.model.apps]
        found = {tuple(row) for row in self.world.rows(_SQL, ids=ids)}
        assert found == self.model.rows()

    # organizations and applications

    @rule(who=WHO, name=WORD)
    def make_organization(self, who: str, name: str) -> None:
        body = {"name": name, "slug": self.slug()}
        if made := self.do(who, "POST", "/organizations", {}, body):
            self.model.orgs[made["id"]] = (name, "active")

    @rule(who=WHO, number=NUMBER, name=WORD)
    def rename_organization(self, who: str, number: int, name: str) -> None:
        org = pick(self.model.orgs, number)
        path = {"idOrSlug": org}
        if self.do(who, "PATCH", "/organizations/{idOrSlug}", path, {"name": name}, org=org):
            self.model.orgs[org] = (name, self.model.orgs[org][1])

    @rule(who=WHO, number=NUMBER, change=st.sampled_from(list(_ORG)))
    def change_organization(self, who: str, number: int, change: str) -> None:
        org = pick(self.model.orgs, number)
        (since, to), (name, status) = _ORG[change], self.model.orgs[org]
        template, path = f"/organizations/{{idOrSlug}}/{change}", {"idOrSlug": org}
        problem = None if status in since else 400
        if self.do(who, "POST", template, path, {}, org=org, problem=problem):
            self.model.orgs[org] = (name, to)

    @rule(who=WHO)
    def make_application(self, who: str) -> None:
        body = {"name": "App", "slug": self.slug()}
        if made := self.do(who, "POST", "/applications", {}, body):
            self.model.apps[made["id"]] = "active"

    @precondition(lambda self: self.model.apps)
    @rule(who=WHO, number=NUMBER, change=st.sampled_from(list(_APP)))
    def change_application(self, who: str, number: int, change: str) -> None:
        app = pick(self.model.apps, number)
        since, to = _APP[change]
        template, path = f"/applications/{{applicationId}}/{change}", {"applicationId": app}
        problem = None if self.model.apps[app] in since else 400
        if self.do(who, "POST", template, path, {}, problem=problem):
            self.model.apps[app] = to
