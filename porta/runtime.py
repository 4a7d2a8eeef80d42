"""Runtime: what one process holds: settings, storage, hasher, pages, the known configuration."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from urllib.parse import urlsplit

from porta.audit.tail import AuditTail
from porta.browser.session_uses import SessionUses
from porta.config import asset_storage
from porta.config.known import KnownConfiguration
from porta.config.settings import Settings
from porta.emails.mailer import Mailer, server_of
from porta.emails.post import Post
from porta.emails.render import Emails
from porta.images.kept import KeptImages
from porta.limits.recent_keys import RecentKeys
from porta.observability.trace_writer import TraceWriter
from porta.outbound.breached_passwords import BreachedPasswords
from porta.outbound.documents import Documents
from porta.outbound.http import Outbound
from porta.pages.render import Pages
from porta.pages.stylesheets import StyleSheets
from porta.security.audit_keys import AuditKeys
from porta.security.passwords import Parameters, Passwords
from storage.router import Storage


class Runtime(KnownConfiguration):
    """One process's belongings, opened once and handed to every operation."""

    def __init__(
        self,
        settings: Settings,
        storage: Storage,
        passwords: Passwords,
        pages: Pages,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(storage, settings.signing_key_encryption_keys)
        self.settings = settings
        self.passwords = passwords
        self.pages = pages
        self.stylesheets = StyleSheets()
        self.images = KeptImages()
        self.session_uses = SessionUses(storage)
        self.traces = TraceWriter(storage)
        self.mailer = Mailer(server_of(settings))
        self.outbound = Outbound(private_addresses=settings.outbound_private_addresses)
        self.documents = Documents(self.outbound)
        url = settings.breached_passwords_url
        self.breached_passwords = BreachedPasswords(self.outbound, url) if url else None
        self.clock = clock
        self.clock_skew = 0.0
        """Seconds that `clock` is ahead of PostgreSQL's, as of its last comparison."""
        self.failed_clients = RecentKeys()
        self.audit_tail = AuditTail(storage.everywhere)

    @classmethod
    async def open(cls, settings: Settings) -> Runtime:
        """Wait for PostgreSQL, open both databases, and load the pages. Raises StorageError, and
        Invalid for pages of an operator's own that cannot be used.
        """
        base_path = urlsplit(settings.issuer_base_url).path
        pages = Pages.load(base_path=base_path, own_folder=settings.pages_folder)
        storage = await Storage.open(
            settings.database_url,
            settings.redis_url,
            pool_size=settings.database_pool_size,
            patience=settings.startup_wait_seconds,
            redis_deadline=settings.redis_deadline_seconds,
            assets_url=settings.asset_storage_url,
            bucket=asset_storage.access_of(settings),
            stamp=AuditKeys(settings.signing_key_encryption_keys).stamp,
        )
        parameters = Parameters(
            settings.argon2_memory_kib, settings.argon2_passes, settings.argon2_lanes
        )
        passwords = Passwords(
            parameters, workers=settings.argon2_workers, queue=settings.argon2_queue
        )
        return cls(settings, storage, passwords, pages)

    async def close(self) -> None:
        """Close the pools; what was begun is finished by the caller first."""
        self.passwords.close()
        await self.session_uses.close()
        await self.traces.close()
        await self.audit_tail.close()
        await self.mailer.close()
        await self.outbound.close()
        await self.storage.close()

    @cached_property
    def audit_keys(self) -> AuditKeys:
        """What proves the audit trail."""
        return AuditKeys(self.settings.signing_key_encryption_keys)

    @cached_property
    def post(self) -> Post:
        """What it takes to write a mail; templates are read when the first one is written."""
        settings = self.settings
        return Post(
            emails=Emails(self.pages, settings.issuer_base_url),
            sender=settings.smtp_from or "porta@localhost",
            keys=settings.cookie_keys,
            issuer_base_url=settings.issuer_base_url,
            clock=lambda: self.clock(),
            is_sent=settings.smtp_host is not None,
        )
