"""Set-up forms: what is asked for each provider, and what becomes of what was typed."""

from __future__ import annotations

from typing import Any

import pytest

from porta.errors import Invalid
from porta.pages.catalogs import find_languages
from porta.protocol.federation import PROVIDERS
from porta.services.setup_drafts import problems_of, read
from porta.services.setup_forms import FORMS

CLIENT = {"client_id": "porta", "client_secret": "s"}
TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
OAUTH2 = {
    "authorization_endpoint": "https://id.example/a",
    "token_endpoint": "https://id.example/t",
    "userinfo_endpoint": "https://id.example/u",
    "subject_claim": "id",
    "email_claim": "mail",
}
GOOD: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "openid": ({"issuer": "https://id.example"}, {"issuer": "https://id.example"}),
    "oauth2": (
        OAUTH2 | {"issuer": "https://id.example", "scopes": "profile  email"},
        {"issuer": "https://id.example", "options": OAUTH2, "scopes": ("profile", "email")},
    ),
    "google": ({"tenant": "Acme.Example"}, {"allowed_tenants": ("acme.example",)}),
    "entra": (
        {"tenant": f" {TENANT.upper()} "},
        {
            "allowed_tenants": (TENANT,),
            "issuer": f"https://login.microsoftonline.com/{TENANT}/v2.0",
        },
    ),
    "apple": (
        {"team_id": "T1", "key_id": "K1"},
        {"options": {"team_id": "T1", "key_id": "K1"}},
    ),
    "github": ({"tenant": "acme"}, {"allowed_tenants": ("acme",)}),
}


def test_every_provider_has_a_form_and_its_callback() -> None:
    assert FORMS.keys() == PROVIDERS.keys() == GOOD.keys()
    assert find_languages()
    for form in FORMS.values():
        assert [step.key for step in form.steps].count("callback") == 1
        assert [each.name for each in form.fields if each.is_secret] == ["client_secret"]


@pytest.mark.parametrize("provider", FORMS)
def test_what_was_typed_becomes_a_connection_without_powers(provider: str) -> None:
    typed, wanted = GOOD[provider]
    command = read(provider, "Acme", CLIENT | typed)
    said = command.said()
    assert {name: said[name] for name in wanted} == wanted
    assert said.keys() == wanted.keys() | {"name", "provider", "client_id", "client_secret"}


@pytest.mark.parametrize("provider", FORMS)
def test_everything_is_needed(provider: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(provider, "Acme", {})
    needed = [each.name for each in FORMS[provider].fields if each.is_needed]
    assert problems_of(provider, refused.value) == dict.fromkeys(needed, "missing")
    command = read(provider, "Acme", CLIENT | GOOD[provider][0] | {"client_secret": ""}, "kept")
    assert command.client_secret == "kept"


@pytest.mark.parametrize(
    ("provider", "field", "value"),
    [
        ("openid", "issuer", "http://id.example"),
        ("openid", "issuer", "https://id.example?x=1"),
        ("openid", "issuer", "javascript:alert(1)"),
        ("openid", "client_id", "a\nb"),
        ("entra", "tenant", "common"),
        ("entra", "tenant", "../../evil.example"),
        ("entra", "tenant", f"{TENANT}/x"),
        ("google", "tenant", "a\x00b"),
        ("apple", "team_id", "\u202eX"),
        ("oauth2", "token_endpoint", "http://id.example/t"),
        ("oauth2", "token_endpoint", "javascript:alert(1)"),
        ("oauth2", "subject_claim", "\u202eX"),
        ("oauth2", "scopes", 'a"b'),
    ],
)
def test_what_cannot_be_right_is_named(provider: str, field: str, value: str) -> None:
    assert _problems(provider, field, value) == {field: "value"}


@pytest.mark.parametrize("field", ["token_endpoint", "userinfo_endpoint"])
@pytest.mark.parametrize(
    "value",
    [
        *("https://other.example/t", "https://id.example:8443/t", "https://id.example.evil.test/t"),
        *("http://localhost/t", "https://id.example./t", "https://10.0.0.7/t"),
    ],
)
def test_what_this_server_calls_is_where_the_issuer_is(field: str, value: str) -> None:
    assert _problems("oauth2", field, value) == {field: "origin"}


def test_an_origin_is_the_same_however_it_is_spelled() -> None:
    """RFC 6454 §4: each scheme has its default port, and hosts have no case. Where the browser
    goes is no matter of this server.
    """
    typed = {
        "issuer": "https://ID.example",
        "token_endpoint": "https://id.example:443/t",
        "userinfo_endpoint": "HTTPS://id.EXAMPLE/u",
        "authorization_endpoint": "https://login.example/a",
    }
    assert read("oauth2", "Acme", CLIENT | GOOD["oauth2"][0] | typed).options == OAUTH2 | {
        name: value for name, value in typed.items() if name != "issuer"
    }


def test_the_tenant_of_personal_accounts_is_no_organization() -> None:
    tenant = "9188040d-6c67-4c5b-b112-36a304b66dad"
    for value in (tenant, f" {tenant.upper()} "):
        assert _problems("entra", "tenant", value) == {"tenant": "personal"}


def _problems(provider: str, field: str, value: str) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        read(provider, "Acme", CLIENT | GOOD[provider][0] | {field: value})
    return problems_of(provider, refused.value)


def test_each_option_that_cannot_be_right_is_named_and_no_other() -> None:
    wrong = {"token_endpoint": "http://id.example/t", "email_claim": "\u202eX"}
    with pytest.raises(Invalid) as refused:
        read("oauth2", "Acme", CLIENT | GOOD["oauth2"][0] | wrong)
    assert [each.path for each in refused.value.problems] == [("options", name) for name in wrong]
    assert problems_of("oauth2", refused.value) == dict.fromkeys(wrong, "value")
