"""Imports over HTTP: once, with the caller's own rights, at once or by a job that tells all."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from porta.jobs import JOBS
from porta.security.connection_secrets import open_secret
from porta.services import imports
from porta.services.permissions import PERMISSIONS
from storage.repositories.job_results import JobResults
from storage.repositories.jobs import Jobs
from tests.handlers.admin_api.examples_of_imports import document
from tests.porta.jobs.workers import working
from tests.world.administrators import Installation, bearer
from tests.world.waiting import eventually

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43


def many(count: int = imports.MOST_AT_ONCE + 20) -> list[dict[str, str]]:
    return [{"email": f"p{n}@acme.test", "given_name": f"P{n}"} for n in range(count)]


@pytest_asyncio.fixture
async def worker(installation: Installation) -> AsyncIterator[None]:
    async with working(installation.runtime, *JOBS):
        yield


async def ended(api: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    async def over() -> bool:
        found.update((await api.get(f"/import/{job_id}")).json()["data"])
        return found["state"] in ("done", "dead")

    await eventually(over, seconds=60)  # an idle worker looks every ten
    return found


async def test_what_is_long_is_done_by_a_job_that_tells_all(
    api: httpx.AsyncClient, installation: Installation, worker: None
) -> None:
    manifest = document(users=many())
    slug = manifest["organizations"][0]["slug"]
    key = {"Idempotency-Key": secrets.token_hex(8)}
    body = {"mode": "merge", "manifest": manifest}
    first = await api.post("/import", json=body, headers=key)
    again = await api.post("/import", json=body, headers=key)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["jobId"] == again.json()["jobId"]
    told = await ended(api, first.json()["jobId"])
    assert told["state"] == "done"
    assert len(told["report"]["created"]) == 1 + len(many())
    assert told["progress"]["done"] == told["progress"]["total"]
    listed = (await api.get(f"/organizations/{await _id(api, slug)}/users")).json()
    assert listed["total"] == len(many())
    (row,) = await installation.fetch(
        "SELECT result FROM job_results WHERE job_id = %(id)s", id=first.json()["jobId"]
    )
    assert "acme.test" not in row[0]


async def test_who_asks_while_it_ends_is_never_told_done_without_its_report(
    api: httpx.AsyncClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job and its report are read one after the other, and it ends between the two."""
    body = {"mode": "merge", "manifest": document(users=many())}
    job_id = int((await api.post("/import", json=body)).json()["jobId"])
    jobs = installation.runtime.storage.everywhere.jobs

    async def done() -> bool:
        job = await jobs.find(job_id)
        return job is not None and job.ended

    def ends_after(repository: type[Any]) -> None:
        find = repository.find

        async def found(*args: Any) -> Any:
            monkeypatch.undo()
            read = await find(*args)
            async with working(installation.runtime, *JOBS):
                await eventually(done, seconds=60)
            return read

        monkeypatch.setattr(repository, "find", found)

    ends_after(Jobs)
    ends_after(JobResults)
    told = (await api.get(f"/import/{job_id}", timeout=60)).json()["data"]
    assert (told["state"] == "done") <= (told["report"] is not None)


async def _id(api: httpx.AsyncClient, slug: str) -> str:
    return str((await api.get(f"/organizations/{slug}")).json()["data"]["id"])


async def test_a_job_has_the_rights_of_the_moment_it_is_done(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    """Asked for by somebody who may, and done when they may no more: nothing is."""
    person = await installation.person("porta-super-admin")
    headers = bearer(await installation.token(person))
    manifest = document(users=many())
    slug = manifest["organizations"][0]["slug"]
    body = {"mode": "merge", "manifest": manifest}
    answer = await api.post("/import", json=body, headers=headers)
    await installation.execute("DELETE FROM user_roles WHERE user_id = %(id)s", id=person.id)
    async with working(installation.runtime, *JOBS):
        job_id = answer.json()["jobId"]

        async def done() -> bool:
            job = await installation.runtime.storage.everywhere.jobs.find(int(job_id))
            return job is not None and job.ended

        await eventually(done, seconds=60)
    assert (await api.get(f"/organizations/{slug}")).status_code == 404
    assert (await api.get(f"/import/{job_id}")).status_code == 404  # not who asked for it


async def test_what_a_job_refuses_is_told_with_every_path(
    api: httpx.AsyncClient, installation: Installation, worker: None
) -> None:
    del installation
    users: list[dict[str, Any]] = [*many(), {"email": "z@acme.test", "roles": [
        {"app": "nowhere", "role": "x"}]}]  # fmt: skip
    body = {"mode": "merge", "manifest": document(users=users)}
    told = await ended(api, (await api.post("/import", json=body)).json()["jobId"])
    (problem,) = told["report"]["errors"]
    assert problem["path"] == f"manifest.organizations[0].users[{len(many())}].roles[0]"
    assert told["report"]["created"] == []


async def test_a_dry_run_changes_nothing_and_tells_the_same(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    del installation
    manifest = document(users=[{"email": "a@acme.test"}])
    slug = manifest["organizations"][0]["slug"]
    tried = await api.post("/import", json={"mode": "merge", "dryRun": True, "manifest": manifest})
    assert (await api.get(f"/organizations/{slug}")).status_code == 404
    done = await api.post("/import", json={"mode": "merge", "manifest": manifest})
    assert [tried.json()["mode"], done.json()["mode"]] == ["dry-run", "merge"]
    assert tried.json()["created"] == done.json()["created"]
    again = await api.post("/import", json={"mode": "merge", "manifest": manifest})
    assert (again.json()["created"], len(again.json()["skipped"])) == ([], 2)


async def test_a_key_has_it_take_effect_once_and_a_secret_told_again(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    del installation
    clients = [
        {
            "client_name": "Web",
            "client_type": "confidential",
            "redirect_uris": ["https://acme.test/cb"],
        }
    ]
    slug = f"a{secrets.token_hex(6)}"
    manifest = document(applications=[{"name": "Shop", "slug": slug, "clients": clients}])
    body, key = {"mode": "merge", "manifest": manifest}, secrets.token_hex(8)
    answers = await asyncio.gather(
        *(api.post("/import", json=body, headers={"Idempotency-Key": key}) for _ in range(4))
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    told = [answer.json() for answer in answers if answer.status_code == 200]
    assert told
    last = await api.post("/import", json=body, headers={"Idempotency-Key": key})
    assert last.headers["Idempotency-Replayed"] == "true"
    assert {each["credentials"][0]["secretPlaintext"] for each in (*told, last.json())} == {
        told[0]["credentials"][0]["secretPlaintext"]
    }
    other = {**body, "manifest": document()}
    refused = await api.post("/import", json=other, headers={"Idempotency-Key": key})
    assert refused.status_code == 422


PARTS: dict[str, tuple[str, dict[str, Any]]] = {
    "admin:org:create": ("organization", {}),
    "admin:app:create": ("application", {"applications": [{"name": "A", "slug": "the-app"}]}),
    "admin:user:create": ("user", {"users": [{"email": "a@acme.test"}]}),
    "admin:client:create": (
        "api_resource",
        {"api_resources": [{"identifier": "https://api.test", "name": "API"}]},
    ),
    "admin:config:update": ("config", {}),
}


@pytest.mark.parametrize("missing", PARTS)
async def test_security_J2_an_import_may_not_do_what_its_caller_may_not_one_by_one(
    api: httpx.AsyncClient, installation: Installation, missing: str
) -> None:
    _, parts = PARTS[missing]
    manifest = document(**parts)
    if missing == "admin:config:update":
        manifest["config"] = {"session_ttl": 86_400}
    person = await installation.person_with(*(set(PERMISSIONS) - {missing}))
    headers = bearer(await installation.token(person))
    for mode in ("dry-run", "merge", "overwrite"):
        body = {"mode": mode, "manifest": manifest}
        answer = await api.post("/import", json=body, headers=headers)
        assert answer.status_code == 403, (mode, answer.text)
        assert missing in answer.text
    slug = manifest["organizations"][0]["slug"]
    assert (await api.get(f"/organizations/{slug}")).status_code == 404


async def test_security_J2_an_import_gives_no_role_that_its_caller_lacks(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    """Not to others, not to themselves, not by a permission that a role gets."""
    own = {"admin:import:write", "admin:org:read", "admin:app:read", "admin:user:read"}
    own |= {"admin:role:assign", "admin:role:read", "admin:role:update", "admin:permission:read"}
    person = await installation.person_with(*own)
    headers = bearer(await installation.token(person))
    home = {"name": "Porta Admin", "slug": "porta-admin"}
    role = {"app": "porta-admin", "role": "porta-super-admin"}
    raised = {**home, "users": [{"email": person.email, "roles": [role]}]}
    slug = (
        await installation.runtime.storage.everywhere.user_roles.of_user(
            person.id, installation.admin_id
        )
    )[0].slug
    grown = {
        **home,
        "applications": [
            {
                "name": "Porta Admin",
                "slug": "porta-admin",
                "roles": [{"name": "R", "slug": slug, "permissions": ["admin:key:rotate"]}],
            }
        ],
    }
    for organization in (raised, grown):
        manifest = {"version": "1.0", "organizations": [organization]}
        for mode in ("merge", "overwrite"):
            body = {"mode": mode, "manifest": manifest}
            answer = await api.post("/import", json=body, headers=headers)
            assert answer.status_code == 403, answer.text
    told = (await api.get("/me", headers=headers)).json()["data"]
    assert set(told["permissions"]) == own


async def test_who_may_not_read_is_not_told_what_is_there(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    made = await installation.organization()
    person = await installation.person_with("admin:import:write", "admin:org:create")
    headers = bearer(await installation.token(person))
    manifest = {"version": "1.0", "organizations": [{"name": "X", "slug": made.slug}]}
    answer = await api.post(
        "/import", json={"mode": "merge", "manifest": manifest}, headers=headers
    )
    assert answer.status_code == 403
    assert made.name not in answer.text.replace(made.slug, "")


async def test_who_administers_one_organization_imports_into_that_one(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    mine, other = await installation.organization(), await installation.organization()
    person = await installation.person()
    await installation.delegate(mine.id, "porta-super-admin", user=person)
    headers = bearer(await installation.token(person))

    async def send(slug: str, **more: Any) -> httpx.Response:
        entry = {"name": slug, "slug": slug, "users": [{"email": "a@acme.test"}], **more}
        manifest = {"version": "1.0", "organizations": [entry]}
        body = {"mode": "merge", "manifest": manifest}
        return await api.post("/import", json=body, headers=headers)

    assert (await send(mine.slug)).status_code == 200
    for people in ([], [{"email": "a@acme.test"}]):
        refused = [await send(slug, users=people) for slug in (other.slug, "no-such-one")]
        assert {answer.status_code for answer in refused} == {400}
        assert len({str(answer.json()["details"]) for answer in refused}) == 1
        assert "not found" in refused[0].text
    config = {"version": "1.0", "organizations": [], "config": {"session_ttl": 60}}
    body = {"mode": "merge", "manifest": config}
    assert (await api.post("/import", json=body, headers=headers)).status_code == 403
    alone = {"mode": "merge", "users": [{"email": "b@acme.test"}]}
    at = f"/organizations/{other.id}/users/import"
    assert (await api.post(at, json=alone, headers=headers)).status_code == 404
    assert (
        await installation.runtime.storage.everywhere.users.find_by_email(other.id, "a@acme.test")
    ) is None


async def test_a_flat_manifest_of_1x_is_taken_with_its_own_paths(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    slug, app = f"f{secrets.token_hex(6)}", f"a{secrets.token_hex(6)}"
    at, both = {"organization_slug": slug}, {"organization_slug": slug, "application_slug": app}
    manifest: dict[str, Any] = {
        "version": "1.0",
        "exportedAt": "2026-01-01T00:00:00Z",
        "organizations": [{"name": "Flat", "slug": slug, "branding_company_name": "Flat Ltd."}],
        "applications": [{"name": "App", "slug": app, **at}],
        "clients": [{"client_name": "Web", "client_type": "confidential", "secret_label": "one",
                     "redirect_uris": ["https://acme.test/cb"], **both}],
        "roles": [{"name": "Clerk", "slug": "clerk", **both}],
        "permissions": [{"name": "Read", "slug": f"{app}:x:read", **both}],
        "claim_definitions": [{"name": "Level", "slug": "level", **both}],
        "role_permission_mappings": [
            {"role_slug": "clerk", "permission_slugs": [f"{app}:x:read"], **both}],
        "application_modules": [{"name": "Deals", "slug": "deals", **both}],
        "users": [{"email": "ann@acme.test", "password_hash": HASH, **at}],
        "user_role_assignments": [{"email": "Ann@acme.test", "role_slug": "clerk", **both}],
        "user_claim_values": [
            {"email": "ann@acme.test", "claim_slug": "level", "value": "x", **both}],
    }  # fmt: skip
    answer = await api.post("/import", json={"mode": "merge", "manifest": manifest})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert {each["type"] for each in told["created"]} == {
        *("organization", "application", "client", "client_secret", "role", "permission"),
        *("claim_definition", "role_permission", "module", "user", "user_role", "claim_value"),
    }
    assert told["credentials"][0]["secretLabel"] == "one"
    made = await installation.runtime.storage.everywhere.users.find_by_email(
        await _id(api, slug), "ann@acme.test"
    )
    assert made is not None
    assert made.password_hash == HASH
    manifest["user_role_assignments"][0]["role_slug"] = "chief"
    manifest["clients"][0]["redirect_uris"] = ["http://evil.test"]
    manifest["roles"].append({"name": "Lost", "slug": "lost", "organization_slug": slug,
                              "application_slug": "nowhere"})  # fmt: skip
    refused = await api.post("/import", json={"mode": "merge", "manifest": manifest})
    paths = {each["path"] for each in refused.json()["details"]}
    assert {
        "manifest.roles[1]",
        "manifest.clients[0].redirect_uris[0]",
        "manifest.user_role_assignments[0]",
    } <= paths, paths


async def test_what_was_exported_as_csv_is_imported_as_it_was(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    home, other = await installation.organization(), await installation.organization()
    users: list[dict[str, Any]] = [
        {"email": "a@acme.test", "given_name": "=1+1", "phone_number": "+41 44", "locale": "de"},
        {"email": "b@acme.test", "family_name": 'O\'Neill; "x"', "email_verified": True},
    ]
    at = f"/organizations/{home.id}/users/import"
    assert (await api.post(at, json={"mode": "merge", "users": users})).status_code == 200
    file = await api.get("/export/users", params={"organizationId": home.id, "format": "csv"})
    body = {"mode": "merge", "csv": file.text}
    answer = await api.post(f"/organizations/{other.id}/users/import", json=body)
    assert answer.status_code == 200, answer.text
    for told in users:
        found = await installation.runtime.storage.everywhere.users.find_by_email(
            other.id, str(told["email"])
        )
        assert found is not None
        assert {name: getattr(found, name) for name in told} == told


@pytest.mark.parametrize(
    "password_hash",
    [
        "$2b$12$" + "a" * 53,
        HASH.replace("argon2id", "argon2i"),
        HASH.replace("m=65536", "m=1048576"),
        HASH.replace("t=3", "t=99"),
        HASH.replace("v=19", "v=16"),
        HASH[:30],
        HASH + "\n",
        "",
        "plain password",
    ],
    ids=["bcrypt", "argon2i", "memory", "passes", "version", "cut", "newline", "empty", "plain"],
)
async def test_a_hash_that_would_never_verify_is_refused(
    api: httpx.AsyncClient, installation: Installation, password_hash: str
) -> None:
    home = await installation.organization()
    body = {"mode": "merge", "users": [{"email": "a@acme.test", "password_hash": password_hash}]}
    answer = await api.post(f"/organizations/{home.id}/users/import", json=body)
    assert answer.status_code == 400
    assert [each["path"] for each in answer.json()["details"]] == ["users[0].password_hash"]
    assert len(password_hash) < 8 or password_hash not in answer.text


async def test_a_body_is_as_long_as_an_import_may_be_and_no_longer(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    home = await installation.organization()
    at = f"/organizations/{home.id}/users/import"
    body: dict[str, Any] = {
        "mode": "dry-run",
        "users": [{"email": f"p{n}@{'a' * 50}.test"} for n in range(2000)],
    }
    assert (await api.post(at, json=body)).status_code == 202
    large = {"mode": "dry-run", "csv": "email\n" + "x" * 800_000}
    assert (await api.post(at, json=large)).status_code == 413


async def test_connections_are_imported_with_the_keys_of_the_server(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    """And exported with the configuration of their organization, without what they keep secret."""
    connection = {
        "name": "Work",
        "provider": "google",
        "client_id": "x",
        "client_secret": "s-3cr3t",
    }
    manifest = document(connections=[connection], domains=[{"domain": "a.example"}])
    answer = await api.post("/import", json={"mode": "merge", "manifest": manifest})
    assert answer.status_code == 200, answer.text
    created = [(each["type"], each["slug"]) for each in answer.json()["created"]]
    assert {("connection", "Work"), ("domain", "a.example")} <= set(created)
    home = await _id(api, manifest["organizations"][0]["slug"])
    (made,) = (await api.get(f"/organizations/{home}/connections")).json()["data"]
    storage = installation.runtime.storage.everywhere
    stored = await storage.connections.find(made["id"])
    assert stored is not None
    assert stored.client_secret is not None
    keys = installation.runtime.settings.signing_key_encryption_keys
    assert open_secret(stored.client_secret, stored.id, keys) == "s-3cr3t"
    told = (await api.get(f"/organizations/{home}/configuration")).json()
    assert "s-3cr3t" not in f"{answer.text}{told}"
    assert "'domain': 'a.example'" in str(told)
