"""What a file says of the tokens of its clients, and of those who may introspect them."""

from __future__ import annotations

from typing import Any

import pytest

from porta.security.passwords import Passwords
from storage.models.clients import ApiResource, Client
from storage.models.organizations import Organization
from storage.router import Storage
from tests.porta.services.provisioning.seeds import find_client, run, seed
from tests.porta.services.provisioning.test_file import (
    application,
    client,
    data,
    organization,
    problems,
)

Changes = dict[str, Any]
_OF_CLIENT = "organizations[0].applications[0].clients[0]"
_BACKEND = {
    "client_id": "backend-0001",
    "client_name": "Backend",
    "client_type": "confidential",
    "grant_types": ["client_credentials"],
}


def _seed(prefix: str, of_client: Changes | None = None, **of_organization: Any) -> Changes:
    document = seed(prefix, **of_organization)
    _clients(document)[0].update(of_client or {})
    return document


def _clients(document: Changes) -> list[Changes]:
    clients: list[Changes] = document["organizations"][0]["applications"][0]["clients"]
    return clients


def _api(prefix: str, **changes: Any) -> Changes:
    return {"identifier": f"https://{prefix}.test", "name": "API", **changes}


async def _stored(storage: Storage, prefix: str) -> tuple[Organization, Client, ApiResource]:
    found = await storage.organizations.find_by_slug(prefix)
    assert found is not None
    (api,) = await storage.api_resources.find_all(found.id)
    return found, await find_client(storage, prefix, f"{prefix}-web"), api


async def test_applications_F1_to_F9_what_a_silent_file_makes(
    storage: Storage, passwords: Passwords
) -> None:
    """The defaults are those that most applications sign in with."""
    assert (await run(storage, passwords, _seed("silent"))).errors == []
    acme, web, api = await _stored(storage, "silent")
    assert (web.require_pkce, web.id_token_claims, web.roles_claim) == (False, None, None)
    assert (web.access_token_type, web.access_token_signing_alg) == ("at+jwt", "ES256")
    assert (web.id_token_signed_response_alg, web.introspects_organization) == ("ES256", False)
    assert web.scope == "openid profile email"
    assert (acme.require_pkce, acme.id_token_claims, acme.email_as_username) == (False, False, True)
    assert acme.id_token_signed_response_alg == "ES256"
    assert (api.access_token_type, api.access_token_signing_alg) == (None, None)
    assert api.introspection_clients == ()


async def test_applications_F1_to_F9_what_a_file_may_say(
    storage: Storage, passwords: Passwords
) -> None:
    of_organization: Changes = {
        "require_pkce": True,
        "id_token_claims": True,
        "id_token_signed_response_alg": "RS256",
        "email_as_username": False,
    }
    of_client: Changes = {
        "require_pkce": True,
        "id_token_claims": False,
        "id_token_signed_response_alg": "EdDSA",
        "access_token_type": "JWT",
        "access_token_signing_alg": "PS256",
        "roles_claim": "groups",
        "introspects_organization": True,
    }
    of_api: Changes = {
        "access_token_type": "JWT",
        "access_token_signing_alg": "RS256",
        "introspection_clients": ["said-web"],
    }
    document = _seed("said", of_client, **of_organization, api_resources=[_api("said", **of_api)])
    assert (await run(storage, passwords, document)).errors == []
    for record, said in zip(
        await _stored(storage, "said"), (of_organization, of_client, of_api), strict=True
    ):
        for name, value in said.items():
            found = getattr(record, name)
            assert (list(found) if isinstance(found, tuple) else found) == value, name
    report = await run(storage, passwords, document, "overwrite")
    assert report.updated == []


async def test_applications_F3_an_organization_has_an_algorithm_for_its_new_clients(
    storage: Storage, passwords: Passwords
) -> None:
    document = _seed("third", id_token_signed_response_alg="RS256")
    _clients(document).append(_BACKEND | {"id_token_signed_response_alg": "ES256"})
    assert (await run(storage, passwords, document)).errors == []
    assert (
        await find_client(storage, "third", "third-web")
    ).id_token_signed_response_alg == "RS256"
    backend = await find_client(storage, "third", "backend-0001")
    assert backend.id_token_signed_response_alg == "ES256"


async def test_applications_F7_silence_changes_nothing_of_a_client_that_exists(
    storage: Storage, passwords: Passwords
) -> None:
    """A client of Porta 1.x keeps the PKCE of its row, and any the algorithm it was made with."""
    strict = {"require_pkce": True, "id_token_signed_response_alg": "PS256"}
    await run(storage, passwords, _seed("kept", strict))
    report = await run(storage, passwords, _seed("kept"), "overwrite")
    assert report.errors == []
    _, web, _ = await _stored(storage, "kept")
    assert (web.require_pkce, web.id_token_signed_response_alg) == (True, "PS256")


async def test_B10_an_api_resource_names_a_client_of_the_same_file(
    storage: Storage, passwords: Passwords
) -> None:
    named = _api("named", introspection_clients=["backend-0002"])
    document = _seed("named", api_resources=[named])
    _clients(document).append(_BACKEND | {"client_id": "backend-0002"})
    assert (await run(storage, passwords, document)).errors == []
    _, _, api = await _stored(storage, "named")
    assert api.introspection_clients == ("backend-0002",)


@pytest.mark.parametrize("name", ["nobody", "foreign-web", "public-0001"])
async def test_B10_an_api_resource_names_nobody_else(
    storage: Storage, passwords: Passwords, name: str
) -> None:
    await run(storage, passwords, _seed("foreign"))
    prefix = f"not-{name}"
    document = _seed(prefix, api_resources=[_api(prefix, introspection_clients=[name])])
    public = {
        "client_id": "public-0001",
        "client_name": "Public",
        "client_type": "public",
        "redirect_uris": ["https://acme.test/callback"],
    }
    _clients(document).append(public)
    (problem,) = (await run(storage, passwords, document)).errors
    assert problem.place == "organizations[0].api_resources[0].introspection_clients[0]"
    assert name in problem.message
    assert await storage.organizations.find_by_slug(prefix) is None, "all of it or nothing"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("id_token_signed_response_alg", name) for name in ("none", "HS256", "es256", "", 5)],
        *[("access_token_signing_alg", name) for name in ("none", "HS256", "RS512", 5)],
        *[("access_token_type", name) for name in ("jwt", "AT+JWT", "none", "")],
        *[("roles_claim", name) for name in ("sub", "iss", "aud", "exp", "email", "a b")],
        ("id_token_claims", "perhaps"),
        ("require_pkce", [True]),
        ("id_token_claim", True),
    ],
)
def test_applications_F10_a_mistake_in_a_client_is_told_with_its_place(
    field: str, value: object
) -> None:
    found = problems(
        data(organization(applications=[application(clients=[client(**{field: value})])]))
    )
    assert list(found) == [f"{_OF_CLIENT}.{field}"]


def test_applications_F10_the_algorithms_that_there_are_are_told() -> None:
    wrong = client(id_token_signed_response_alg="RS512")
    found = problems(data(organization(applications=[application(clients=[wrong])])))
    message = found[f"{_OF_CLIENT}.id_token_signed_response_alg"]
    assert message == "must be one of: ES256, RS256, PS256, EdDSA"
    found = problems(data(organization(id_token_signed_response_alg="none")))
    assert "RS256" in found["organizations[0].id_token_signed_response_alg"]
    api = _api("acme", access_token_signing_alg="none", access_token_type="jwt", introspection=[])
    found = problems(data(organization(api_resources=[api])))
    where = "organizations[0].api_resources[0]"
    assert set(found) == {
        f"{where}.{name}"
        for name in ("access_token_signing_alg", "access_token_type", "introspection")
    }


def test_B10_a_public_client_introspects_nothing() -> None:
    public = client(client_type="public", introspects_organization=True)
    found = problems(data(organization(applications=[application(clients=[public])])))
    assert list(found) == [f"{_OF_CLIENT}.introspects_organization"]
