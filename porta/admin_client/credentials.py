"""Credentials of a person who is signed in: kept in a file of theirs alone, and refreshed."""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import stat
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from porta.admin_client.errors import NotSignedIn, SignInFailed
from porta.admin_client.http import Http
from porta.admin_client.sign_in import Entrance
from porta.admin_client.tokens import EARLY_SECONDS, Tokens, ask

_OTHERS = 0o077


class Person(msgspec.Struct, frozen=True):
    """Who signed in."""

    sub: str
    email: str | None = None
    name: str | None = None


class Credentials(msgspec.Struct, frozen=True, rename="camel"):
    """What is kept of a sign-in."""

    server: str
    issuer: str
    client_id: str
    token_endpoint: str
    access_token: str
    expires_at: float
    """Seconds since the epoch."""
    refresh_token: str | None = None
    revocation_endpoint: str | None = None
    user: Person | None = None

    @property
    def is_usable(self) -> bool:
        """Whether the access token lasts a while."""
        return time.time() < self.expires_at - EARLY_SECONDS

    def renewed(self, tokens: Tokens) -> Credentials:
        """Return the same with newer tokens."""
        return msgspec.structs.replace(
            self,
            access_token=tokens.access_token,
            expires_at=time.time() + tokens.expires_in,
            refresh_token=tokens.refresh_token or self.refresh_token,
        )


def of(entrance: Entrance, tokens: Tokens, user: Person | None) -> Credentials:
    """Return what is kept of a sign-in."""
    return Credentials(
        server=entrance.server,
        issuer=entrance.issuer.issuer,
        client_id=entrance.client_id,
        token_endpoint=entrance.issuer.token_endpoint,
        revocation_endpoint=entrance.issuer.revocation_endpoint,
        access_token=tokens.access_token,
        expires_at=time.time() + tokens.expires_in,
        refresh_token=tokens.refresh_token,
        user=user,
    )


class CredentialsFile:
    """Where credentials are kept: a file of mode 0600, written whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Credentials:
        """Return what is kept. Raises NotSignedIn, also for a file that others may read."""
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotSignedIn("You are not signed in: porta login") from None
        except OSError as error:
            raise NotSignedIn(f"{self.path} cannot be read: {error.strerror}") from None
        with os.fdopen(handle, "rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & _OTHERS:
                raise NotSignedIn(
                    f"{self.path} may be read by others (mode {mode:04o}), who may have your token:"
                    " sign out and in again (porta logout, porta login)"
                )
            content = file.read()
        try:
            return msgspec.json.decode(content, type=Credentials)
        except msgspec.MsgspecError:
            raise NotSignedIn(f"{self.path} is not ours: sign in anew (porta login)") from None

    def write(self, credentials: Credentials) -> None:
        """Keep `credentials`. Raises OSError."""
        self._make_folder()
        beside = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(beside, flags, 0o600), "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(credentials), indent=2))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
        finally:
            beside.unlink(missing_ok=True)

    def remove(self) -> None:
        """Forget what is kept."""
        self.path.unlink(missing_ok=True)

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Hold the file against other processes: of two who refresh, one does."""
        self._make_folder()
        path = self.path.with_name(f".{self.path.name}.lock")
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # No thread waits, which nobody could cancel.
            while not _try_lock(handle):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            yield
        finally:
            os.close(handle)

    def _make_folder(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def _try_lock(handle: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


class KeptTokens:
    """Tokens of the person who is signed in, refreshed and kept when they are over."""

    def __init__(self, file: CredentialsFile) -> None:
        self._file = file

    async def token(self, http: Http) -> str:
        """Return a token. Raises NotSignedIn, NoAnswer."""
        kept = self._file.read()
        if kept.is_usable:
            return kept.access_token
        return (await self._refresh(http, kept.access_token)).access_token

    async def renew(self, http: Http, refused: str) -> bool:
        """Whether there is another token: another process's, or a new one."""
        try:
            return (await self._refresh(http, refused)).access_token != refused
        except NotSignedIn:
            return False

    async def _refresh(self, http: Http, stale: str) -> Credentials:
        async with self._file.locked():
            kept = self._file.read()
            if kept.access_token != stale and kept.is_usable:
                return kept  # another process was quicker
            if kept.refresh_token is None:
                raise NotSignedIn("Your sign-in is over: porta login")
            form = {
                "grant_type": "refresh_token",
                "refresh_token": kept.refresh_token,
                "client_id": kept.client_id,
            }
            try:
                tokens = await ask(http, kept.token_endpoint, form)
            except SignInFailed as refused:
                if refused.code != "invalid_grant":
                    raise
                raise NotSignedIn("Your sign-in is over: porta login") from None
            renewed = kept.renewed(tokens)
            self._file.write(renewed)
            return renewed
