"""Data directory of the PostgreSQL that `porta dev` starts: made once, then kept."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from porta.dev import binaries
from porta.dev.binaries import Postgres
from porta.dev.processes import StartFailed, identity, kept_password, write_private

USER = DATABASE = "porta"
SCHEMA_MARK = "schema"
"""The file beside the data that tells which schema the database has; a new one has none."""
_BUILTIN_LOCALES = 17
"""The first version whose C.UTF-8 does not depend on the system."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A data directory ready to be served: by which programs, as which account."""

    data: Path
    postgres: Postgres
    account: pwd.struct_passwd | None
    password: str


def prepare(directory: Path) -> Cluster:
    """Return the cluster kept in `directory`, created on the first call. Raises StartFailed."""
    account = binaries.postgres_account()
    data = directory / "data"
    _check_ours(data)
    version = data / "PG_VERSION"
    kept = int(version.read_text()) if version.exists() else None
    postgres = binaries.readable_by(binaries.locate_postgres(kept), account)
    cluster = Cluster(data, postgres, account, kept_password(directory))
    if kept is None:
        _create(cluster, directory)
    return cluster


def _check_ours(data: Path) -> None:
    """Raise StartFailed when `data` leads to a database that belongs to another folder.

    So it is after a folder was copied: two would share one database, and stop it for each other.
    A folder that was moved takes its database along.
    """
    if not data.is_symlink():
        return
    target = data.resolve()
    owner = _owner(target)
    if owner is None or owner == data:
        return
    if owner.is_symlink() and owner.resolve() == target:
        raise StartFailed(
            f"{data} leads to the database of {owner.parent}, of which it is a copy. Remove "
            f"{data.parent} to begin afresh, or start in the other folder."
        )
    _origin(target).write_text(str(data), encoding="utf-8")


def _create(cluster: Cluster, directory: Path) -> None:
    """Make the cluster under another name first, so that an interrupted start leaves none."""
    target = _home(cluster, directory)
    (directory / SCHEMA_MARK).unlink(missing_ok=True)
    fresh = target.with_name(target.name + ".new")
    for stale in (fresh, target):
        shutil.rmtree(stale, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    if cluster.account:
        os.chown(fresh, cluster.account.pw_uid, cluster.account.pw_gid)
    _initdb(cluster, fresh)
    single = [cluster.postgres.server, "--single", "-D", str(fresh), "postgres"]
    _run(cluster, single, f"CREATE DATABASE {DATABASE}\n")
    fresh.rename(target)
    if target != cluster.data:
        cluster.data.unlink(missing_ok=True)
        cluster.data.symlink_to(target)
        _origin(target).write_text(str(cluster.data), encoding="utf-8")


def _home(cluster: Cluster, directory: Path) -> Path:
    """Return where the data can lie: in `directory`, unless its path is closed to the account."""
    if binaries.reachable(directory, cluster.account):
        return cluster.data
    shared = binaries.shared_folder()
    _sweep(shared)
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    target = shared / f"postgres-{name}"
    _origin(target).unlink(missing_ok=True)  # until it is whole, nobody may sweep it
    return target


def _origin(target: Path) -> Path:
    """Return the file that says which link leads to `target`."""
    return target.with_suffix(".origin")


def _owner(target: Path) -> Path | None:
    try:
        return Path(_origin(target).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _sweep(shared: Path) -> None:
    """Remove data whose link is gone from a temporary folder; elsewhere a disk may be unmounted."""
    for file in shared.glob("postgres-*.origin"):
        link = Path(file.read_text(encoding="utf-8"))
        if link.is_relative_to(tempfile.gettempdir()) and not link.is_symlink():
            shutil.rmtree(file.with_suffix(""), ignore_errors=True)
            file.unlink(missing_ok=True)


def _initdb(cluster: Cluster, fresh: Path) -> None:
    password_file = fresh.with_name(fresh.name + ".password")
    write_private(password_file, cluster.password)
    try:
        if cluster.account:
            os.chown(password_file, cluster.account.pw_uid, cluster.account.pw_gid)
        command = [cluster.postgres.initdb, f"--pgdata={fresh}", f"--username={USER}"]
        options = [f"--pwfile={password_file}", "--auth=scram-sha-256", "--encoding=UTF8"]
        _run(cluster, [*command, *options, *_locale(cluster.postgres.version)])
    finally:
        password_file.unlink()


def _locale(version: int) -> list[str]:
    """Unicode case rules without a language's sort order, by the most portable name there is."""
    if version >= _BUILTIN_LOCALES:
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    return ["--locale=C.UTF-8" if sys.platform == "linux" else "--locale=C"]


def _run(cluster: Cluster, command: list[str], text: str = "") -> None:
    done = subprocess.run(  # noqa: S603 - programs we found
        command,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd="/",
        env=environment(),
        check=False,
        **identity(cluster.account),
    )
    if done.returncode != 0:
        raise StartFailed(f"{Path(command[0]).name} failed:\n{done.stdout.strip()}")


def remove(data: Path) -> None:
    """Remove the data that `data` is, or leads to."""
    target = data.resolve()
    shutil.rmtree(target, ignore_errors=True)
    if target != data:
        _origin(target).unlink(missing_ok=True)


def environment() -> dict[str, str]:
    """Return an environment without PG* variables, which would change what we mean."""
    kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TZ")
    return {"LC_ALL": "C", **{name: os.environ[name] for name in kept if name in os.environ}}
