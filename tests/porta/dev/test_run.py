"""Whatever `porta dev` began to start is stopped, however the start ends."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from porta.dev import mail_catcher, plan, run
from porta.dev.mail_catcher import MailCatcher
from porta.dev.plan import Plan
from porta.dev.processes import StartFailed
from porta.dev.servers import RunningServer


class Slow(RunningServer):
    """A server that is started in a thread, when it is told to, and remembers its end."""

    def __init__(self) -> None:
        super().__init__("slow://")
        self.asked, self.go, self.stopped = threading.Event(), threading.Event(), False

    def start(self, *_: object, **__: object) -> RunningServer:
        self.asked.set()
        assert self.go.wait(30)
        return self

    def stop(self) -> None:
        self.stopped = True


async def until(fact: threading.Event) -> None:
    assert await asyncio.to_thread(fact.wait, 30)


async def test_a_start_that_is_interrupted_waits_and_stops_what_it_started() -> None:
    slow = Slow()
    async with AsyncExitStack() as stack:
        starting = asyncio.create_task(run._start_database(stack, slow.start, "NO_SUCH_URL"))
        await until(slow.asked)
        starting.cancel()
        await asyncio.sleep(0)
        slow.go.set()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert slow.stopped


async def test_a_mail_catcher_that_is_cut_off_leaves_no_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[MailCatcher] = []
    start = mail_catcher.start

    async def remember() -> MailCatcher:
        started.append(await start())
        return started[0]

    monkeypatch.setattr(mail_catcher, "start", remember)
    async with AsyncExitStack() as stack:
        starting = asyncio.create_task(run._start_mail(stack))
        await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert _listening(started[0]) == [False, False]


def _listening(mail: MailCatcher) -> list[bool]:
    """Tell of both its ports whether anybody listens there."""
    ports = (mail.smtp_port, urlsplit(mail.web).port)
    answers = []
    for port in ports:
        with socket.socket() as probe:
            answers.append(probe.connect_ex(("127.0.0.1", port)) == 0)
    return answers


class Planned:
    """The first port that is asked for, and no other."""

    def __init__(self) -> None:
        self.refused: list[object] = []

    def __contains__(self, port: object) -> bool:
        self.refused = self.refused or [port]
        return port in self.refused


async def test_the_mail_catcher_leaves_the_ports_of_the_servers_alone() -> None:
    planned = Planned()
    async with AsyncExitStack() as stack:
        mail = await run._start_mail(stack, planned)
        ports = {mail.smtp_port, urlsplit(mail.web).port}
        assert ports.isdisjoint(planned.refused)
        assert _listening(mail) == [True, True]


@pytest.mark.parametrize(
    "environ",
    [
        {"NODE_ENV": "production"},
        {"PORTA_ENV": "production"},
        {"PORTA_ENV": "", "NODE_ENV": "Production "},
        {"PORTA_ENV": "production", "NODE_ENV": "test"},
    ],
)
def test_production_is_no_place_for_published_passwords(environ: Mapping[str, str]) -> None:
    with pytest.raises(StartFailed, match=r"says production.*PORTA_ENV=development"):
        plan.check_environment(environ)


@pytest.mark.parametrize(
    "environ", [{}, {"NODE_ENV": "test"}, {"PORTA_ENV": "development", "NODE_ENV": "production"}]
)
def test_elsewhere_it_runs(environ: Mapping[str, str]) -> None:
    plan.check_environment(environ)


async def test_a_start_that_fails_stops_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)
    with tempfile.TemporaryDirectory(prefix="porta-dev-") as made:
        data = Path(made)
        data.chmod(0o755)  # PostgreSQL has an account of its own when we are root
        (data / "redis").mkdir()
        (data / "redis" / "password").mkdir()
        async with AsyncExitStack() as stack:
            with pytest.raises(IsADirectoryError):
                await run._start_servers(Plan(3000, data, (), 1), stack)
            assert (data / "postgres" / "server.log").exists(), "it was started"
            assert not (data / "postgres" / "data" / "postmaster.pid").exists()
