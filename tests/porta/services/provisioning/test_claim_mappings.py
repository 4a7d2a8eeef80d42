"""Claim mappings of a client in a provisioning file."""

from __future__ import annotations

from typing import Any

import pytest

from porta.security.passwords import Passwords
from storage.models.claims import CLAIM_TARGETS, ClaimMapping
from storage.router import Storage
from tests.porta.services.provisioning.seeds import find_client, run, seed
from tests.porta.services.provisioning.test_file import (
    application,
    client,
    data,
    organization,
    problems,
)

_OF_CLIENT = "organizations[0].applications[0].clients[0]"
_KEYCLOAK = [
    {"source": "roles", "claim": "realm_access.roles"},
    {"source": "permissions", "claim": ["resource_access", "{client_id}", "roles"]},
    {"source": "department", "claim": "https://acme.test/team", "targets": ["userinfo"]},
]
_STORED = (
    ClaimMapping("roles", ("realm_access", "roles"), CLAIM_TARGETS),
    ClaimMapping("permissions", ("resource_access", "{client_id}", "roles"), CLAIM_TARGETS),
    ClaimMapping("department", ("https://acme.test/team",), ("userinfo",)),
)


def _seed(prefix: str, **of_client: Any) -> dict[str, Any]:
    document = seed(prefix)
    document["organizations"][0]["applications"][0]["clients"][0].update(of_client)
    return document


async def test_applications_F9_a_file_says_what_a_client_calls_its_claims(
    storage: Storage, passwords: Passwords
) -> None:
    document = _seed("mapped", claim_mappings=_KEYCLOAK)
    assert (await run(storage, passwords, document)).errors == []
    assert (await find_client(storage, "mapped", "mapped-web")).claim_mappings == _STORED
    assert (await run(storage, passwords, document, "overwrite")).updated == []
    silent = await run(storage, passwords, _seed("mapped"), "overwrite")
    assert silent.updated == [], "silence changes nothing"
    await run(storage, passwords, _seed("mapped", claim_mappings=[]), "overwrite")
    assert (await find_client(storage, "mapped", "mapped-web")).claim_mappings == ()


async def test_applications_F9_one_word_for_roles_takes_the_place_of_the_other(
    storage: Storage, passwords: Passwords
) -> None:
    async def told(**said: Any) -> tuple[str | None, tuple[ClaimMapping, ...]]:
        report = await run(storage, passwords, _seed("words", **said), "overwrite")
        assert report.errors == []
        found = await find_client(storage, "words", "words-web")
        return found.roles_claim, found.claim_mappings

    assert await told(roles_claim="groups") == ("groups", ())
    assert await told(claim_mappings=_KEYCLOAK[1:]) == ("groups", _STORED[1:])
    assert await told(claim_mappings=_KEYCLOAK) == (None, _STORED)
    assert await told(roles_claim="groups") == ("groups", _STORED[1:])


@pytest.mark.parametrize(
    ("mapping", "place"),
    [
        ({"source": "roles", "claim": "sub"}, "claim_mappings[1].claim"),
        ({"source": "roles", "claim": "iss.roles"}, "claim_mappings[1].claim"),
        ({"source": "roles", "claim": "a", "targets": ["jwt"]}, "claim_mappings[1].targets"),
        ({"source": "email", "claim": "mail"}, "claim_mappings[1].source"),
        ({"source": "roles"}, "claim_mappings[1].claim"),
        ({"source": "roles", "claim": "realm_access"}, "claim_mappings[1].claim"),
        ({"source": "roles", "claim": "a", "into": []}, "claim_mappings[1].into"),
    ],
)
def test_applications_F10_a_mistake_in_a_mapping_is_told_with_its_place(
    mapping: dict[str, Any], place: str
) -> None:
    of_client = client(claim_mappings=[_KEYCLOAK[0], mapping])
    found = problems(data(organization(applications=[application(clients=[of_client])])))
    assert list(found) == [f"{_OF_CLIENT}.{place}"]
