"""Real servers for every test that asks: one PostgreSQL, one Redis, a database per module.

They are those of DATABASE_URL and REDIS_URL when set, else started for the run. Under xdist the
controller starts them once; each worker has databases of its own, and a Redis database by number.
"""

from __future__ import annotations

import gc
import itertools
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import hypothesis
import pytest
import pytest_asyncio
import redis

from porta.config.settings import Settings
from porta.limits import even_time
from storage.postgres import migrate, notifications
from storage.postgres.driver import Postgres
from tests.world.databases import WORKERS, Servers, administer, run_apart, with_database
from tests.world.machine import DEMANDED, browser_fault
from tests.world.valkey import Valkey

_MEANT = ("DATABASE_URL", "REDIS_URL")
"""What the caller's environment may say; the rest of it is about other programs than ours."""
_SETTINGS = {name.upper() for name in Settings.model_fields} | {"PORTA_ENV", "NODE_ENV"}
_RUN = secrets.token_hex(6)  # others may use the same server
SHIPPED_STEP = even_time.STEP
"""What `impatient` shortens."""
_numbers = itertools.count(1)
_LONG = (
    *("tests/flows", "tests/porta/pages", "tests/porta/dev", "tests/porta/jobs", "tests/porta/cli"),
    *("tests/handlers/admin_api", "tests/handlers/ops", "tests/security", "tests/succession"),
    *("tests/storage/redis", "tests/test_setup.py"),
)
"""Where browsers and processes are started, and servers taken away."""


_SERVERS = pytest.StashKey[Servers]()


# What an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("porta", deadline=None)
hypothesis.settings.load_profile("porta")


def pytest_configure(config: pytest.Config) -> None:
    if sys.version_info < (3, 11, 4) and config.option.tbstyle == "auto":
        # There ast.parse raises SystemError in the greenlets that Playwright runs in (gh-106905),
        # and a failing test would take its worker along instead of being shown.
        config.option.tbstyle = "native"
    for name in tuple(os.environ):
        if name not in _MEANT and _leads_elsewhere(name):
            del os.environ[name]
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Begun in a shell's background: what we start would inherit that, and never hear Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.umask(0o022)
    if os.geteuid() == 0 and not _is_open(Path(tempfile.gettempdir())):
        tempfile.tempdir = next(f for f in ("/tmp", "/var/tmp") if _is_open(Path(f)))
    config.stash[_SERVERS] = Servers()


def pytest_sessionstart(session: pytest.Session) -> None:
    if DEMANDED and (fault := browser_fault()):
        pytest.exit(f"{fault}, and PORTA_TEST_ALL lets no test be skipped", returncode=1)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect the tests, all of which stay to the end: nobody looks through them for garbage."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def _is_open(folder: Path) -> bool:
    """Whether everybody may pass: PostgreSQL has an account of its own when we are root."""
    return all(path.stat().st_mode & 0o001 for path in (folder, *folder.parents))


def _leads_elsewhere(name: str) -> bool:
    """Whether a variable sets up Porta, an HTTP client, or libpq where no database is named."""
    ours_to_name = name.startswith("PG") and not os.environ.get("DATABASE_URL")
    return name in _SETTINGS or name.upper().endswith("_PROXY") or ours_to_name


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[_SERVERS].stop()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two for each processor: a test waits for servers and browsers half of its time."""
    return WORKERS


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long: at the end nobody waits for the last of them."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist where the servers are."""
    servers = node.config.stash[_SERVERS]
    node.workerinput["porta_servers"] = (servers.postgres, servers.redis)


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> str:
    """The maintenance database of the server."""
    given = getattr(request.config, "workerinput", {}).get("porta_servers")
    return str(given[0]) if given else request.config.stash[_SERVERS].postgres


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest) -> str:
    """A Redis database that belongs to this worker alone."""
    return _redis_of(request.config)


@pytest.fixture(scope="module", autouse=True)
def uncounted(request: pytest.FixtureRequest) -> None:
    """What other modules did from our address, within the hour, is not held against this one.

    A Redis that was named by who runs the tests is left as it is.
    """
    begun = hasattr(request.config, "workerinput") or request.config.stash[_SERVERS].has_redis
    if begun and not os.environ.get("REDIS_URL"):
        with redis.Redis.from_url(_redis_of(request.config)) as connection:
            connection.flushdb()


def _redis_of(config: pytest.Config) -> str:
    given = getattr(config, "workerinput", {})
    number = int(given.get("workerid", "gw0").removeprefix("gw")) % 16
    url = given["porta_servers"][1] if given else config.stash[_SERVERS].redis
    return with_database(url, str(number))


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Valkey]:
    """A Redis for this test alone, to be stopped, frozen and started again."""
    server = Valkey(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session", autouse=True)
def impatient() -> Iterator[None]:
    """A hundred wrong passwords need not each wait for the same time to pass."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(even_time, "STEP", 0.001)
        yield


@pytest.fixture(scope="session", autouse=True)
def trusting() -> Iterator[None]:
    """Each client of HTTPX would read the authorities of this machine anew: 50 ms of every test."""
    with pytest.MonkeyPatch.context() as patch:
        known = cache(httpx.create_ssl_context)
        patch.setattr("httpx._transports.default.create_ssl_context", known)
        yield


@pytest.fixture(scope="session", autouse=True)
def lasting() -> Iterator[None]:
    """A database that is slow, as the machine is, must not be taken for one that is silent.

    What would then be read anew is counted, and listened for, by many a test.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notifications, "PATIENCE", 8.0)
        yield


@pytest.fixture(scope="session")
def create_database(postgres_url: str) -> Iterator[Callable[..., str]]:
    """A function that makes a database and returns its URL; `template` names another to copy."""
    made: list[str] = []

    def create(template: str = "template0") -> str:
        name = f"porta_test_{_RUN}_{next(_numbers)}"
        run_apart(administer(postgres_url, f"CREATE DATABASE {name} TEMPLATE {template}"))
        made.append(name)
        return with_database(postgres_url, name)

    yield create
    if not os.environ.get("DATABASE_URL"):
        return  # a server of our own goes with all that is in it; hundreds of them take minutes
    for name in made:
        run_apart(administer(postgres_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def template(create_database: Callable[..., str]) -> str:
    """The name of a migrated database, to be copied."""
    url = create_database()
    run_apart(migrate.up(url))
    return urlsplit(url).path.removeprefix("/")


@pytest.fixture(scope="module")
def database_url(create_database: Callable[..., str], template: str) -> str:
    """A migrated database for this module."""
    return create_database(template)


@pytest.fixture
def fresh_database_url(create_database: Callable[..., str], template: str) -> str:
    """A migrated database for this test."""
    return create_database(template)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pg(database_url: str) -> AsyncIterator[Postgres]:
    """A pool on the database of this module, in which a busy machine may take its time."""
    postgres = await Postgres.open(database_url, statement_timeout=60.0)
    yield postgres
    await postgres.close()
