"""Asset bucket: files by their key in S3-compatible storage, each call bounded in time.

The library that speaks S3 comes with the extra `s3`: this module is imported by whoever has named a
bucket, and by nobody else.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from obstore import sign_async
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from storage.errors import AssetsUnusable, Refused, Unreachable
from storage.models.assets import LONGEST_SIGNED, AssetKey, BucketAccess

if TYPE_CHECKING:
    from obstore import Attributes
    from obstore.store import ClientConfig, RetryConfig, S3Config

_LOG = logging.getLogger(__name__)
_PART = 5 * 1024 * 1024
"""Bytes of a part: S3 takes no smaller one, but for the last."""
_ONE_PIECE = 10 * 1024 * 1024
"""Bytes that are sent whole; what is larger is sent in parts (a multipart upload)."""
_DEADLINE = 5.0
"""Seconds that a call may take, its repetitions and a place included."""
_SLOWEST = 1024 * 1024
"""Bytes a second: what is sent is given so much time beside."""
_AT_A_TIME = 16
_LEFT_ALONE = 5.0
"""Seconds that nobody asks for a file after the storage did not answer."""
_DOWNLOAD: Final[Attributes] = {
    # Whoever is given a signed URL saves a file: it is no page, and no script, at that address.
    "Content-Type": "application/octet-stream",
    "Content-Disposition": "attachment",
}
_CODE = re.compile(r"<Code>([A-Za-z0-9]{1,60})</Code>")
_STATUS = re.compile(r"non-2xx status code: ([\w ]{3,60})")
_ANSWERED = (PermissionDeniedError, UnauthenticatedError, FileNotFoundError)
"""What stands for a refusal: 403, 401 and 404 (there is no such bucket)."""


class AssetBucket:
    """A bucket, or what lies below a folder of one; every instance of an installation uses it."""

    def __init__(self, store: S3Store, name: str, clock: Callable[[], float]) -> None:
        self._store = store
        self._name = name
        self._clock = clock
        self._places = asyncio.Semaphore(_AT_A_TIME)
        self._away_until = -1.0

    @classmethod
    async def open(
        cls,
        name: str,
        folder: str,
        access: BucketAccess,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> AssetBucket:
        """Take a bucket, and try it. Raises AssetsUnusable where it cannot be used, unless `access`
        says that it is not required.
        """
        bucket = cls(_connect(name, folder, access), name, clock)
        try:
            await bucket.try_out()
        except Unreachable as failure:
            if access.required:
                # What does not answer is no database: nobody is to look at DATABASE_URL.
                raise AssetsUnusable(f"assets cannot be kept in s3://{name}: {failure}") from None
            _LOG.warning("assets.away", extra={"reason": str(failure)})
        return bucket

    async def try_out(self) -> None:
        """Do once whatever is done later: write, list and delete. Raises Unreachable."""
        trial = AssetKey(None, "trial")
        await self.put(trial, b"trial")
        async with self._call("listed"):
            await self._list("system/")
        await self.delete(trial)

    async def put(self, key: AssetKey, content: bytes) -> None:
        """Keep it whole, or not at all: what was there is read until the last part has come."""
        size = len(content)
        async with self._call("written to", _DEADLINE + size / _SLOWEST):
            await self._store.put_async(
                str(key),
                content,
                attributes=_DOWNLOAD,
                use_multipart=size > _ONE_PIECE,
                chunk_size=_PART,
            )

    async def get(self, key: AssetKey) -> bytes | None:
        if self._clock() < self._away_until:
            raise Unreachable(f"the bucket {self._name}: did not answer, and is left alone")
        async with self._call("read"):
            try:
                found = await self._store.get_async(str(key))
            except FileNotFoundError as error:
                if _reason(error) == "NoSuchBucket":
                    raise
                return None
            return bytes(await found.bytes_async())

    async def delete(self, key: AssetKey) -> None:
        async with self._call("deleted from"):
            await self._store.delete_async(str(key))

    async def clear(self, organization_id: str) -> None:
        folder = str(AssetKey(organization_id, "any")).rpartition("/")[0]
        async with self._call("deleted from"):
            await self._store.delete_async(await self._list(f"{folder}/"))

    async def signed_url(self, key: AssetKey, seconds: int) -> str | None:
        if not 0 < seconds <= LONGEST_SIGNED:
            raise ValueError(f"a signed URL holds for 1 to {LONGEST_SIGNED} seconds")
        async with self._call("signed for"):
            lifetime = timedelta(seconds=seconds)
            return await sign_async(self._store, "GET", str(key), expires_in=lifetime)

    async def _list(self, below: str) -> list[str]:
        return [each["path"] async for batch in self._store.list(below) for each in batch]

    @asynccontextmanager
    async def _call(self, what: str, seconds: float = _DEADLINE) -> AsyncIterator[None]:
        """Give it a place and so much time; tell in a sentence what came instead of an answer."""
        try:
            async with asyncio.timeout(seconds), self._places:
                yield
        except _ANSWERED as error:
            raise Refused(f"the bucket {self._name} cannot be {what}: {_reason(error)}") from None
        except (BaseError, OSError) as error:
            self._away_until = self._clock() + _LEFT_ALONE
            raise Unreachable(f"the bucket {self._name}: {_reason(error)}") from None
        self._away_until = -1.0


def _connect(name: str, folder: str, access: BucketAccess) -> S3Store:
    """Make the client; whatever it is not told, it finds in the machine's own AWS_ variables."""
    config: S3Config = {"virtual_hosted_style_request": False, "disable_bulk_delete": True}
    if access.endpoint is not None:
        config["endpoint"] = access.endpoint
    if access.region is not None:
        config["region"] = access.region
    if access.key_id is not None and access.secret is not None:
        config["access_key_id"], config["secret_access_key"] = access.key_id, access.secret
    plain = (access.endpoint or "").startswith("http://")
    client: ClientConfig = {
        "allow_http": plain,
        "connect_timeout": timedelta(seconds=2),
        "timeout": timedelta(seconds=10),
    }
    patience: RetryConfig = {
        "max_retries": 2,
        "retry_timeout": timedelta(seconds=_DEADLINE),
        "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=0.5)},
    }
    return S3Store(
        name, prefix=folder or None, config=config, client_options=client, retry_config=patience
    )


def _reason(error: Exception) -> str:
    """Return what the storage says; its answers and the library's own records stay unlogged."""
    text = str(error)
    found = _CODE.search(text) or _STATUS.search(text)
    if found is not None:
        return found[1]
    if isinstance(error, TimeoutError):
        return "does not answer in time"
    return text.partition("\n")[0].removeprefix("Generic S3 error: ")[:200]
