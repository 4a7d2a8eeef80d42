"""What is ended at one process is refused at the other within a second (requirement J.7)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from porta.runtime import Runtime
from porta.services import administration
from storage.postgres.driver import Postgres
from tests.factories import challenge_of
from tests.world.administrators import SUPER, bearer
from tests.world.administrators import Installation as Administered
from tests.world.answers import query_in
from tests.world.databases import run_apart
from tests.world.person import Person
from tests.world.processes import Installation
from tests.world.served import settings_for

CALLBACK = "http://127.0.0.1:9009/callback"
VERIFIER = "v" * 43
PASSWORD = "lamps-of-seven-quiet-otters"
WITHIN = 1.0
"""Seconds after which nothing is granted any more that was ended at the other process."""


@dataclass(frozen=True, slots=True)
class Admins:
    """Tokens of the super-admin, and of an administrator with one role."""

    root: str
    lesser: str
    lesser_id: str
    role_id: str
    organization_id: str


@pytest.fixture(scope="module")
def admins(installation: Installation) -> Admins:
    return run_apart(_initialized(installation))


async def _initialized(installation: Installation) -> Admins:
    facts = installation.facts
    settings = settings_for(
        facts["database_url"], facts["redis_url"], issuer_base_url=facts["base_url"]
    )
    runtime = await Runtime.open(settings)
    try:
        made = await administration.initialize(runtime.storage.everywhere, SUPER, runtime.passwords)
        async with httpx.AsyncClient() as unused:
            administered = Administered(runtime, made, unused)
            (role,) = [r for r in await administered.roles() if r.slug == "porta-auditor"]
            person = await administered.person(role.slug)
            return Admins(
                await administered.token(),
                await administered.token(person),
                person.id,
                role.id,
                administered.admin_id,
            )
    finally:
        await runtime.close()


class Tenant:
    """An organization of a test's own, with a person who is signed in, and a client."""

    def __init__(self, installation: Installation, admins: Admins) -> None:
        self.slug = f"e{secrets.token_hex(6)}"
        one, other = installation.instances[:2]
        self.here = httpx.Client(
            base_url=f"{one}/api/admin", headers=bearer(admins.root), timeout=30
        )
        self.there = httpx.Client(base_url=f"{other}/{self.slug}", timeout=30)
        self.issuer = f"{one}/{self.slug}"
        self.id = self.make("/organizations", name=self.slug, slug=self.slug)["id"]
        application = self.make("/applications", name=self.slug, slug=self.slug)["id"]
        self.client = self.make(
            "/clients",
            organizationId=self.id,
            applicationId=application,
            clientName="Web",
            redirectUris=[CALLBACK],
            grantTypes=["authorization_code", "refresh_token", "client_credentials"],
            scope="openid offline_access",
            loginMethods=["password"],
        )
        self.auth = self.client["clientId"], self.client["secret"]["plaintext"]
        self.user = self.make(
            f"/organizations/{self.id}/users",
            email="ann@acme.test",
            emailVerified=True,
            password=PASSWORD,
        )["id"]

    def close(self) -> None:
        self.here.close()
        self.there.close()

    def make(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self.here.post(path, json=body)
        assert answer.is_success, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    def do(self, method: str, path: str) -> None:
        answer = self.here.request(method, path)
        assert answer.is_success, answer.text

    def sign_in(self) -> dict[str, Any]:
        asked = {
            "client_id": self.auth[0],
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "openid offline_access",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        with Person("ann@acme.test", PASSWORD) as person:
            url = str(httpx.URL(f"{self.issuer}/auth", params=asked))
            code = query_in(person.visit(url, CALLBACK))["code"]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        answer = self.post("/token", **form, code_verifier=VERIFIER)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def post(self, path: str, **form: str) -> httpx.Response:
        """Post to the other process, as the client."""
        return self.there.post(path, data=form, auth=self.auth)

    def is_active(self, token: str) -> bool:
        answer = self.post("/token/introspection", token=token)
        assert answer.status_code == 200, answer.text
        return bool(answer.json()["active"])

    def serves_machines(self, *refused: int) -> bool:
        answer = self.post("/token", grant_type="client_credentials", scope="")
        assert answer.status_code in (200, *refused), answer.text
        return answer.status_code == 200


@pytest.fixture
def tenant(installation: Installation, admins: Admins) -> Iterator[Tenant]:
    made = Tenant(installation, admins)
    yield made
    made.close()


Case = Callable[[Tenant, Admins], tuple[Callable[[], None], Callable[[], bool]]]
"""What ends something at one process, and what asks the other whether it is granted."""


def _session(tenant: Tenant, admins: Admins) -> Any:
    token = tenant.sign_in()["access_token"]
    (session,) = tenant.here.get("/sessions", params={"userId": tenant.user}).json()["data"]
    path = f"/sessions/{session['sessionId']}"
    return lambda: tenant.do("DELETE", path), lambda: tenant.is_active(token)


def _person(tenant: Tenant, admins: Admins) -> Any:
    token = tenant.sign_in()["access_token"]
    path = f"/users/{tenant.user}/revoke-tokens"
    return lambda: tenant.do("POST", path), lambda: tenant.is_active(token)


def _suspended(tenant: Tenant, admins: Admins) -> Any:
    token = tenant.sign_in()["access_token"]
    path = f"/users/{tenant.user}/suspend"
    return lambda: tenant.do("POST", path), lambda: tenant.is_active(token)


def _consent(tenant: Tenant, admins: Admins) -> Any:
    token = tenant.sign_in()["access_token"]
    path = f"/organizations/{tenant.id}/users/{tenant.user}/consents/{tenant.client['clientId']}"
    return lambda: tenant.do("DELETE", path), lambda: tenant.is_active(token)


def _client(tenant: Tenant, admins: Admins) -> Any:
    path = f"/clients/{tenant.client['id']}/deactivate"
    return lambda: tenant.do("POST", path), lambda: tenant.serves_machines(401)


def _tokens_of_a_client(tenant: Tenant, admins: Admins) -> Any:
    answer = tenant.post("/token", grant_type="client_credentials", scope="")
    token = answer.json()["access_token"]
    path = f"/clients/{tenant.client['id']}/revoke-tokens"
    return lambda: tenant.do("POST", path), lambda: tenant.is_active(token)


def _secret(tenant: Tenant, admins: Admins) -> Any:
    path = f"/clients/{tenant.client['id']}/secrets/{tenant.client['secret']['id']}"
    return lambda: tenant.do("DELETE", path), lambda: tenant.serves_machines(401)


def _organization(tenant: Tenant, admins: Admins) -> Any:
    path = f"/organizations/{tenant.id}/suspend"
    return lambda: tenant.do("POST", path), lambda: tenant.serves_machines(403)


def _tokens_of_an_organization(tenant: Tenant, admins: Admins) -> Any:
    token = tenant.sign_in()["access_token"]
    path = f"/organizations/{tenant.id}/revoke-tokens"
    return lambda: tenant.do("POST", path), lambda: tenant.is_active(token)


def _role(tenant: Tenant, admins: Admins) -> Any:
    person = f"/organizations/{admins.organization_id}/users/{admins.lesser_id}/roles"
    url = f"{str(tenant.there.base_url).removesuffix(f'{tenant.slug}/')}api/admin/audit"

    def end() -> None:
        body = {"roleIds": [admins.role_id]}
        answer = tenant.here.request("DELETE", person, json=body)
        assert answer.is_success, answer.text

    def granted() -> bool:
        answer = tenant.there.get(url, headers=bearer(admins.lesser))
        assert answer.status_code in (200, 403), answer.text
        return answer.status_code == 200

    return end, granted


@pytest.mark.parametrize(
    "case",
    [
        *(_session, _person, _suspended, _client, _tokens_of_a_client, _secret, _role),
        *(_organization, _tokens_of_an_organization, _consent),
    ],
    ids=lambda case: case.__name__.strip("_"),
)
def test_J7_what_is_ended_at_one_process_is_refused_at_the_other(
    tenant: Tenant, admins: Admins, case: Case
) -> None:
    end, granted = case(tenant, admins)
    assert granted()
    end()
    print(f"\n{case.__name__}: granted for {1000 * _granted_for(granted, WITHIN):.0f} ms after it")
    assert not any(granted() for _ in range(3))


def _granted_for(granted: Callable[[], bool], most: float) -> float:
    """Return the seconds from now to the last request that was granted. Fails beyond `most`.

    A machine that holds the processes up gives no seconds: one that has the time answers a hundred
    requests in each.
    """
    ended = last = time.monotonic()
    answers = 0
    while True:
        sent = time.monotonic()
        if not granted():
            return last - ended
        last = sent
        answers += 1
        late = sent - ended > most and answers > 50 * most
        assert not late, f"granted after {most} seconds, {answers} times"
        time.sleep(0.002)


@pytest.mark.long
def test_J7_where_notifications_are_cut_off_a_minute_is_the_bound(
    installation: Installation, admins: Admins
) -> None:
    """The listener hears, and nobody tells: what is kept is read anew before it is a minute old."""
    run_apart(_notify(installation, "DISABLE"))
    with ExitStack() as opened:
        opened.callback(lambda: run_apart(_notify(installation, "ENABLE")))
        asked = []
        for case in (_client, _tokens_of_a_client, _secret, _organization):
            tenant = Tenant(installation, admins)
            opened.callback(tenant.close)
            end, granted = case(tenant, admins)
            asked.append((case.__name__, end, granted))
        assert all(granted() for _, _, granted in asked)  # and is kept by the other process
        began = time.monotonic()
        for _, end, _ in asked:
            end()
        assert [name for name, _, granted in asked if not granted()] == [], "nothing was cut off"
        for name, _, granted in asked:
            _granted_for(granted, 60 - (time.monotonic() - began))
            print(f"\n{name}: refused after {time.monotonic() - began:.1f} s")


async def _notify(installation: Installation, what: str) -> None:
    postgres = await Postgres.open(installation.facts["database_url"], 1)
    for table in ("clients", "organizations", "client_secrets"):
        await postgres.execute(f"ALTER TABLE {table} {what} TRIGGER notify_changed")
    await postgres.execute(f"ALTER TABLE client_secrets {what} TRIGGER notify_changed_update")
    await postgres.close()
