"""A running installation: what `porta dev` wrote to dev.json, and the processes behind it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.world.ports import free_ports

ROOT = Path(__file__).parents[2]
SEEDS = (ROOT / "examples" / "dev.yaml", ROOT / "tests" / "flows" / "globex.yaml")
START_SECONDS = 90


@dataclass(slots=True)
class Installation:
    """One `porta dev`, with everything it started."""

    process: subprocess.Popen[str]
    data: Path
    facts: dict[str, Any]

    @property
    def instances(self) -> list[str]:
        """Base URLs of the server processes; all of them serve the issuers of the first."""
        return [str(url) for url in self.facts["instances"]]

    def issuer(self, slug: str) -> str:
        return str(self.facts["organizations"][slug]["issuer"])

    def client(self, slug: str, client_id: str) -> dict[str, Any]:
        clients = self.facts["organizations"][slug]["clients"]
        found: dict[str, Any] = next(c for c in clients if c["client_id"] == client_id)
        return found

    def person(self, slug: str, index: int = 0) -> tuple[str, str]:
        """Return e-mail address and password of somebody of the organization."""
        person = self.facts["organizations"][slug]["people"][index]
        return person["email"], person["password"]

    def at(self, instance: int, url: str) -> str:
        """Return `url`, which names the first instance, as it is reached at another."""
        return url.replace(self.instances[0], self.instances[instance], 1)

    @property
    def link(self) -> str:
        """What the terminal offers to try: it starts a sign-in in a browser."""
        printed = (self.data.parent / f"{self.data.name}.log").read_text()
        found = re.search(r"Try it\s+(http://\S+)", printed)
        assert found is not None, printed
        return found[1]

    def environment(self) -> dict[str, str]:
        """Return what a command needs to work on this installation."""
        secrets: dict[str, str] = json.loads((self.data / "secrets.json").read_text())
        return secrets | {
            "DATABASE_URL": self.facts["database_url"],
            "REDIS_URL": self.facts["redis_url"],
            "ISSUER_BASE_URL": self.facts["base_url"],
        }

    def stop(self) -> None:
        """Stop it as a person would, by Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(90)


@contextmanager
def running(**options: Any) -> Iterator[Installation]:
    """Run `start(**options)` in a folder of its own until the context ends.

    Not in pytest's folder: nobody but its owner may pass that, and PostgreSQL runs as another
    account where this runs as root.
    """
    with tempfile.TemporaryDirectory(prefix="porta-flows-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        installation = start(Path(name) / "data", **options)
        try:
            yield installation
        finally:
            installation.stop()


def start(
    data: Path, *, instances: int = 1, seeds: tuple[Path, ...] = (), **environment: str
) -> Installation:
    """Start `porta dev` with its data in `data`; return when it says that it is ready."""
    command = [sys.executable, "-m", "porta", "dev", "--port", str(free_ports(instances + 2))]
    command += ["--data", str(data), "--instances", str(instances)]
    for seed in seeds:
        command += ["--seed", str(seed)]
    log = data.parent / f"{data.name}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            env={
                **os.environ,
                "DATABASE_URL": "",  # those of the tests are not for accounts of development
                "REDIS_URL": "",
                "LOG_LEVEL": "warn",
                "PYTHONUNBUFFERED": "1",
                **environment,
            },
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        written = log.read_text()
        if process.poll() is not None:
            raise RuntimeError(f"porta dev ended:\n{written}")
        if "ready" in written and (data / "dev.json").exists():
            facts = json.loads((data / "dev.json").read_text())
            return Installation(process, data, facts)
        time.sleep(0.1)
    process.kill()
    raise RuntimeError(f"porta dev is not ready:\n{log.read_text()}")
