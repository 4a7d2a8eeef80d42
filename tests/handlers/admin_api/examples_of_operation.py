"""Examples: metadata, the caller, settings, keys, audit trail, sessions, statistics."""

from __future__ import annotations

import secrets
from typing import Any

from porta.audit import events
from porta.browser import sessions
from porta.protocol.tokens.authentication import AuthenticationContext
from porta.services import audit_sealing
from porta.tenants import resolve
from tests.handlers.admin_api.examples import Example, example
from tests.handlers.admin_api.streams import watch
from tests.world.administrators import Installation

NOBODY = "00000000-0000-4000-8000-000000000000"


def _has(*names: str) -> Any:
    def check(body: Any) -> None:
        assert set(names) <= body["data"].keys()

    return check


@example("GET", "/metadata")
async def metadata(installation: Installation) -> Example:
    def check(body: Any) -> None:
        assert body["issuer"] == installation.issuer
        assert body["clientId"] == installation.made.client.client_id

    return Example(check=check)


@example("GET", "/me")
async def me(installation: Installation) -> Example:
    del installation
    return Example(check=_has("userId", "email", "permissions", "organizationId"))


@example("GET", "/config")
async def settings(installation: Installation) -> Example:
    del installation

    def check(body: Any) -> None:
        keys = {each["key"]: each for each in body["data"]}
        assert keys["access_token_ttl"]["value"] == 3600
        assert keys["session_idle_ttl"]["updatedAt"] is None
        assert body["total"] == len(keys)

    return Example(check=check)


@example("GET", "/config/{key}")
async def setting(installation: Installation) -> Example:
    del installation

    def check(body: Any) -> None:
        assert body["data"]["key"] == "cors_max_age"
        assert body["data"]["valueType"] == "number"

    return Example({"key": "cors_max_age"}, check=check)


@example("GET", "/config/{key}")
async def unknown_setting(installation: Installation) -> Example:
    del installation
    return Example({"key": "no_such"}, status=404)


@example("PUT", "/config/{key}")
async def set_setting(installation: Installation) -> Example:
    del installation

    def check(body: Any) -> None:
        assert body["data"]["value"] == 7200

    return Example({"key": "cors_max_age"}, body={"value": "7200"}, check=check)


@example("PUT", "/config/{key}")
async def set_out_of_range(installation: Installation) -> Example:
    del installation
    return Example({"key": "cors_max_age"}, body={"value": -1}, status=400)


@example("PUT", "/config/{key}")
async def set_protected(installation: Installation) -> Example:
    del installation
    return Example({"key": "super_admin_user_id"}, body={"value": NOBODY}, status=400)


@example("PUT", "/config/{key}")
async def set_unknown(installation: Installation) -> Example:
    del installation
    return Example({"key": "no_such"}, body={"value": 1}, status=404)


@example("GET", "/keys")
async def keys(installation: Installation) -> Example:
    del installation

    def check(body: Any) -> None:
        assert any(each["isActive"] for each in body["data"])
        assert "private" not in str(body)

    return Example(check=check)


async def _ring(installation: Installation) -> str:
    """Make an organization, which has no ring of its own yet."""
    organization = await installation.organization()
    return organization.id


@example("POST", "/keys/generate")
async def generate(installation: Installation) -> Example:
    def check(body: Any) -> None:
        assert len(body["data"]["keys"]) == 1
        assert body["data"]["kid"] == body["data"]["keys"][0]

    ring = await _ring(installation)
    return Example(body={"organizationId": ring, "algorithm": "ES256"}, check=check)


@example("POST", "/keys/generate")
async def generate_for_nobody(installation: Installation) -> Example:
    del installation
    return Example(body={"organizationId": NOBODY}, status=400)


@example("POST", "/keys/rotate")
async def rotate(installation: Installation) -> Example:
    ring = await _ring(installation)
    await installation.keys(ring)
    return Example(body={"organizationId": ring, "algorithm": "ES256"})


@example("POST", "/keys/rotate")
async def rotate_no_ring(installation: Installation) -> Example:
    return Example(body={"organizationId": await _ring(installation)}, status=404)


@example("POST", "/keys/{kid}/revoke")
async def revoke_key(installation: Installation) -> Example:
    kid = await installation.keys(await _ring(installation))
    return Example({"kid": kid}, body={"force": True})


@example("POST", "/keys/{kid}/revoke")
async def revoke_unknown_key(installation: Installation) -> Example:
    del installation
    return Example({"kid": "none"}, status=404)


@example("POST", "/keys/{kid}/revoke")
async def revoke_a_key_twice(installation: Installation) -> Example:
    kid = await installation.keys(await _ring(installation))
    await installation.runtime.storage.everywhere.signing_keys.set_status(kid, "revoked")
    return Example({"kid": kid}, status=409)


@example("GET", "/audit")
async def audit(installation: Installation) -> Example:
    actor = installation.made.user.id
    await events.record(installation.runtime.storage.everywhere, "org.updated", user_id=actor)

    def check(body: Any) -> None:
        assert body["data"][0]["eventType"] == "org.updated"
        assert body["total"] == len(body["data"])

    return Example(query={"event": "org.updated", "limit": 1}, check=check)


@example("GET", "/audit/events")
async def follow_audit(installation: Installation) -> Example:
    actor, runtime = installation.made.user.id, installation.runtime
    async with watch(installation.http, "/audit/events") as watched:
        begin = await watched.event()
    assert begin is not None
    await events.record(runtime.storage.everywhere, "org.updated", user_id=actor)
    while (await audit_sealing.seal(runtime.storage.everywhere, runtime.audit_keys)).entries:
        pass

    def check(entry: Any) -> None:
        assert (entry["eventType"], entry["userId"]) == ("org.updated", actor)

    headers = {"Last-Event-ID": begin["id"]}
    # What others did before, and is sealed only now, is told first: it is not asked for.
    query = {"event": "org.updated", "user": actor}
    return Example(query=query, headers=headers, check=check)


@example("GET", "/audit/events")
async def follow_audit_after_nothing(installation: Installation) -> Example:
    del installation
    return Example(headers={"Last-Event-ID": "none"}, status=400)


@example("GET", "/audit")
async def audit_by_number(installation: Installation) -> Example:
    del installation

    def check(body: Any) -> None:
        assert body["page"] == 1
        assert body["total"] >= len(body["data"])

    return Example(query={"page": 1, "pageSize": 2}, check=check)


@example("GET", "/audit")
async def audit_of_no_time(installation: Installation) -> Example:
    del installation
    return Example(query={"since": "yesterday"}, status=400)


@example("POST", "/audit/cleanup")
async def clean_up(installation: Installation) -> Example:
    del installation

    def check(body: Any) -> None:
        assert body == {"dryRun": True, "retentionDays": 30, "entriesFound": 0, "deleted": 0}

    return Example(body={"retentionDays": 30, "dryRun": True}, check=check)


@example("POST", "/audit/cleanup")
async def clean_up_nothing(installation: Installation) -> Example:
    del installation
    return Example(body={"dryRun": True}, status=400)


async def _session(installation: Installation) -> tuple[str, str]:
    """Sign somebody in; return the ids of session and person."""
    person = await installation.person()
    runtime = installation.runtime
    tenant = await resolve.resolve(runtime, installation.made.organization.slug)
    session, _ = await sessions.sign_in(
        runtime,
        tenant,
        person.id,
        context=AuthenticationContext(("pwd",), "0", int(runtime.clock())),
        browser=secrets.token_hex(8),
    )
    return session.uid, person.id


@example("GET", "/sessions")
async def list_sessions(installation: Installation) -> Example:
    uid, person = await _session(installation)

    def check(body: Any) -> None:
        assert [each["sessionId"] for each in body["data"]] == [uid]
        assert (body["total"], body["page"]) == (1, 1)

    return Example(query={"userId": person}, check=check)


@example("GET", "/sessions/{sessionId}")
async def read_session(installation: Installation) -> Example:
    uid, person = await _session(installation)

    def check(body: Any) -> None:
        assert body["data"]["userId"] == person
        assert body["data"]["revokedAt"] is None

    return Example({"sessionId": uid}, check=check)


@example("GET", "/sessions/{sessionId}")
async def read_no_session(installation: Installation) -> Example:
    del installation
    return Example({"sessionId": "none"}, status=404)


@example("DELETE", "/sessions/{sessionId}")
async def revoke_session(installation: Installation) -> Example:
    uid, _ = await _session(installation)
    return Example({"sessionId": uid})


@example("DELETE", "/sessions/{sessionId}")
async def revoke_no_session(installation: Installation) -> Example:
    del installation
    return Example({"sessionId": "none"}, status=404)


@example("DELETE", "/users/{userId}/sessions")
async def revoke_sessions(installation: Installation) -> Example:
    _, person = await _session(installation)

    def check(body: Any) -> None:
        assert body == {"revoked": 1}

    return Example({"userId": person}, check=check)


@example("DELETE", "/users/{userId}/sessions")
async def revoke_sessions_of_nobody(installation: Installation) -> Example:
    del installation
    return Example({"userId": NOBODY}, status=404)


@example("GET", "/stats/overview")
async def overview(installation: Installation) -> Example:
    del installation

    def check(body: Any) -> None:
        data = body["data"]
        assert data["organizations"]["total"] >= data["organizations"]["active"] >= 2
        assert data["systemHealth"] == {"database": "healthy", "redis": "healthy"}
        assert data["loginActivity"]["last7d"]["failed"] == 0

    return Example(check=check)


@example("GET", "/stats/organization/{organizationId}")
async def statistics_of_one(installation: Installation) -> Example:
    def check(body: Any) -> None:
        assert body["data"]["users"]["total"] >= 1

    return Example({"organizationId": installation.admin_id}, check=check)


@example("GET", "/stats/organization/{organizationId}")
async def statistics_of_none(installation: Installation) -> Example:
    del installation
    return Example({"organizationId": NOBODY}, status=404)
