"""Use of pushed requests: once ever, and of nothing else (RFC 9126 §4; K4)."""

from __future__ import annotations

from storage.models.artifact import Artifact, artifact_id
from storage.models.artifacts import ARTIFACTS, ClientCredentials, PushedAuthorizationRequest
from storage.postgres.driver import Postgres
from storage.repositories.pushed_requests import PushedRequests
from storage.stores.postgres import PostgresStore
from tests import factories
from tests.factories import new_value
from tests.world.rows import World, build_world


def _pushed(world: World) -> PushedAuthorizationRequest:
    return PushedAuthorizationRequest(
        id=artifact_id(new_value()),
        organization_id=world.organization.id,
        client_id=world.client.client_id,
        parameters={"scope": "openid"},
    )


def _token(world: World) -> ClientCredentials:
    return factories.client_credentials(world.client, new_value(), scope="openid", audience=())


async def _kept(pg: Postgres, artifact: Artifact) -> Artifact | None:
    kind = ARTIFACTS[type(artifact)]
    return await PostgresStore(pg).find(kind, artifact.id, artifact.organization_id)


async def test_K4_it_is_used_once(pg: Postgres, world: World) -> None:
    pushed, requests = _pushed(world), PushedRequests(pg)
    kind = ARTIFACTS[PushedAuthorizationRequest]
    await PostgresStore(pg).save(kind, pushed, 60)
    assert await requests.use(pushed.id, world.organization.id, 600)
    assert not await requests.use(pushed.id, world.organization.id, 600)
    assert await _kept(pg, pushed) is None


async def test_K4_another_organization_cannot_use_it_up(pg: Postgres, world: World) -> None:
    pushed, requests = _pushed(world), PushedRequests(pg)
    await PostgresStore(pg).save(ARTIFACTS[PushedAuthorizationRequest], pushed, 60)
    other = await build_world(pg)
    assert not await requests.use(pushed.id, other.organization.id, 600)
    assert await _kept(pg, pushed) == pushed, "unharmed"
    assert await requests.use(pushed.id, world.organization.id, 600)


async def test_K4_what_is_no_pushed_request_is_not_used_up(pg: Postgres, world: World) -> None:
    token, requests = _token(world), PushedRequests(pg)
    await PostgresStore(pg).save(ARTIFACTS[ClientCredentials], token, 600)
    assert not await requests.use(token.id, world.organization.id, 600)
    assert await _kept(pg, token) == token, "unharmed"
