"""What is told of a seed can be signed in with."""

from __future__ import annotations

from typing import Any

import pytest

from porta.dev import seed
from porta.security.passwords import Passwords
from porta.services.provisioning import build_document
from porta.services.provisioning.problems import DocumentInvalid
from storage.router import Storage

PASSWORD = "quiet-otter-paints-seven"
NATIVE = {
    "client_type": "public",
    "application_type": "native",
    "redirect_uris": ["http://127.0.0.1/callback"],
}


def organization(slug: str, *clients: dict[str, Any], **more: Any) -> dict[str, Any]:
    listed = [{"client_name": f"{slug} {n}", **client} for n, client in enumerate(clients)]
    applications = [{"name": f"The {slug}", "clients": listed}] if clients else []
    person = {"email": f"first@{slug}.test", "password": PASSWORD}
    return {"name": slug, "slug": slug, "applications": applications, "users": [person], **more}


async def seeded(
    storage: Storage, passwords: Passwords, *organizations: dict[str, Any]
) -> dict[str, Any]:
    data = {"version": "1.0", "allow_passwords": True, "organizations": list(organizations)}
    documents = {"seed.yaml": build_document("seed.yaml", data)}
    credentials = await seed.provision_all(storage, documents, passwords)
    base = "http://localhost:3000"
    return await seed.describe(storage, passwords, base, documents.values(), credentials)


async def test_client_and_person_are_of_one_organization(
    fresh_storage: Storage, passwords: Passwords
) -> None:
    told = await seeded(
        fresh_storage,
        passwords,
        organization("first"),
        organization("second", NATIVE, users=[]),
        organization("third", NATIVE),
    )
    assert told["demonstration"]["client"]["issuer"] == "http://localhost:3000/third"
    assert told["demonstration"]["person"] == {"email": "first@third.test", "password": PASSWORD}


@pytest.mark.parametrize(
    "change",
    [
        {"application_type": "spa"},
        {"id_token_signed_response_alg": "RS256"},
        {"scope": "profile"},
        {"login_methods": ["magic_link"]},
        {"redirect_uris": ["http://127.0.0.1/other"]},
    ],
)
async def test_a_client_that_the_page_cannot_be_is_not_taken(
    fresh_storage: Storage, passwords: Passwords, change: dict[str, Any]
) -> None:
    told = await seeded(fresh_storage, passwords, organization("only", NATIVE | change))
    assert told["demonstration"] is None
    told = await seeded(fresh_storage, passwords, organization("other", NATIVE | change, NATIVE))
    client_id = told["demonstration"]["client"]["client_id"]
    assert client_id == told["organizations"]["other"]["clients"][1]["client_id"]


@pytest.mark.parametrize(
    "more",
    [
        {"two_factor_policy": "required_any"},
        {"default_login_methods": ["magic_link"]},
        {"users": [{"email": "a@acme.test", "password": PASSWORD, "status": "inactive"}]},
        {"users": [{"email": "a@acme.test"}]},
    ],
)
async def test_without_somebody_who_can_sign_in_there_is_nothing_to_try(
    fresh_storage: Storage, passwords: Passwords, more: dict[str, Any]
) -> None:
    told = await seeded(fresh_storage, passwords, organization("nobody", NATIVE, **more))
    assert told["demonstration"] is None


async def test_a_password_that_the_database_does_not_have_is_not_told(
    fresh_storage: Storage, passwords: Passwords
) -> None:
    await seeded(fresh_storage, passwords, organization("acme", NATIVE))
    changed = {"email": "first@acme.test", "password": "another-otter-paints-eight"}
    added = {"email": "second@acme.test", "password": PASSWORD}
    told = await seeded(
        fresh_storage, passwords, organization("acme", NATIVE, users=[changed, added])
    )
    assert told["organizations"]["acme"]["people"] == [{"email": "first@acme.test"}, added]
    assert told["demonstration"]["person"] == added


async def test_files_are_provisioned_together_or_not_at_all(
    fresh_storage: Storage, passwords: Passwords
) -> None:
    good = {"version": "1.0", "organizations": [{"name": "Good"}]}
    bad = {"version": "1.0", "organizations": [], "config": {"no_such_setting": 1}}
    documents = {path: build_document(path, d) for path, d in (("a", good), ("b", bad))}
    with pytest.raises(DocumentInvalid, match=r"^b: config\.no_such_setting: "):
        await seed.provision_all(fresh_storage, documents, passwords)
    assert await fresh_storage.organizations.find_by_slug("good") is None


async def test_people_6_a_seed_of_ones_own_is_given_the_demonstration(
    fresh_storage: Storage, passwords: Passwords
) -> None:
    spa = NATIVE | {"application_type": "spa", "redirect_uris": ["https://acme.test/callback"]}
    data = {
        "version": "1.0",
        "allow_passwords": True,
        "organizations": [
            organization("locked", two_factor_policy="required_any"),
            organization("first", spa, id_token_signed_response_alg="RS256"),
            organization("second"),
        ],
    }
    documents = {"seed.yaml": build_document("seed.yaml", data)}
    base = "http://localhost:3000"
    client_ids = set()
    for _ in range(2):
        credentials = await seed.provision_all(fresh_storage, documents, passwords)
        told = await seed.describe(fresh_storage, passwords, base, documents.values(), credentials)
        assert told["demonstration"] is None
        credentials += await seed.add_demonstration(fresh_storage, passwords, documents.values())
        told = await seed.describe(fresh_storage, passwords, base, documents.values(), credentials)
        assert told["demonstration"]["client"]["issuer"] == f"{base}/first"
        assert told["demonstration"]["person"]["email"] == "first@first.test"
        client_ids.add(told["demonstration"]["client"]["client_id"])
    assert len(client_ids) == 1, "another start finds it again"


async def test_people_6_without_a_person_who_signs_in_nothing_is_added(
    fresh_storage: Storage, passwords: Passwords
) -> None:
    data = {
        "version": "1.0",
        "allow_passwords": True,
        "organizations": [organization("nobody", default_login_methods=["magic_link"])],
    }
    documents = {"seed.yaml": build_document("seed.yaml", data)}
    await seed.provision_all(fresh_storage, documents, passwords)
    assert await seed.add_demonstration(fresh_storage, passwords, documents.values()) == []
    assert await fresh_storage.applications.find_by_slug("demonstration") is None
