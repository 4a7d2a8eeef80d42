"""Connections and domains in a file: made, kept, moved, and every mistake with its place."""

from __future__ import annotations

import json
import secrets
from typing import Any

import pytest

from porta.audit.actors import SYSTEM, Actor
from porta.security import encryption
from porta.security.connection_secrets import open_secret
from porta.security.passwords import Passwords
from porta.services.permissions import PERMISSIONS
from porta.services.provisioning import DocumentInvalid, Report, build_document, provision
from porta.services.provisioning.describe import describe
from porta.services.provisioning.file import ProvisioningFile
from storage.models.connections import Connection
from storage.models.domains import Domain
from storage.models.pages import Page
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests.porta.services.provisioning.seeds import NOW

KEYS = (bytes.fromhex("ab" * 32),)
SECRET = "what-the-provider-gave-us"
WORK: dict[str, Any] = {
    "name": "Work",
    "provider": "openid",
    "issuer": "https://id.acme.example",
    "client_id": "porta",
    "client_secret": SECRET,
    "scopes": ["groups"],
    "claim_mapping": {"nickname": "nick"},
    "allowed_domains": ["acme.example"],
}


@pytest.fixture
def slug() -> str:
    return f"c{secrets.token_hex(6)}"


def _file(slug: str, connections: Any = (WORK,), domains: Any = ()) -> dict[str, Any]:
    application = {
        "name": "CRM",
        "slug": f"{slug}-crm",
        "roles": [{"name": "Staff", "slug": "staff"}, {"name": "Chief", "slug": "chief"}],
    }
    entry = {
        "name": "Acme",
        "slug": slug,
        "applications": [application],
        "connections": list(connections),
        "domains": list(domains),
    }
    return {"version": "1.0", "organizations": [entry]}


async def _run(
    storage: Storage,
    passwords: Passwords,
    data: dict[str, Any],
    mode: Any = "merge",
    keys: encryption.EncryptionKeys = KEYS,
    actor: Actor = SYSTEM,
) -> Report:
    document = build_document("seed", data)
    return await provision(
        storage, document, passwords=passwords, mode=mode, now=NOW, keys=keys, actor=actor
    )


async def _home(storage: Storage, slug: str) -> str:
    found = await storage.organizations.find_by_slug(slug)
    assert found is not None
    return found.id


async def _stored(storage: Storage, slug: str) -> dict[str, Connection]:
    listed = await storage.connections.list_page(await _home(storage, slug), Page(sort="name"))
    return {each.name: each for each in listed.rows}


async def _domains(storage: Storage, slug: str) -> dict[str, Domain]:
    listed = await storage.domains.list_page(await _home(storage, slug), Page(sort="domain"))
    return {each.domain: each for each in listed.rows}


def _places(report: Report) -> dict[str, str]:
    return {each.place: each.message for each in report.errors}


def _rule(slug: str, *roles: str) -> dict[str, Any]:
    listed = [{"app": f"{slug}-crm", "role": role} for role in roles]
    return {"claim": "groups", "value": "crew", "roles": listed}


async def test_what_a_file_says_is_made_and_a_second_run_changes_nothing(
    storage: Storage, passwords: Passwords, slug: str, pg: Postgres
) -> None:
    connection = {**WORK, "role_mapping": [_rule(slug, "staff", "chief", "staff")]}
    data = _file(slug, [connection], [{"domain": "ACME.example", "connection": "Work"}])
    report = await _run(storage, passwords, data)
    assert report.errors == []
    assert {"connection", "domain"} <= {each.kind for each in report.created}
    made = (await _stored(storage, slug))["Work"]
    assert made.client_secret is not None
    assert open_secret(made.client_secret, made.id, KEYS) == SECRET
    assert (made.scopes, made.claim_mapping) == (("groups",), {"nickname": "nick"})
    known = await storage.user_roles.find_roles(made.role_mapping[0].role_ids)
    assert [known[id][0] for id in made.role_mapping[0].role_ids] == ["staff", "chief"]
    (domain,) = (await _domains(storage, slug)).values()
    assert (domain.domain, domain.connection_id, domain.mode) == ("acme.example", made.id, "offer")
    for mode in ("merge", "overwrite"):
        again = await _run(storage, passwords, data, mode)
        assert (again.errors, again.created, again.updated) == ([], [], []), mode
        assert (await _stored(storage, slug))["Work"] == made
        assert (await _domains(storage, slug))["acme.example"] == domain
    rows = await pg.fetch(
        "SELECT metadata::text FROM audit_log WHERE organization_id = %(id)s",
        {"id": made.organization_id},
    )
    assert rows
    for told in (str(report), str(again), *(str(row[0]) for row in rows)):
        assert SECRET not in told
        assert made.client_secret not in told


@pytest.mark.parametrize("mode", ["offer", "require"])
async def test_a_domain_is_claimed_by_a_file_and_proven_by_its_record_alone(
    storage: Storage, passwords: Passwords, slug: str, mode: str
) -> None:
    domain = {"domain": "acme.example", "connection": "Work", "mode": mode}
    assert (await _run(storage, passwords, _file(slug, domains=[domain]))).errors == []
    (made,) = (await _domains(storage, slug)).values()
    assert (made.mode, made.verified_at, made.checked_at) == (mode, None, None)
    home = await _home(storage, slug)
    (led,) = (await storage.connections.find_each([home]))[home]
    assert led.domains == (), "nobody is led by it"


async def test_merging_leaves_what_exists(
    storage: Storage, passwords: Passwords, slug: str
) -> None:
    domain = {"domain": "acme.example", "connection": "Work"}
    await _run(storage, passwords, _file(slug, domains=[domain]))
    before = (await _stored(storage, slug), await _domains(storage, slug))
    other = {**WORK, "client_id": "other", "provider": "google", "status": "inactive"}
    report = await _run(storage, passwords, _file(slug, [other], [{**domain, "mode": "require"}]))
    assert (report.errors, report.updated) == ([], [])
    assert (await _stored(storage, slug), await _domains(storage, slug)) == before


async def test_overwriting_changes_what_a_file_speaks_of_and_no_secret(
    storage: Storage, passwords: Passwords, slug: str
) -> None:
    await _run(storage, passwords, _file(slug))
    before = (await _stored(storage, slug))["Work"]
    changed = {**WORK, "client_id": "other", "client_secret": "another-one"}
    del changed["scopes"]
    report = await _run(storage, passwords, _file(slug, [changed]), "overwrite")
    assert [(each.kind, each.detail) for each in report.updated] == [("connection", "client_id")]
    after = (await _stored(storage, slug))["Work"]
    assert (after.client_id, after.client_secret) == ("other", before.client_secret)
    assert after.scopes == ("groups",)


async def test_a_secret_is_added_where_there_is_none(
    storage: Storage, passwords: Passwords, slug: str
) -> None:
    bare = {name: value for name, value in WORK.items() if name != "client_secret"}
    report = await _run(storage, passwords, _file(slug, [bare]), keys=())
    assert report.errors == []
    (note,) = report.notes
    assert (note.place, "no client_secret" in note.message) == (
        "organizations[0].connections[0]", True,
    )  # fmt: skip
    report = await _run(storage, passwords, _file(slug), "overwrite")
    assert [each.detail for each in report.updated] == ["client_secret"]
    made = (await _stored(storage, slug))["Work"]
    assert made.client_secret is not None
    assert open_secret(made.client_secret, made.id, KEYS) == SECRET
    report = await _run(storage, passwords, _file(slug, [{**bare, "client_secret": None}]))
    assert report.errors == []
    assert (await _stored(storage, slug))["Work"] == made


async def test_no_secret_is_kept_that_no_server_could_read(
    storage: Storage, passwords: Passwords, slug: str
) -> None:
    report = await _run(storage, passwords, _file(slug), keys=())
    place = "organizations[0].connections[0].client_secret"
    assert "SIGNING_KEY_ENCRYPTION_KEY" in _places(report)[place]
    assert await storage.organizations.find_by_slug(slug) is None


@pytest.mark.parametrize(
    ("name", "value"), [("provider", "google"), ("issuer", "https://evil.example")]
)
async def test_who_says_who_people_are_never_changes(
    storage: Storage, passwords: Passwords, slug: str, name: str, value: str
) -> None:
    await _run(storage, passwords, _file(slug))
    report = await _run(storage, passwords, _file(slug, [{**WORK, name: value}]), "overwrite")
    (told,) = _places(report).items()
    assert told[0] == f"organizations[0].connections[0].{name}"
    assert "never changes" in told[1]


async def test_nor_does_where_an_oauth_2_server_is_asked(
    storage: Storage, passwords: Passwords, slug: str
) -> None:
    at = "https://id.acme.example"
    names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")
    options = {name: f"{at}/{name}" for name in names}
    connection = {**WORK, "provider": "oauth2", "options": options}
    assert (await _run(storage, passwords, _file(slug, [connection]))).errors == []
    other = {**connection, "options": options | {"userinfo_endpoint": "https://evil.example"}}
    told = _places(await _run(storage, passwords, _file(slug, [other]), "overwrite"))
    assert told == {
        "organizations[0].connections[0].options": "say who people are: make another connection"
    }


async def test_people_of_a_domain_are_moved_and_the_old_connection_switched_off_in_one_run(
    storage: Storage, passwords: Passwords, slug: str
) -> None:
    """Whatever the order of the file: nothing is switched off that a domain requires by then."""
    domain = {"domain": "acme.example", "connection": "Work", "mode": "require"}
    await _run(storage, passwords, _file(slug, domains=[domain]))
    both = [{**WORK, "status": "inactive"}, {**WORK, "name": "New"}]
    moved = _file(slug, both, [{**domain, "connection": "New"}])
    assert (await _run(storage, passwords, moved, "overwrite")).errors == []
    known = await _stored(storage, slug)
    assert {name: each.status for name, each in known.items()} == {
        "Work": "inactive", "New": "active",
    }  # fmt: skip
    assert (await _domains(storage, slug))["acme.example"].connection_id == known["New"].id
    back = _file(slug, [{**WORK, "status": "active"}], [domain])
    assert (await _run(storage, passwords, back, "overwrite")).errors == []


async def test_what_a_domain_requires_is_not_switched_off(
    storage: Storage, passwords: Passwords, slug: str
) -> None:
    domain = {"domain": "acme.example", "connection": "Work", "mode": "require"}
    await _run(storage, passwords, _file(slug, domains=[domain]))
    off = _file(slug, [{**WORK, "status": "inactive"}])
    told = _places(await _run(storage, passwords, off, "overwrite"))
    assert told == {
        "organizations[0].connections[0]": (
            "people of acme.example have to sign in here; change the domain first"
        )
    }
    assert (await _stored(storage, slug))["Work"].status == "active"


async def test_a_domain_that_has_lapsed_is_required_of_nobody_anew(
    storage: Storage, passwords: Passwords, slug: str
) -> None:
    domain = {"domain": "acme.example", "connection": "Work"}
    await _run(storage, passwords, _file(slug, domains=[domain]))
    (made,) = (await _domains(storage, slug)).values()
    found = await storage.domains.found(made.id, made.organization_id)
    assert found is not None
    assert await storage.domains.missed(found, 1) is not None
    required = _file(slug, domains=[{**domain, "mode": "require"}])
    told = _places(await _run(storage, passwords, required, "overwrite"))
    assert told == {"organizations[0].domains[0].mode": "has lapsed: verify the domain again first"}


MISTAKES: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({"provider": "entra"}, {}, "connections[0].allowed_tenants", "must name whose people"),
    ({"provider": "apple"}, {}, "connections[0].options", "team_id and key_id"),
    (
        {"provider": "apple", "options": {"team_id": "T", "key_id": "K"}},
        {}, "connections[0].client_secret", "PEM",
    ),
    ({}, {"connection": "Wrok"}, "domains[0].connection", "did you mean Work?"),
    ({"status": "inactive"}, {"mode": "require"}, "domains[0].connection", "must be active"),
]  # fmt: skip


@pytest.mark.parametrize(("connection", "domain", "place", "message"), MISTAKES, ids=range(5))
async def test_what_a_connection_needs_is_told_with_its_place(
    storage: Storage,
    passwords: Passwords,
    slug: str,
    connection: dict[str, Any],
    domain: dict[str, Any],
    place: str,
    message: str,
) -> None:
    listed = [{"domain": "acme.example", "connection": "Work", **domain}]
    report = await _run(storage, passwords, _file(slug, [{**WORK, **connection}], listed))
    told = _places(report)
    assert message in told.get(f"organizations[0].{place}", ""), told
    assert SECRET not in str(report)


HOSTILE = [
    ({"name": "a\nb"}, "name"),
    ({"name": "x" * 256}, "name"),
    ({"provider": "facebook"}, "provider"),
    ({"issuer": "http://id.acme.example"}, "issuer"),
    ({"issuer": "https://user:word@id.acme.example"}, "issuer"),
    ({"issuer": "javascript:alert(1)"}, "issuer"),
    ({"client_secret": ""}, "client_secret"),
    ({"client_secret": "a\x00b"}, "client_secret"),
    ({"client_secret": 7}, "client_secret"),
    ({"clientSecret": "x"}, "clientSecret"),
    ({"client_secret_from": "env:SIGNING_KEY_ENCRYPTION_KEY"}, "client_secret_from"),
    ({"claim_mapping": {"email": "mail"}}, "claim_mapping"),
    ({"scopes": ["open id"]}, "scopes[0]"),
    ({"allowed_domains": ["*.acme.example"]}, "allowed_domains[0]"),
    ({"role_mapping": [{"claim": "g", "value": "v", "roleIds": ["x"]}]}, "role_mapping[0].roleIds"),
    ({"role_mapping": [{"claim": "g", "value": "v", "roles": []}]}, "role_mapping[0].roles"),
    ({"creates_accounts": "yes"}, "creates_accounts"),
    ({"status": "archived"}, "status"),
]


@pytest.mark.parametrize(("spoiled", "place"), HOSTILE, ids=range(len(HOSTILE)))
def test_what_no_connection_may_be_is_told_before_the_database_is_asked(
    slug: str, spoiled: dict[str, Any], place: str
) -> None:
    text = json.dumps(_file(slug, [{**WORK, **spoiled}]))
    with pytest.raises(DocumentInvalid) as refused:
        _ = ProvisioningFile("seed", json.loads(text)).document
    places = [each.place for each in refused.value.problems]
    assert any(each.startswith(f"organizations[0].connections[0].{place}") for each in places)
    assert SECRET not in str(refused.value)


NO_DOMAINS = [
    *("*.acme.example", "acme.example.", "acme", ".acme.example", "acme..example", ""),
    *(
        "münchen.example",
        "acme\u3002example",
        "acme.example\n",
        "<script>.example",
        "acme.example/x",
    ),
    *("-acme.example", "acme-.example", f"{'a' * 64}.example", f"acme.{'a' * 64}", "127.0.0.1"),
    *("[::1]", "_dmarc.acme.example", "alice@acme.example", "acme.example:443", "a\x00.example"),
    # Of 237 characters: with the label of its record it has a name that is too long for the DNS.
    f"{'a.' * 115}example",
]


@pytest.mark.parametrize("domain", NO_DOMAINS, ids=range(len(NO_DOMAINS)))
def test_what_no_domain_may_be_is_told_before_the_database_is_asked(slug: str, domain: str) -> None:
    with pytest.raises(DocumentInvalid) as refused:
        build_document("seed", _file(slug, domains=[{"domain": domain, "connection": "Work"}]))
    (problem,) = refused.value.problems
    assert problem.place == "organizations[0].domains[0].domain"


def test_twins_and_what_leads_nowhere_are_told_before_the_database_is_asked(slug: str) -> None:
    data = _file(
        slug,
        [WORK, WORK],
        [
            {"domain": "acme.example", "connection": "Work"},
            {"domain": "Acme.EXAMPLE"},
            {"domain": "acme.test", "mode": "require"},
        ],
    )
    with pytest.raises(DocumentInvalid) as refused:
        build_document("seed", data)
    assert {each.place for each in refused.value.problems} == {
        "organizations[0].connections[1].name",
        "organizations[0].domains[1].domain",
        "organizations[0].domains[2].connection",
    }


async def test_no_file_gives_what_its_sender_may_not(
    storage: Storage, passwords: Passwords, slug: str
) -> None:
    await _run(storage, passwords, _file(slug, []))
    home, known = await _home(storage, slug), frozenset(PERMISSIONS)

    async def sent(connection: dict[str, Any], *missing: str) -> dict[str, str]:
        actor = Actor(permissions=known - set(missing), organization_id=home)
        entry = _file(slug, [{**WORK, **connection}])
        entry["organizations"][0] = {
            name: entry["organizations"][0][name] for name in ("name", "slug", "connections")
        }
        report = await _run(storage, passwords, entry, actor=actor)
        assert report.is_forbidden
        assert await _stored(storage, slug) == {}
        return _places(report)

    place = "organizations[0].connections[0]"
    rules = {"role_mapping": [_rule(slug, "staff")]}
    assert "admin:org:update" in (await sent({}, "admin:org:update"))[place]
    making = {"creates_accounts": True}
    assert "admin:user:create" in (await sent(making, "admin:user:create"))[place]
    assert "admin:role:assign" in (await sent(rules, "admin:role:assign"))[place]


async def test_no_mapping_gives_what_administrators_have(
    storage: Storage, passwords: Passwords, slug: str
) -> None:
    rule = {"claim": "g", "value": "v", "roles": [{"app": "porta-admin", "role": "porta-admin"}]}
    report = await _run(storage, passwords, _file(slug, [{**WORK, "role_mapping": [rule]}]))
    (place,) = _places(report)
    assert place.startswith("organizations[0].connections[0].role_mapping[0].roles[0]")
    wrong = _rule(slug, "staff", "chef")
    report = await _run(storage, passwords, _file(slug, [{**WORK, "role_mapping": [wrong]}]))
    assert "did you mean chief?" in _places(report)[
        "organizations[0].connections[0].role_mapping[0].roles[1]"
    ]  # fmt: skip


async def test_it_goes_round_without_secrets(
    storage: Storage, passwords: Passwords, slug: str
) -> None:
    connection = {**WORK, "role_mapping": [_rule(slug, "staff")], "trusts_second_factor": True}
    off = {**WORK, "name": "Off", "status": "inactive", "creates_accounts": True}
    domains = [
        {"domain": "acme.example", "connection": "Work", "mode": "require"},
        {"domain": "bare.example"},
    ]
    await _run(storage, passwords, _file(slug, [connection, off], domains))
    told = json.loads(json.dumps(await describe(storage, SYSTEM, slug)))
    assert SECRET not in str(told)
    assert "client_secret" not in str(told)
    (entry,) = told["organizations"]
    assert [each["name"] for each in entry["connections"]] == ["Off", "Work"]
    assert entry["domains"] == [
        {"domain": "acme.example", "connection": "Work", "mode": "require"},
        {"domain": "bare.example", "mode": "offer"},
    ]
    again = await _run(storage, passwords, told, "overwrite")
    assert (again.errors, again.created, again.updated) == ([], [], [])
    other = f"d{secrets.token_hex(6)}"
    copy = json.loads(json.dumps(told).replace(slug, other))
    assert (await _run(storage, passwords, copy)).errors == []
    assert json.loads(json.dumps(await describe(storage, SYSTEM, other))) == copy
    assert {each.verified_at for each in (await _domains(storage, other)).values()} == {None}
