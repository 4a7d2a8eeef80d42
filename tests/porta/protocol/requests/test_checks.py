"""An authorization request, check by check."""

from __future__ import annotations

from typing import Any

import pytest

from porta.protocol.errors import (
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    OAuthError,
    UnauthorizedClient,
    UnsupportedResponseType,
    UntrustedRequest,
)
from porta.protocol.requests.checks import accept
from tests.factories import client, policy, request


def test_a_good_request_passes_unchanged() -> None:
    asked = request(scope=("openid", "offline_access"), prompt=("login", "consent"), display="wap")
    assert accept(asked, client(), policy()) == asked


def test_offline_access_without_use_is_dropped_even_when_not_registered() -> None:
    code_only = client(grant_types=("authorization_code",), scope="openid")
    asked = request(scope=("openid", "offline_access"))
    assert accept(asked, code_only, policy()).scope == ("openid",)


def test_plain_oauth_without_openid_is_welcome() -> None:
    assert accept(request(scope=()), client(), policy()).scope == ()


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post"])
def test_response_modes(mode: str) -> None:
    asked = request(response_mode=mode)
    assert accept(asked, client(), policy()) == asked
    for other in (mode.upper(), f"{mode} ", f"{mode}.jwt"):
        with pytest.raises(InvalidRequest):
            accept(request(response_mode=other), client(), policy())


@pytest.mark.parametrize("value", ["none", "login", "consent", "select_account"])
def test_prompt_values(value: str) -> None:
    asked = request(prompt=(value,))
    assert accept(asked, client(), policy()) == asked
    assert accept(request(prompt=(value.upper(),)), client(), policy()).prompt == ()


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        (("create",), ()),
        (("Login", "NONE"), ()),
        (("login", "create", "consent"), ("login", "consent")),
        (("x", "select_account"), ("select_account",)),
    ],
)
def test_B32_unknown_prompts_are_ignored(asked: tuple[str, ...], left: tuple[str, ...]) -> None:
    assert accept(request(prompt=asked), client(), policy()).prompt == left


def test_B32_create_is_known_where_people_register() -> None:
    asked = request(prompt=("create", "x"))
    assert accept(asked, client(), policy(registers=True)).prompt == ("create",)


@pytest.mark.parametrize("other", ["login", "consent", "create", "x"])
def test_B32_none_stands_alone(other: str) -> None:
    """Core §3.1.2.1: with any other value it is an error, one that nobody knows included."""
    for prompt in (("none", other), (other, "none")):
        with pytest.raises(InvalidRequest):
            accept(request(prompt=prompt), client(), policy())


def test_B27_unregistered_scopes_fall_away() -> None:
    asked = request(scope=("openid", "phone", "unheard-of", "email"))
    assert accept(asked, client(), policy()).scope == ("openid", "email")


@pytest.mark.parametrize(
    ("asked", "registered", "error"),
    [
        ({"response_type": None}, {}, InvalidRequest),
        ({"response_type": "token"}, {}, UnsupportedResponseType),
        ({"response_type": "id_token"}, {}, UnsupportedResponseType),
        ({"response_type": "code id_token"}, {}, UnsupportedResponseType),
        ({"response_type": "code code"}, {}, UnsupportedResponseType),
        ({"response_type": "token"}, {"response_types": ("token",)}, UnsupportedResponseType),
        ({}, {"response_types": ()}, UnauthorizedClient),
        ({}, {"grant_types": ("client_credentials",)}, UnauthorizedClient),
        ({"response_mode": "web_message"}, {}, InvalidRequest),
        ({"response_mode": "query.jwt"}, {}, InvalidRequest),
        ({"scope": ("phone",)}, {}, InvalidScope),
        ({"scope": ("offline_access", "x")}, {"scope": "openid"}, InvalidScope),
        ({"prompt": ("none", "login")}, {}, InvalidRequest),
        ({"prompt": ("create", "none")}, {}, InvalidRequest),
        ({"display": "tv"}, {}, InvalidRequest),
        ({"code_challenge_method": "plain"}, {}, InvalidRequest),
        ({"code_challenge": None, "code_challenge_method": None}, {}, InvalidRequest),
        ({"resource": ("https://unknown.example",)}, {}, InvalidTarget),
        ({"resource": ("#",)}, {}, InvalidTarget),
    ],
)
def test_refused(
    asked: dict[str, Any], registered: dict[str, Any], error: type[OAuthError]
) -> None:
    with pytest.raises(error) as caught:
        accept(request(**asked), client(**registered), policy())
    assert type(caught.value) is error


def test_the_redirect_uri_comes_before_everything() -> None:
    with pytest.raises(UntrustedRequest):
        accept(request(redirect_uri="https://evil.example", response_type="x"), client(), policy())


def test_of_many_faults_the_first_is_told() -> None:
    """The order of CHECKS and FEATURES: whoever mends what they are told of meets the next."""
    wrong: dict[str, Any] = {
        "response_type": "token",
        "response_mode": "query.jwt",
        "scope": ("phone",),
        "prompt": ("none", "create"),
        "display": "tv",
        "code_challenge": None,
        "resource": ("https://unknown.example",),
    }
    told = []
    for name, error in (
        ("scope", InvalidScope),
        ("response_type", UnsupportedResponseType),
        ("response_mode", InvalidRequest),
        ("prompt", InvalidRequest),
        ("display", InvalidRequest),
        ("code_challenge", InvalidRequest),
        ("resource", InvalidTarget),
    ):
        with pytest.raises(error) as caught:
            accept(request(**wrong), client(), policy())
        assert name.partition("_")[0] in caught.value.message
        told.append(caught.value.message)
        del wrong[name]
    assert len(set(told)) == len(told)
    accept(request(**wrong), client(), policy())
