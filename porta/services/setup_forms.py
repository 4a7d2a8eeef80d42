"""Set-up forms: what is asked for each identity provider, in the words of its own screens.

What those call something stays as they spell it, in every language: it is looked for there. What
stands around it is a text of the catalogs (`setup.step_*`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from porta.errors import Invalid
from storage.repositories.columns import is_id

Typed = Mapping[str, str]
"""What somebody typed, by the name of the field."""
PERSONAL = "is of personal accounts, and they are everybody's"
_PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant in which Microsoft keeps all accounts that are of no organization."""


class Field(NamedTuple):
    """A field of a form."""

    name: str
    label: str
    """What the provider's screen calls it."""
    example: str = ""
    is_secret: bool = False
    """Whether it is typed once, and never shown again."""
    has_lines: bool = False
    usual: str = ""
    """What stands there until somebody types something else."""
    is_needed: bool = True


class Step(NamedTuple):
    """A step at the provider: the text `setup.step_{key}`, with what its screens say."""

    key: str
    names: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Form:
    """What is asked for one line of PROVIDERS."""

    fields: tuple[Field, ...]
    steps: tuple[Step, ...]
    more: Callable[[Typed], dict[str, Any]]
    """What the connection has beside client and secret; raises Invalid."""


def _choose(*path: str) -> Step:
    return Step("choose", {"path": " > ".join(path)})


def _open(*path: str) -> Step:
    return Step("open", {"place": " > ".join(path)})


def _set(field: str, value: str) -> Step:
    return Step("set", {"field": field, "value": value})


def _callback(field: str) -> Step:
    return Step("callback", {"field": field})


def _copy(*labels: str) -> Step:
    return Step("copy", {"values": ", ".join(labels)})


def _openid(typed: Typed) -> dict[str, Any]:
    return {"issuer": typed["issuer"]}


def _google(typed: Typed) -> dict[str, Any]:
    """Of one hosted domain: without it everybody with an account at Google would be let in."""
    return {"allowedTenants": [typed["tenant"].lower()]}


def _entra(typed: Typed) -> dict[str, Any]:
    """Of one tenant, whose issuer is made of its id: nothing else is put into it."""
    tenant = typed["tenant"].lower()
    if not is_id(tenant):
        raise Invalid.at("allowedTenants", message="is no id of a tenant")
    if tenant == _PERSONAL_TENANT:
        raise Invalid.at("allowedTenants", message=PERSONAL)
    issuer = f"https://login.microsoftonline.com/{tenant}/v2.0"
    return {"issuer": issuer, "allowedTenants": [tenant]}


def _apple(typed: Typed) -> dict[str, Any]:
    return {"options": {name: typed[name] for name in OPTIONS["apple"]}}


OPTIONS = {
    "apple": ("team_id", "key_id"),
    "oauth2": (
        *("authorization_endpoint", "token_endpoint", "userinfo_endpoint"),
        *("subject_claim", "email_claim"),
    ),
}
"""Fields that are options of a connection."""


def _oauth2(typed: Typed) -> dict[str, Any]:
    options = {name: typed[name] for name in OPTIONS["oauth2"]}
    return {"issuer": typed["issuer"], "options": options, "scopes": typed["scopes"].split()}


def _github(typed: Typed) -> dict[str, Any]:
    return {"allowedTenants": [typed["tenant"]]}


_APPLE = "Sign\u00a0in with Apple"
"""A name, and no text of ours: it is not broken into lines."""
_ID = Field("client_id", "Client ID")
_SECRET = Field("client_secret", "Client secret", is_secret=True)
FORMS: dict[str, Form] = {
    "openid": Form(
        (Field("issuer", "Issuer", "https://id.example.com"), _ID, _SECRET),
        (Step("openid"), _callback("Redirect URI"), _copy("Issuer", "Client ID", "Client secret")),
        _openid,
    ),
    "oauth2": Form(
        (
            Field("issuer", "Issuer", "https://id.example.com"),
            Field("authorization_endpoint", "Authorization URL"),
            Field("token_endpoint", "Token URL"),
            Field("userinfo_endpoint", "User info URL"),
            Field("scopes", "Scope", "profile email", is_needed=False),
            Field("subject_claim", "User info: user ID", usual="sub"),
            Field("email_claim", "User info: email", usual="email"),
            _ID,
            _SECRET,
        ),
        (
            Step("openid"),
            _callback("Redirect URI"),
            _copy("Authorization URL", "Token URL", "User info URL", "Client ID", "Client secret"),
        ),
        _oauth2,
    ),
    "google": Form(
        (Field("tenant", "Primary domain", "example.com"), _ID, _SECRET),
        (
            _open("Google Cloud console", "Google Auth Platform", "Clients"),
            _choose("Create client"),
            _set("Application type", "Web application"),
            _callback("Authorized redirect URIs"),
            _choose("Create"),
            _copy("Client ID", "Client secret"),
            _open("Google Admin console", "Account", "Domains", "Manage domains"),
            _copy("Primary domain"),
        ),
        _google,
    ),
    "entra": Form(
        (
            Field("tenant", "Directory (tenant) ID"),
            Field("client_id", "Application (client) ID"),
            Field("client_secret", "Client secret: Value", is_secret=True),
        ),
        (
            _open("Microsoft Entra admin center", "App registrations"),
            _choose("New registration"),
            _set("Supported account types", "Accounts in this organizational directory only"),
            _callback("Redirect URI (Web)"),
            _choose("Register"),
            _copy("Application (client) ID", "Directory (tenant) ID"),
            _choose("Certificates & secrets", "Client secrets", "New client secret"),
            _copy("Value"),
        ),
        _entra,
    ),
    "apple": Form(
        (
            Field("client_id", "Services ID: Identifier", "com.example.signin"),
            Field("team_id", "Team ID"),
            Field("key_id", "Key ID"),
            Field("client_secret", "Private key (.p8)", is_secret=True, has_lines=True),
        ),
        (
            _open("Apple Developer", "Certificates, Identifiers & Profiles", "Identifiers"),
            _choose("+", "Services IDs"),
            _choose(_APPLE, "Configure"),
            _set("Domains and Subdomains", "{host}"),
            _callback("Return URLs"),
            _copy("Identifier", "Team ID"),
            _open("Apple Developer", "Certificates, Identifiers & Profiles", "Keys"),
            _choose("+", _APPLE, "Register"),
            _copy("Key ID", "Private key (.p8)"),
        ),
        _apple,
    ),
    "github": Form(
        (Field("tenant", "Organization name", "acme"), _ID, _SECRET),
        (
            _open("GitHub", "Your organizations", "Settings", "Developer settings", "OAuth Apps"),
            _choose("New OAuth app"),
            _set("Homepage URL", "{issuer}"),
            _callback("Authorization callback URL"),
            _choose("Register application"),
            _choose("Generate a new client secret"),
            _copy("Client ID", "Client secret"),
        ),
        _github,
    ),
}
