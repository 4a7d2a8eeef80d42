"""Examples: explain."""

from __future__ import annotations

from typing import Any

from tests.handlers.admin_api.examples import Example, example
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.world.administrators import Installation

_PATH = "/organizations/{organizationId}/users/{userId}/explain"


def _of(installation: Installation, **changes: str) -> dict[str, str]:
    user_id = str(installation.made.user.id)
    return {"organizationId": installation.admin_id, "userId": user_id} | changes


def _client(installation: Installation) -> str:
    return installation.made.client.client_id


@example("GET", _PATH)
async def explain(installation: Installation) -> Example:
    def check(body: Any) -> None:
        data = body["data"]
        assert data["isIssued"] is True
        assert data["userId"] == installation.made.user.id
        (access,) = [each for each in data["targets"] if each["target"] == "access_token"]
        told = {claim["name"]: claim for claim in access["claims"]}
        assert told["roles"]["value"] == ["porta-super-admin"]
        assert told["roles"]["source"] == "roles"
        assert told["roles"]["rule"] == "scope openid"
        assert told["iss"]["value"] == installation.issuer
        assert told["exp"]["value"] is None
        absent = {claim["name"]: claim["reason"] for claim in access["absent"]}
        assert absent["email"] == "target_excluded"
        assert {each["scope"] for each in data["scopes"] if each["isGranted"]} >= {"openid"}

    query = {"clientId": _client(installation)}
    return Example(_of(installation), query, check=check)


@example("GET", _PATH)
async def what_if(installation: Installation) -> Example:
    def check(body: Any) -> None:
        data = body["data"]
        assert data["isIssued"] is False
        refused = [each["policy"] for each in data["decisions"] if each["outcome"] == "refused"]
        assert refused == ["person"]
        (token,) = [each for each in data["targets"] if each["target"] == "id_token"]
        told = {claim["name"]: claim["value"] for claim in token["claims"]}
        assert told["roles"] == ["porta-auditor"]

    query = {
        "clientId": _client(installation),
        "scope": "openid email unheard_of",
        "roles": "porta-auditor",
        "withoutRoles": "porta-super-admin porta-user-admin",
        "claimValues": '{"team": ["a", {"b": null}]}',
        "userStatus": "suspended",
        "firstParty": "false",
    }
    return Example(_of(installation), query, check=check)


@example("GET", _PATH)
async def refused_request(installation: Installation) -> Example:
    def check(body: Any) -> None:
        assert body["data"]["targets"] == []
        assert body["data"]["decisions"][-1]["reason"].startswith("invalid_target")

    query = {"clientId": _client(installation), "resource": "urn:unheard-of"}
    return Example(_of(installation), query, check=check)


@example("GET", _PATH)
async def unknown_client(installation: Installation) -> Example:
    return Example(_of(installation), {"clientId": "unheard-of"}, status=404)


@example("GET", _PATH)
async def unknown_person(installation: Installation) -> Example:
    query = {"clientId": _client(installation)}
    return Example(_of(installation, userId=NOBODY), query, status=404)


@example("GET", _PATH)
async def person_of_another_organization(installation: Installation) -> Example:
    other = await installation.organization()
    query = {"clientId": _client(installation)}
    return Example(_of(installation, organizationId=other.id), query, status=404)


@example("GET", _PATH)
async def unknown_organization(installation: Installation) -> Example:
    query = {"clientId": _client(installation)}
    return Example(_of(installation, organizationId=NOBODY), query, status=404)


@example("GET", _PATH)
async def no_client(installation: Installation) -> Example:
    return Example(_of(installation), {}, status=400)


@example("GET", _PATH)
async def values_that_are_no_object(installation: Installation) -> Example:
    query = {"clientId": _client(installation), "claimValues": "[1]"}
    return Example(_of(installation), query, status=400)


@example("GET", _PATH)
async def role_that_there_is_not(installation: Installation) -> Example:
    query = {"clientId": _client(installation), "roles": "emperor"}
    return Example(_of(installation), query, status=400)
