"""The guides of docs/integrations: one shape, and nothing of Porta in them that Porta has not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from porta.config.system import Config
from porta.protocol import endpoints, errors
from porta.protocol.clients import client_auth
from porta.protocol.clients.client_auth import METHODS
from porta.protocol.clients.client_metadata import GRANT_TYPES
from porta.protocol.requests.authorization_request import AuthorizationRequest
from porta.protocol.requests.end_session import EndSessionRequest
from porta.protocol.requests.scopes import OFFLINE_ACCESS
from porta.protocol.tokens.standard_claims import RESERVED_CLAIMS
from porta.services.commands import Command
from porta.services.provisioning import document, people
from porta.services.provisioning.entries import Entry
from tests.applications.__main__ import APPLICATIONS

ROOT = Path(__file__).parent.parent
GUIDES = ROOT / "docs" / "integrations"
EXAMPLES = ROOT / "examples" / "applications"
INDEX, MIGRATION = GUIDES / "README.md", GUIDES / "coming-from-keycloak-or-auth0.md"
PAGES = sorted(set(GUIDES.glob("*.md")) - {INDEX, MIGRATION})
ALL = sorted(GUIDES.glob("*.md"))
SECTIONS = ["The client", "The application", "Sign-out", "Groups and roles", "When it fails"]
ADDRESSES = {
    "client_id",
    "client_name",
    "client_type",
    "redirect_uris",
    "post_logout_redirect_uris",
}
TRIED = re.compile(r"^\*\*(Tried|Tried by hand|Not tried)\*\*", re.MULTILINE)

_FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_SNAKE = re.compile(r"[a-z]+(?:_[a-z0-9]+)+")
_URL = re.compile(r"https://id\.example\.com/shop(/[\w./-]*)?|(?:issuer|ISSUER) \+ \"(/[\w./-]*)")
_SAID = re.compile(r"(?:Porta's page(?: at sign-out)?, |reason |`(\w+)`, )`([^`\n]+ [^`\n]+)`")

FOREIGN = {
    "auth_code": "a provider of Panel",
    "fetch_error": "Synapse",
    "mapping_error": "Synapse",
    "missing_session": "Synapse",
    "mismatching_session": "Synapse",
    "provider_unavailable": "Synapse",
    "mismatching_state": "Authlib",
    "social_account_added": "allauth",
    "social_account_updated": "allauth",
    "uid_field": "allauth",
    "extra_data": "allauth",
    "on_authentication_error": "allauth",
    "auth_request": "nginx",
    "allow_all": "oauthenticator",
    "backchannel_logout_enabled": "Synapse",
    "public_baseurl": "Synapse",
    "authorization_request_not_found": "Spring",
    "invalid_id_token": "Spring",
    "user_metadata": "Auth0",
    "app_metadata": "Auth0",
    "resource_access": "Keycloak",
}
"""Words of applications that look like Porta's; those in a page's own blocks need no line here."""


def _models(parent: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for child in parent.__subclasses__():
        yield child
        yield from _models(child)


def _known_words() -> set[str]:
    """Return every word that Porta has: settings, config, error codes, claims, parameters."""
    models = {*_models(Entry), *_models(Command)}
    assert {document.Document, people.UserEntry} <= models
    fields = {name for model in models for name in model.model_fields}
    config = set(Config.__annotations__)
    parameters = {*AuthorizationRequest.__annotations__, *EndSessionRequest.__annotations__}
    codes = {error.code for error in vars(errors).values() if hasattr(error, "code")}
    claims = set(RESERVED_CLAIMS)
    said = Path(str(client_auth.__file__)).read_text(encoding="utf-8")
    reasons = {
        word for line in re.findall(r"reason=.*", said) for word in re.findall(r'"(\w+)"', line)
    }
    names = {OFFLINE_ACCESS, *GRANT_TYPES, *METHODS, *reasons}
    return fields | config | parameters | codes | claims | names


def _prose(page: Path) -> str:
    return _FENCED.sub("", page.read_text(encoding="utf-8"))


def _client(name: str) -> dict[str, object]:
    data = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8"))
    ((client,),) = [a["clients"] for o in data["organizations"] for a in o["applications"]]
    return dict(client)


def test_applications_guides_each_example_has_its_page() -> None:
    assert {page.stem for page in PAGES} == {path.stem for path in EXAMPLES.glob("*.yaml")}
    assert len(PAGES) >= 15


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_applications_guides_have_one_shape(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", _prose(page), re.MULTILINE) == SECTIONS
    assert len(text.splitlines()) <= 120
    example = (EXAMPLES / f"{page.stem}.yaml").read_text(encoding="utf-8")
    assert text.index(f"```yaml\n{example}```\n") < text.index("## The application")
    assert f"porta provision examples/applications/{page.stem}.yaml" in text
    assert "| what is seen | what it means |" in text.partition("## When it fails")[2]
    assert f"]({page.name})" in INDEX.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_applications_guides_tell_how_they_were_tried(page: Path) -> None:
    (how,) = TRIED.findall(page.read_text(encoding="utf-8"))
    by_itself = _client(page.stem)["client_id"] in {a.client_id for a in APPLICATIONS}
    assert (how == "Tried") == by_itself
    (row,) = re.findall(rf"^\| \[[^|]+\]\({page.name}\) \| .+$", INDEX.read_text(), re.MULTILINE)
    assert ("`make applications`" in row) == by_itself


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_applications_guides_the_index_tells_what_the_client_needs(page: Path) -> None:
    data = yaml.safe_load((EXAMPLES / f"{page.stem}.yaml").read_text(encoding="utf-8"))
    (organization,) = data["organizations"]
    needed = set(_client(page.stem)) - ADDRESSES - {"grant_types", "scope"}
    for resource in organization.get("api_resources", []):
        needed |= set(resource) - {"identifier", "name", "scopes"}
    (cell,) = re.findall(rf"\]\({page.name}\) \| ([^|]+) \|", INDEX.read_text(encoding="utf-8"))
    assert {word.partition(":")[0] for word in _CODE.findall(cell)} == needed


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.stem)
def test_applications_guides_name_no_setting_and_no_error_that_is_not(page: Path) -> None:
    blocks = "\n".join(_FENCED.findall(page.read_text(encoding="utf-8")))
    known = _known_words() | FOREIGN.keys() | set(_SNAKE.findall(blocks))
    named = {word for code in _CODE.findall(_prose(page)) for word in _of_porta(code)}
    assert named - known == set()


def _of_porta(code: str) -> Iterator[str]:
    """Yield the words of `code` that may be a setting or an error: `name`, or `name: value`."""
    match = re.fullmatch(rf"\[?({_SNAKE.pattern})\]?(?:: .*|=.*)?", code)
    if match:
        yield match[1]


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.stem)
def test_applications_guides_lead_to_endpoints_that_there_are(page: Path) -> None:
    paths = {value for value in vars(endpoints).values() if isinstance(value, str)}
    found = {a or b for a, b in _URL.findall(page.read_text(encoding="utf-8"))}
    assert {path.rstrip(".") for path in found} - paths - {"", "/"} == set()


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.stem)
def test_applications_guides_quote_what_porta_says(page: Path) -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "porta").rglob("*.py"))
    codes = _known_words()
    for code, message in _SAID.findall(page.read_text(encoding="utf-8")):
        if not code or code in codes:
            assert f'"{message}"' in source, message


def test_applications_guides_foreign_words_are_used_and_foreign() -> None:
    prose = "\n".join(_prose(page) for page in ALL)
    assert {word for word in FOREIGN if f"{word}" not in prose} == set()
    assert FOREIGN.keys() & _known_words() == set()
