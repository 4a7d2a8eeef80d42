"""Examples: clients and their secrets."""

from __future__ import annotations

import secrets
from typing import Any

from storage.models.clients import Client
from tests.handlers.admin_api.examples import STALE, Example, example, shows
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.world.administrators import Installation

ONE = "/clients/{clientId}"
SECRET = f"{ONE}/secrets/{{secretId}}"
URIS = ["https://app.example/callback"]


async def _client(installation: Installation, **fields: Any) -> Client:
    """Make a client of an ordinary organization and application."""
    home = await installation.organization()
    return await installation.client(
        organization_id=home.id,
        application_id=await installation.app(),
        redirect_uris=tuple(URIS),
        **fields,
    )


async def _body(installation: Installation, **more: Any) -> dict[str, Any]:
    return {
        "organizationId": (await installation.organization()).id,
        "applicationId": await installation.app(),
        "clientName": "Shop",
        "clientType": "confidential",
        "applicationType": "web",
        "redirectUris": URIS,
        **more,
    }


@example("POST", "/clients")
async def create(installation: Installation) -> Example:
    def check(body: Any) -> None:
        data = body["data"]
        assert data["client"]["clientId"] == data["clientId"]
        assert data["secret"]["plaintext"] == data["secret"]["secret"]
        assert data["secret"]["label"] == "first"
        assert data["effectiveLoginMethods"] == ["password", "magic_link"]
        assert body["warning"]

    return Example(body=await _body(installation, secretLabel="first"), check=check)


@example("POST", "/clients")
async def create_public_by_other_names(installation: Installation) -> Example:
    body = await _body(
        installation, clientType="public", tokenEndpointAuthMethod="none", name="Shop"
    )
    del body["clientName"]

    def check(answer: Any) -> None:
        assert answer["data"]["secret"] is None
        assert answer["data"]["name"] == "Shop"

    return Example(body=body, check=check)


@example("POST", "/clients")
async def create_with_mappings(installation: Installation) -> Example:
    """What is told is what may be sent."""
    mappings = [
        {"source": "roles", "claim": "realm_access.roles", "targets": ["id_token", "userinfo"]},
        {"source": "permissions", "claim": ["a.b", "{client_id}"], "targets": ["access_token"]},
    ]

    def check(answer: Any) -> None:
        assert answer["data"]["client"]["claimMappings"] == mappings

    return Example(body=await _body(installation, claimMappings=mappings), check=check)


@example("POST", "/clients")
async def create_with_a_mapping_to_a_reserved_claim(installation: Installation) -> Example:
    mappings = [{"source": "roles", "claim": "sub"}]

    def check(answer: Any) -> None:
        assert [each["path"] for each in answer["details"]] == ["claimMappings[0].claim"]

    return Example(body=await _body(installation, claimMappings=mappings), status=400, check=check)


@example("POST", "/clients")
async def create_with_a_fragment(installation: Installation) -> Example:
    body = await _body(installation, redirectUris=["https://app.example/#x", "http://a.example/"])

    def check(answer: Any) -> None:
        paths = [each["path"] for each in answer["details"]]
        assert {"redirectUris[0]", "redirectUris[1]"} <= set(paths)

    return Example(body=body, status=400, check=check)


LOOK = {"companyName": "Shop", "primaryColor": "#00AA44", "texts": {"en": {"title": "Hello"}}}


@example("POST", "/clients")
async def create_with_a_look(installation: Installation) -> Example:
    def check(answer: Any) -> None:
        told = answer["data"]["brand"]
        assert (told["companyName"], told["radius"]) == ("Shop", None)
        assert told["texts"]["en"]["title"] == "Hello"

    return Example(body=await _body(installation, brand=LOOK), check=check)


@example("POST", "/clients")
async def create_somebody_elses_with_a_look(installation: Installation) -> Example:
    def check(answer: Any) -> None:
        assert [each["path"] for each in answer["details"]] == ["brand"]

    body = await _body(installation, brand=LOOK, isFirstParty=False)
    return Example(body=body, status=400, check=check)


@example("POST", "/clients")
async def create_what_is_there(installation: Installation) -> Example:
    taken = (await _client(installation)).client_id
    return Example(body=await _body(installation, clientId=taken), status=409)


@example("GET", "/clients")
async def find(installation: Installation) -> Example:
    made = await _client(installation)

    def check(body: Any) -> None:
        assert [each["id"] for each in body["data"]] == [made.id]

    query = {"organizationId": made.organization_id, "search": made.client_name[1:]}
    return Example(query=query, check=check)


@example("GET", ONE)
async def read(installation: Installation) -> Example:
    made = await _client(installation)
    return Example({"clientId": made.id}, check=shows(clientId=made.client_id))


@example("GET", ONE)
async def read_by_client_id(installation: Installation) -> Example:
    made = await _client(installation)
    return Example({"clientId": made.client_id}, check=shows(id=made.id))


def _none(method: str, path: str, body: Any = None, **more: str) -> None:
    @example(method, path)
    async def none(installation: Installation) -> Example:
        path = {"clientId": NOBODY, "secretId": NOBODY}
        if more:
            path = {"clientId": (await _client(installation)).id, **more}
        return Example(path, body=body, status=404)


_none("GET", ONE)


def _changes(method: str) -> None:
    @example(method, ONE)
    async def change(installation: Installation) -> Example:
        made = await _client(installation)
        body = {"clientName": "Other", "clientUri": "https://app.example/"}
        check = shows(clientName="Other", clientUri="https://app.example/", redirectUris=URIS)
        return Example({"clientId": made.id}, body=body, check=check)

    @example(method, ONE)
    async def change_to_what_cannot_be(installation: Installation) -> Example:
        made = await _client(installation)
        return Example({"clientId": made.id}, body={"clientType": "public"}, status=400)

    @example(method, ONE)
    async def change_what_was_changed(installation: Installation) -> Example:
        made = await _client(installation)
        return Example({"clientId": made.id}, body={"clientName": "A"}, headers=STALE, status=412)

    _none(method, ONE, {"clientName": "A"})


def _turns(name: str, start: str, refused: str) -> None:
    @example("POST", f"{ONE}/{name}")
    async def turn(installation: Installation) -> Example:
        made = await _client(installation, status=start)
        return Example({"clientId": made.id}, body={"reason": "because"})

    @example("POST", f"{ONE}/{name}")
    async def turn_what_does_not_follow(installation: Installation) -> Example:
        return Example({"clientId": (await _client(installation, status=refused)).id}, status=400)

    _none("POST", f"{ONE}/{name}")


_changes("PUT")
_changes("PATCH")
_turns("activate", "inactive", "revoked")
_turns("restore", "inactive", "revoked")
_turns("deactivate", "active", "revoked")
_turns("revoke", "inactive", "revoked")


@example("POST", f"{ONE}/revoke-tokens")
async def revoke_tokens(installation: Installation) -> Example:
    made = await _client(installation)
    return Example({"clientId": made.client_id}, body={"reason": "leaked"})


@example("POST", f"{ONE}/revoke-tokens")
async def revoke_tokens_for_too_long_a_reason(installation: Installation) -> Example:
    made = await _client(installation)
    return Example({"clientId": made.id}, body={"reason": "x" * 5000}, status=400)


_none("POST", f"{ONE}/revoke-tokens")


@example("GET", f"{ONE}/history")
async def history(installation: Installation) -> Example:
    made = await _client(installation)
    await installation.put(f"/clients/{made.id}", {"clientName": "Other"})

    def check(body: Any) -> None:
        assert [each["eventType"] for each in body["data"]] == ["client.updated"]

    return Example({"clientId": made.id}, check=check)


_none("GET", f"{ONE}/history")


async def _secret(installation: Installation) -> dict[str, str]:
    made = await _client(installation)
    secret = await installation.post(f"/clients/{made.id}/secrets", {})
    return {"clientId": made.id, "secretId": secret["id"]}


@example("GET", f"{ONE}/secrets")
async def list_secrets(installation: Installation) -> Example:
    path = await _secret(installation)

    def check(body: Any) -> None:
        (each,) = body["data"]
        assert each["id"] == path["secretId"]
        assert {"plaintext", "secret"}.isdisjoint(each)
        assert "hash" not in str(each).lower()

    return Example(path, check=check)


@example("POST", f"{ONE}/secrets")
async def add_secret(installation: Installation) -> Example:
    made = await _client(installation)
    value = secrets.token_urlsafe(32)
    body = {"label": "second", "value": value, "expiresAt": "2099-01-31T12:00:00Z"}
    check = shows(plaintext=value, label="second", expiresAt="2099-01-31T12:00:00.000Z")
    return Example({"clientId": made.id}, body=body, check=check)


@example("POST", f"{ONE}/secrets")
async def add_secret_to_a_public_client(installation: Installation) -> Example:
    made = await _client(installation, client_type="public", token_endpoint_auth_method="none")
    return Example({"clientId": made.id}, body={}, status=400)


@example("POST", f"{SECRET}/revoke")
async def revoke_secret(installation: Installation) -> Example:
    return Example(await _secret(installation))


@example("DELETE", SECRET)
async def delete_secret(installation: Installation) -> Example:
    return Example(await _secret(installation))


_none("GET", f"{ONE}/secrets")
_none("POST", f"{ONE}/secrets", {})
_none("POST", f"{SECRET}/revoke", secretId=NOBODY)
_none("DELETE", SECRET, secretId=NOBODY)
