"""Core §3.1.2: login, consent or neither."""

from __future__ import annotations

from typing import Any

import pytest

from porta.protocol.claims_request import ClaimsRequest
from porta.protocol.errors import (
    ConsentRequired,
    LoginRequired,
    UnmetAuthenticationRequirements,
)
from porta.protocol.prompts import (
    Prompt,
    Situation,
    consent_scope,
    next_prompt,
)
from tests.porta.protocol.builders import NOW, client, request, session

_ACR = "urn:porta:acr:password"


def _claims(**id_token: Any) -> ClaimsRequest:
    return ClaimsRequest.from_dict({"id_token": id_token})


def _situation(**changes: Any) -> Situation:
    asked = changes.pop("asked", {})
    registered = changes.pop("registered", {})
    fields: dict[str, Any] = {
        "request": request(**asked),
        "client": client(**registered),
        "now": NOW,
        "session": session(),
        "user_stands": True,
    }
    return Situation(**(fields | changes))


def _third_party(**changes: Any) -> Situation:
    registered = {"is_first_party": False} | changes.pop("registered", {})
    return _situation(registered=registered, **changes)


def test_a_session_is_enough_for_a_first_party_client() -> None:
    assert next_prompt(_situation()) is None


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"session": None}, ("no_session",)),
        ({"session": None, "user_stands": False}, ("no_session",)),
        ({"session": session(expires_at=NOW)}, ("no_session",)),
        ({"user_stands": False}, ("inactive_user",)),
        ({"user_stands": False, "authenticated": True}, ("inactive_user",)),
        ({"asked": {"prompt": ("login",)}}, ("login_prompt",)),
        ({"asked": {"prompt": ("login", "consent")}}, ("login_prompt",)),
        ({"asked": {"prompt": ("select_account",)}}, ("select_account",)),
        ({"asked": {"max_age": 599}}, ("max_age",)),
        ({"asked": {"max_age": 0}, "session": session(authenticated_at=NOW)}, ("max_age",)),
        ({"registered": {"metadata": {"default_max_age": 599}}}, ("max_age",)),
        ({"hint_subject": "u-2"}, ("other_subject",)),
        ({"asked": {"claims": _claims(sub={"value": "u-2"})}}, ("other_subject",)),
        ({"asked": {"claims": _claims(sub={"values": ["u-2", 3, {}]})}}, ("other_subject",)),
        (
            {
                "asked": {"claims": _claims(acr={"essential": True, "value": _ACR})},
                "session": session(acr=None),
            },
            ("essential_acr",),
        ),
        (
            {"asked": {"prompt": ("login",), "max_age": 1}, "hint_subject": "u-2"},
            ("login_prompt", "max_age", "other_subject"),
        ),
    ],
)
def test_login(changes: dict[str, Any], reasons: tuple[str, ...]) -> None:
    assert next_prompt(_situation(**changes)) == Prompt("login", reasons)


@pytest.mark.parametrize(
    "changes",
    [
        {"asked": {"max_age": 600}},
        {"asked": {"max_age": 700}, "registered": {"metadata": {"default_max_age": 1}}},
        {"registered": {"metadata": {"default_max_age": "1"}}},
        {"hint_subject": "u-1"},
        {"asked": {"claims": _claims(sub={"value": "u-1"})}},
        {"asked": {"claims": _claims(sub={"essential": True})}},
        {"asked": {"claims": _claims(acr={"essential": True, "value": _ACR})}},
        {"asked": {"claims": _claims(acr={"essential": True, "values": ["x", {}, _ACR]})}},
        {
            "asked": {"claims": _claims(acr={"essential": True, "value": _ACR})},
            "authenticated": True,
        },
        {"asked": {"claims": _claims(acr={"essential": True})}, "session": session(acr=None)},
        {"asked": {"claims": _claims(acr={"value": "urn:unknown"})}},
        {"asked": {"acr_values": ("urn:unknown",)}},
        {"asked": {"prompt": ("none",)}},
        {"asked": {"prompt": ("consent",)}},
        {"asked": {"prompt": ("login", "consent")}, "authenticated": True},
        {"asked": {"prompt": ("select_account",)}, "authenticated": True},
        {"asked": {"max_age": 0}, "authenticated": True},
        {"hint_subject": "u-1", "authenticated": True},
    ],
)
def test_nothing_to_ask(changes: dict[str, Any]) -> None:
    assert next_prompt(_situation(**changes)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"session": None},
        {"user_stands": False},
        {"hint_subject": "u-2"},
        {"asked": {"max_age": 1}},
        {"asked": {"claims": _claims(sub={"value": "u-2"})}},
    ],
)
def test_prompt_none_never_shows_a_login_page(changes: dict[str, Any]) -> None:
    asked = changes.pop("asked", {}) | {"prompt": ("none",)}
    with pytest.raises(LoginRequired):
        next_prompt(_situation(asked=asked, **changes))


@pytest.mark.parametrize(
    "changes",
    [{"hint_subject": "u-2"}, {"asked": {"claims": _claims(sub={"value": "u-2"})}}],
)
def test_another_person_than_the_one_named_ends_it(changes: dict[str, Any]) -> None:
    with pytest.raises(LoginRequired):
        next_prompt(_situation(authenticated=True, **changes))


def test_a_session_that_ended_meanwhile_is_a_login() -> None:
    for changes in ({"session": None}, {"session": session(expires_at=NOW)}):
        situation = _situation(authenticated=True, hint_subject="u-1", **changes)
        assert next_prompt(situation) == Prompt("login", ("no_session",))


@pytest.mark.parametrize("authenticated", [True, False])
@pytest.mark.parametrize("values", [["urn:unknown"], ["urn:unknown", {"a": 1}], [1]])
def test_an_essential_acr_out_of_reach(values: list[Any], authenticated: bool) -> None:
    asked = {"claims": _claims(acr={"essential": True, "values": values})}
    with pytest.raises(UnmetAuthenticationRequirements):
        next_prompt(_situation(asked=asked, authenticated=authenticated))


def test_an_essential_acr_that_the_sign_in_did_not_reach() -> None:
    asked = {"claims": _claims(acr={"essential": True, "value": _ACR})}
    for found in (session(acr=None), None):
        with pytest.raises(UnmetAuthenticationRequirements):
            next_prompt(_situation(asked=asked, authenticated=True, session=found))


_GRANT = ("openid",)


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, ("no_grant", "scopes_missing")),
        ({"asked": {"scope": ()}}, ("no_grant",)),
        ({"grant_scope": ("email",)}, ("scopes_missing",)),
        ({"grant_scope": _GRANT, "asked": {"scope": ("openid", "email")}}, ("scopes_missing",)),
        ({"grant_scope": _GRANT, "asked": {"prompt": ("consent",)}}, ("consent_prompt",)),
        (
            {"grant_scope": _GRANT, "asked": {"claims": _claims(email=None)}},
            ("scopes_missing",),
        ),
        (
            {"grant_scope": ("email",), "asked": {"prompt": ("consent",)}, "consented": True},
            ("scopes_missing",),
        ),
    ],
)
def test_consent(changes: dict[str, Any], reasons: tuple[str, ...]) -> None:
    assert next_prompt(_third_party(**changes)) == Prompt("consent", reasons)


@pytest.mark.parametrize(
    "changes",
    [
        {"grant_scope": _GRANT},
        {"grant_scope": ("openid", "email")},
        {"grant_scope": _GRANT, "asked": {"prompt": ("consent",)}, "consented": True},
        {"grant_scope": _GRANT, "asked": {"prompt": ("none",)}},
        {"grant_scope": ("openid", "email"), "asked": {"claims": _claims(email=None)}},
        {"grant_scope": _GRANT, "asked": {"claims": _claims(phone_number=None)}},
    ],
)
def test_consent_stands(changes: dict[str, Any]) -> None:
    assert next_prompt(_third_party(**changes)) is None


def test_login_comes_before_consent() -> None:
    assert next_prompt(_third_party(session=None)) == Prompt("login", ("no_session",))


def test_prompt_none_never_shows_a_consent_page() -> None:
    with pytest.raises(ConsentRequired):
        next_prompt(_third_party(asked={"prompt": ("none",)}))


def test_consent_names_the_scopes_behind_single_claims() -> None:
    claims = ClaimsRequest.from_dict(
        {
            "id_token": {"email": None, "phone_number": None, "acr": None},
            "userinfo": {"birthdate": None, "email_verified": None},
        }
    )
    asked = request(scope=("openid",), claims=claims)
    assert consent_scope(asked, client()) == ("openid", "profile", "email")
    twice = request(scope=("openid", "email"), claims=claims)
    assert consent_scope(twice, client()) == ("openid", "email", "profile")
