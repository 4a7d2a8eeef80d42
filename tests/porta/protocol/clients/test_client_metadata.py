"""RFC 7591 §2, §3.2.2: client metadata."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porta.errors import Problem, spell_path
from porta.protocol.clients.client_metadata import ClientMetadata, InvalidMetadata, validate
from storage.models.claims import ClaimMapping

_LEAST: dict[str, Any] = {"client_name": "Shop", "redirect_uris": ["https://shop.example/cb"]}


def _problems(**changes: Any) -> list[str]:
    with pytest.raises(InvalidMetadata) as caught:
        validate(_LEAST | changes)
    return [spell_path(problem.path) for problem in caught.value.problems]


def test_defaults() -> None:
    assert validate(_LEAST) == ClientMetadata(
        client_name="Shop",
        client_type="confidential",
        application_type="web",
        redirect_uris=("https://shop.example/cb",),
        post_logout_redirect_uris=(),
        grant_types=("authorization_code",),
        response_types=("code",),
        scope="openid profile email",
        token_endpoint_auth_method="client_secret_basic",
        allowed_origins=(),
        require_pkce=False,
        id_token_signed_response_alg="ES256",
        id_token_claims=None,
        access_token_format="jwt",
        access_token_type="at+jwt",
        access_token_signing_alg="ES256",
        roles_claim=None,
        claim_mappings=(),
        metadata={},
    )


def test_everything() -> None:
    found = validate(
        {
            "client_name": "App",
            "client_type": "public",
            "application_type": "native",
            "redirect_uris": ["http://127.0.0.1/cb", "com.example.app:/cb", "http://127.0.0.1/cb"],
            "post_logout_redirect_uris": ["http://127.0.0.1"],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "scope": "openid  offline_access",
            "allowed_origins": ["http://localhost:3000"],
            "require_pkce": False,
            "id_token_signed_response_alg": "RS256",
            "id_token_claims": False,
            "access_token_format": "opaque",
            "access_token_type": "JWT",
            "access_token_signing_alg": "RS256",
            "roles_claim": "groups",
            "claim_mappings": [{"source": "team", "claim": "acme.team", "targets": ["userinfo"]}],
            "logo_uri": "https://app.example/logo.png",
            "tos_uri": "https://app.example/tos",
            "contacts": ["ops@app.example"],
            "default_max_age": 0,
            "require_auth_time": True,
            "strict_auth_method": True,
            "subject_type": "public",
            "software_id": "ignored",
            "jwks_uri": "https://app.example/ignored",
        },
        algorithms=("ES256", "RS256"),
    )
    assert found == ClientMetadata(
        client_name="App",
        client_type="public",
        application_type="native",
        redirect_uris=("http://127.0.0.1/cb", "com.example.app:/cb"),
        post_logout_redirect_uris=("http://127.0.0.1",),
        grant_types=("authorization_code", "refresh_token"),
        response_types=("code",),
        scope="openid offline_access",
        token_endpoint_auth_method="none",
        allowed_origins=("http://localhost:3000",),
        require_pkce=False,
        id_token_signed_response_alg="RS256",
        id_token_claims=False,
        access_token_format="opaque",
        access_token_type="JWT",
        access_token_signing_alg="RS256",
        roles_claim="groups",
        claim_mappings=(ClaimMapping("team", ("acme", "team"), ("userinfo",)),),
        metadata={
            "logo_uri": "https://app.example/logo.png",
            "tos_uri": "https://app.example/tos",
            "contacts": ["ops@app.example"],
            "require_auth_time": True,
            "strict_auth_method": True,
            "default_max_age": 0,
        },
    )


def test_a_public_spa_and_names_of_any_legal_length() -> None:
    for name in ("S", "x" * 255):
        spa = validate(
            _LEAST
            | {"client_name": name, "application_type": "spa", "token_endpoint_auth_method": "none"}
        )
        assert (spa.client_name, spa.client_type) == (name, "public")
    assert len(validate(_LEAST | {"contacts": [str(n) for n in range(50)]}).metadata["contacts"])


def test_a_machine_needs_no_redirect_uri() -> None:
    machine = validate({"client_name": "Job", "grant_types": ["client_credentials"]})
    assert (machine.redirect_uris, machine.response_types) == ((), ())


@pytest.mark.parametrize(
    ("given_metadata", "expected"),
    [
        ({}, ("confidential", "client_secret_basic")),
        ({"client_type": "public"}, ("public", "none")),
        ({"client_type": "confidential"}, ("confidential", "client_secret_basic")),
        ({"token_endpoint_auth_method": "none"}, ("public", "none")),
        (
            {"token_endpoint_auth_method": "client_secret_post"},
            ("confidential", "client_secret_post"),
        ),
    ],
)
def test_type_and_method(given_metadata: dict[str, str], expected: tuple[str, str]) -> None:
    found = validate(_LEAST | given_metadata)
    assert (found.client_type, found.token_endpoint_auth_method) == expected


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"client_name": ""}, ["client_name"]),
        ({"client_name": "  "}, ["client_name"]),
        ({"client_name": "x" * 256}, ["client_name"]),
        ({"client_name": None}, ["client_name"]),
        ({"client_name": "a\nb"}, ["client_name", "client_name"]),
        ({"client_name": "a\ud800"}, ["client_name", "client_name"]),
        ({"client_name": 7}, ["client_name", "client_name"]),
        ({"client_type": "other"}, ["client_type"]),
        ({"client_type": 1}, ["client_type"]),
        (
            {"client_type": "public", "token_endpoint_auth_method": "client_secret_basic"},
            ["token_endpoint_auth_method"],
        ),
        (
            {"client_type": "confidential", "token_endpoint_auth_method": "none"},
            ["token_endpoint_auth_method"],
        ),
        ({"token_endpoint_auth_method": "private_key_jwt"}, ["token_endpoint_auth_method"]),
        ({"application_type": "tv"}, ["application_type"]),
        ({"application_type": "spa"}, ["application_type"]),
        ({"redirect_uris": None}, ["redirect_uris"]),
        ({"redirect_uris": []}, ["redirect_uris"]),
        ({"redirect_uris": "https://shop.example"}, ["redirect_uris"]),
        ({"redirect_uris": [7]}, ["redirect_uris"]),
        ({"redirect_uris": ["https://shop.example/\n"]}, ["redirect_uris"]),
        (
            {"redirect_uris": ["https://ok.example", "x", "y"]},
            ["redirect_uris[1]", "redirect_uris[2]"],
        ),
        ({"redirect_uris": ["com.example.app:/cb"]}, ["redirect_uris[0]"]),
        ({"redirect_uris": [f"https://s.example/{n}" for n in range(51)]}, ["redirect_uris"]),
        ({"post_logout_redirect_uris": ["x"]}, ["post_logout_redirect_uris[0]"]),
        ({"allowed_origins": ["https://shop.example/"]}, ["allowed_origins[0]"]),
        ({"grant_types": ["password"]}, ["grant_types[0]"]),
        ({"grant_types": ["implicit", "authorization_code"]}, ["grant_types[0]"]),
        ({"grant_types": []}, ["grant_types"]),
        ({"grant_types": "authorization_code"}, ["grant_types"]),
        ({"response_types": ["token", "code"]}, ["response_types[0]"]),
        ({"response_types": []}, ["response_types"]),
        ({"grant_types": ["client_credentials"], "response_types": ["code"]}, ["response_types"]),
        (
            {"client_type": "public", "grant_types": ["client_credentials"]},
            ["grant_types"],
        ),
        ({"scope": 'a"b'}, ["scope"]),
        ({"scope": ["openid"]}, ["scope"]),
        ({"require_pkce": "no"}, ["require_pkce"]),
        ({"id_token_signed_response_alg": "none"}, ["id_token_signed_response_alg"]),
        ({"id_token_signed_response_alg": "RS256"}, ["id_token_signed_response_alg"]),
        ({"access_token_format": "saml"}, ["access_token_format"]),
        ({"logo_uri": "http://shop.example/logo.png"}, ["logo_uri"]),
        ({"logo_uri": 7}, ["logo_uri"]),
        ({"contacts": "ops"}, ["contacts"]),
        ({"default_max_age": -1}, ["default_max_age"]),
        ({"default_max_age": True}, ["default_max_age"]),
        ({"default_max_age": "60"}, ["default_max_age"]),
        ({"require_auth_time": 1}, ["require_auth_time"]),
        ({"strict_auth_method": "yes"}, ["strict_auth_method"]),
        ({"subject_type": "pairwise"}, ["subject_type"]),
    ],
)
def test_problems(changes: dict[str, Any], paths: list[str]) -> None:
    assert _problems(**changes) == paths


def test_every_mistake_is_told_at_once() -> None:
    assert set(_problems(client_name="", redirect_uris=["x"], scope='"', require_pkce=1)) == {
        "client_name",
        "redirect_uris[0]",
        "scope",
        "require_pkce",
    }


def test_the_code_tells_redirect_uris_from_the_rest() -> None:
    with pytest.raises(InvalidMetadata) as only_uris:
        validate(_LEAST | {"redirect_uris": ["x"]})
    assert only_uris.value.code == "invalid_redirect_uri"
    assert only_uris.value.problems == (
        Problem(("redirect_uris", 0), "must be an absolute https URI"),
    )
    assert only_uris.value.message == "redirect_uris[0]: must be an absolute https URI"
    with pytest.raises(InvalidMetadata) as both:
        validate({"client_name": "", "redirect_uris": ["x"]})
    assert both.value.code == "invalid_client_metadata"
    assert both.value.status == 400


_JSON = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text() | st.none())


@given(st.dictionaries(st.sampled_from(sorted(ClientMetadata.__dataclass_fields__)), _JSON))
def test_any_json_is_validated_or_refused(metadata: dict[str, Any]) -> None:
    try:
        found = validate(metadata)
    except InvalidMetadata:
        return
    assert found.client_name
    assert (found.client_type == "public") is (found.token_endpoint_auth_method == "none")


@pytest.mark.parametrize(("kind", "required"), [("confidential", False), ("public", True)])
def test_applications_F7_pkce_is_needed_of_those_without_a_secret(
    kind: str, required: bool
) -> None:
    assert validate(_LEAST | {"client_type": kind}).require_pkce is required
    assert validate(_LEAST | {"client_type": kind, "require_pkce": True}).require_pkce


@pytest.mark.parametrize("value", [True, False, None])
def test_applications_F1_silence_is_not_no(value: bool | None) -> None:
    assert validate(_LEAST | {"id_token_claims": value}).id_token_claims is value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("roles_claim", name) for name in ("sub", "aud", "email", "permissions", "a b", "1", 5)],
        *[("access_token_type", name) for name in ("jwt", "at+JWT", "dpop+jwt", "none", 5)],
        *[("access_token_signing_alg", name) for name in ("none", "HS256", "RS512", "es256", 5)],
        *[("id_token_signed_response_alg", name) for name in ("none", "HS256", "RS512", 5)],
        *[("id_token_claims", value) for value in ("yes", "true", 1)],
    ],
)
def test_applications_F1_F2_F9_what_no_client_can_have(field: str, value: object) -> None:
    assert _problems(**{field: value}) == [field]


def test_applications_F9_roles_may_have_another_name() -> None:
    assert validate(_LEAST | {"roles_claim": "groups"}).roles_claim == "groups"
    assert validate(_LEAST | {"roles_claim": ""}).roles_claim is None
