"""Every artifact store on real servers, and one artifact of each kind the suite works with."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from storage.models.artifacts import (
    Artifact,
    AuthorizationCode,
    Grant,
    Home,
    Interaction,
    ReplayDetection,
    Session,
    artifact_id,
    new_value,
)
from storage.opening import open_client
from storage.postgres.driver import Postgres
from storage.redis.breaker import RedisBreaker
from storage.stores import ArtifactStore
from storage.stores.memory import MemoryStore
from storage.stores.postgres import PostgresStore
from storage.stores.redis import RedisStore
from storage.stores.redis_over_postgres import RedisOverPostgresStore

IN_REDIS = ("redis", "redis over postgres")
SHARED = (*IN_REDIS, "postgres")
"""The stores that several processes can share."""
STORES = ("memory", *SHARED)


@asynccontextmanager
async def open_store(name: str, database_url: str, redis_url: str) -> AsyncIterator[ArtifactStore]:
    """Open the store that STORES calls `name`."""
    if name == "memory":
        yield MemoryStore()
        return
    postgres, redis = await Postgres.open(database_url), await open_client(redis_url)
    remembered, breaker = PostgresStore(postgres), RedisBreaker(redis)
    stores: dict[str, ArtifactStore] = {
        "redis": RedisStore(breaker),
        "postgres": remembered,
        "redis over postgres": RedisOverPostgresStore(breaker, remembered),
    }
    yield stores[name]
    await redis.close()
    await postgres.close()


def new_id() -> str:
    return artifact_id(secrets.token_urlsafe(32))


def session(organization_id: str, **fields: Any) -> Session:
    defaults: dict[str, Any] = {
        "id": new_id(),
        "uid": new_id(),
        "account_id": str(uuid4()),
        "created_at": 1_700_000_000,
        "authenticated_at": 1_700_000_000,
        "expires_at": 1_700_086_400,
        "amr": ("pwd", "otp"),
    }
    return Session(organization_id=organization_id, **{**defaults, **fields})


def code(organization_id: str, **fields: Any) -> AuthorizationCode:
    defaults: dict[str, Any] = {
        "id": new_id(),
        "home": Home.REDIS,
        "client_id": 'client "one"',
        "account_id": str(uuid4()),
        "redirect_uri": "https://app.example/callback?x=ä&y=\n",
        "scope": "openid profile",
        "grant_id": new_id(),
        "session_uid": new_id(),
        "session_expires_at": 1_700_086_400,
        "authenticated_at": 1_700_000_000,
        "created_at": 1_700_000_001,
        "claims": {"userinfo": {"email": {"essential": True}, "name": None}},
        "resource": ("https://api.example",),
    }
    return AuthorizationCode(organization_id=organization_id, **{**defaults, **fields})


def interaction(organization_id: str, **fields: Any) -> Interaction:
    defaults: dict[str, Any] = {
        "id": new_id(),
        "home": Home.REDIS,
        "slug": "acme",
        "client_id": "client",
        "parameters": {"state": "%s %(x)s {}", "nonce": "'; --"},
        "prompt": "login",
        "browser": new_id(),
        "csrf": "csrf",
        "created_at": 1_700_000_000,
    }
    return Interaction(organization_id=organization_id, **{**defaults, **fields})


def replay_mark(organization_id: str, **fields: Any) -> ReplayDetection:
    return ReplayDetection(organization_id=organization_id, **{"id": new_id(), **fields})


def presented() -> tuple[str, str]:
    """A value as a client holds it, and the id it is kept under."""
    value = new_value(Home.REDIS)
    return value, artifact_id(value)


def grant(organization_id: str, session: Session) -> tuple[str, Grant]:
    value, id = presented()
    account_id, uid = session.account_id, session.uid
    fields: dict[str, Any] = {"client_id": "c", "created_at": 1}
    return value, Grant(
        id=id,
        organization_id=organization_id,
        account_id=account_id,
        session_uid=uid,
        **fields,
    )


def key(artifact: Artifact) -> str:
    """The key of an artifact in Redis."""
    return f"porta:{type(artifact).__name__}:{artifact.id}"
