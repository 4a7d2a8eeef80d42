"""A provisioning file: read, and every mistake told at once with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from porta.services.provisioning.document import Document, SecretEntry
from porta.services.provisioning.file import build_document, load_document
from porta.services.provisioning.problems import DocumentInvalid

EXAMPLES = Path(__file__).parents[4] / "examples"
SECRET = "swordfish-and-chips-at-the-quayside"


def organization(**more: Any) -> dict[str, Any]:
    return {"name": "Acme", "slug": "acme", **more}


def data(*organizations: object, **more: Any) -> dict[str, Any]:
    return {"version": "1.0", "organizations": list(organizations), **more}


def application(**more: Any) -> dict[str, Any]:
    return {"name": "Customer Relations", "slug": "crm", **more}


def client(**more: Any) -> dict[str, Any]:
    return {
        "client_name": "Web",
        "client_type": "confidential",
        "redirect_uris": ["https://acme.test/callback"],
        **more,
    }


def problems(document: object) -> dict[str, str]:
    """Return path to message of everything that is wrong with `document`."""
    with pytest.raises(DocumentInvalid) as refusal:
        build_document("seed.yaml", document)
    return {problem.place: problem.message for problem in refusal.value.problems}


_TO_FILL_IN = EXAMPLES / "first-sign-in.yaml"


@pytest.mark.parametrize(
    "path", sorted({*EXAMPLES.rglob("*.yaml")} - {_TO_FILL_IN}), ids=lambda path: path.name
)
def test_the_examples_are_right(path: Path) -> None:
    assert isinstance(load_document(path), Document)


def test_the_example_to_fill_in_lacks_a_password_and_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(DocumentInvalid) as refusal:
        load_document(_TO_FILL_IN)
    assert [problem.path[-1] for problem in refusal.value.problems] == ["password"]
    filled = tmp_path / "filled.yaml"
    text = _TO_FILL_IN.read_text()
    filled.write_text(text.replace("choose-one", SECRET))
    assert isinstance(load_document(filled), Document)


def test_json_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "seed.json"
    path.write_text(json.dumps(data(organization(name="Acme \U0001f600"))))
    assert load_document(path).organizations[0].name == "Acme \U0001f600"


def test_a_missing_slug_is_made_of_the_name() -> None:
    document = build_document(
        "", data({"name": "Möbel & Co", "applications": [{"name": "The Shop"}]})
    )
    assert document.organizations[0].slug == "mobel-co"
    assert document.organizations[0].applications[0].slug == "the-shop"


def test_a_missing_slug_that_would_be_reserved_is_told() -> None:
    assert "reserved" in problems(data({"name": "Admin"}))["organizations[0].slug"]


def test_a_slug_that_no_name_gives_is_missing() -> None:
    assert problems(data({"name": "北京"})).keys() == {"organizations[0].slug"}
    told = problems(data({"name": "北京"}))["organizations[0].slug"]
    assert told.startswith("is missing, and cannot be made of the name")
    assert "missing" not in problems(data({"name": "A", "slug": "A"}))["organizations[0].slug"]


def test_it_speaks_of_files_and_not_of_python() -> None:
    user = {"email": 5, "roles": {}, "birthdate": "soon", "email_verified": 7, "status": "locked"}
    found = problems(data(organization(users=[user], applications="crm"), "globex", config=[]))
    assert found == {
        "organizations[0].users[0].email": "must be a text",
        "organizations[0].users[0].roles": "must be a list",
        "organizations[0].users[0].birthdate": "must be a date, like 1990-04-17",
        "organizations[0].users[0].email_verified": "must be true or false",
        "organizations[0].users[0].status": "must be 'active' or 'inactive'",
        "organizations[0].applications": "must be a list",
        "organizations[1]": "must be a mapping",
        "config": "must be a mapping",
    }


@pytest.mark.parametrize("value", [[1], "soon", -1, 0, 10**15, None, {"a": 1}])
def test_a_setting_is_refused_once_and_before_anything_is_done(value: Any) -> None:
    assert problems(data(config={"session_ttl": value})).keys() == {"config.session_ttl"}


def test_api_resources_are_checked_before_anything_is_done() -> None:
    resources = [
        {"identifier": "api", "name": "A"},
        {"identifier": "https://api.acme.test", "name": "B", "scopes": ["read all"]},
    ]
    found = problems(data(organization(api_resources=resources)))
    assert set(found) == {
        "organizations[0].api_resources[0].identifier",
        "organizations[0].api_resources[1].scopes[0].name",
    }


def test_a_fault_of_a_list_has_the_index_of_the_file() -> None:
    uris = ["https://acme.test/a", "https://acme.test/a", "http://acme.test/b"]
    found = problems(
        data(organization(applications=[application(clients=[client(redirect_uris=uris)])]))
    )
    assert set(found) == {"organizations[0].applications[0].clients[0].redirect_uris[2]"}


@pytest.mark.parametrize("name", ["a\nb", "a\u2028b", "\u202egnp.exe", "a\u2066b", "  ", "\u200b"])
def test_a_name_is_one_line_that_reads_as_it_is_written(name: str) -> None:
    user = {"email": "alice@acme.test", "given_name": name, "zoneinfo": name}
    named = organization(
        name=name, users=[user], applications=[application(clients=[client(client_name=name)])]
    )
    where = "organizations[0].users[0]"
    assert {f"{where}.given_name", f"{where}.zoneinfo", "organizations[0].name"} <= set(
        problems(data(named))
    )
    assert "organizations[0].applications[0].clients[0].client_name" in problems(data(named))


def test_names_of_every_language_are_accepted() -> None:
    for name in ("محمد", "北京", "O'Brien-Müller 3rd", "👩‍💻 Team"):
        assert build_document("", data(organization(name=name)))


def test_every_mistake_is_told_at_once() -> None:
    found = problems(
        {
            "version": "2.0",
            "organisations": [],
            "organizations": [
                organization(
                    slug="A",
                    colour="red",
                    branding={"primary_color": "teal", "logo_url": "http://acme.test/x.png"},
                    users=[{"email": "alice"}, {"email": "b@acme.test", "status": "locked"}],
                    applications=[
                        application(
                            permissions=[{"name": "Read", "slug": "read"}],
                            claim_definitions=[{"name": "Mail", "slug": "email"}],
                            clients=[{"client_name": "Web"}],
                        )
                    ],
                )
            ],
        }
    )
    assert set(found) == {
        "version",
        "organisations",
        "organizations[0].slug",
        "organizations[0].colour",
        "organizations[0].branding.primary_color",
        "organizations[0].branding.logo_url",
        "organizations[0].users[0].email",
        "organizations[0].users[1].status",
        "organizations[0].applications[0].permissions[0].slug",
        "organizations[0].applications[0].claim_definitions[0].slug",
        "organizations[0].applications[0].clients[0].client_type",
    }
    assert found["organisations"] == "is not a key of this format; did you mean organizations?"
    assert found["organizations[0].branding.primary_color"] == "must be a colour like #0F766E"
    assert found["organizations[0].applications[0].clients[0].client_type"] == "is missing"
    assert "reserved" in found["organizations[0].applications[0].claim_definitions[0].slug"]


def test_people_34_rules_between_entries_are_told_beside_a_wrong_form() -> None:
    """In one round: what has a wrong form keeps nobody from hearing of the others."""
    web = client(client_id="web-0001")
    users = [
        {"email": "alice@acme.test"},
        {"email": 5},
        {"email": "ALICE@acme.test"},
        {"email": "bob@acme.test", "password": "short"},
    ]
    wrong = data(
        organization(
            users=users,
            branding={"background": "picture"},
            colour="red",
            applications=[
                application(
                    clients=[
                        web,
                        client(client_name="A", redirect_uris=5),
                        {**web, "client_name": "B"},
                    ]
                ),
                application(
                    slug="other", clients=[client(redirect_uris=["http://acme.test/"])], roles=5
                ),
            ],
        ),
        {**organization(), "users": [7]},
        colour="red",
    )
    wrong["config"] = {"access_token_ttl": -1}
    home, apps = "organizations[0]", "organizations[0].applications"
    assert set(problems(wrong)) == {
        "colour",
        f"{home}.colour",
        f"{home}.users[1].email",
        f"{home}.users[2].email",
        f"{home}.users[3].password",
        f"{apps}[0].clients[1].redirect_uris",
        f"{apps}[0].clients[2].client_id",
        f"{apps}[1].clients[0].redirect_uris[0]",
        f"{apps}[1].roles",
        "organizations[1].slug",
        "organizations[1].users[0]",
        "config.access_token_ttl",
    }


def test_twins_are_told() -> None:
    user = {"email": "alice@acme.test"}
    twice = application(
        roles=[{"name": "Viewer"}, {"name": "viewer"}],
        permissions=[{"name": "R", "slug": "a:b:c"}, {"name": "S", "slug": "a:b:c"}],
        claim_definitions=[{"name": "A", "slug": "a"}, {"name": "B", "slug": "a"}],
        modules=[{"name": "One two"}, {"name": "one-two"}],
        clients=[client(client_id="web"), client(client_id="web")],
    )
    resource = {"identifier": "https://api.acme.test", "name": "API"}
    found = problems(
        data(
            organization(
                users=[user, {"email": "Alice@ACME.test"}],
                applications=[twice],
                api_resources=[resource, resource],
            ),
            organization(
                name="Other", applications=[application(clients=[client(client_id="web")])]
            ),
        )
    )
    crm = "organizations[0].applications[0]"
    assert set(found) == {
        "organizations[1].slug",
        "organizations[0].users[1].email",
        "organizations[0].api_resources[1].identifier",
        f"{crm}.roles[1].slug",
        f"{crm}.permissions[1].slug",
        f"{crm}.claim_definitions[1].slug",
        f"{crm}.modules[1].slug",
        f"{crm}.clients[1].client_name",
        f"{crm}.clients[1].client_id",
        "organizations[1].applications[0].clients[0].client_id",
    }


def test_client_metadata_is_checked_like_a_registration() -> None:
    clients = [
        client(client_name="a", redirect_uris=["http://acme.test/cb", "https://acme.test/#x"]),
        client(
            client_name="b", client_type="public", token_endpoint_auth_method="client_secret_post"
        ),
        client(client_name="c", grant_types=["implicit"], response_types=["token"]),
        client(client_name="d", client_type="public", secret={"label": "none"}),
        client(client_name="e", logo_uri="javascript:alert(1)"),
    ]
    found = problems(data(organization(applications=[application(clients=clients)])))
    where = "organizations[0].applications[0].clients"
    assert {
        f"{where}[0].redirect_uris[0]",
        f"{where}[0].redirect_uris[1]",
        f"{where}[1].token_endpoint_auth_method",
        f"{where}[2].grant_types[0]",
        f"{where}[2].response_types[0]",
        f"{where}[3].secret",
        f"{where}[4].logo_uri",
    } <= set(found)


def test_defaults_of_a_client() -> None:
    document = build_document(
        "",
        data(
            organization(
                applications=[
                    application(clients=[client(), client(client_name="App", client_type="public")])
                ]
            )
        ),
    )
    confidential, public = document.organizations[0].applications[0].clients
    assert confidential.registration()["token_endpoint_auth_method"] == "client_secret_post"
    assert public.registration()["token_endpoint_auth_method"] == "none"
    assert confidential.first_party
    assert not confidential.introspects_organization
    assert confidential.scope == "openid profile email"


def test_passwords_have_to_be_allowed() -> None:
    people = organization(users=[{"email": "alice@acme.test", "password": SECRET}])
    assert "allow_passwords" in problems(data(people))["organizations[0].users[0].password"]
    assert build_document("", data(people, allow_passwords=True))


@pytest.mark.parametrize("password", ["short", "alice-acme-alice", "x" * 1025])
def test_a_bad_password_is_told_and_not_repeated(password: str) -> None:
    people = organization(users=[{"email": "alice@acme.test", "password": password}])
    found = problems(data(people, allow_passwords=True))
    assert list(found) == ["organizations[0].users[0].password"]
    assert password not in found["organizations[0].users[0].password"]


@pytest.mark.parametrize("name", ["preferred_username", "nickname", "middle_name", "company_name"])
def test_a_password_is_not_made_of_any_name(name: str) -> None:
    password = "wanderlust-2027"
    branding = {"company_name": "Wanderlust"} if name == "company_name" else None
    user = {"email": "alice@acme.test", "password": password}
    people = organization(users=[user if branding else {**user, name: "Wanderlust"}])
    if branding:
        people["branding"] = branding
    found = problems(data(people, allow_passwords=True))
    assert "names" in found["organizations[0].users[0].password"]


def test_a_second_factor_allows_a_shorter_password() -> None:
    people = {"users": [{"email": "alice@acme.test", "password": "quayside"}]}
    assert problems(data(organization(**people), allow_passwords=True))
    policy = organization(two_factor_policy="required_totp", **people)
    assert build_document("", data(policy, allow_passwords=True))


def test_no_message_repeats_a_value() -> None:
    user = {"email": f"{SECRET} x", "password": [SECRET], "status": SECRET, "birthdate": SECRET}
    with pytest.raises(DocumentInvalid) as refusal:
        build_document("seed.yaml", data(organization(users=[user]), config={"x": [SECRET]}))
    assert len(refusal.value.problems) >= 4
    assert SECRET not in str(refusal.value)


@pytest.mark.parametrize("value", ["a\x00b", "a\x1bb", "a\x7fb", "a\ud800b"])
def test_control_characters_are_refused_everywhere(value: str) -> None:
    path = "organizations[0].applications[0].description"
    assert path in problems(data(organization(applications=[application(description=value)])))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: '1.0'\nversion: '1.0'\n", "line 2, column 1: the key 'version' stands twice"),
        ("a: [1,\nb: }", "line 2"),
        ("a: !!python/object:os.system x", "line 1"),
        ("a: !!timestamp 2027-99-99", "line 1, column 4"),
        ("- 1", "must be a mapping"),
        ("", "is empty"),
    ],
)
def test_what_is_not_a_document(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "seed.yaml"
    path.write_text(text)
    with pytest.raises(DocumentInvalid) as refusal:
        load_document(path)
    assert str(refusal.value).startswith(f"{path}: ")
    assert message in str(refusal.value)


@pytest.mark.parametrize("text", ['{"version": ', '{"a": 1, "a": 2}', "[1]", "NaN"])
def test_what_is_not_json(tmp_path: Path, text: str) -> None:
    path = tmp_path / "seed.json"
    path.write_text(text)
    with pytest.raises(DocumentInvalid):
        load_document(path)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DocumentInvalid, match="No such file"):
        load_document(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: M\xf6bel")
    with pytest.raises(DocumentInvalid, match="UTF-8"):
        load_document(tmp_path / "latin.yaml")


def test_the_end_of_a_secret() -> None:
    assert SecretEntry().end(0) is None
    assert SecretEntry(expires_in="1d").end(1000.0) == 1000.0 + 86_400
    stated = SecretEntry.model_validate({"expires_at": "2027-01-01T00:00:00"})
    assert stated.end(0) == 1_798_761_600.0


@pytest.mark.parametrize(
    "secret",
    [
        {"expires_in": "1w"},
        {"expires_in": "1d", "expires_at": "2027-01-01T00:00:00Z"},
        {"value": "too-short"},
        {"value": "with a space in it, and long enough for us"},
    ],
)
def test_a_bad_secret(secret: dict[str, str]) -> None:
    broken = application(clients=[client(secret=secret)])
    found = problems(data(organization(applications=[broken])))
    assert all(path.startswith("organizations[0].applications[0].clients[0].sec") for path in found)


@pytest.mark.parametrize(
    "scope",
    [
        {"title": "No name"},
        {"name": "contacts:read", "title": ""},
        {"name": "contacts:read", "titel": "x"},
        {"name": "contacts:read", "title": "a\nb"},
        {"name": "contacts:read", "translations": {"not a language": {"title": "x"}}},
        {"name": "two words"},
        7,
    ],
)
def test_people_19_what_cannot_be_said_of_a_scope_is_told(scope: object) -> None:
    resource = {"identifier": "https://api.acme.test", "name": "API", "scopes": [scope]}
    found = problems(data(organization(api_resources=[resource])))
    assert len(found) == 1
    assert all(".scopes" in path for path in found)
