"""Set-up forms: what is asked for each identity provider, in the words of its own screens.

What those call something stays as they spell it, in every language: it is looked for there. What
stands around it is a text of the catalogs (`setup.step_*`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from porta.errors import Invalid, Path, Problem
from porta.services.connections import NewConnection
from storage.models.connections import Connection
from storage.repositories.columns import is_id

Typed = Mapping[str, str]
"""What somebody typed, by the name of the field."""
LONGEST = 4096
MISSING = "is missing"
_PATHS = {
    "issuer": "issuer",
    "clientId": "client_id",
    "clientSecret": "client_secret",
    "allowedTenants": "tenant",
    "options": "key_id",
}
"""The field of a form by where a command has a problem."""


class Field(NamedTuple):
    """A field of a form."""

    name: str
    label: str
    """What the provider's screen calls it."""
    example: str = ""
    is_secret: bool = False
    """Whether it is typed once, and never shown again."""
    has_lines: bool = False


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
    issuer = f"https://login.microsoftonline.com/{tenant}/v2.0"
    return {"issuer": issuer, "allowedTenants": [tenant]}


def _apple(typed: Typed) -> dict[str, Any]:
    return {"options": {"team_id": typed["team_id"], "key_id": typed["key_id"]}}


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


def read(provider: str, name: str, typed: Typed, kept: str | None = None) -> NewConnection:
    """Return the connection that a form says, judged as one of the Admin API is; with the secret
    that is `kept` where none was typed. Raises Invalid.

    It has no power: it makes no account, gives no role, and is trusted for no address or factor.
    """
    form = FORMS[provider]
    said = {each.name: (typed.get(each.name) or "").strip() for each in form.fields}
    said["client_secret"] = said["client_secret"] or kept or ""
    missing = [Problem((each.name,), MISSING) for each in form.fields if not said[each.name]]
    if missing:
        raise Invalid(problems=missing)
    body = {
        "name": name,
        "provider": provider,
        "clientId": said["client_id"],
        "clientSecret": said["client_secret"],
        **form.more(said),
    }
    return NewConnection.parse(body)


def typed_before(draft: Connection) -> dict[str, str]:
    """Return what a form shows again of a draft: everything but its secret."""
    return {
        "issuer": draft.issuer,
        "client_id": draft.client_id,
        "tenant": (draft.allowed_tenants or ("",))[0],
        **draft.options,
    }


def problems_of(refusal: Invalid) -> dict[str, str]:
    """Return what is wrong by the name of the field: `missing`, or `value`."""
    return {_field_of(each.path): _kind_of(each) for each in refusal.problems}


def _field_of(path: Path) -> str:
    first, last = str(path[0]), str(path[-1])
    return last if last in ("team_id", "key_id") else _PATHS.get(first, first)


def _kind_of(problem: Problem) -> str:
    return "missing" if problem.message == MISSING else "value"
