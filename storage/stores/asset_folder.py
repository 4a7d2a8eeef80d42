"""Asset folder: files by their key below one directory, each written whole or not at all."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from storage.errors import Unreachable
from storage.models.assets import AssetKey

_FOLDER, _FILE = 0o750, 0o640
R = TypeVar("R")


class AssetFolder:
    """A directory, which every instance of an installation has to see."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @classmethod
    def open(cls, path: str) -> AssetFolder:
        """Take the directory at `path`. Raises OSError where it cannot be written to."""
        root = Path(path)
        for name in ("system", "tenants"):
            (root / name).mkdir(mode=_FOLDER, exist_ok=True)
        trial = root / f".{secrets.token_hex(8)}"
        trial.touch(mode=_FILE)
        trial.unlink()
        return cls(root)

    async def put(self, key: AssetKey, content: bytes) -> None:
        """Write beside, then rename: a reader finds the old file or the new one."""
        await _apart(lambda: self._put(self._path(key), content))

    async def get(self, key: AssetKey) -> bytes | None:
        return await _apart(lambda: _read(self._path(key)))

    async def delete(self, key: AssetKey) -> None:
        await _apart(lambda: self._path(key).unlink(missing_ok=True))

    async def clear(self, organization_id: str) -> None:
        folder = self._path(AssetKey(organization_id, "any")).parent
        await _apart(lambda: _remove(folder))

    async def signed_url(self, key: AssetKey, seconds: int) -> str | None:
        return None

    def _path(self, key: AssetKey) -> Path:
        return self._root / str(key)

    def _put(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(mode=_FOLDER, exist_ok=True)
        beside = path.with_name(f".{secrets.token_hex(8)}")
        try:
            with open(beside, "xb", opener=_opener) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, _FILE)


def _read(path: Path) -> bytes | None:
    try:
        with open(path, "rb", opener=_opener) as file:
            return file.read()
    except FileNotFoundError:
        return None


def _remove(folder: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)


async def _apart(work: Callable[[], R]) -> R:
    """Do it in a thread: a disk may take its time. Raises Unreachable where it refuses."""
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        raise Unreachable(f"the folder of assets: {error.strerror}") from error
