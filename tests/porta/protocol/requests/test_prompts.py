"""Core §3.1.2: login, consent or neither."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from porta.protocol.errors import (
    ConsentRequired,
    LoginRequired,
    UnmetAuthenticationRequirements,
)
from porta.protocol.requests.claims_request import ClaimsRequest
from porta.protocol.requests.prompts import Prompt, PromptState, next_prompt
from storage.models.interactions import Consent
from tests.factories import NOW, client, request, session

_ACR, _MFA = "urn:porta:acr:password", "urn:porta:acr:mfa"
_FEDERATED, _POSSESSION = "urn:porta:acr:federated", "urn:porta:acr:possession"
alices = partial(session, account_id="u-1")


def _claims(**id_token: Any) -> ClaimsRequest:
    return ClaimsRequest.from_dict({"id_token": id_token})


def _situation(**changes: Any) -> PromptState:
    asked = {"hint_subject": changes.pop("hint_subject", None)} | changes.pop("asked", {})
    registered = changes.pop("registered", {})
    fields: dict[str, Any] = {
        "request": request(**asked),
        "client": client(**registered),
        "now": NOW,
        "session": alices(),
        "is_user_usable": True,
    }
    return PromptState(**(fields | changes))


def _third_party(**changes: Any) -> PromptState:
    registered = {"is_first_party": False, "defines_roles": True, "defines_permissions": True}
    registered |= changes.pop("registered", {})
    return _situation(registered=registered, **changes)


def test_a_session_is_enough_for_a_first_party_client() -> None:
    assert next_prompt(_situation()) is None


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"session": None}, ("no_session",)),
        ({"session": None, "is_user_usable": False}, ("no_session",)),
        ({"session": alices(expires_at=NOW)}, ("no_session",)),
        ({"is_user_usable": False}, ("inactive_user",)),
        ({"is_user_usable": False, "authenticated": True}, ("inactive_user",)),
        ({"asked": {"prompt": ("login",)}}, ("login_prompt",)),
        ({"asked": {"prompt": ("login", "consent")}}, ("login_prompt",)),
        ({"asked": {"prompt": ("select_account",)}}, ("select_account",)),
        ({"asked": {"prompt": ("create",)}}, ("create",)),
        ({"asked": {"max_age": 599}}, ("max_age",)),
        ({"asked": {"max_age": 0}, "session": alices(authenticated_at=NOW)}, ("max_age",)),
        ({"registered": {"metadata": {"default_max_age": 599}}}, ("max_age",)),
        ({"hint_subject": "u-2"}, ("other_subject",)),
        ({"asked": {"claims": _claims(sub={"value": "u-2"})}}, ("other_subject",)),
        ({"asked": {"claims": _claims(sub={"values": ["u-2", 3, {}]})}}, ("other_subject",)),
        (
            {
                "asked": {"claims": _claims(acr={"essential": True, "value": _ACR})},
                "session": alices(acr=None),
            },
            ("acr",),
        ),
        ({"asked": {"acr_values": (_MFA,)}}, ("step_up",)),
        ({"asked": {"claims": _claims(acr={"essential": True, "value": _MFA})}}, ("step_up",)),
        ({"asked": {"acr_values": (_MFA,)}, "session": alices(acr=_FEDERATED)}, ("step_up",)),
        ({"asked": {"acr_values": (_MFA,)}, "session": alices(acr=_POSSESSION)}, ("acr",)),
        ({"asked": {"acr_values": (_MFA,), "max_age": 600}}, ("acr",)),
        ({"asked": {"acr_values": (_MFA,), "max_age": 599}}, ("max_age", "acr")),
        (
            {
                "asked": {"acr_values": (_MFA,)},
                "registered": {"metadata": {"default_max_age": 600}},
            },
            ("acr",),
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
        {"asked": {"claims": _claims(acr={"essential": True})}, "session": alices(acr=None)},
        {"asked": {"claims": _claims(acr={"value": "urn:unknown"})}},
        {"asked": {"acr_values": ("urn:unknown",)}},
        {"asked": {"acr_values": ("urn:unknown", _MFA, _ACR)}},
        {"asked": {"acr_values": (_MFA,)}, "session": alices(acr=_MFA)},
        {
            "asked": {
                "acr_values": (_MFA,),
                "claims": _claims(acr={"essential": True, "value": _ACR}),
            }
        },
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
        {"is_user_usable": False},
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
    for changes in ({"session": None}, {"session": alices(expires_at=NOW)}):
        situation = _situation(authenticated=True, hint_subject="u-1", **changes)
        assert next_prompt(situation) == Prompt("login", ("no_session",))


@pytest.mark.parametrize("authenticated", [True, False])
@pytest.mark.parametrize("values", [["urn:unknown"], ["urn:unknown", {"a": 1}], [1]])
def test_an_essential_acr_out_of_reach(values: list[Any], authenticated: bool) -> None:
    asked = {"claims": _claims(acr={"essential": True, "values": values})}
    with pytest.raises(UnmetAuthenticationRequirements):
        next_prompt(_situation(asked=asked, authenticated=authenticated))


@pytest.mark.parametrize(
    "asked",
    [{"claims": _claims(acr={"essential": True, "value": _ACR})}, {"acr_values": (_ACR,)}],
)
def test_a_demanded_acr_that_the_sign_in_did_not_reach(asked: dict[str, Any]) -> None:
    for found in (alices(acr=None), None):
        with pytest.raises(UnmetAuthenticationRequirements):
            next_prompt(_situation(asked=asked, authenticated=True, session=found))


def _allowed(*scope: str, **more: tuple[str, ...]) -> tuple[Consent, ...]:
    claims = ("roles", "permissions") if "openid" in scope else ()
    return (Consent(**{"scope": scope, "claims": claims} | more),)


_GRANT = _allowed("openid")


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, ("no_grant", "scopes_missing", "claims_missing")),
        ({"asked": {"scope": ()}}, ("no_grant",)),
        ({"consents": _allowed("email")}, ("scopes_missing", "claims_missing")),
        ({"consents": _GRANT, "asked": {"scope": ("openid", "email")}}, ("scopes_missing",)),
        ({"consents": _GRANT, "asked": {"prompt": ("consent",)}}, ("consent_prompt",)),
        (
            {"consents": _GRANT, "asked": {"claims": _claims(email=None)}},
            ("scopes_missing",),
        ),
        (
            {
                "consents": _allowed("email"),
                "asked": {"prompt": ("consent",), "scope": ("email", "profile")},
                "consented": True,
            },
            ("scopes_missing",),
        ),
        ({"consents": _allowed("openid", claims=("roles",))}, ("claims_missing",)),
        (
            {"consents": _GRANT, "asked": {"resource": ("urn:a",)}},
            ("resources_missing", "scopes_missing", "claims_missing"),
        ),
        (
            {"consents": _allowed(resource=("urn:a",)), "asked": {"resource": ("urn:a",)}},
            ("scopes_missing", "claims_missing"),
        ),
    ],
)
def test_consent(changes: dict[str, Any], reasons: tuple[str, ...]) -> None:
    assert next_prompt(_third_party(**changes)) == Prompt("consent", reasons)


@pytest.mark.parametrize(
    "changes",
    [
        {"consents": _GRANT},
        {"consents": _allowed("openid", "email")},
        {"consents": _GRANT, "asked": {"prompt": ("consent",)}, "consented": True},
        {"consents": _GRANT, "asked": {"prompt": ("none",)}},
        {"consents": _allowed("openid", "email"), "asked": {"claims": _claims(email=None)}},
        {"consents": _GRANT, "asked": {"claims": _claims(phone_number=None)}},
        {
            "consents": _allowed("openid", resource=("urn:a", "urn:b")),
            "asked": {"resource": ("urn:b",)},
        },
    ],
)
def test_consent_stands(changes: dict[str, Any]) -> None:
    assert next_prompt(_third_party(**changes)) is None


def test_login_comes_before_consent() -> None:
    assert next_prompt(_third_party(session=None)) == Prompt("login", ("no_session",))


def test_prompt_none_never_shows_a_consent_page() -> None:
    with pytest.raises(ConsentRequired):
        next_prompt(_third_party(asked={"prompt": ("none",)}))
