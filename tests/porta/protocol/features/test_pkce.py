"""RFC 7636, RFC 9700 §2.1.1."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porta.protocol.errors import InvalidGrant, InvalidRequest
from porta.protocol.features.pkce import (
    FEATURE,
    build_challenge,
    check_challenge,
    check_verifier,
    is_required,
)
from tests.factories import CHALLENGE, ISSUER, VERIFIER, client, policy, request

_UNRESERVED = st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def test_appendix_b() -> None:
    assert build_challenge(VERIFIER) == CHALLENGE
    check_verifier(CHALLENGE, VERIFIER)


@given(st.text(_UNRESERVED, min_size=43, max_size=128))
def test_every_legal_verifier_matches_its_challenge(verifier: str) -> None:
    challenge = build_challenge(verifier)
    check_verifier(challenge, verifier)
    check_challenge(request(code_challenge=challenge), client(), policy())


@pytest.mark.parametrize(
    ("challenge", "verifier"),
    [
        (CHALLENGE, None),
        (CHALLENGE, VERIFIER[:-1]),
        (CHALLENGE, VERIFIER[:-1] + "l"),
        (CHALLENGE, VERIFIER + "\n"),
        (CHALLENGE, CHALLENGE),
        (CHALLENGE, "a" * 129),
        (CHALLENGE, "é" * 43),
        (CHALLENGE, "+" * 43),
        (None, VERIFIER),
        ("", VERIFIER),
    ],
)
def test_refused_verifiers(challenge: str | None, verifier: str | None) -> None:
    with pytest.raises(InvalidGrant):
        check_verifier(challenge, verifier)


def test_no_challenge_and_no_verifier() -> None:
    check_verifier(None, None)


@pytest.mark.parametrize(
    ("changes", "configured", "required"),
    [
        ({}, True, True),
        ({"require_pkce": False}, True, False),
        ({}, False, False),
        ({"client_type": "public"}, False, True),
        ({"client_type": "public", "require_pkce": False}, True, True),
        ({"client_type": "nonsense", "require_pkce": False}, False, True),
    ],
)
def test_who_must_send_a_challenge(
    changes: dict[str, Any], configured: bool, required: bool
) -> None:
    assert is_required(client(**changes), policy(require_pkce=configured)) is required
    without = request(code_challenge=None, code_challenge_method=None)
    if required:
        with pytest.raises(InvalidRequest):
            check_challenge(without, client(**changes), policy(require_pkce=configured))
    else:
        check_challenge(without, client(**changes), policy(require_pkce=configured))


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("system", [True, False])
@pytest.mark.parametrize("kind", ["confidential", "public", "nonsense"])
def test_applications_F7_an_organization_may_require_it_of_all(
    own: bool, system: bool, kind: str
) -> None:
    without = request(code_challenge=None, code_challenge_method=None)
    strict = policy(require_pkce=system, require_pkce_of_all=True)
    with pytest.raises(InvalidRequest, match="is required"):
        check_challenge(without, client(client_type=kind, require_pkce=own), strict)
    check_challenge(request(), client(client_type=kind, require_pkce=own), strict)


@pytest.mark.parametrize(
    ("challenge", "method"),
    [
        (CHALLENGE, None),
        (CHALLENGE, "plain"),
        (CHALLENGE, "s256"),
        (None, "S256"),
        (None, "plain"),
        (CHALLENGE[:-1], "S256"),
        (CHALLENGE + "a", "S256"),
        (CHALLENGE + "=", "S256"),
        (CHALLENGE[:-1] + "+", "S256"),
        (CHALLENGE[:-1] + "\n", "S256"),
    ],
)
def test_refused_challenges_also_where_none_is_required(
    challenge: str | None, method: str | None
) -> None:
    asked = request(code_challenge=challenge, code_challenge_method=method)
    with pytest.raises(InvalidRequest):
        check_challenge(asked, client(require_pkce=False), policy())


def test_feature() -> None:
    assert FEATURE.check is check_challenge
    assert FEATURE.discovery(ISSUER) == {"code_challenge_methods_supported": ["S256"]}
