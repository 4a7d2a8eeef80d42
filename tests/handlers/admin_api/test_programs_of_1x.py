"""What the SDK and the command line of Porta 1.x send, call by call, and what they look for.

Where the wire of 1.x's SDK and of its server differed, both are answered: `name` and `clientName`,
`sort` and `sortBy`, `POST …/archive` and `DELETE`. Errors are sentences in `error`.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.porta.images.made import png
from tests.world.administrators import Installation

PASSWORD = "lamps-of-nine-quiet-otters"


class Sdk:
    """Sends as the SDK does: no body where there is none, `data` unwrapped where there is one."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.etag: str | None = None

    async def send(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        headers = {"Accept": "application/json", "X-Porta-SDK-Version": "1.6.1"}
        answer = await self.http.request(
            method, path, json=body, params=query or None, headers=headers
        )
        assert answer.is_success, f"{method} {path}: {answer.text}"
        self.etag = answer.headers.get("ETag")
        if not answer.content:
            return None
        found = answer.json()
        return found.get("data", found) if isinstance(found, dict) else found

    async def get(self, path: str, **query: Any) -> Any:
        return await self.send("GET", path, **query)

    async def post(self, path: str, body: Any = None, **query: Any) -> Any:
        return await self.send("POST", path, body, **query)

    async def put(self, path: str, body: Any) -> Any:
        return await self.send("PUT", path, body)

    async def delete(self, path: str, body: Any = None, **query: Any) -> Any:
        return await self.send("DELETE", path, body, **query)


@pytest_asyncio.fixture(loop_scope="session")
async def sdk(installation: Installation) -> AsyncIterator[Sdk]:
    async with httpx.AsyncClient(
        base_url=installation.http.base_url, headers=installation.http.headers, timeout=30
    ) as http:
        yield Sdk(http)


def _slug() -> str:
    return f"s-{secrets.token_hex(6)}"


async def test_organizations(sdk: Sdk) -> None:
    slug = _slug()
    assert await sdk.get("/organizations/validate-slug", slug=slug) == {
        "isValid": True, "available": True, "slug": slug,
    }  # fmt: skip
    made = await sdk.post("/organizations", {"name": "Acme", "slug": slug})
    one = f"/organizations/{made['id']}"
    assert (await sdk.get(f"/organizations/{slug}"))["id"] == made["id"]
    tag = str(sdk.etag)
    changed = await sdk.http.put(one, json={"name": "Acme 2"}, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["data"]["name"]) == (200, "Acme 2")
    for step in ("suspend", "activate", "archive", "restore"):
        assert await sdk.post(f"{one}/{step}") is None
    history = await sdk.get(f"{one}/history", page=1, pageSize=5)
    assert {"id", "eventType", "actorId", "metadata", "createdAt"} <= history[0].keys()
    listed = await sdk.get(
        "/organizations", page=1, pageSize=100, sort="name", order="asc", search=""
    )
    assert {"id", "slug", "isSuperAdmin", "brandingLogoUrl", "twoFactorPolicy"} <= listed[0].keys()
    would = await sdk.delete(one, dryRun="true")
    assert (would["deleted"], would["counts"]["users"]) == (False, 0)
    assert (await sdk.get(one))["status"] == "active", "dryRun deletes nothing"
    assert (await sdk.delete(one))["deleted"] is True


async def test_pages_by_number_and_by_cursor(sdk: Sdk) -> None:
    for _ in range(3):
        await sdk.post("/organizations", {"name": "Acme", "slug": _slug()})
    answer = (await sdk.http.get("/organizations?page=1&pageSize=2&sortBy=name")).json()
    assert answer.keys() == {"data", "total", "page", "pageSize", "totalPages"}
    assert answer["totalPages"] == -(-answer["total"] // 2)
    answer = (await sdk.http.get("/organizations?limit=2")).json()
    assert answer["cursor"] == answer["nextCursor"]
    assert answer["hasMore"] is True


async def test_applications_and_what_they_define(sdk: Sdk, installation: Installation) -> None:
    home = await installation.organization()
    slug = _slug()
    made = await sdk.post("/applications", {"organizationId": home.id, "name": "CRM", "slug": slug})
    one = f"/applications/{made['id']}"
    assert (await sdk.put(f"/applications/{slug}", {"description": "x"}))["description"] == "x"
    module = await sdk.post(f"{one}/modules", {"name": "Contacts"})
    assert (await sdk.put(f"{one}/modules/{module['id']}", {"name": "C"}))["isActive"] is True
    role = await sdk.post(f"{one}/roles", {"name": "Clerk"})
    renamed = await sdk.put(f"{one}/roles/{role['id']}", {"name": "Clerk", "slug": "clerks"})
    assert renamed["slug"] == "clerks"
    permission = await sdk.post(f"{one}/permissions", {"name": "Export it"})
    ids = {"permissionIds": [permission["id"]]}
    await sdk.put(f"{one}/roles/{role['id']}/permissions", ids)
    assert [p["id"] for p in await sdk.get(f"{one}/roles/{role['id']}/permissions")] == [
        permission["id"]
    ]
    await sdk.delete(f"{one}/roles/{role['id']}/permissions", ids)
    claim = await sdk.post(
        f"{one}/claims", {"name": "Level", "slug": "level", "valueType": "number"}
    )
    assert (claim["name"], claim["slug"], claim["valueType"]) == ("Level", "level", "number")
    assert (await sdk.put(f"{one}/claims/{claim['id']}", {"name": "Rank"}))["name"] == "Rank"
    for kind in ("roles", "permissions", "claims"):
        answer = (await sdk.http.get(f"{one}/{kind}")).json()
        assert answer["total"] == len(answer["data"]) == 1
    await sdk.delete(f"{one}/modules/{module['id']}")
    for kind, id in (("roles", role), ("permissions", permission), ("claims", claim)):
        assert await sdk.post(f"{one}/{kind}/{id['id']}/archive") is None
    assert (await sdk.get(f"{one}/history"))[0]["eventType"]
    await sdk.post(f"{one}/deactivate")
    await sdk.post(f"{one}/restore")
    await sdk.post(f"{one}/archive")


async def test_clients_and_their_secrets(sdk: Sdk, installation: Installation) -> None:
    home, application = await installation.organization(), await installation.app()
    body = {"organizationId": home.id, "applicationId": application, "name": "Web",
            "clientType": "confidential", "redirectUris": ["https://app.example/cb"]}  # fmt: skip
    made = await sdk.post("/clients", body)
    assert (made["name"], made["client"]["clientName"]) == ("Web", "Web")
    assert made["secret"]["plaintext"] == made["secret"]["secret"]
    assert made["effectiveLoginMethods"]
    for key in (made["id"], made["clientId"]):
        assert (await sdk.get(f"/clients/{key}"))["id"] == made["id"]
    one = f"/clients/{made['clientId']}"
    assert (await sdk.put(one, {"name": "Shop"}))["clientName"] == "Shop"
    secret = await sdk.post(f"{one}/secrets", {"label": "next", "expiresAt": "2099-01-01"})
    assert secret["secret"]
    assert len(await sdk.get(f"{one}/secrets")) == 2
    await sdk.delete(f"{one}/secrets/{secret['id']}")
    await sdk.post(f"{one}/deactivate")
    await sdk.post(f"{one}/restore")
    assert await sdk.get("/clients", organizationId=home.id, search="shop", sort="client_name")
    assert await sdk.get(f"{one}/history")
    await sdk.post(f"{one}/revoke")


async def test_people(sdk: Sdk, installation: Installation) -> None:
    home = await installation.organization()
    users = f"/organizations/{home.id}/users"
    made = await sdk.post(users, {"email": "ann@a.test", "givenName": "Ann", "password": PASSWORD})
    one, by_id = f"{users}/{made['id']}", f"/users/{made['id']}"
    assert (made["hasPassword"], made["status"]) == (True, "active")
    changed = await sdk.put(
        one, {"email": "ann@a.test", "familyName": "Lee", "birthdate": "1990-01-02"}
    )
    assert (changed["familyName"], changed["birthdate"]) == ("Lee", "1990-01-02")
    assert (await sdk.put(one, {"familyName": None}))["familyName"] is None
    for base in (one, by_id):
        for step in ("suspend", "unsuspend", "lock", "unlock", "deactivate", "reactivate"):
            assert await sdk.post(f"{base}/{step}") is None
    await sdk.post(f"{one}/deactivate")
    await sdk.post(f"{by_id}/activate")
    await sdk.post(f"{one}/lock", {"reason": "asked for"})
    await sdk.post(f"{one}/unlock")
    await sdk.post(f"{one}/password", {"password": PASSWORD})
    await sdk.delete(f"{one}/password")
    await sdk.post(f"{one}/verify-email")
    assert (await sdk.get(one))["emailVerified"] is True
    assert (await sdk.get(f"{one}/history"))[0]["eventType"]
    assert await sdk.delete(f"{by_id}/sessions") == {"revoked": 0}
    assert [each["id"] for each in await sdk.get(users, sort="last_login_at", search="ann")] == [
        made["id"]
    ]
    exported = await sdk.get(f"{one}/export")
    assert {"exportedAt", "user", "organization", "roles", "customClaims", "auditLog"} <= (
        exported.keys()
    )
    purged = await sdk.http.post(f"{one}/purge", headers={"X-Confirm-Purge": "true"})
    assert purged.json()["data"]["anonymizedEmail"] == f"purged-{made['id']}@purged.local"


async def test_roles_claims_and_second_factors_of_people(
    sdk: Sdk, installation: Installation
) -> None:
    home, application = await installation.organization(), await installation.app()
    made = await sdk.post(f"/organizations/{home.id}/users", {"email": "bo@a.test"})
    one = f"/organizations/{home.id}/users/{made['id']}"
    role = await sdk.post(f"/applications/{application}/roles", {"name": "Clerk"})
    await sdk.post(f"{one}/roles", {"roleId": role["id"]})
    (held,) = await sdk.get(f"{one}/roles")
    assert (held["roleId"], held["roleSlug"], held["userId"]) == (role["id"], "clerk", made["id"])
    assert await sdk.get(f"{one}/roles/permissions") == []
    await sdk.delete(f"{one}/roles/{role['id']}")
    await sdk.put(f"{one}/roles", {"roleIds": [role["id"]]})
    await sdk.delete(f"{one}/roles", {"roleIds": [role["id"]]})
    claim = await sdk.post(
        f"/applications/{application}/claims", {"claimName": "level", "claimType": "number"}
    )
    value = await sdk.put(f"{one}/claims/{claim['id']}", {"value": 7})
    assert (value["claimDefinitionId"], value["claimSlug"], value["value"]) == (
        claim["id"], "level", 7,
    )  # fmt: skip
    assert len(await sdk.get(f"{one}/claims")) == 1
    native = f"/applications/{application}/claims"
    assert (await sdk.get(f"{native}/{claim['id']}/users/{made['id']}"))["value"] == 7
    (row,) = await sdk.get(f"{native}/users/{made['id']}")
    assert (row["definition"]["claimName"], row["value"]["value"]) == ("level", 7)
    await sdk.delete(f"{one}/claims/{claim['id']}")
    status = await sdk.get(f"{one}/two-factor/status")
    assert (status["enabled"], status["recoveryCodesRemaining"]) == (False, 0)
    base = f"/organizations/{home.id}/two-factor"
    assert len((await sdk.get(f"{base}/policy"))["validPolicies"]) >= 4
    tag = str(sdk.etag)
    set_ = await sdk.http.put(
        f"{base}/policy", json={"twoFactorPolicy": "required_any"}, headers={"If-Match": tag}
    )
    assert set_.json()["data"]["twoFactorPolicy"] == "required_any"
    assert (await sdk.get(f"{base}/summary"))["totalUsers"] == 1


async def test_branding(sdk: Sdk, installation: Installation) -> None:
    home = await installation.organization()
    one = f"/organizations/{home.id}/branding"
    settings = {"primaryColor": "#0F766E", "companyName": "Acme", "customCss": None}
    assert (await sdk.put(one, settings))["brandingPrimaryColor"] == "#0F766E"
    assert (await sdk.get(one))["companyName"] == "Acme"
    raw = await sdk.http.put(f"{one}/logo", content=png())
    assert raw.json()["data"]["assetType"] == "logo", raw.text
    assert (await sdk.http.get(f"{one}/logo")).headers["Content-Type"] == "image/png"
    await sdk.delete(f"{one}/logo")


async def test_the_rest(sdk: Sdk, installation: Installation) -> None:
    home = await installation.organization()
    person = await installation.person(organization_id=home.id)
    assert (await sdk.put("/config/magic_link_ttl", {"value": "600"}))["value"] == 600
    assert (await sdk.get("/config/magic_link_ttl"))["valueType"]
    assert {"kid", "isActive", "rotatedAt"} <= (await sdk.get("/keys"))[0].keys()
    for since in ("2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00.000Z"):
        answer = (await sdk.http.get(f"/audit?limit=500&since={since}&org={home.id}")).json()
        assert answer["total"] == len(answer["data"])
    assert (await sdk.http.post("/audit/cleanup", json={"retentionDays": 9000})).json().keys() == {
        "dryRun", "retentionDays", "entriesFound", "deleted",
    }  # fmt: skip
    assert (await sdk.get("/stats/overview"))["organizations"]["total"] > 0
    assert (await sdk.get(f"/stats/organization/{home.id}"))["users"]["total"] == 1
    answer = (await sdk.http.get("/sessions?activeOnly=true&page=1&pageSize=5")).json()
    assert {"data", "total", "page", "pageSize"} <= answer.keys()
    body = {"ids": [person.id], "action": "suspend", "organizationId": home.id}
    outcome = await sdk.post("/bulk/users/status", body)
    assert (outcome["total"], outcome["results"][0]["newStatus"]) == (1, "suspended")
    for kind in ("users", "organizations", "clients", "roles", "audit", "applications"):
        file = await sdk.http.get(f"/export/{kind}?format=csv")
        assert "attachment" in file.headers["Content-Disposition"]
    made = await sdk.post(
        "/import", {"manifest": {"version": "1.0", "organizations": []}, "dryRun": True}
    )
    assert (made["mode"], made["errors"]) == ("dry-run", [])
    preview = {"email": "new@a.test", "givenName": "New"}
    shown = await sdk.post(f"/organizations/{home.id}/users/invite/preview", preview)
    assert {"html", "text", "subject"} == shown.keys()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/organizations", {"name": ""}, 400),
        ("GET", "/organizations/no-such-slug", None, 404),
        ("POST", "/applications", "{", 400),
        ("GET", "/audit?user=x", None, 400),
        ("PUT", "/config/no_such_key", {"value": "1"}, 404),
    ],
)
async def test_an_error_is_a_sentence_and_its_details_are_a_list(
    sdk: Sdk, method: str, path: str, body: Any, status: int
) -> None:
    answer = await sdk.http.request(method, path, json=body)
    found = answer.json()
    assert (answer.status_code, found["status"]) == (status, status)
    assert isinstance(found["error"], str)
    assert all(isinstance(each["path"], str) for each in found.get("details", []))
