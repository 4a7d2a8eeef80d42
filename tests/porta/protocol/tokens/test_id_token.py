"""Core §2, §3.1.3.6."""

from __future__ import annotations

import pytest

from porta.protocol.tokens.access_token import build_access_token
from porta.protocol.tokens.id_token import build_at_hash, build_id_token, is_id_token
from tests.factories import ISSUER, NOW


def test_the_least() -> None:
    assert build_id_token(
        issuer=ISSUER, subject="u-1", client_id="shop", now=NOW, ttl=3600, claims={"sub": "u-1"}
    ) == {"iss": ISSUER, "sub": "u-1", "aud": "shop", "iat": NOW, "exp": NOW + 3600}


def test_the_most() -> None:
    assert build_id_token(
        issuer=ISSUER,
        subject="u-1",
        client_id="shop",
        now=NOW,
        ttl=60,
        claims={"roles": []},
        nonce="n",
        auth_time=0,
        acr="a",
        amr=("pwd", "otp"),
        sid="s",
        at_hash="h",
    ) == {
        "roles": [],
        "iss": ISSUER,
        "sub": "u-1",
        "aud": "shop",
        "iat": NOW,
        "exp": NOW + 60,
        "nonce": "n",
        "auth_time": 0,
        "acr": "a",
        "amr": ["pwd", "otp"],
        "sid": "s",
        "at_hash": "h",
    }


def test_the_protocol_wins_over_claims() -> None:
    forged = {"iss": "x", "sub": "x", "aud": "x", "iat": 0, "exp": 0, "nonce": "x"}
    built = build_id_token(
        issuer=ISSUER,
        subject="u-1",
        client_id="shop",
        now=NOW,
        ttl=60,
        claims=forged,
        nonce="n",
    )
    assert "x" not in built.values()
    assert 0 not in built.values()


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        # The access token of Core appendix A.4 and its at_hash.
        ("RS256", "77QmUPtjPfzWtF2AnpK9RQ"),
        ("ES256", "77QmUPtjPfzWtF2AnpK9RQ"),
        ("PS256", "77QmUPtjPfzWtF2AnpK9RQ"),
    ],
)
def test_at_hash_of_the_specification(algorithm: str, expected: str) -> None:
    assert build_at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", algorithm) == expected


@pytest.mark.parametrize(("algorithm", "length"), [("ES384", 32), ("EdDSA", 43), ("ES512", 43)])
def test_at_hash_is_half_of_the_algorithms_hash(algorithm: str, length: int) -> None:
    assert len(build_at_hash("token", algorithm)) == length


def test_an_algorithm_that_is_not_ours() -> None:
    with pytest.raises(KeyError):
        build_at_hash("token", "none")


def test_applications_F2_an_access_token_is_no_id_token_whatever_its_type() -> None:
    """RFC 8725 §3.11: beside `typ`, which may be the same, the claims tell them apart."""
    claims = {"sub": "u-1", "roles": ["r"], "email": "a@acme.example"}
    mine = build_id_token(
        issuer=ISSUER, subject="u-1", client_id="shop", now=NOW, ttl=60, claims=claims
    )
    assert is_id_token(mine)
    for audience in ((ISSUER,), ("shop",), ("urn:a", "shop")):
        token = build_access_token(
            issuer=ISSUER,
            subject="u-1",
            client_id="shop",
            audience=audience,
            scope=(),
            issued_at=NOW,
            expires_at=NOW + 60,
            jti="j",
            claims=claims,
        )
        assert not is_id_token(token)
        for name in ("jti", "client_id"):
            assert not is_id_token({other: token[other] for other in token if other != name})
    for wrong in ({"aud": None}, {"aud": ["shop"]}, {"jti": "j"}, {"client_id": "shop"}):
        assert not is_id_token(mine | wrong)
