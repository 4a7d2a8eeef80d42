"""Asset stores: files by their key, in PostgreSQL or wherever else a URL says."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol
from urllib.parse import unquote, urlsplit

from storage.errors import AssetsUnusable, Unreachable
from storage.models.assets import AssetKey, BucketAccess
from storage.postgres.statement import Executor
from storage.stores.asset_folder import AssetFolder

_LOG = logging.getLogger(__name__)
AfterCommit = Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]


class AssetStore(Protocol):
    """Keeps files of some hundred KB. Each method raises StorageError."""

    async def put(self, key: AssetKey, content: bytes) -> None:
        """Keep `content`, in the place of what is there."""

    async def get(self, key: AssetKey) -> bytes | None:
        """Return what is kept, or None."""

    async def delete(self, key: AssetKey) -> None:
        """Keep it no longer; nothing where there is none."""

    async def clear(self, organization_id: str) -> None:
        """Keep nothing of an organization."""

    async def signed_url(self, key: AssetKey, seconds: int) -> str | None:
        """Return a URL at which whoever has it may download a file for so long; None where files
        have no URL of their own. Raises ValueError for more than LONGEST_SIGNED.
        """


class PostgresAssets:
    """The table `assets`: part of the transaction, gone with the organization."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def put(self, key: AssetKey, content: bytes) -> None:
        await self._pg.execute(
            """
            INSERT INTO assets (key, organization_id, content)
            VALUES (%(key)s, %(organization_id)s::uuid, %(content)s)
            ON CONFLICT (key) DO UPDATE SET content = EXCLUDED.content, created_at = now()
            """,
            {"key": str(key), "organization_id": key.organization_id, "content": content},
        )

    async def get(self, key: AssetKey) -> bytes | None:
        row = await self._pg.fetchrow(
            "SELECT content FROM assets WHERE key = %(key)s",
            {"key": str(key), "organization_id": key.organization_id},
        )
        return bytes(row[0]) if row else None

    async def delete(self, key: AssetKey) -> None:
        await self._pg.execute("DELETE FROM assets WHERE key = %(key)s", {"key": str(key)})

    async def clear(self, organization_id: str) -> None:
        await self._pg.execute(
            "DELETE FROM assets WHERE organization_id = %(id)s", {"id": organization_id}
        )

    async def signed_url(self, key: AssetKey, seconds: int) -> str | None:
        return None


class BesideTransaction:
    """A store that takes no part in transactions: it keeps at once, and forgets after the commit.

    What is kept for a change that is rolled back lies there unused, and nothing that is still
    named is ever missing. A change that is committed stands, also where nothing can be forgotten
    at that moment: what is left lies there unused too, and the log names it.
    """

    def __init__(self, store: AssetStore, after_commit: AfterCommit) -> None:
        self._store = store
        self._after_commit = after_commit

    async def put(self, key: AssetKey, content: bytes) -> None:
        await self._store.put(key, content)

    async def get(self, key: AssetKey) -> bytes | None:
        return await self._store.get(key)

    async def delete(self, key: AssetKey) -> None:
        await self._forget(partial(self._store.delete, key), str(key))

    async def clear(self, organization_id: str) -> None:
        await self._forget(partial(self._store.clear, organization_id), organization_id)

    async def signed_url(self, key: AssetKey, seconds: int) -> str | None:
        return await self._store.signed_url(key, seconds)

    async def _forget(self, work: Callable[[], Awaitable[None]], what: str) -> None:
        async def forget() -> None:
            try:
                await work()
            except Unreachable as failure:
                _LOG.warning("assets.left", extra={"asset": what, "reason": str(failure)})

        await self._after_commit(forget)


async def open_assets(url: str | None, access: BucketAccess | None = None) -> AssetStore | None:
    """Return the store that `url` names (`file:///folder`, `s3://bucket[/folder]`, which is reached
    as `access` says); None where that is PostgreSQL.

    Raises AssetsUnusable where it cannot be used, ValueError for a URL of another kind.
    """
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme == "s3" and parts.netloc:
        return await _open_bucket(parts.netloc, parts.path.strip("/"), access or BucketAccess())
    if parts.scheme != "file" or parts.netloc or not parts.path.startswith("/"):
        raise ValueError("assets are kept in a folder, file:///path, or in a bucket, s3://bucket")
    try:
        return AssetFolder.open(unquote(parts.path))
    except OSError as error:
        raise AssetsUnusable(f"assets cannot be kept in {parts.path}: {error.strerror}") from error


async def _open_bucket(name: str, folder: str, access: BucketAccess) -> AssetStore:
    try:
        from storage.stores.asset_bucket import AssetBucket  # an extra: not for everybody
    except ModuleNotFoundError as missing:
        raise AssetsUnusable(
            f"assets cannot be kept in s3://{name}: {missing.name} is not installed;"
            " it comes with the extra s3 (pip install 'porta[s3]', or requirements-s3.txt)"
        ) from missing
    return await AssetBucket.open(name, folder, access)
