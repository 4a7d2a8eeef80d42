"""Provisioning on the real database: merging and overwriting."""

from __future__ import annotations

from porta.security.opaque import sha256_hex
from porta.security.passwords import Passwords
from porta.services.provisioning import load_document, provision
from storage.models.clients import ScopeText
from storage.router import Storage
from tests.porta.services.provisioning.seeds import (
    EXAMPLES,
    NOW,
    ONE_OF_EACH,
    SECRET,
    find_client,
    kinds,
    run,
    seed,
)
from tests.world.administered import set_user_status


async def test_the_example_for_development(fresh_storage: Storage, passwords: Passwords) -> None:
    document = load_document(EXAMPLES / "dev.yaml")
    report = await provision(fresh_storage, document, passwords=passwords, now=NOW)
    assert report.errors == []
    assert {"organization", "user_role", "claim_value"} <= set(kinds(report.created))

    admin = await fresh_storage.organizations.find_by_slug("porta-admin")
    assert admin is not None
    assert admin.is_super_admin
    assert await fresh_storage.users.find_by_email(admin.id, "admin@porta.test")

    acme = await fresh_storage.organizations.find_by_slug("acme")
    assert acme is not None
    assert acme.branding_primary_color == "#0F766E"
    client = await find_client(fresh_storage, "acme", "acme-web-basic")
    assert client.organization_id == acme.id
    alice = await fresh_storage.users.find_by_email(acme.id, "alice@acme.test")
    assert alice is not None
    assert alice.birthdate == "1990-04-17"
    assert alice.address_country == "DE"
    assert (await passwords.verify(alice.password_hash, "quiet-otter-paints-seven-lamps")).ok
    facts = await fresh_storage.users.facts(alice.id, acme.id, client.application_id)
    assert facts is not None
    assert facts.roles == ("admin",)
    assert facts.permissions == ("crm:contacts:read", "crm:contacts:write", "crm:deals:close")
    assert facts.claims == {"department": "Engineering", "cost_center": 4711}


async def test_the_minimal_example(fresh_storage: Storage, passwords: Passwords) -> None:
    document = load_document(EXAMPLES / "minimal.yaml")
    report = await provision(fresh_storage, document, passwords=passwords, now=NOW)
    assert report.errors == []
    (credential,) = report.credentials
    assert len(credential.client_id) == 43


async def test_a_second_run_changes_nothing(storage: Storage, passwords: Passwords) -> None:
    first = await run(storage, passwords, seed("twice"))
    assert kinds(first.created) == ONE_OF_EACH
    second = await run(storage, passwords, seed("twice"))
    assert (second.created, second.updated) == ([], [])
    assert kinds(second.skipped) == ONE_OF_EACH
    assert second.credentials == first.credentials
    third = await run(storage, passwords, seed("twice"), "overwrite")
    assert (third.created, third.updated) == ([], [])


async def test_merging_leaves_what_exists(storage: Storage, passwords: Passwords) -> None:
    await run(storage, passwords, seed("merge"))
    again = seed("merge", name="Renamed", default_locale="de")
    again["organizations"][0]["users"][0]["given_name"] = "Alicia"
    again["organizations"][0]["users"][0]["claims"][0]["value"] = 8
    again["organizations"][0]["applications"][0]["roles"].append({"name": "Editor"})
    report = await run(storage, passwords, again)
    assert [(line.kind, line.slug) for line in report.created] == [("role", "editor")]
    assert report.updated == []
    found = await storage.organizations.find_by_slug("merge")
    assert found is not None
    assert (found.name, found.default_locale) == ("merge Inc", "en")


async def test_overwriting_changes_what_the_file_says(
    storage: Storage, passwords: Passwords
) -> None:
    await run(storage, passwords, seed("over", two_factor_policy="required_any"))
    again = seed("over", name="Renamed", branding={"custom_css": ".card { color: teal }"})
    entry = again["organizations"][0]
    entry["api_resources"][0]["scopes"] = ["contacts:write"]
    entry["users"][0] |= {
        "given_name": "Alicia",
        "status": "inactive",
        "password": "another-long-one",
    }
    entry["users"][0]["claims"][0]["value"] = 8
    application = entry["applications"][0]
    application["description"] = "Everything about customers"
    application["roles"][0]["name"] = "Reader"
    application["permissions"][0]["name"] = "Read contacts"
    application["claim_definitions"][0]["include_in_id_token"] = True
    application["modules"][0]["status"] = "inactive"
    application["clients"][0]["redirect_uris"] = ["https://acme.test/other"]
    report = await run(storage, passwords, again, "overwrite")

    assert report.created == []
    assert {line.kind: line.detail for line in report.updated} == {
        "organization": "name, branding_custom_css",
        "api_resource": "scopes",
        "application": "description",
        "client": "redirect_uris",
        "role": "name",
        "permission": "name",
        "claim_definition": "include_in_id_token",
        "module": "status",
        "user": "given_name, status",
        "claim_value": "value",
    }
    organization = await storage.organizations.find_by_slug("over")
    assert organization is not None
    assert organization.two_factor_policy == "required_any"
    user = await storage.users.find_by_email(organization.id, "alice@acme.test")
    assert user is not None
    assert (user.given_name, user.status) == ("Alicia", "inactive")
    assert (await passwords.verify(user.password_hash, "quiet-otter-paints-seven")).ok
    client = await find_client(storage, "over", "over-web")
    assert client.redirect_uris == ("https://acme.test/other",)
    assert [secret.sha256 for secret in client.secrets] == [sha256_hex(SECRET)]
    assert client.claim_definitions[0].include_in_id_token
    resources = await storage.api_resources.find_all(organization.id)
    assert resources[0].scopes == ("contacts:write",)


async def test_the_description_of_a_claim_is_overwritten_by_itself(
    storage: Storage, passwords: Passwords
) -> None:
    await run(storage, passwords, seed("told"))
    again = seed("told")
    definition = again["organizations"][0]["applications"][0]["claim_definitions"][0]
    definition["description"] = "How far up"
    report = await run(storage, passwords, again, "overwrite")
    assert [(line.kind, line.detail) for line in report.updated] == [
        ("claim_definition", "description")
    ]
    del definition["description"]
    definition["include_in_id_token"] = True
    await run(storage, passwords, again, "overwrite")
    application = await storage.applications.find_by_slug("told-crm")
    assert application is not None
    (stored,) = await storage.claims.definitions(application.id)
    assert stored.include_in_id_token
    assert stored.description == "How far up"


async def test_overwriting_opens_no_lock(storage: Storage, passwords: Passwords) -> None:
    await run(storage, passwords, seed("locked"))
    organization = await storage.organizations.find_by_slug("locked")
    assert organization is not None
    user = await storage.users.find_by_email(organization.id, "alice@acme.test")
    assert user is not None
    await set_user_status(storage, user.id, "locked", "stolen laptop")
    again = seed("locked")
    again["organizations"][0]["users"][0]["status"] = "active"
    report = await run(storage, passwords, again, "overwrite")
    assert report.errors == []
    still = await storage.users.find_by_id(user.id, organization.id)
    assert still is not None
    assert still.status == "locked"


async def test_people_19_scopes_and_claims_keep_the_words_of_the_file(
    storage: Storage, passwords: Passwords
) -> None:
    document = seed("worded")
    entry = document["organizations"][0]
    german = {"title": "Kontakte lesen", "description": "Nur Namen"}
    entry["api_resources"][0]["scopes"] = [
        "contacts:write",
        {"name": "contacts:read", "title": "Read contacts", "translations": {"de": german}},
    ]
    report = await run(storage, passwords, document)
    assert report.errors == []
    organization = await storage.organizations.find_by_slug(entry["slug"])
    assert organization is not None
    (resource,) = await storage.api_resources.find_all(organization.id)
    assert resource.scopes == ("contacts:write", "contacts:read")
    words = ScopeText("Read contacts", None, {"de": ScopeText("Kontakte lesen", "Nur Namen")})
    assert resource.scope_texts == {"contacts:read": words}
    definition = entry["applications"][0]["claim_definitions"][0]
    client = entry["applications"][0]["clients"][0]["client_id"]
    found = await storage.clients.find(client, organization.id)
    assert found is not None
    assert definition["name"] in [each.title for each in found.claim_definitions]
    entry["api_resources"][0]["scopes"] = ["contacts:read"]
    await run(storage, passwords, document, mode="overwrite")
    (resource,) = await storage.api_resources.find_all(organization.id)
    assert (resource.scopes, resource.scope_texts) == (("contacts:read",), {})
