"""Told: what a provider says of who tries it, shortened, and mapped to fields of people."""

from __future__ import annotations

from typing import Any

from porta.protocol.federation.profile import Profile
from porta.protocol.federation.told import mapping_of, tell


def _profile(**claims: Any) -> Profile:
    return Profile("https://id.example", "s", claims, "a@acme.example", True, False)


def test_claims_about_a_token_are_no_claims_about_a_person() -> None:
    told = tell(_profile(sub="s", nonce="n", at_hash="h", name="Ada", groups=["a"], nothing=None))
    assert told.claims == {"sub": "s", "name": "Ada", "groups": '["a"]'}
    assert told.mappable == ("name", "sub")
    assert (told.email, told.email_verified) == ("a@acme.example", True)


def test_what_is_told_is_bounded_and_fit_to_be_shown() -> None:
    long = {f"c{n:03}": "x" * 1000 for n in range(100)}
    told = tell(_profile(**long, **{"a\u202eb": "x", "z" * 100: "x", "b": "1\n2"}))
    assert len(told.claims) == 40
    assert max(map(len, told.claims.values())) == 121
    assert told.claims["b"] == "1 2"
    assert "b" not in told.mappable
    assert not [name for name in told.claims if "\u202e" in name or len(name) > 80]


def test_only_claims_that_were_told_are_mapped() -> None:
    assert mapping_of({}, ("nick",)) == {}
    assert mapping_of({"given_name": "other", "family_name": ""}, ("nick",)) == {}
    wanted = {"given_name": "nick", "family_name": "family_name"}
    assert mapping_of({"given_name": "nick", "email": "nick"}, ("nick",)) == wanted
