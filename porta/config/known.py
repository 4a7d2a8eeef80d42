"""Known configuration: what this process has read of it, a minute at most before it is used.

`system_config`, the key rings, organizations, clients, API resources, connections: each is read
again once it changed, and once it may have.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TypeVar

from porta.config.cache import ConfigCache
from porta.config.system import Config, build_config
from porta.security.encryption import EncryptionKeys
from porta.security.key_schedule import longest_token_ttl
from porta.security.keyring import KeyRings
from storage.models.clients import ApiResource, Client
from storage.models.connections import Connection
from storage.models.organizations import Organization
from storage.router import Storage

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

CONFIG_MAX_AGE = 60.0
"""Seconds an entry of the configuration may be used while changes are heard of."""
MAX_AGE_WITHOUT_NOTIFY = 1.0
"""Seconds while they are not: no cache extends a right by more than that."""
UNKNOWN_KEY_PAUSE = 10.0
"""Seconds between two readings of the key rings for the sake of an unknown `kid`."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The configuration of one moment: `system_config` and the key rings, read together."""

    config: Config
    keys: KeyRings


@dataclass(frozen=True, slots=True)
class Offer:
    """What discovery tells of an organization beside its configuration."""

    scopes: tuple[str, ...]
    """Those of its API resources."""
    claims: tuple[str, ...]
    """Those beside the standard ones that its clients may find."""


class KnownConfiguration:
    """The configuration as one process knows it."""

    def __init__(self, storage: Storage, encryption_keys: EncryptionKeys) -> None:
        self.storage = storage
        self._encryption_keys = encryption_keys
        self._last_keys: KeyRings | None = None
        self._refresh_keys_from = -inf
        # One read is about many organizations: those that are asked for, and those that grow old.
        known = storage.everywhere
        # JWKS and discovery go on for as long as the database is away; nothing is granted then.
        self._snapshots: ConfigCache[str, Snapshot] = self._cache(
            self._read_snapshots, stale_for=inf
        )
        self._organizations: ConfigCache[str, Organization | None] = self._cache(
            known.organizations.find_by_slugs, stale_for=inf
        )
        self._offers: ConfigCache[str, Offer] = self._cache(self._read_offers, stale_for=inf)
        # No public document needs these: what a client may do, and what may be done at an API
        # resource, is never answered from memory alone.
        self._clients: ConfigCache[tuple[str, str], Client | None] = self._cache(
            known.clients.find_each, stale_for=0.0
        )
        self._api_resources: ConfigCache[str, tuple[ApiResource, ...]] = self._cache(
            known.api_resources.find_each, stale_for=0.0
        )
        self._connections: ConfigCache[str, tuple[Connection, ...]] = self._cache(
            known.connections.find_each, stale_for=0.0
        )
        self._origins: ConfigCache[str, frozenset[str]] = self._cache(known.clients.origins)
        storage.on_change(self._changed)

    def _cache(
        self, load: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], *, stale_for: float = 600.0
    ) -> ConfigCache[K, V]:
        return ConfigCache(load, max_age=self._max_age, clock=time.monotonic, stale_for=stale_for)

    async def snapshot(self) -> Snapshot:
        """Return the configuration and key rings, at most a minute old."""
        return self._snapshots.peek("") or await self._snapshots.get("")

    async def refresh_keys(self) -> KeyRings:
        """Return the key rings as they are stored, for whoever met an unknown `kid`.

        Those of the snapshot, when one was read for such a reason less than UNKNOWN_KEY_PAUSE ago:
        anyone can invent a `kid`.
        """
        now = time.monotonic()
        if now >= self._refresh_keys_from:
            self._refresh_keys_from = now + UNKNOWN_KEY_PAUSE
            self._snapshots.expire()
        return (await self.snapshot()).keys

    async def organization(self, slug: str) -> Organization | None:
        """Return the organization of this slug, whatever its status."""
        return self._organizations.peek(slug) or await self._organizations.get(slug)

    async def client(self, client_id: str, organization_id: str) -> Client | None:
        """Return the client of this organization, whatever its status; another's is unknown."""
        key = (client_id, organization_id)
        return self._clients.peek(key) or await self._clients.get(key)

    async def api_resources(self, organization_id: str) -> tuple[ApiResource, ...]:
        """Return the API resources that tokens of this organization may be asked for."""
        return await self._api_resources.get(organization_id)

    async def connections(self, organization_id: str) -> tuple[Connection, ...]:
        """Return the identity providers that people of this organization may sign in at."""
        return await self._connections.get(organization_id)

    async def origins(self, organization_id: str) -> frozenset[str]:
        """Return every web origin that some active client of the organization registered."""
        return await self._origins.get(organization_id)

    async def offer(self, organization_id: str) -> Offer:
        """Return what the organization offers; for as long as the database is away, what it did."""
        return await self._offers.get(organization_id)

    def has_tenant(self, slug: str) -> bool:
        """Whether the organization of this slug, and the snapshot, are at hand without a read."""
        return None not in (self._organizations.peek(slug), self._snapshots.peek(""))

    def has_offer(self, organization_id: str) -> bool:
        """Whether what the organization offers is at hand without a read."""
        return self._offers.peek(organization_id) is not None

    def _max_age(self) -> float:
        return CONFIG_MAX_AGE if self.storage.listening else MAX_AGE_WITHOUT_NOTIFY

    async def _read_snapshots(self, names: Sequence[str]) -> dict[str, Snapshot]:
        """There is one, and its name is empty."""
        return dict.fromkeys(names, await self._read_snapshot())

    async def _read_snapshot(self) -> Snapshot:
        rows, keys = await self.storage.everywhere.system_config.with_signing_keys()
        config = build_config(rows)
        self._last_keys = KeyRings.build(
            keys,
            self._encryption_keys,
            longest_token_ttl=longest_token_ttl(config),
            previous=self._last_keys,
        )
        return Snapshot(config, self._last_keys)

    async def _read_offers(self, organization_ids: Sequence[str]) -> dict[str, Offer]:
        known = self.storage.everywhere
        resources = await known.api_resources.find_each(organization_ids)
        claims = await known.claims.names(organization_ids)
        scopes = {
            id: dict.fromkeys(scope for api in resources[id] for scope in api.scopes)
            for id in organization_ids
        }
        return {id: Offer(tuple(scopes[id]), claims[id]) for id in organization_ids}

    def _changed(self, table: str, key: str) -> None:
        # Of an offer the former one is better than none: it expires, and is not forgotten.
        match table:
            case "system_config" | "signing_keys" | "ring_keys":
                self._snapshots.clear()
            case "organizations":
                self._organizations.drop(key)
            case "clients" | "client_secrets":
                # Whatever organization it was asked for at: the notification does not name it.
                self._clients.drop_where(lambda asked: asked[0] == key)
                self._origins.clear()
                self._offers.expire()
            case "applications" | "custom_claim_definitions":
                self._clients.clear()
                self._origins.clear()
                self._offers.expire()
            case "api_resources":
                self._api_resources.drop(key)
                self._offers.expire()
            case "connections" | "domains":
                self._connections.drop(key)
            case "jobs" | "audit":
                pass
            case _:
                self._expire_everything()

    def _expire_everything(self) -> None:
        """Changes may have been missed: whatever can be read anew is, the rest may serve on."""
        self._snapshots.expire()
        self._organizations.expire()
        self._clients.expire()
        self._api_resources.expire()
        self._connections.expire()
        self._origins.expire()
        self._offers.expire()
