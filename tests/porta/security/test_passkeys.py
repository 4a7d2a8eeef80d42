"""Answers of authenticators: what is right is read, whatever else there is proves nothing (§7)."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from porta.security import passkeys
from porta.security.passkeys import Ceremony, PasskeyRefused, decode, encode
from tests.world.authenticators import PRESENT, VERIFIED, Authenticator

ORIGIN = "https://id.example"
CEREMONY = Ceremony(rp_id="id.example", origin=ORIGIN, challenge="QUFBQUFBQUFBQUFBQUFBQQ")
CREATE: dict[str, Any] = {
    "create": {"challenge": CEREMONY.challenge, "user": {"id": "aGFuZGxl"},
               "rp": {"id": "id.example"}}
}  # fmt: skip
GET: dict[str, Any] = {"get": {"challenge": CEREMONY.challenge, "rpId": "id.example"}}


def _made(**changes: Any) -> tuple[Authenticator, str]:
    held = Authenticator(ORIGIN, **changes)
    return held, held.create(CREATE)


def _changed(credential: str, **response: Any) -> str:
    told = json.loads(credential)
    told["response"] |= response
    return json.dumps(told)


def test_a_registration_is_read_and_its_passkey_shows_itself() -> None:
    held, made = _made(counts=7, model=bytes(15) + b"\1")
    new = passkeys.verify_registration(CEREMONY, made)
    assert new.credential_id == encode(held.credential_id)
    assert (new.sign_count, new.backup_eligible, new.backed_up) == (7, True, True)
    assert (new.aaguid, new.transports) == ("00000000-0000-0000-0000-000000000001", ("internal",))
    shown = held.get(GET)
    assert passkeys.present(shown).handle == "aGFuZGxl"
    assert passkeys.challenge_of(shown) == CEREMONY.challenge
    told = passkeys.verify_assertion(CEREMONY, shown, new.public_key, must_verify=True)
    assert (told.sign_count, told.verified, told.backup_eligible) == (7, True, True)
    assert passkeys.read_flags(shown, new=False) == passkeys.read_flags(made, new=True)
    assert passkeys.read_flags(shown, new=False).verified


def test_what_nobody_signed_says_nothing_of_the_authenticator() -> None:
    """An answer may hold the field of the other ceremony too: its flags are whatever was typed."""
    forger, forged = _made()
    held = Authenticator(ORIGIN, flags=PRESENT)
    made = held.create(CREATE)
    key = passkeys.verify_registration(CEREMONY, made).public_key
    told = json.loads(forged)["response"]["attestationObject"]
    shown = _changed(held.get(GET), attestationObject=told)
    passkeys.verify_assertion(CEREMONY, shown, key, must_verify=False)
    asserted = json.loads(forger.get(GET))["response"]
    made = _changed(made, **{name: asserted[name] for name in ("authenticatorData", "signature")})
    passkeys.verify_registration(CEREMONY, made)
    for answer, new in ((shown, False), (made, True)):
        flags = passkeys.read_flags(answer, new=new)
        assert (flags.verified, flags.backup_eligible) == (False, False)


def test_an_attestation_is_kept_and_compared_with_nothing() -> None:
    """Whatever it says, and whoever signed it: certificates of makers are nobody's business."""
    _, made = _made()
    inner = cbor2.loads(decode(json.loads(made)["response"]["attestationObject"]))
    inner |= {"fmt": "packed", "attStmt": {"alg": -7, "sig": b"no", "x5c": [b"no certificate"]}}
    attested = cbor2.dumps(inner)
    new = passkeys.verify_registration(CEREMONY, _changed(made, attestationObject=encode(attested)))
    assert (new.attestation_format, new.attestation) == ("packed", attested)


def test_one_that_is_made_by_the_way_needs_nobody_there() -> None:
    _, made = _made(flags=0)
    with pytest.raises(PasskeyRefused):
        passkeys.verify_registration(CEREMONY, made)
    assert passkeys.verify_registration(CEREMONY, made, present=False).aaguid is None


@pytest.mark.parametrize(
    "client",
    [
        {"origin": "https://id.example:444"}, {"origin": "http://id.example"},
        {"origin": "https://id.example.evil"}, {"challenge": "QUFBQQ"}, {"crossOrigin": True},
        {"crossOrigin": "no"}, {"topOrigin": ORIGIN}, {"type": "payment.get"}, {"challenge": 1},
    ],
)  # fmt: skip
def test_what_the_browser_says_has_to_be_exact(client: dict[str, Any]) -> None:
    held, made = _made()
    key = passkeys.verify_registration(CEREMONY, made).public_key
    with pytest.raises(PasskeyRefused):
        passkeys.verify_registration(CEREMONY, held.create(CREATE, **client))
    with pytest.raises(PasskeyRefused):
        passkeys.verify_assertion(CEREMONY, held.get(GET, **client), key, must_verify=False)


def test_an_assertion_needs_its_key_its_host_and_its_owner() -> None:
    held, made = _made()
    key = passkeys.verify_registration(CEREMONY, made).public_key
    other = passkeys.verify_registration(CEREMONY, _made()[1]).public_key
    for wrong in (other, b"", b"\xa0", b"\xa1\x01\x02", b"x" * 100):
        with pytest.raises(PasskeyRefused):
            passkeys.verify_assertion(CEREMONY, held.get(GET), wrong, must_verify=False)
    held.rp_id = "evil.example"
    with pytest.raises(PasskeyRefused):
        passkeys.verify_assertion(CEREMONY, held.get(GET), key, must_verify=False)
    held.rp_id, held.flags = None, held.flags & ~VERIFIED
    with pytest.raises(PasskeyRefused):
        passkeys.verify_assertion(CEREMONY, held.get(GET), key, must_verify=True)
    told = passkeys.verify_assertion(CEREMONY, held.get(GET), key, must_verify=False)
    assert not told.verified
    held.flags &= ~PRESENT
    with pytest.raises(PasskeyRefused):
        passkeys.verify_assertion(CEREMONY, held.get(GET), key, must_verify=False)


def test_what_is_too_large_is_none() -> None:
    long, made = _made(credential_id=b"x" * 1024)
    with pytest.raises(PasskeyRefused):
        passkeys.verify_registration(CEREMONY, made)
    with pytest.raises(PasskeyRefused):
        passkeys.present(long.get(GET))
    inner = cbor2.loads(decode(json.loads(_made()[1])["response"]["attestationObject"]))
    large = encode(cbor2.dumps(inner | {"attStmt": {"x": b"y" * 9000}}))
    with pytest.raises(PasskeyRefused):
        passkeys.verify_registration(CEREMONY, _changed(made, attestationObject=large))


def test_an_id_is_that_of_what_was_made() -> None:
    _, made = _made()
    told = json.loads(made)
    told["id"] = told["rawId"] = encode(b"another")
    with pytest.raises(PasskeyRefused):
        passkeys.verify_registration(CEREMONY, json.dumps(told))


_GOOD = _made()[1]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(
    st.one_of(
        st.text(max_size=40),
        _JSON.map(json.dumps),
        st.dictionaries(
            st.sampled_from(
                ["clientDataJSON", "attestationObject", "authenticatorData", "signature"]
            ),
            _JSON | st.binary(max_size=80).map(encode),
        ).map(lambda told: _changed(_GOOD, **told)),
    )
)
def test_nothing_else_is_ever_raised(credential: str) -> None:
    for read in (
        lambda: passkeys.present(credential),
        lambda: passkeys.challenge_of(credential),
        lambda: passkeys.read_flags(credential, new=True),
        lambda: passkeys.read_flags(credential, new=False),
        lambda: passkeys.verify_registration(CEREMONY, credential),
        lambda: passkeys.verify_assertion(CEREMONY, credential, b"x", must_verify=False),
    ):
        with suppress(PasskeyRefused):
            read()
