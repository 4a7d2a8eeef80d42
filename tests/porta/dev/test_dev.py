"""`porta dev` as a person and a script meet it: started, used, interrupted, killed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import psycopg2
import pytest

from tests.porta.dev.processes import gone, wait_for
from tests.world.answers import forms_of
from tests.world.ports import free_port, free_ports

ROOT = Path(__file__).parents[3]
_START_SECONDS = 90


class Dev:
    """A `porta dev` in a folder of its own."""

    def __init__(self, data: Path, *options: str, **environment: str) -> None:
        self.data = data
        self.port = free_ports(3) + 1  # between two that are free too
        self.output = data.with_name(f"{data.name}.{time.monotonic_ns()}.log")
        command = [sys.executable, "-m", "porta", "dev", "--data", str(data)]
        if "--port" not in options:
            command += ["--port", str(self.port)]
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [*command, *options],
                cwd=ROOT,
                stdout=output,
                stderr=output,
                env={**os.environ, "DATABASE_URL": "", "REDIS_URL": "", **environment},
            )

    def ready(self) -> Dev:
        wait_for(lambda: "ready" in self.said or self.process.poll() is not None, _START_SECONDS)
        assert self.process.poll() is None, self.said
        return self

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads((self.data / "dev.json").read_text())
        return facts

    def failed(self) -> str:
        assert self.process.wait(_START_SECONDS) == 1, self.said
        return self.said

    def end(self, number: signal.Signals = signal.SIGINT) -> None:
        pids = list(self.facts["pids"].values())
        self.process.send_signal(number)
        self.process.wait(30)
        wait_for(lambda: all(gone(pid) for pid in pids), 60)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL's own account can reach, unlike pytest's when we are root."""
    made = Path(tempfile.mkdtemp(prefix="porta-dev-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Dev]:
    dev = Dev(folder / "running", "--instances", "2")
    yield dev.ready()
    dev.stop()


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., Dev]]:
    """Start another, which ends with the test; its folder is new unless named."""
    started: list[Dev] = []

    def begin(*options: str, name: str = "", **environment: str) -> Dev:
        data = folder / (name or f"data{time.monotonic_ns()}")
        started.append(Dev(data, *options, **environment))
        return started[-1]

    yield begin
    for dev in started:
        dev.stop()


def test_behind_a_proxy_it_is_the_issuer_that_is_named(start: Callable[..., Dev]) -> None:
    dev = start("--issuer", "https://id.example.test/sso", ISSUER_BASE_URL="https://other.test")
    facts = dev.ready().facts
    assert facts["base_url"] == "https://id.example.test/sso"
    assert facts["instances"] == [f"http://localhost:{dev.port}"]
    issuer = facts["organizations"]["acme"]["issuer"]
    assert issuer == "https://id.example.test/sso/acme"
    answer = httpx.get(f"http://127.0.0.1:{dev.port}/acme/.well-known/openid-configuration")
    assert answer.json()["issuer"] == issuer
    assert "Strict-Transport-Security" in answer.headers
    assert "is where your proxy answers" in dev.said
    assert "secrets.json" in dev.said


def test_dev_json_tells_scripts_everything(running: Dev) -> None:
    facts = running.facts
    assert facts.keys() == {
        "base_url",
        "notes",
        "instances",
        "pids",
        "database_url",
        "redis_url",
        "mail",
        "sign_in",
        "organizations",
    }
    assert facts["sign_in"].keys() == {"url", "email", "password"}
    assert facts["mail"].keys() == {"web", "api"}
    assert facts["instances"] == [f"http://localhost:{running.port + n}" for n in (0, 1)]
    assert facts["base_url"] == facts["instances"][0]
    acme = facts["organizations"]["acme"]
    assert acme.keys() == {"issuer", "people", "clients"}
    assert acme["issuer"] == f"{facts['base_url']}/acme"
    assert all(person.keys() == {"email", "password"} for person in acme["people"])
    methods = {client["token_endpoint_auth_method"] for client in acme["clients"]}
    assert methods == {"client_secret_basic", "client_secret_post", "none"}
    for client in acme["clients"]:
        secret = {"client_secret"} - ({"client_secret"} if is_public(client) else set())
        assert client.keys() - secret == {
            "client_name",
            "client_id",
            "token_endpoint_auth_method",
            "redirect_uris",
        }
    assert set(facts["organizations"]) == {"porta-admin", "acme"}


def is_public(client: dict[str, Any]) -> bool:
    return bool(client["token_endpoint_auth_method"] == "none")


def test_what_holds_secrets_is_for_its_owner_only(running: Dev) -> None:
    for name in ("dev.json", "secrets.json", "postgres/password", "redis/password"):
        assert (running.data / name).stat().st_mode & 0o777 == 0o600, name


def test_a_newcomer_is_told_what_there_is(running: Dev) -> None:
    facts, said = running.facts, running.said
    assert facts["base_url"] in said
    assert facts["mail"]["web"] in said
    assert facts["organizations"]["acme"]["people"][0]["password"] in said
    assert all(value in said for value in facts["sign_in"].values())
    assert "/sign-in" in said
    assert "Porta is ready" in said


def test_every_instance_serves_the_issuer_of_the_first(running: Dev) -> None:
    for url in running.facts["instances"]:
        document = httpx.get(f"{url}/acme/.well-known/openid-configuration", trust_env=False)
        assert document.json()["issuer"] == running.facts["organizations"]["acme"]["issuer"]


def submit(page: httpx.Response, **fields: str) -> tuple[str, dict[str, str]]:
    """Return where the first form of a page goes, and its fields."""
    form = forms_of(page.text)[0]
    return urljoin(str(page.url), form.action), form.fields | fields


def test_the_printed_link_signs_in_and_shows_tokens(running: Dev) -> None:
    link = re.search(r"http://\S+/sign-in", running.said)
    assert link is not None
    person = running.facts["organizations"]["acme"]["people"][0]
    with httpx.Client(follow_redirects=True, trust_env=False, timeout=30) as browser:
        login = browser.get(link[0])
        assert login.status_code == 200, login.text
        url, fields = submit(login, **person)
        shown = browser.post(url, data=fields)
        assert shown.status_code == 200, shown.text
        assert shown.url.path == "/result"
        for part in ("Signed in as", "ID token", "Valid: signed with ES256", "access_token"):
            assert part in shown.text
        assert person["email"] in shown.text
        assert browser.get(str(shown.url)).text == shown.text
        again = browser.get(str(shown.history[-1].url))
        assert again.status_code == 400
        assert "belongs to no sign-in" in again.text


def test_no_line_of_the_summary_ends_in_blanks(running: Dev) -> None:
    assert [line for line in running.said.splitlines() if line != line.rstrip()] == []


def test_mail_is_caught_beside_it(running: Dev) -> None:
    empty = httpx.get(running.facts["mail"]["api"], trust_env=False).json()
    assert empty == {"total": 0, "count": 0, "start": 0, "items": []}


def test_a_folder_and_a_port_belong_to_one_run(running: Dev, start: Callable[..., Dev]) -> None:
    assert "Another process is running porta dev" in start(name=running.data.name).failed()
    taken = start("--port", str(running.port))
    assert f"Port {running.port} is taken. Choose another: porta dev --port" in taken.failed()
    second = start("--port", str(running.port - 1), "--instances", "2")
    assert f"Port {running.port} is taken" in second.failed()
    assert running.process.poll() is None


def test_two_run_beside_each_other_and_data_stays(running: Dev, start: Callable[..., Dev]) -> None:
    first = start(name="kept").ready()
    assert first.facts["database_url"] != running.facts["database_url"]
    before, secrets = first.facts, (first.data / "secrets.json").read_text()
    first.end()
    assert first.process.returncode == 0
    assert not (first.data / "dev.json").exists()
    again = start(name="kept").ready()
    assert (again.data / "secrets.json").read_text() == secrets
    assert clients(again.facts) == clients(before)
    again.end(signal.SIGTERM)


def clients(facts: dict[str, Any]) -> list[Any]:
    return [organization["clients"] for organization in facts["organizations"].values()]


def test_generated_secrets_are_told_on_later_runs_too(
    start: Callable[..., Dev], tmp_path: Path
) -> None:
    seed = tmp_path / "seed.json"
    client = {"client_name": "Robot", "client_type": "confidential", "scope": "read"}
    client |= {"grant_types": ["client_credentials"], "response_types": []}  # type: ignore[dict-item]
    application = {"name": "Machines", "clients": [client]}
    organization = {"name": "Globex", "applications": [application]}
    seed.write_text(json.dumps({"version": "1.0", "organizations": [organization]}))
    first = start("--seed", str(seed), name="generated").ready()
    known = clients(first.facts)
    assert len(known[0][0]["client_secret"]) >= 32
    assert set(first.facts["organizations"]) == {"globex"}
    assert "Try it" not in first.said
    assert re.search(r"Sign-in +none to try: .*a person in the seed who signs in", first.said)
    first.end(signal.SIGKILL)
    again = start("--seed", str(seed), name="generated").ready()
    assert clients(again.facts) == known


def test_a_seed_with_a_mistake_is_told_with_its_place(
    start: Callable[..., Dev], tmp_path: Path
) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text('version: "1.0"\norganizations:\n  - nam: X\n')
    said = start("--seed", str(seed), name="kept").failed()
    assert "organizations[0].nam" in said
    assert "Traceback" not in said


def test_seeds_are_applied_together_and_the_file_at_fault_is_named(
    start: Callable[..., Dev], tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    client = {"client_name": "Robot", "client_type": "confidential", "scope": "read"}
    client |= {"grant_types": ["client_credentials"], "response_types": []}  # type: ignore[dict-item]
    application = {"name": "Half Machines", "clients": [client]}
    first = {"name": "Halfway", "applications": [application]}
    person = {"email": "a@acme.test", "roles": [{"app": "nowhere", "role": "viewer"}]}
    second = {"name": "Other", "users": [person]}
    good.write_text(json.dumps({"version": "1.0", "organizations": [first]}))
    bad.write_text(json.dumps({"version": "1.0", "organizations": [second]}))
    said = start("--seed", str(good), "--seed", str(bad), name="kept").failed()
    assert f"{bad}: " in said
    assert "organizations[0].users[0].roles[0]: there is no application" in said
    again = start("--seed", str(good), name="kept").ready()
    (robot,) = again.facts["organizations"]["halfway"]["clients"]
    assert len(robot["client_secret"]) >= 32
    again.end()


@pytest.mark.parametrize("folder_of", ["a file", "/proc"])
def test_a_folder_that_cannot_be_made_is_told(folder_of: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    data = Path("/proc/x") if folder_of == "/proc" else tmp_path / "file" / "x"
    command = [sys.executable, "-m", "porta", "dev", "--data", str(data)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert f"Error: {data} cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_its_example_it_asks_for_a_seed(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "porta", tmp_path / "porta")  # what a wheel or the image brings
    shutil.copytree(ROOT / "storage", tmp_path / "storage")
    command = [sys.executable, "-m", "porta", "dev", "--data", str(tmp_path / "data")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "examples/dev.yaml" in done.stderr
    assert "--seed" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_is_away_names_its_variable(start: Callable[..., Dev]) -> None:
    away = f"postgresql://porta@127.0.0.1:{free_port()}/porta"
    said = start(DATABASE_URL=away).failed()
    assert "Check DATABASE_URL" in said


def test_the_schema_is_remembered_of_the_own_database_only(
    start: Callable[..., Dev], fresh_database_url: str
) -> None:
    data = "kept"
    start(name=data).ready().end()
    mark = start(name=data, DATABASE_URL=fresh_database_url).ready()
    (mark.data / "postgres" / "schema").unlink()
    mark.end()
    start(name=data, DATABASE_URL=fresh_database_url).ready().end()
    assert not (mark.data / "postgres" / "schema").exists()


def test_a_server_that_dies_ends_the_run_and_says_so(start: Callable[..., Dev]) -> None:
    dev = start(name="kept").ready()
    pids = dev.facts["pids"]
    os.kill(pids[f"server-{dev.port}"], signal.SIGKILL)
    said = dev.failed()
    assert f"The server on port {dev.port} was killed by signal 9" in said
    assert "server.ready" in said  # the end of its log
    assert all(gone(pid) for pid in pids.values())


def test_explicit_databases_are_used_as_they_are(
    start: Callable[..., Dev], fresh_database_url: str, redis_url: str
) -> None:
    dev = start(DATABASE_URL=fresh_database_url, REDIS_URL=redis_url).ready()
    assert dev.facts["database_url"] == fresh_database_url
    assert set(dev.facts["pids"]) == {"dev", f"server-{dev.port}"}
    assert not (dev.data / "postgres").exists()
    dev.end()


@pytest.mark.parametrize(
    "inhabited",
    [
        "INSERT INTO organizations (name, slug) VALUES ('Theirs', 'theirs')",
        "INSERT INTO users (organization_id, email)"
        " SELECT id, 'admin@example.test' FROM organizations WHERE is_super_admin",
    ],
)
def test_a_database_of_others_is_not_written_to(
    start: Callable[..., Dev], fresh_database_url: str, inhabited: str
) -> None:
    run(fresh_database_url, inhabited)
    before = run(fresh_database_url, _CONTENTS)
    said = start(DATABASE_URL=fresh_database_url).failed()
    name = urlsplit(fresh_database_url).path.removeprefix("/")
    assert f"The database {name} holds organizations or people" in said
    assert "Traceback" not in said
    assert run(fresh_database_url, _CONTENTS) == before


def test_a_database_of_an_older_version_is_not_written_to(
    start: Callable[..., Dev], create_database: Callable[..., str]
) -> None:
    url = create_database()
    run(url, (ROOT / "tests" / "storage" / "fixtures" / "porta_1x.sql").read_text())
    run(url, "INSERT INTO organizations (name, slug) VALUES ('Theirs', 'theirs')")
    assert "holds organizations" in start(DATABASE_URL=url).failed()
    assert run(url, "SELECT to_regclass('schema_migrations')") == [(None,)]


_CONTENTS = (
    "SELECT (SELECT json_agg(each) FROM organizations each)::text,"
    " (SELECT json_agg(each) FROM system_config each)::text,"
    " (SELECT count(*) FROM users), (SELECT count(*) FROM signing_keys)"
)


def run(url: str, sql: str) -> list[tuple[object, ...]]:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def test_a_database_belongs_to_the_folder_that_seeded_it(
    start: Callable[..., Dev], fresh_database_url: str
) -> None:
    start(name="seeder", DATABASE_URL=fresh_database_url).ready().end()
    other = start(name="stranger", DATABASE_URL=fresh_database_url).failed()
    assert "not made from this data folder" in other
    start(name="seeder", DATABASE_URL=fresh_database_url).ready().end()
    key = {"SIGNING_KEY_ENCRYPTION_KEY": "ab" * 32}
    said = start(name="seeder", DATABASE_URL=fresh_database_url, **key).failed()
    assert said.startswith("Error: Seeding failed.")
    assert "encrypted under another key" in said


def test_production_is_refused_before_anything_starts(start: Callable[..., Dev]) -> None:
    dev = start(NODE_ENV="production")
    assert "says production" in dev.failed()
    assert not dev.data.exists()


@pytest.mark.parametrize("lines", [0, 1])
def test_it_ends_with_whoever_reads_what_it_says(folder: Path, lines: int) -> None:
    data = folder / "kept"
    process = subprocess.Popen(
        [sys.executable, "-m", "porta", "dev", "--data", data, "--port", str(free_port())],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "DATABASE_URL": "", "REDIS_URL": ""},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stderr:
        for _ in range(lines):
            process.stdout.readline()
        process.stdout.close()
        try:
            assert process.wait(_START_SECONDS) == 0
        finally:
            process.terminate()
        assert process.stderr.read() == ""
    assert not (data / "dev.json").exists()
    assert not (data / "postgres" / "data" / "postmaster.pid").exists()


def test_interrupted_while_it_starts_it_leaves_nothing(start: Callable[..., Dev]) -> None:
    dev = start(name="kept")
    pidfile = dev.data / "postgres" / "data" / "postmaster.pid"
    wait_for(pidfile.exists, _START_SECONDS)
    dev.process.send_signal(signal.SIGINT)
    assert dev.process.wait(30) == 0
    wait_for(lambda: not pidfile.exists(), 60)
    assert not (dev.data / "dev.json").exists()
    redis = urlsplit(f"redis://127.0.0.1:{redis_port(dev.data)}")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((redis.hostname, redis.port), timeout=1)


def redis_port(data: Path) -> int:
    found = re.search(r"port (\d+)", (data / "redis" / "redis.conf").read_text())
    assert found is not None
    return int(found[1])
