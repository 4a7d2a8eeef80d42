"""The clients of examples/applications, provisioned as the guides say: alone, and all together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from porta.security.passwords import Passwords
from porta.services.provisioning import Report, load_document, provision
from storage.models.clients import Client
from storage.router import Storage
from tests.porta.services.provisioning.seeds import EXAMPLES, NOW, find_client, kinds, run

FILES = sorted((EXAMPLES / "applications").glob("*.yaml"))


async def _provision(storage: Storage, passwords: Passwords, path: Path) -> Report:
    return await provision(storage, load_document(path), passwords=passwords, now=NOW)


async def _clients(storage: Storage, path: Path) -> list[Client]:
    entries = [
        (organization, client)
        for organization in load_document(path).organizations
        for application in organization.applications
        for client in application.clients
    ]
    return [
        await find_client(storage, organization.slug or "", client.client_id or "")
        for organization, client in entries
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_applications_guides_an_example_makes_the_client_that_it_shows(
    fresh_storage: Storage, passwords: Passwords, path: Path
) -> None:
    report = await _provision(fresh_storage, passwords, path)
    assert report.errors == []
    (client,) = await _clients(fresh_storage, path)
    (credential,) = report.credentials
    assert credential.client_id == client.client_id
    assert client.client_type == "confidential"
    assert client.is_first_party
    assert not client.require_pkce


async def test_applications_guides_all_examples_add_to_one_organization(
    fresh_storage: Storage, passwords: Passwords
) -> None:
    found = []
    for path in FILES:
        report = await _provision(fresh_storage, passwords, path)
        assert report.errors == []
        found += await _clients(fresh_storage, path)
    assert len({client.client_id for client in found}) == len(FILES)
    assert len({client.organization_id for client in found}) == 1
    # What an application finds in its tokens is that of its own roles, so none is shared.
    assert len({client.application_id for client in found}) == len(FILES)
    for path in FILES:
        again = await _provision(fresh_storage, passwords, path)
        assert (again.created, again.updated, again.errors) == ([], [], [])


async def test_applications_guides_the_people_for_a_trial_sign_in_beside_an_example(
    fresh_storage: Storage, passwords: Passwords
) -> None:
    await _provision(fresh_storage, passwords, EXAMPLES / "applications" / "oauth2-proxy.yaml")
    index = EXAMPLES.parent / "docs" / "integrations" / "README.md"
    (block,) = re.findall(r"^```yaml\n(.+?)^```$", index.read_text(), re.DOTALL | re.MULTILINE)
    report = await run(fresh_storage, passwords, yaml.safe_load(block))
    assert (kinds(report.created), report.errors) == (["user", "user_role"], [])
    (person,) = yaml.safe_load(block)["organizations"][0]["users"]
    client = await find_client(fresh_storage, "shop", "oauth2-proxy")
    user = await fresh_storage.users.find_by_email(client.organization_id, person["email"])
    assert user is not None
    assert (await passwords.verify(user.password_hash, person["password"])).ok


async def test_applications_guides_a_later_file_gives_a_role_to_somebody_who_exists(
    fresh_storage: Storage, passwords: Passwords
) -> None:
    await _provision(fresh_storage, passwords, EXAMPLES / "applications" / "oauth2-proxy.yaml")
    ann = {"email": "ann@shop.example.com"}
    await run(fresh_storage, passwords, {"organizations": [{"name": "Shop", "users": [ann]}]})
    given = {**ann, "roles": [{"app": "intranet", "role": "staff"}]}
    report = await run(
        fresh_storage, passwords, {"organizations": [{"name": "Shop", "users": [given]}]}
    )
    assert kinds(report.created) == ["user_role"]
    client = await find_client(fresh_storage, "shop", "oauth2-proxy")
    user = await fresh_storage.users.find_by_email(client.organization_id, ann["email"])
    assert user is not None
    facts = await fresh_storage.users.facts(user.id, client.organization_id, client.application_id)
    assert facts is not None
    assert facts.roles == ("staff",)
