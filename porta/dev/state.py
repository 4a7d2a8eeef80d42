"""State folder of `porta dev`: the secrets made once, and the description of a run."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import porta
from porta.dev.postgres_data import SCHEMA_MARK
from porta.dev.processes import StartFailed, write_private

_SECRETS: Mapping[str, Callable[[], str]] = {
    "COOKIE_KEYS": lambda: secrets.token_urlsafe(48),
    "SIGNING_KEY_ENCRYPTION_KEY": lambda: secrets.token_hex(32),
    "TWO_FACTOR_ENCRYPTION_KEY": lambda: secrets.token_hex(32),
}


def kept_secrets(data: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets of an installation by their environment names.

    What `environ` sets, stands: the database it names may hold what was encrypted with it. The
    rest is made once and kept in `data`, readable by its owner only.
    """
    path = data / "secrets.json"
    kept = _read(path)
    made = {name: make() for name, make in _SECRETS.items() if name not in kept}
    if made:
        write_private(path, _encode(kept | made))
    return {name: environ.get(name) or (kept | made)[name] for name in _SECRETS}


def kept_mark(data: Path) -> str:
    """Return what a database that is not in `data` is marked with before it is seeded from there.

    It is made once, for every database that this folder is used with.
    """
    path = data / "mark.json"
    mark = _read(path).get("mark")
    if not isinstance(mark, str) or not mark:
        mark = secrets.token_urlsafe(16)
        write_private(path, _encode({"mark": mark}))
    return mark


def remember_credentials(data: Path, organizations: dict[str, Any]) -> dict[str, Any]:
    """Return `organizations` with the passwords and client secrets of earlier runs added.

    A database keeps only their hashes, so that what was made on the first run is told by a file.
    """
    path = data / "credentials.json"
    kept = _read(path)
    known = {client_id: secret for client_id, secret in kept.items() if isinstance(secret, str)}
    for organization in organizations.values():
        for client in organization["clients"]:
            if secret := client.get("client_secret"):
                known[client["client_id"]] = secret
            elif client["client_id"] in known:
                client["client_secret"] = known[client["client_id"]]
    if known != kept:
        write_private(path, _encode(known))
    return organizations


def is_schema_current(data: Path) -> bool:
    """Tell whether the database kept in `data` was migrated by the migrations of this version."""
    try:
        return _schema_mark(data).read_text(encoding="utf-8") == _schema()
    except FileNotFoundError:
        return False


def remember_schema(data: Path) -> None:
    """Remember that the database kept in `data`, if it is there, has this version's schema."""
    mark = _schema_mark(data)
    if mark.parent.exists():
        write_private(mark, _schema())


def _schema_mark(data: Path) -> Path:
    return data / "postgres" / SCHEMA_MARK  # it goes when the database is removed


def _schema() -> str:
    migrations = Path(porta.__file__).parent.parent / "storage" / "migrations"
    files = sorted(migrations.glob("*.sql"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def write_description(data: Path, description: Mapping[str, Any]) -> None:
    """Write `dev.json`, which scripts wait for: it is there while everything is running."""
    write_private(data / "dev.json", _encode(description))


def remove_description(data: Path) -> None:
    """Remove `dev.json`: what it describes is not, or no longer, there."""
    (data / "dev.json").unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any]:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise StartFailed(f"{path} cannot be read ({error}). Repair or remove it.") from None
    if not isinstance(kept, dict):
        raise StartFailed(f"{path} is not what it should be. Repair or remove it.")
    return kept


def _encode(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
