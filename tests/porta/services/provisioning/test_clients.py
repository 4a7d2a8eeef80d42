"""Clients and their secrets, provisioned."""

from __future__ import annotations

from porta.security.opaque import sha256_hex
from porta.security.passwords import Passwords
from porta.services.provisioning import load_document, provision
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests.porta.services.provisioning.seeds import (
    EXAMPLES,
    NOW,
    SECRET,
    find_client,
    kinds,
    run,
    seed,
)
from tests.world.administered import (
    make_application,
    make_organization,
    set_application_status,
    set_client_status,
)


async def test_the_clients_of_the_example(fresh_storage: Storage, passwords: Passwords) -> None:
    document = load_document(EXAMPLES / "dev.yaml")
    report = await provision(fresh_storage, document, passwords=passwords, now=NOW)
    by_id = {credential.client_id: credential for credential in report.credentials}
    methods = {id: each.token_endpoint_auth_method for id, each in by_id.items()}
    assert methods == {
        "acme-web-basic": "client_secret_basic",
        "acme-web-post": "client_secret_post",
        "acme-spa": "none",
        "acme-native": "none",
        "acme-machine": "client_secret_basic",
        "acme-partner": "client_secret_basic",
    }
    for credential in report.credentials:
        stored = await find_client(fresh_storage, credential.organization, credential.client_id)
        assert stored.is_first_party is (credential.client_id != "acme-partner")
        expected = [sha256_hex(credential.client_secret)] if credential.client_secret else []
        assert [secret.sha256 for secret in stored.secrets] == expected
        assert bool(expected) is (credential.client_type == "confidential")
    spa = await find_client(fresh_storage, "acme", "acme-spa")
    assert "http://127.0.0.1:9010" in spa.allowed_origins
    machine = await find_client(fresh_storage, "acme", "acme-machine")
    assert (machine.grant_types, machine.response_types) == (("client_credentials",), ())


async def test_a_generated_secret_is_told_once(storage: Storage, passwords: Passwords) -> None:
    data = seed("once")
    del data["organizations"][0]["applications"][0]["clients"][0]["secret"]
    first = await run(storage, passwords, data)
    (told,) = first.credentials
    assert told.client_secret is not None
    assert len(told.client_secret) == 43
    second = await run(storage, passwords, data)
    assert [credential.client_secret for credential in second.credentials] == [None]
    client = await find_client(storage, "once", "once-web")
    assert [secret.sha256 for secret in client.secrets] == [sha256_hex(told.client_secret)]


async def test_a_chosen_secret_is_kept_as_two_hashes(
    storage: Storage, passwords: Passwords, pg: Postgres
) -> None:
    await run(storage, passwords, seed("hashes"))
    row = await pg.fetchrow(
        """
        SELECT s.* FROM client_secrets s JOIN clients c ON c.id = s.client_id
        WHERE c.client_id = 'hashes-web'
        """
    )
    assert row is not None
    assert SECRET not in map(str, row)
    assert sha256_hex(SECRET) in row
    (phc,) = [value for value in row if str(value).startswith("$argon2id$")]
    assert (await passwords.verify(phc, SECRET)).ok


async def test_another_chosen_secret_is_added(storage: Storage, passwords: Passwords) -> None:
    await run(storage, passwords, seed("more"))
    data = seed("more")
    data["organizations"][0]["applications"][0]["clients"][0]["secret"] = {
        "value": SECRET[::-1],
        "expires_in": "1d",
    }
    report = await run(storage, passwords, data)
    assert kinds(report.created) == ["client_secret"]
    (credential,) = report.credentials
    assert (credential.client_secret, credential.expires_at) == (SECRET[::-1], NOW + 86_400)
    client = await find_client(storage, "more", "more-web")
    assert len(client.secrets) == 2


async def test_a_revoked_secret_is_not_brought_back(
    storage: Storage, passwords: Passwords, pg: Postgres
) -> None:
    await run(storage, passwords, seed("gone"))
    await pg.execute(
        """
        UPDATE client_secrets SET status = 'revoked'
        WHERE client_id = (SELECT id FROM clients WHERE client_id = 'gone-web')
        """
    )
    report = await run(storage, passwords, seed("gone"))
    assert report.created == []
    assert [credential.client_secret for credential in report.credentials] == [None]


async def test_a_revoked_client_stays_revoked(storage: Storage, passwords: Passwords) -> None:
    await run(storage, passwords, seed("ended"))
    organization = await storage.organizations.find_by_slug("ended")
    assert organization is not None
    await set_client_status(storage, "ended-web", "revoked")
    data = seed("ended")
    client = data["organizations"][0]["applications"][0]["clients"][0]
    client |= {"redirect_uris": ["https://other.test/"], "secret": {"value": SECRET[::-1]}}
    report = await run(storage, passwords, data, "overwrite")
    assert (report.errors, report.created, report.updated) == ([], [], [])
    assert [credential.client_secret for credential in report.credentials] == [None]
    stored = await find_client(storage, "ended", "ended-web")
    assert (stored.status, stored.redirect_uris) == ("revoked", ("https://acme.test/callback",))
    assert len(stored.secrets) == 1


async def test_a_client_without_chosen_id_is_found_by_its_name(
    storage: Storage, passwords: Passwords
) -> None:
    data = seed("named")
    del data["organizations"][0]["applications"][0]["clients"][0]["client_id"]
    first = await run(storage, passwords, data)
    second = await run(storage, passwords, data)
    assert [each.client_id for each in first.credentials] == [
        each.client_id for each in second.credentials
    ]


async def test_the_client_id_of_another_organization_is_refused(
    storage: Storage, passwords: Passwords
) -> None:
    await run(storage, passwords, seed("owner"))
    data = seed("thief")
    data["organizations"][0]["applications"][0]["clients"][0]["client_id"] = "owner-web"
    report = await run(storage, passwords, data, "overwrite")
    assert [problem.place for problem in report.errors] == [
        "organizations[0].applications[0].clients[0].client_id"
    ]
    assert (await find_client(storage, "owner", "owner-web")).status == "active"


async def test_a_client_keeps_its_type(storage: Storage, passwords: Passwords) -> None:
    await run(storage, passwords, seed("typed"))
    data = seed("typed")
    client = data["organizations"][0]["applications"][0]["clients"][0]
    client |= {"client_type": "public"}
    del client["secret"]
    report = await run(storage, passwords, data, "overwrite")
    assert [problem.place.endswith(".client_type") for problem in report.errors] == [True]


async def test_two_organizations_share_an_application(
    storage: Storage, passwords: Passwords
) -> None:
    data = seed("shared")
    other = {
        "name": "Partner",
        "slug": "shared-partner",
        "applications": [
            {
                "name": "CRM again",
                "slug": "shared-crm",
                "clients": [
                    {
                        "client_id": "partner-web",
                        "client_name": "Web",
                        "client_type": "public",
                        "redirect_uris": ["https://partner.test/callback"],
                    }
                ],
            }
        ],
        "users": [{"email": "alice@acme.test", "roles": [{"app": "shared-crm", "role": "viewer"}]}],
    }
    data["organizations"].append(other)
    report = await run(storage, passwords, data)
    assert report.errors == []
    ours = await find_client(storage, "shared", "shared-web")
    theirs = await find_client(storage, "shared-partner", "partner-web")
    assert ours.application_id == theirs.application_id
    assert ours.organization_id != theirs.organization_id


async def test_an_archived_application_takes_no_more_clients(
    storage: Storage, passwords: Passwords
) -> None:
    await make_organization(storage, "late", "Late")
    await make_application(storage, "late-crm")
    await set_application_status(storage, "late-crm", "archived")
    report = await run(storage, passwords, seed("late"))
    assert [problem.place for problem in report.errors] == [
        "organizations[0].applications[0].clients[0]"
    ]
