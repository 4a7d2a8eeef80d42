"""Options of `porta dev`: its port, folder, seeds and issuer; and where it refuses."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import porta
from porta.dev import instances as dev_instances
from porta.dev.processes import StartFailed

_SEED = Path(porta.__file__).parent.parent / "examples" / "dev.yaml"


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for."""

    port: int
    data: Path
    seeds: tuple[Path, ...]
    instances: int
    issuer: str | None = None
    """What people and clients call Porta by, where a proxy stands in front."""

    @property
    def base_url(self) -> str:
        return self.issuer or f"http://{dev_instances.HOST}:{self.port}"

    @property
    def ports(self) -> range:
        """Those of the server processes."""
        return range(self.port, self.port + self.instances)

    def command(self, port: int) -> str:
        """Return the command that asks for the same on another port."""
        words = ["porta", "dev", "--port", str(port)]
        if self.data != Path(".porta").resolve():
            words += ["--data", str(self.data)]
        words += (word for seed in self.seeds if seed != _SEED for word in ("--seed", str(seed)))
        if self.instances != 1:
            words += ["--instances", str(self.instances)]
        if self.issuer is not None:
            words += ["--issuer", self.issuer]
        return shlex.join(words)

    def proxies(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return TRUSTED_PROXIES: a proxy of this machine, unless the environment names others."""
        if self.issuer is None or environ.get("TRUSTED_PROXIES"):
            return {}
        return {"TRUSTED_PROXIES": "127.0.0.1,::1"}

    def notes(self) -> list[str]:
        """Return what somebody who set ISSUER_BASE_URL, or a proxy up, should know."""
        if self.issuer is not None:
            places = " and ".join(f"http://127.0.0.1:{port}" for port in self.ports)
            return [f"{self.issuer} is where your proxy answers; it passes everything to {places}"]
        named = _named_issuer()
        if named in (None, self.base_url):
            return []
        return [
            f"ISSUER_BASE_URL ({named}) is not used here; where a proxy answers there, start with"
            f" --issuer {named}"
        ]


def default_seeds() -> tuple[Path, ...]:
    """Return the seed of a checkout. Raises StartFailed in a wheel or image, which have none."""
    if not _SEED.exists():
        raise StartFailed(
            "Only a checkout of Porta brings examples/dev.yaml. Name a file to seed from: "
            "--seed FILE"
        )
    return (_SEED,)


def check_folder(data: Path) -> None:
    """Raise StartFailed where the data folder is the top of a git repository: what stands in it is
    no data of ours, and git would take our secrets for a part of it.
    """
    if (data / ".git").exists():
        raise StartFailed(
            f"{data} is a git repository, and porta dev would strew databases and secrets over it."
            f" Name a folder of its own: --data {shlex.quote(str(data / '.porta'))}"
        )


def check_environment(environ: Mapping[str, str]) -> None:
    """Raise StartFailed in an environment of production, whose databases may be named there too."""
    name = "PORTA_ENV" if environ.get("PORTA_ENV") else "NODE_ENV"
    if environ.get(name, "").strip().lower() == "production":
        raise StartFailed(
            f"{name} says production, and porta dev writes published passwords and client secrets."
            " If it is not, look where DATABASE_URL and REDIS_URL lead, and set"
            " PORTA_ENV=development."
        )


def _named_issuer() -> str | None:
    """Return the ISSUER_BASE_URL that stands in the environment, or in a `.env` file."""
    named = os.environ.get("ISSUER_BASE_URL")
    if named or not Path(".env").exists():
        return named or None
    from porta.config.setting_errors import SettingsInvalid
    from porta.config.single_settings import find_issuer  # dear, and seldom needed

    try:
        return find_issuer()
    except SettingsInvalid:  # nobody reads it here: the servers are told everything
        return None
