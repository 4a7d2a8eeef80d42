"""Mistakes in files (people 34): each told with its line, its column, its name and in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from porta.security.passwords import Passwords
from porta.services.provisioning import provision_all
from porta.services.provisioning.document import Document
from porta.services.provisioning.file import MOST_TOLD, load_document, load_file
from porta.services.provisioning.problems import DocumentInvalid
from porta.text.suggestions import did_you_mean, find_suggestion
from storage.router import Storage
from tests.porta.services.provisioning.seeds import NOW

RIGHT: dict[str, Any] = {
    "version": "1.0",
    "allow_passwords": True,
    "config": {"access_token_ttl": 600},
    "organizations": [
        {
            "name": "Acme",
            "slug": "acme",
            "default_locale": "de",
            "two_factor_policy": "optional",
            "default_login_methods": ["password"],
            "branding": {"primary_color": "#0F766E", "company_name": "Acme"},
            "api_resources": [
                {"identifier": "https://api.acme.test", "name": "API", "scopes": ["orders:read"]}
            ],
            "applications": [
                {
                    "name": "CRM",
                    "slug": "crm",
                    "permissions": [{"name": "Read", "slug": "crm:contacts:read"}],
                    "roles": [{"name": "Viewer", "permissions": ["crm:contacts:read"]}],
                    "claim_definitions": [{"name": "Level", "slug": "level"}],
                    "modules": [{"name": "Deals", "slug": "deals"}],
                    "clients": [
                        {
                            "client_id": "crm-web",
                            "client_name": "Web",
                            "client_type": "confidential",
                            "redirect_uris": ["https://crm.acme.test/callback"],
                            "scope": "openid orders:read",
                            "secret": {"value": "swordfish-and-chips-at-the-quayside"},
                        }
                    ],
                }
            ],
            "connections": [
                {
                    "name": "Workforce",
                    "provider": "openid",
                    "issuer": "https://id.acme.test",
                    "client_id": "porta",
                    "role_mapping": [
                        {
                            "claim": "groups",
                            "value": "crew",
                            "roles": [{"app": "crm", "role": "viewer"}],
                        }
                    ],
                }
            ],
            "domains": [
                {"domain": "acme.test", "connection": "Workforce", "mode": "require"},
            ],
            "users": [
                {
                    "email": "alice@acme.test",
                    "password": "quiet-otter-paints-seven",
                    "address": {"country": "DE"},
                    "roles": [{"app": "crm", "role": "viewer"}],
                    "claims": [{"app": "crm", "claim": "level", "value": "7"}],
                }
            ],
        }
    ],
}
ORGANIZATION = ("organizations", 0)
APPLICATION = (*ORGANIZATION, "applications", 0)
CLIENT = (*APPLICATION, "clients", 0)
CONNECTION = (*ORGANIZATION, "connections", 0)
DOMAIN = (*ORGANIZATION, "domains", 0)
USER = (*ORGANIZATION, "users", 0)
_GONE = object()
# Where, what is put there, what is told, and the name that stands beside.
MISTAKES: list[tuple[tuple[int | str, ...], Any, str, str]] = [
    (("version",), "2.0", "must be '1.0'", ""),
    (("version",), _GONE, "is missing", ""),
    (("organisations",), [], "is not a key of this format; did you mean organizations?", ""),
    (("allow_password",), True, "did you mean allow_passwords?", ""),
    (("config",), [], "must be a mapping", ""),
    (("config", "access_token_ttl"), "soon", "must be", ""),
    (("organizations",), {}, "must be a list", ""),
    ((*ORGANIZATION, "name"), 5, "must be a text", ""),
    ((*ORGANIZATION, "slug"), "A B", "3 to 100 of a-z", ""),
    ((*ORGANIZATION, "slug"), "admin", "reserved", "admin"),
    ((*ORGANIZATION, "default_locale"), "fi", "there are no pages in this language", "acme"),
    ((*ORGANIZATION, "default_locale"), "german!", "must be a language, like de or en-GB", "acme"),
    ((*ORGANIZATION, "colour"), "red", "is not a key of this format", "acme"),
    ((*ORGANIZATION, "aplications"), [], "did you mean applications?", "acme"),
    ((*ORGANIZATION, "two_factor_policy"), "optinal", "did you mean optional?", "acme"),
    ((*ORGANIZATION, "default_login_methods", 0), "passwrd", "did you mean password?", "acme"),
    ((*ORGANIZATION, "default_login_methods"), [], "must not be empty", "acme"),
    ((*ORGANIZATION, "branding", "primary_color"), "teal", "a colour like #0F766E", "acme"),
    ((*ORGANIZATION, "branding", "color"), "red", "did you mean ", "acme"),
    ((*ORGANIZATION, "branding", "logo_url"), "http://acme.test/x", "https", "acme"),
    ((*ORGANIZATION, "api_resources", 0, "identifier"), "api", "URI", "API"),
    ((*APPLICATION, "slug"), "x", "3 to 100", "x"),
    ((*APPLICATION, "permissions", 0, "slug"), "read", "at least three parts", "read"),
    ((*APPLICATION, "roles", 0, "name"), _GONE, "is missing", "crm"),
    ((*APPLICATION, "claim_definitions", 0, "slug"), "email", "reserved", "email"),
    ((*APPLICATION, "claim_definitions", 0, "claim_type"), "strin", "did you mean string", "crm"),
    ((*APPLICATION, "modules", 0, "status"), "activ", "did you mean active?", "deals"),
    ((*CLIENT, "client_type"), "publik", "did you mean public?", "crm-web"),
    ((*CLIENT, "client_type"), _GONE, "is missing", "crm-web"),
    ((*CLIENT, "client_id"), "a b", "3 to 255 of letters, digits", "crm"),
    ((*CLIENT, "scope"), ["openid"], "scopes separated by spaces, not a list", "crm-web"),
    ((*CLIENT, "redirect_uri"), "https://x.test", "did you mean redirect_uris?", "crm-web"),
    ((*CLIENT, "redirect_uris"), "https://x.test", "must be a list", "crm-web"),
    ((*CLIENT, "redirect_uris", 0), "http://acme.test/x", "", "crm-web"),
    ((*CLIENT, "default_max_age"), -1, "must be 0 or more", "crm-web"),
    ((*CLIENT, "default_max_age"), "x", "must be a whole number", "crm-web"),
    ((*CLIENT, "secret", "value"), "short", "must be 32 to 255 printable ASCII", "crm-web"),
    ((*CLIENT, "secret", "value"), "with a space in it, and long enough", "without spaces", "crm"),
    ((*CLIENT, "secret", "expires_at"), "soon", "like 2027-01-31T12:00:00Z", "crm-web"),
    ((*CLIENT, "secret", "expires_in"), "1w", "like 90d", "crm-web"),
    ((*ORGANIZATION, "conections"), [], "did you mean connections?", "acme"),
    ((*CONNECTION, "provider"), "opnid", "must be one of: openid, ", "Workforce"),
    ((*CONNECTION, "issuer"), "http://id.acme.test", "must be an https URL", "Workforce"),
    ((*CONNECTION, "client_id"), _GONE, "is missing", "Workforce"),
    ((*CONNECTION, "client_secrt"), "x", "did you mean client_secret?", "Workforce"),
    ((*CONNECTION, "status"), "activ", "did you mean active?", "Workforce"),
    ((*CONNECTION, "scopes"), "groups", "must be a list", "Workforce"),
    ((*CONNECTION, "creates_accounts"), "yes", "must be true or false", "Workforce"),
    ((*CONNECTION, "role_mapping", 0, "roles"), [], "must not be empty", "Workforce"),
    ((*CONNECTION, "role_mapping", 0, "role_ids"), ["x"], "is not a key", "Workforce"),
    ((*DOMAIN, "domain"), "*.acme.test", "must be a domain, like example.com", "acme"),
    ((*DOMAIN, "mode"), "requre", "did you mean require?", "acme.test"),
    ((*DOMAIN, "connection"), _GONE, "must be given where it is required", "acme.test"),
    ((*DOMAIN, "verified_at"), "2026-01-01", "is not a key", "acme.test"),
    ((*USER, "passwrd"), "x", "did you mean password?", "alice@acme.test"),
    ((*USER, "password"), "short", "at least 15", "alice@acme.test"),
    ((*USER, "email"), "alice", "address", "acme"),
    ((*USER, "email_verified"), "perhaps", "must be true or false", "alice@acme.test"),
    ((*USER, "status"), "locked", "must be 'active' or 'inactive'", "alice@acme.test"),
    ((*USER, "birthdate"), "soon", "must be a date, like 1990-04-17", "alice@acme.test"),
    ((*USER, "address", "country"), "Germany", "must be two letters, like DE", "alice@acme.test"),
    ((*USER, "website_url"), "javascript:x", "", "alice@acme.test"),
    ((*USER, "roles"), {}, "must be a list", "alice@acme.test"),
    ((*USER, "roles", 0, "rol"), "x", "did you mean role?", "viewer"),
]  # fmt: skip


def spoiled(path: tuple[int | str, ...], value: Any) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(json.dumps(RIGHT))
    holder: Any = data
    for part in path[:-1]:
        holder = holder[part]
    if value is _GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return data


def write(folder: Path, kind: str, data: dict[str, Any]) -> Path:
    path = folder / f"seed.{kind}"
    text = json.dumps(data, indent=2) if kind == "json" else yaml.safe_dump(data, sort_keys=False)
    path.write_text(text)
    return path


@pytest.mark.parametrize("kind", ["yaml", "json"])
def test_the_file_that_is_spoiled_is_right(tmp_path: Path, kind: str) -> None:
    assert load_document(write(tmp_path, kind, RIGHT))


@pytest.mark.parametrize("kind", ["yaml", "json"])
@pytest.mark.parametrize(("path", "value", "told", "name"), MISTAKES)
def test_people_34_a_mistake_is_told_with_its_line_name_and_in_words(
    tmp_path: Path, kind: str, path: tuple[int | str, ...], value: Any, told: str, name: str
) -> None:
    file = write(tmp_path, kind, spoiled(path, value))
    with pytest.raises(DocumentInvalid) as refusal:
        load_document(file)
    (problem, *_) = [each for each in refusal.value.problems if each.path[: len(path)] == path]
    assert told in problem.message
    assert not re.search(r"pattern|String|Input|^slug: |\\^|\\[a-z]", problem.message)
    assert problem.position is not None
    line = file.read_text().splitlines()[problem.position.line - 1]
    key = next(part for part in reversed(path) if isinstance(part, str))
    if value is not _GONE:
        wanted = key if isinstance(path[-1], str) else str(value)
        assert wanted in line[problem.position.column - 1 :], (problem, line)
    assert name in str(problem).split(": ")[0]


@pytest.mark.parametrize("kind", ["yaml", "json"])
def test_people_34_mistakes_come_in_the_order_of_the_file(tmp_path: Path, kind: str) -> None:
    data = spoiled((*USER, "email_verified"), "perhaps")
    data["organizations"][0] = {"colour": "red", **data["organizations"][0], "slug": "A"}
    with pytest.raises(DocumentInvalid) as refusal:
        load_document(write(tmp_path, kind, data))
    lines = [each.position.line for each in refusal.value.problems if each.position]
    assert lines == sorted(lines)
    assert [each.path[-1] for each in refusal.value.problems] == [
        *("colour", "slug", "email_verified"),
    ]


def test_people_34_what_the_file_alone_shows_is_told_in_the_first_round(tmp_path: Path) -> None:
    data = spoiled(("colour",), "red")
    organization = data["organizations"][0]
    organization["users"][0]["roles"] = [
        {"app": "crm", "role": "viewr"},
        {"app": "cmr", "role": "viewer"},
    ]
    organization["users"][0]["claims"][0]["claim"] = "levl"
    organization["applications"][0]["roles"][0]["permissions"] = ["crm:contacts:raed"]
    with pytest.raises(DocumentInvalid) as refusal:
        load_document(write(tmp_path, "yaml", data))
    told = {each.place: each.message for each in refusal.value.problems}
    assert told.pop("colour").startswith("is not a key")
    user = "organizations[0].users[0]"
    for path, meant in {
        f"{user}.roles[0]": "viewer",
        f"{user}.roles[1]": "crm",
        f"{user}.claims[0]": "level",
        "organizations[0].applications[0].roles[0].permissions[0]": "crm:contacts:read",
    }.items():
        assert told[path].endswith(f"it has to exist already; did you mean {meant}?")


async def test_people_34_what_the_database_shows_is_located_too(
    storage: Storage, passwords: Passwords, tmp_path: Path
) -> None:
    file = load_file(write(tmp_path, "yaml", spoiled((*USER, "roles", 0, "role"), "viewr")))
    report = await provision_all(
        storage, {file.source: file.document}, passwords=passwords, now=NOW
    )
    (problem,) = (file.locate(each) for each in report.errors)
    assert problem.message == "there is no role 'viewr' in 'crm'; did you mean viewer?"
    assert problem.position is not None
    assert "alice@acme.test" in str(problem)
    assert problem.source == file.source


async def test_people_34_a_scope_of_nowhere_is_noted(
    storage: Storage, passwords: Passwords, tmp_path: Path
) -> None:
    wrong = spoiled((*CLIENT, "scope"), "openid orders:raed groups")
    file = load_file(write(tmp_path, "yaml", wrong))
    report = await provision_all(
        storage, {"seed": file.document}, passwords=passwords, dry_run=True, now=NOW
    )
    assert report.errors == []
    told = [note.message for note in report.notes if note.path[-1] == "scope"]
    assert told == [
        "no API resource of 'acme' has the scope 'orders:raed'; did you mean orders:read?",
        "no API resource of 'acme' has the scope 'groups'",
    ]


def test_every_form_of_the_document_is_told_in_words() -> None:
    """A pattern would be told as nothing: each form is judged by a rule that has words."""
    assert set(_patterned(Document, set())) == set()


def _patterned(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[str]:
    if model in seen:
        return
    seen.add(model)
    for name, field in model.model_fields.items():
        if "pattern=" in f"{field.metadata}{field.annotation}":
            yield name
        for inner in _models(field.annotation):
            yield from _patterned(inner, seen)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


@pytest.mark.parametrize("kind", ["yaml", "json"])
def test_a_file_of_mistakes_alone_is_told_in_part(tmp_path: Path, kind: str) -> None:
    keys = {f"passwrd{n}": n for n in range(3000)}
    with pytest.raises(DocumentInvalid) as refusal:
        load_document(write(tmp_path, kind, spoiled(USER, {"email": "alice@acme.test", **keys})))
    assert len(refusal.value.problems) == MOST_TOLD + 1
    assert refusal.value.problems[-1].message == "and 2800 more problems"


def test_suggestions_are_bounded_and_near() -> None:
    assert find_suggestion("passwrd", ["email", "password"]) == "password"
    assert find_suggestion("colour", ["email", "password"]) is None
    assert find_suggestion("x" * 65, ["x" * 65]) is None
    assert find_suggestion(5, ["email"]) is None
    assert did_you_mean("", ["email"]) == ""
