"""Random sequences of what administrators do: model and database agree, nobody climbs, and the
audit trail verifies.

Few and short in `make test`; many and long in `make long`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from porta.runtime import Runtime
from porta.services import audit_proof, audit_sealing
from storage.postgres.driver import Postgres
from tests.handlers.admin_api.random_administration import (
    NUMBER,
    WHO,
    WORD,
    Administration,
    World,
    pick,
)
from tests.world.administrators import Installation

# The server, in another thread of the same process, draws its own numbers meanwhile.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
_FEWEST_ENTRIES, _MOST_BATCHES = 50, 1000
_CLIENT = {
    "deactivate": (("active",), "inactive"),
    "activate": (("inactive",), "active"),
    "revoke": (("active", "inactive"), "revoked"),
}
_USER = {
    "deactivate": (("active",), "inactive"),
    "reactivate": (("inactive",), "active"),
    "suspend": (("active",), "suspended"),
    "unsuspend": (("suspended",), "active"),
    "lock": (("active",), "locked"),
    "unlock": (("locked",), "active"),
}
_PEOPLE = "/organizations/{organizationId}/users"
_DEFINED = {"roles": "roleId", "permissions": "permissionId", "claims": "claimId"}


class Everything(Administration):
    """What is in organizations and applications, too."""

    @initialize()
    def furnish(self) -> None:
        """One of each is there, so that few steps lead far."""
        self.begin()
        for what in _DEFINED:
            self.define("super", 0, "Ann", what)
        self.add_person("super", 0, "Ann", 0)
        self.make_client("super", 0, 0, "Ann")

    @rule(who=WHO, org=NUMBER, app=NUMBER, name=WORD)
    def make_client(self, who: str, org: int, app: int, name: str) -> None:
        home, owner = pick(self.model.orgs, org), pick(self.model.apps, app)
        archived = "archived" in (self.model.orgs[home][1], self.model.apps[owner])
        body = {
            "organizationId": home, "applicationId": owner, "clientName": name,
            "clientType": "public", "redirectUris": ["https://a.example/cb"],
        }  # fmt: skip
        problem = 400 if archived else None
        if made := self.do(
            who, "POST", "/clients", {}, body, org=home, problem=problem, unseen=400
        ):
            self.model.clients[made["id"]] = (home, name, "active")

    @precondition(lambda self: self.model.clients)
    @rule(who=WHO, number=NUMBER, name=WORD)
    def rename_client(self, who: str, number: int, name: str) -> None:
        id = pick(self.model.clients, number)
        org, _, status = self.model.clients[id]
        body = {"clientName": name}
        if self.do(who, "PATCH", "/clients/{clientId}", {"clientId": id}, body, org=org):
            self.model.clients[id] = (org, name, status)

    @precondition(lambda self: self.model.clients)
    @rule(who=WHO, number=NUMBER, change=st.sampled_from(list(_CLIENT)))
    def change_client(self, who: str, number: int, change: str) -> None:
        id = pick(self.model.clients, number)
        (org, name, status), (since, to) = self.model.clients[id], _CLIENT[change]
        template, problem = f"/clients/{{clientId}}/{change}", None if status in since else 400
        if self.do(who, "POST", template, {"clientId": id}, {}, org=org, problem=problem):
            self.model.clients[id] = (org, name, to)

    @rule(who=WHO, number=NUMBER, given=WORD, address=st.integers(0, 5))
    def add_person(self, who: str, number: int, given: str, address: int) -> None:
        org, email = pick(self.model.orgs, number), f"p{address}@random.example"
        known = {(of, theirs) for of, _, _, theirs in self.model.users.values()}
        archived = self.model.orgs[org][1] == "archived"
        problem = 400 if archived else 409 if (org, email) in known else None
        body = {"email": email, "givenName": given}
        path = {"organizationId": org}
        if made := self.do(who, "POST", _PEOPLE, path, body, org=org, problem=problem):
            self.model.users[made["id"]] = (org, given, "active", email)

    @precondition(lambda self: self.model.users)
    @rule(who=WHO, number=NUMBER, given=WORD)
    def rename_person(self, who: str, number: int, given: str) -> None:
        id = pick(self.model.users, number)
        org, _, status, email = self.model.users[id]
        path = {"organizationId": org, "userId": id}
        template = f"{_PEOPLE}/{{userId}}"
        if self.do(who, "PATCH", template, path, {"givenName": given}, org=org):
            self.model.users[id] = (org, given, status, email)

    @precondition(lambda self: self.model.users)
    @rule(who=WHO, number=NUMBER, change=st.sampled_from(list(_USER)), short=st.booleans())
    def change_person(self, who: str, number: int, change: str, short: bool) -> None:
        id = pick(self.model.users, number)
        (org, given, status, email), (since, to) = self.model.users[id], _USER[change]
        template = f"{'/users' if short else _PEOPLE}/{{userId}}/{change}"
        path, problem = {"organizationId": org, "userId": id}, None if status in since else 400
        if self.do(who, "POST", template, path, {}, org=org, problem=problem):
            self.model.users[id] = (org, given, to, email)

    @rule(who=WHO, number=NUMBER, name=WORD, what=st.sampled_from(list(_DEFINED)))
    def define(self, who: str, number: int, name: str, what: str) -> None:
        app = pick(self.model.apps, number)
        slug = self.slug()
        body = {
            "roles": {"name": name, "slug": slug},
            "permissions": {"name": name, "slug": f"a:{slug}:read"},
            "claims": {"claimName": slug.replace("-", "_"), "claimType": "number"},
        }[what]
        template = f"/applications/{{applicationId}}/{what}"
        made = self.do(who, "POST", template, {"applicationId": app}, body)
        if made and what == "roles":
            self.model.roles[made["id"]] = (app, name)
        elif made:
            known = self.model.perms if what == "permissions" else self.model.claims
            known[made["id"]] = app

    @precondition(lambda self: self.model.roles)
    @rule(who=WHO, number=NUMBER, force=st.booleans())
    def delete_role(self, who: str, number: int, force: bool) -> None:
        id = pick(self.model.roles, number)
        held = any(role == id for _, role in self.model.held)
        if self._delete(who, "roles", id, self.model.roles[id][0], force, held):
            del self.model.roles[id]
            self.model.granted = {each for each in self.model.granted if each[0] != id}
            self.model.held = {each for each in self.model.held if each[1] != id}

    @precondition(lambda self: self.model.perms)
    @rule(who=WHO, number=NUMBER, force=st.booleans())
    def delete_permission(self, who: str, number: int, force: bool) -> None:
        id = pick(self.model.perms, number)
        held = any(permission == id for _, permission in self.model.granted)
        if self._delete(who, "permissions", id, self.model.perms[id], force, held):
            del self.model.perms[id]
            self.model.granted = {each for each in self.model.granted if each[1] != id}

    @precondition(lambda self: self.model.claims)
    @rule(who=WHO, number=NUMBER)
    def delete_claim(self, who: str, number: int) -> None:
        id = pick(self.model.claims, number)
        if self._delete(who, "claims", id, self.model.claims[id], False, False):
            del self.model.claims[id]
            values = self.model.values.items()
            self.model.values = {key: value for key, value in values if key[1] != id}

    def _delete(self, who: str, what: str, id: str, app: str, force: bool, held: bool) -> Any:
        template = f"/applications/{{applicationId}}/{what}/{{{_DEFINED[what]}}}"
        path = {"applicationId": app, _DEFINED[what]: id}
        query = {"force": "true"} if force else {}
        problem = 409 if held and not force else None
        return self.do(who, "DELETE", template, path, problem=problem, query=query)

    @precondition(lambda self: self.model.roles and self.model.perms)
    @rule(who=WHO, role=NUMBER, permission=NUMBER, takes=st.booleans())
    def grant(self, who: str, role: int, permission: int, takes: bool) -> None:
        id, granted = pick(self.model.roles, role), pick(self.model.perms, permission)
        app = self.model.roles[id][0]
        template = "/applications/{applicationId}/roles/{roleId}/permissions"
        path, body = {"applicationId": app, "roleId": id}, {"permissionIds": [granted]}
        problem = None if self.model.perms[granted] == app else 400
        if self.do(who, "DELETE" if takes else "PUT", template, path, body, problem=problem):
            change = self.model.granted.discard if takes else self.model.granted.add
            change((id, granted))

    @precondition(lambda self: self.model.roles and self.model.users)
    @rule(who=WHO, user=NUMBER, role=NUMBER, takes=st.booleans())
    def assign(self, who: str, user: int, role: int, takes: bool) -> None:
        holder, id = pick(self.model.users, user), pick(self.model.roles, role)
        org = self.model.users[holder][0]
        path, body = {"organizationId": org, "userId": holder}, {"roleIds": [id]}
        template = f"{_PEOPLE}/{{userId}}/roles"
        if self.do(who, "DELETE" if takes else "PUT", template, path, body, org=org):
            change = self.model.held.discard if takes else self.model.held.add
            change((holder, id))

    @precondition(lambda self: self.model.claims and self.model.users)
    @rule(who=WHO, user=NUMBER, claim=NUMBER, value=st.one_of(NUMBER, st.just("word")))
    def set_value(self, who: str, user: int, claim: int, value: Any) -> None:
        holder, id = pick(self.model.users, user), pick(self.model.claims, claim)
        org = self.model.users[holder][0]
        template = f"{_PEOPLE}/{{userId}}/claims/{{claimId}}"
        path = {"organizationId": org, "userId": holder, "claimId": id}
        problem = 400 if value == "word" else None
        if self.do(who, "PUT", template, path, {"value": value}, org=org, problem=problem):
            self.model.values[holder, id] = value


def _settings(count: int, steps: int) -> settings:
    return settings(
        max_examples=count,
        stateful_step_count=steps,
        deadline=None,
        phases=[Phase.generate],  # made shorter, a sequence would outlast the time of a test
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(installation: Installation) -> AsyncIterator[World]:
    postgres = await Postgres.open(installation.runtime.settings.database_url, 1)
    yield World(installation, postgres, asyncio.get_running_loop())
    await postgres.close()


async def _run(kind: type[RuleBasedStateMachine], world: World, chosen: settings) -> None:
    machine = type(kind.__name__, (kind,), {"world": world})
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=chosen)
    await _verify_trail(world.installation.runtime)


async def _verify_trail(runtime: Runtime) -> None:
    """What was done is in the audit trail, which proves itself to the last entry."""
    storage, keys = runtime.storage.everywhere, runtime.audit_keys
    async with storage.transaction() as tx:
        await audit_sealing.seal_all(tx, keys, _MOST_BATCHES)
    report = await audit_proof.verify(storage, keys.verifiers, keys, patience=0)
    assert (report.problems, report.unsealed, report.without_code) == ([], 0, 0)
    assert report.entries > _FEWEST_ENTRIES
    assert report.chains > 1


async def test_model_and_database_agree_after_each_step(world: World) -> None:
    await _run(Everything, world, _settings(6, 50))


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_model_and_database_agree_after_very_many_steps(world: World) -> None:
    await _run(Everything, world, _settings(60, 80))
