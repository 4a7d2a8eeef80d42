from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from porta.security import keyring
from porta.security.jwt import InvalidJWT, UnknownKey, sign, verify
from porta.security.key_faults import NoSigningKey, NoUsableKey
from porta.security.key_schedule import MARGIN
from porta.security.keyring import KeyRing, KeyRings
from porta.security.keys import ALGORITHMS, Key, KeyUnusable
from storage.models.signing_keys import SigningKey

from .rows import KEY, bound_row, pair, plain_row, row, unbound_row

TTL = 3600


def build(*rows: SigningKey, previous: KeyRings | None = None, key: bytes = KEY) -> KeyRings:
    return KeyRings.build(rows, (key,), longest_token_ttl=TTL, previous=previous)


def kids(ring: KeyRing) -> list[str]:
    return [jwk["kid"] for jwk in ring.jwks["keys"]]


def test_a_ring_offers_and_publishes_each_algorithm() -> None:
    ring = build(*(row(algorithm) for algorithm in ALGORITHMS[::-1])).of("acme", 2000)
    assert ring.algorithms == ALGORITHMS
    assert kids(ring) == [pair(algorithm).kid for algorithm in ALGORITHMS]
    for algorithm in ALGORITHMS:
        key = ring.signer(algorithm)
        assert key.private is not None
        assert ring.verifier(key.kid) is key


def test_no_private_parameter_is_ever_published() -> None:
    ring = build(*(row(algorithm) for algorithm in ALGORITHMS)).of("acme", 2000)
    for jwk in ring.jwks["keys"]:
        assert set(jwk) <= {"kty", "crv", "x", "y", "n", "e", "use", "alg", "kid"}


def test_a_ring_without_a_key_says_so() -> None:
    ring = build(row("ES256", status="retired", activated_at=1000.0)).of("acme", 2000)
    assert ring.algorithms == ()
    assert len(kids(ring)) == 1
    with pytest.raises(NoSigningKey, match="ES256"):
        ring.signer("ES256")
    assert ring.verifier("unknown") is None
    assert build().of("acme", 0).jwks == {"keys": []}


def test_a_rotation_as_verifiers_see_it() -> None:
    old, new = row(number=0), row(number=1, activated_at=2000.0)
    rings = build(old, new)
    end = 2000 + TTL + MARGIN
    for now, signer, shown in (
        (1999.9, old, [old, new]),
        (2000.0, new, [new, old]),
        (end - 0.1, new, [new, old]),
        (end, new, [new]),
        (1999.9, old, [old, new]),  # A clock that was set back is believed.
    ):
        ring = rings.of("acme", now)
        assert ring.signer("ES256").kid == signer.kid
        assert kids(ring) == [each.kid for each in shown]
    assert rings.of("acme", end).verifier(old.kid) is None


def test_at_no_moment_of_a_rotation_does_a_token_fail_to_verify() -> None:
    """A verifier refreshes its JWKS each minute; tokens live for TTL; seven rotations."""
    rows = [
        row(number=n, activated_at=1000.0 + 500 * n, created_at=880.0 + 500 * n) for n in range(8)
    ]
    tokens: list[tuple[float, str]] = []
    for now in range(1000, 9000, 50):
        known = [each for each in rows if each.created_at <= now]
        rings = build(*known)
        claims = {"iss": "i", "exp": now + TTL}
        tokens.append((now + TTL, sign(rings.of("acme", now).signer("ES256"), claims, "JWT")))
        seen = build(*(each for each in rows if each.created_at <= now - 60 or now == 1000))
        cached = seen.of("acme", max(now - 60.0, 1000.0))
        for end, token in tokens[-3:]:
            assert end > now
            verify(token, cached, typ="JWT", issuer="i", now=now)
    for end, token in tokens:
        verify(token, build(*rows).of("acme", end - 1), typ="JWT", issuer="i", now=end - 1)


def test_a_key_that_is_gone_verifies_hints_and_nothing_else() -> None:
    """RP-Initiated Logout §2: an ID token is a hint as long as its session lives, or longer."""
    old, new = row(number=0), row(number=1, activated_at=2000.0)
    rings = build(old, new)
    token = sign(rings.of("acme", 1500).signer("ES256"), {"iss": "i", "exp": 5000}, "JWT")
    now = 2000 + TTL + MARGIN
    ring = rings.of("acme", now)
    assert verify(token, ring, typ="JWT", issuer="i", now=now, allow_expired=True)["exp"] == 5000
    assert kids(ring) == [new.kid]
    assert ring.verifier(old.kid) is None
    with pytest.raises(UnknownKey):
        verify(token, ring, typ="JWT", issuer="i", now=now)
    fresh = sign(rings.of("acme", 1500).signer("ES256"), {"iss": "i", "exp": now + 9}, "JWT")
    with pytest.raises(UnknownKey):
        verify(fresh, ring, typ="JWT", issuer="i", now=now)


def test_a_revoked_key_verifies_no_hint() -> None:
    old, new = row(number=0), row(number=1, activated_at=2000.0)
    first = build(old, new)
    token = sign(first.of("acme", 1500).signer("ES256"), {"iss": "i", "exp": 5000}, "JWT")
    second = build(structs.replace(old, status="revoked"), new, previous=first)
    for now in (1500.0, 2500.0, 2000 + TTL + MARGIN):
        ring = second.of("acme", now)
        with pytest.raises(UnknownKey):
            verify(token, ring, typ="JWT", issuer="i", now=now, allow_expired=True)


def test_a_key_of_another_ring_verifies_no_hint() -> None:
    own = [row(number=n, organization_id="acme", activated_at=1000.0 * (n + 1)) for n in (1, 2)]
    rings = build(row(), *own)
    now = 3000 + TTL + MARGIN
    token = sign(rings.of("acme", 2500).signer("ES256"), {"iss": "i", "exp": 5000}, "JWT")
    assert verify(token, rings.of("acme", now), typ="JWT", issuer="i", now=now, allow_expired=True)
    with pytest.raises(InvalidJWT):
        verify(token, rings.of("beta", now), typ="JWT", issuer="i", now=now, allow_expired=True)


def test_an_organization_has_a_ring_of_its_own_and_others_do_not_see_it() -> None:
    rows = [row(algorithm) for algorithm in ("ES256", "RS256")]
    own = row(number=1, organization_id="acme", activated_at=2000.0)
    rings = build(*rows, own)
    ours, theirs = rings.of("acme", 3000), rings.of("beta", 3000)
    assert ours.signer("ES256").kid == own.kid
    assert theirs.signer("ES256").kid == rows[0].kid
    assert theirs.verifier(own.kid) is None
    assert kids(ours) == [own.kid, rows[0].kid, rows[1].kid]
    # Per algorithm: what the organization's ring lacks, the global one gives.
    assert ours.signer("RS256").kid == rows[1].kid
    assert rings.of("acme", 2000 + TTL + MARGIN).verifier(rows[0].kid) is None
    assert rings.of("gamma", 3000) is theirs


def test_growth_a_ring_costs_the_same_whoever_else_has_one() -> None:
    """With thousands of organizations each has its first request in every snapshot."""

    def cost(organizations: int) -> float:
        rows = [
            structs.replace(row(), kid=f"k{number}", organization_id=f"org{number}")
            for number in range(organizations)
        ]
        key = build(row()).of("acme", 2000).signer("ES256")
        keys = {each.kid: replace(key, kid=each.kid) for each in (row(), *rows)}
        rings = KeyRings((row(), *rows), keys, TTL)
        began = time.process_time()
        for number in range(50):
            assert rings.of(f"org{number}", 2000).algorithms == ("ES256",)
        return time.process_time() - began

    cost(50)  # the first one pays for what is made once
    assert cost(20_000) < 20 * max(cost(50), 0.001)


def test_a_ring_is_computed_once_between_two_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    rings = build(row(), row(number=1, activated_at=2000.0))
    first = rings.of("acme", 1500)
    assert rings.of("beta", 1999.9) is first
    second = rings.of("beta", 2000)
    assert second is not first
    assert rings.of("acme", 2000 + TTL) is second


def test_key_objects_are_handed_on_and_never_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(), row("RS256"), row(number=2, status="retired", retired_at=1500.0)]
    first = build(*rows)
    monkeypatch.setattr(keyring, "_load", None)
    second = build(*rows, previous=first)
    for each in rows:
        ours = second.of("a", 2000).verifier(each.kid)
        assert ours is first.of("a", 2000).verifier(each.kid)
        assert isinstance(ours, Key)


@pytest.mark.parametrize("changes", [{"activated_at": 1600.0}, {"expires_at": 9e9}])
def test_a_changed_row_with_the_same_key_keeps_its_object(changes: dict[str, Any]) -> None:
    first = build(before := row())
    second = build(structs.replace(before, **changes), previous=first)
    assert second.of("a", 2000).signer("ES256") is first.of("a", 2000).signer("ES256")


def test_a_changed_key_is_built_again() -> None:
    first = build(encrypted := row())
    second = build(unbound_row(), previous=first)
    assert second.of("a", 2000).signer("ES256") is not first.of("a", 2000).signer("ES256")
    assert encrypted.kid == second.of("a", 2000).signer("ES256").kid


def test_a_revoked_key_is_out_at_once() -> None:
    first = build(good := row(), bad := row(number=1, activated_at=1500.0))
    assert first.of("a", 2000).signer("ES256").kid == bad.kid
    second = build(good, structs.replace(bad, status="revoked"), previous=first)
    ring = second.of("a", 2000)
    assert ring.signer("ES256").kid == good.kid
    assert ring.verifier(bad.kid) is None
    assert bad.kid not in kids(ring)


def test_a_revoked_row_is_not_even_read(caplog: pytest.LogCaptureFixture) -> None:
    build(row(), row(number=1, status="revoked", public_key="", private_key=""))
    assert not caplog.records


def test_an_unknown_algorithm_is_left_to_the_version_that_knows_it() -> None:
    rings = build(row(), structs.replace(row(number=1), algorithm="ES512"))
    assert kids(rings.of("a", 2000)) == [row().kid]


def test_rows_of_porta_1_are_used_as_they_stand() -> None:
    active = unbound_row(activated_at=1000.0)
    retired = unbound_row(number=1, activated_at=500.0, status="retired", retired_at=1000.0)
    ring = build(active, retired).of("acme", 1100)
    assert ring.signer("ES256").kid == active.kid
    assert kids(ring) == [active.kid, retired.kid]


def _moved(**changes: Any) -> SigningKey:
    """What is encrypted for one row, in another one of the same key."""
    return structs.replace(row(number=1, activated_at=1500.0), **changes)


REFUSED = {
    "in the clear": plain_row(number=1, activated_at=1500.0),
    "retired, in the clear": plain_row(number=1, status="retired", retired_at=1500.0),
    "encrypted by somebody else": row(number=1, key=bytes(32), activated_at=1500.0),
    "retired, by somebody else": row(number=1, key=bytes(32), status="retired", retired_at=1500.0),
    "no ciphertext": row(number=1, private_key="bound:00", activated_at=1500.0),
    "another's ciphertext": structs.replace(row(activated_at=1500.0), kid="0" * 16),
    "another kid": _moved(kid="0123456789abcdef"),
    "another organization": _moved(organization_id="acme"),
    "an old ciphertext under another kid": unbound_row(number=1, kid="0" * 16, activated_at=1500.0),
    "an old ciphertext of another key": unbound_row(
        kid=pair(number=1).kid, public_key=pair(number=1).public_key, activated_at=1500.0
    ),
    "not marked as bound": structs.replace(
        bound_row(number=1, activated_at=1500.0),
        private_key=bound_row(number=1).private_key.removeprefix("bound:"),
    ),
    "marked as bound": structs.replace(
        unbound_row(number=1, activated_at=1500.0),
        private_key="bound:" + unbound_row(number=1).private_key,
    ),
}


@pytest.mark.parametrize("later", [False, True], ids=["at the start", "later"])
@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED.keys())
def test_security_13_what_our_key_does_not_vouch_for_is_shown_to_nobody(
    refused: SigningKey, later: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """It would be enough to stand in the JWKS: whoever holds the private half signs by himself."""
    good = row()
    previous = build(good) if later else None
    for organization in ("acme", "beta"):
        ring = build(good, refused, previous=previous).of(organization, 2000)
        assert ring.signer("ES256").kid == good.kid
        assert kids(ring) == [good.kid]
        assert ring.verifier(refused.kid) is None
        assert ring.former_verifier(refused.kid) is None
    record = caplog.records[0]
    assert (record.message, record.__dict__["kid"]) == ("signing_key.unusable", refused.kid)
    assert "PRIVATE" not in str(record.__dict__)
    assert refused.private_key not in str(record.__dict__)


def test_security_13_an_rsa_key_is_bound_to_its_algorithm() -> None:
    """RS256 and PS256 take the same keys (RFC 8725 §3.1)."""
    moved = structs.replace(row("RS256"), algorithm="PS256")
    assert build(row(), moved, previous=build(row())).of("acme", 2000).algorithms == ("ES256",)


def test_security_13_a_key_that_is_moved_later_is_looked_at_again() -> None:
    first = build(good := row(), own := row(number=1, organization_id="acme"))
    assert first.of("acme", 2000).signer("ES256").kid == own.kid
    moved = structs.replace(own, organization_id="beta", activated_at=1500.0)
    second = build(good, moved, previous=first)
    assert second.of("beta", 2000).signer("ES256").kid == good.kid


def test_at_the_start_an_algorithm_that_no_key_can_sign_with_stops_us() -> None:
    lost = row("EdDSA", key=bytes(32)), row("EdDSA", 1, key=bytes(32))
    with pytest.raises(KeyUnusable, match="SIGNING_KEY_ENCRYPTION_KEY") as raised:
        build(row(), *lost)
    assert isinstance(raised.value, NoUsableKey)
    said = str(raised.value)
    assert all(key.kid in said for key in lost)
    assert "EdDSA" in said
    assert "porta keys revoke" in said
    assert row().kid not in said
    assert "ES256" not in said


def test_at_the_start_a_damaged_key_without_another_stops_us() -> None:
    damaged = row(public_key="damaged")
    with pytest.raises(NoUsableKey, match=damaged.kid) as raised:
        build(damaged, row("EdDSA"))
    assert "SPKI PEM" in str(raised.value)


@pytest.mark.parametrize("foreign_since", [500.0, 1500.0])
def test_at_the_start_a_key_of_another_encryption_key_is_logged_where_a_usable_one_is_left(
    foreign_since: float, caplog: pytest.LogCaptureFixture
) -> None:
    foreign = row(number=1, key=bytes(32), activated_at=foreign_since)
    ring = build(good := row(), foreign).of("a", 2000)
    assert ring.signer("ES256").kid == good.kid
    assert ring.verifier(foreign.kid) is None
    (record,) = caplog.records
    assert (record.message, record.__dict__["kid"]) == ("signing_key.unusable", foreign.kid)


def test_at_the_start_an_organization_without_a_usable_key_of_its_own_falls_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    own = row(number=1, key=bytes(32), organization_id="acme", activated_at=1500.0)
    ring = build(shared := row(), own).of("acme", 2000)
    assert ring.signer("ES256").kid == shared.kid
    assert len(caplog.records) == 1


def test_at_the_start_an_organization_without_any_usable_key_stops_us() -> None:
    own = row("EdDSA", key=bytes(32), organization_id="acme", activated_at=500.0)
    with pytest.raises(NoUsableKey, match=own.kid) as raised:
        build(row(), own)
    assert "acme" in str(raised.value)


def test_a_retired_key_proves_itself_and_never_signs() -> None:
    retired = row(number=1, status="retired", retired_at=1500.0)
    ring = build(row(), retired).of("a", 2000)
    kept = ring.verifier(retired.kid)
    assert kept is not None
    assert kept.private is None


def test_at_the_start_an_unreadable_retired_row_is_logged_and_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ring = build(row(), row(number=1, status="retired", public_key="damaged")).of("a", 2000)
    assert kids(ring) == [row().kid]
    assert [record.message for record in caplog.records] == ["signing_key.unusable"]


def test_a_key_that_becomes_readable_signs() -> None:
    first = build(good := row())
    second = build(good, row(number=1, key=bytes(32), activated_at=1500.0), previous=first)
    third = build(good, mended := row(number=1, activated_at=1500.0), previous=second)
    assert third.of("a", 2000).signer("ES256").kid == mended.kid


def test_an_unreadable_row_is_tried_again_and_harms_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = build(good := row())
    foreign = row(number=1, key=bytes(32), activated_at=1500.0)
    second = build(good, foreign, previous=first)
    third = build(good, foreign, previous=second)
    assert third.of("a", 2000).signer("ES256").kid == good.kid
    assert len(caplog.records) == 2


def test_later_a_row_without_a_usable_public_key_is_left_out() -> None:
    first = build(good := row())
    second = build(good, row(number=1, public_key="x", activated_at=1500.0), previous=first)
    assert kids(second.of("a", 2000)) == [good.kid]
