"""Core §3.1.2.4, RFC 8707 §2: what is asked of a person, and what their word covers."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from porta.protocol.requests.claims_request import ClaimsRequest
from porta.protocol.requests.consent import consent_scope, missing_consent, needed_consent
from storage.models.claims import ClaimDefinition
from storage.models.interactions import Consent
from tests.factories import client, request

_A, _B = ("urn:a",), ("urn:b",)


def test_a_first_party_client_needs_none() -> None:
    assert needed_consent(request(resource=_A), client()) is None


def test_a_third_party_needs_it_for_all_it_will_get() -> None:
    nowhere = ClaimDefinition(
        id="3", claim_name="nowhere", include_in_access_token=False, include_in_userinfo=False
    )
    definitions = (
        ClaimDefinition(id="1", claim_name="team"),
        structs.replace(nowhere, claim_name="site", include_in_id_token=True),
        nowhere,
        ClaimDefinition(id="4", claim_name="email"),
    )
    third = client(
        is_first_party=False,
        claim_definitions=definitions,
        defines_roles=True,
        defines_permissions=True,
    )
    asked = request(scope=("openid", "email"), resource=("urn:b", "urn:a", "urn:b"))
    assert needed_consent(asked, third) == Consent(
        scope=("openid", "email"),
        resource=("urn:b", "urn:a"),
        claims=("roles", "permissions", "team", "site"),
    )
    assert needed_consent(request(scope=("email",)), third) == Consent(scope=("email",))


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


def _consent(*scope: str, **more: Any) -> Consent:
    return Consent(scope=scope, **more)


@pytest.mark.parametrize(
    ("needed", "held"),
    [
        (_consent("openid"), (_consent("openid"),)),
        (_consent("openid", "email"), (_consent("openid"), _consent("email"))),
        (_consent("x", resource=_A), (_consent("x", "y", resource=(*_A, *_B)),)),
        (
            _consent("x", resource=(*_A, *_B)),
            (_consent("x", resource=_B), _consent("x", resource=_A)),
        ),
        (_consent("x", claims=("c",)), (_consent("x"), _consent(claims=("c", "d")))),
        (_consent(), ()),
    ],
)
def test_covered(needed: Consent, held: tuple[Consent, ...]) -> None:
    assert missing_consent(needed, held) == ()


_NO_SCOPE, _NO_PLACE, _NO_CLAIM = "scopes_missing", "resources_missing", "claims_missing"


@pytest.mark.parametrize(
    ("needed", "held", "reasons"),
    [
        (_consent("openid"), (), (_NO_SCOPE,)),
        (_consent("openid", "email"), (_consent("openid"),), (_NO_SCOPE,)),
        (_consent("x", resource=_A), (_consent("x"),), (_NO_PLACE, _NO_SCOPE)),
        (_consent("x"), (_consent("x", resource=_A),), (_NO_SCOPE,)),
        (_consent(resource=_A), (_consent("x", resource=_B),), (_NO_PLACE,)),
        (
            _consent("x", "y", resource=_A),
            (_consent("x", resource=_A), _consent("y", resource=_B)),
            (_NO_SCOPE,),
        ),
        (
            _consent("x", resource=(*_A, *_B)),
            (_consent("x", resource=_A), _consent(resource=_B)),
            (_NO_SCOPE,),
        ),
        (_consent("x", claims=("c", "d")), (_consent("x", claims=("c",)),), (_NO_CLAIM,)),
        (
            _consent("x", resource=_A, claims=("c",)),
            (_consent("x", resource=_A), _consent("x", resource=_B, claims=("c",))),
            (_NO_CLAIM,),
        ),
    ],
)
def test_not_covered(needed: Consent, held: tuple[Consent, ...], reasons: tuple[str, ...]) -> None:
    assert missing_consent(needed, held) == reasons
