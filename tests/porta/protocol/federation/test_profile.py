"""What is said of a person: an address, and the word for it, are of one source."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from porta.protocol.federation import PROVIDERS
from porta.protocol.federation.profile import Profile, check_domain, is_authoritative, merged
from porta.protocol.federation.provider import NotLetIn
from porta.text.email_addresses import canonical_email
from storage.models.connections import Connection

TOKEN, USERINFO = "token@acme.test", "userinfo@acme.test"
OURS = ("acme.example", "xn--mnchen-3ya.example")
CONNECTION = Connection(
    id="c", organization_id="o", provider="openid", name="Work", issuer="https://id.example",
    client_id="porta", allowed_domains=OURS, authoritative_domains=OURS,
)  # fmt: skip
WORDS: tuple[Any, ...] = ("absent", True, False, "true", None)


def _said(email: str | None, name: str, word: Any) -> dict[str, Any]:
    told = {"sub": "ada"} | ({"email": email} if email is not None else {})
    return told | ({name: word} if word != "absent" else {})


@pytest.mark.parametrize("name", ["email_verified", "xms_edov"])
@pytest.mark.parametrize("email", [TOKEN, None], ids=["token", "userinfo"])
def test_no_word_is_taken_for_an_address_of_another_source(name: str, email: str | None) -> None:
    """Whoever has both written by others may have one of them written by somebody else."""
    for of_token, of_userinfo in product(WORDS, WORDS):
        told = merged(_said(email, name, of_token), _said(USERINFO, name, of_userinfo))
        expected = of_token if email is not None else of_userinfo
        assert told["email"] == (email or USERINFO)
        assert told.get(name) == (None if expected == "absent" else expected), (of_token, told)


def test_an_address_that_a_token_leaves_empty_is_none() -> None:
    told = merged({"sub": "ada", "email": None}, {"email": USERINFO, "email_verified": True})
    assert told == {"sub": "ada"}


def test_everything_else_is_as_the_token_has_it() -> None:
    told = merged({"sub": "a", "groups": ["x"]}, {"sub": "b", "groups": ["y"], "name": "Ada"})
    assert told == {"sub": "a", "groups": ["x"], "name": "Ada"}


@pytest.mark.parametrize("word", [True, "1", 1, False, "true", 0, None, "absent"], ids=str)
@pytest.mark.parametrize("email", [TOKEN, None], ids=["token", "userinfo"])
def test_entra_verifies_by_xms_edov_of_the_same_source(email: str | None, word: Any) -> None:
    """And by nothing that an administrator there writes: `email_verified` is none of its words."""
    token = _said(email, "xms_edov", word) | {"email_verified": True}
    userinfo = _said(USERINFO, "email_verified", True)
    told = PROVIDERS["entra"].to_claims(CONNECTION, merged(token, userinfo), ())
    assert told["email_verified"] is (email is not None and word in (True, "1", 1))


@pytest.mark.parametrize("posted", [TOKEN, None])
def test_apple_takes_no_address_from_what_is_posted(posted: str | None) -> None:
    answer = {"name": {"firstName": "Ada"}, "email": posted, "email_verified": "true"}
    told = PROVIDERS["apple"].to_claims(CONNECTION, {"sub": "a", "email": USERINFO}, [answer])
    assert (told["email"], told["email_verified"], told["given_name"]) == (USERINFO, False, "Ada")


GITHUB: list[tuple[list[dict[str, Any]], str | None]] = [
    ([{"email": TOKEN, "primary": True, "verified": True}], TOKEN),
    ([{"email": TOKEN, "primary": True, "verified": False}], None),
    ([{"email": TOKEN, "primary": True}], None),
    ([{"email": TOKEN, "primary": True, "verified": "true"}], None),
    ([{"email": TOKEN, "primary": False, "verified": True}], None),
    (
        [
            {"email": TOKEN, "primary": True, "verified": False},
            {"email": USERINFO, "primary": False, "verified": True},
        ],
        None,
    ),
    ([], None),
]


@pytest.mark.parametrize(("emails", "taken"), GITHUB, ids=range(len(GITHUB)))
def test_github_takes_no_address_of_the_profile(
    emails: list[dict[str, Any]], taken: str | None
) -> None:
    """The one that a person shows there is whatever they wrote, and no word is for it."""
    profile = {"id": 7, "email": "shown@acme.test", "email_verified": True, "login": "ada"}
    told = PROVIDERS["github"].to_claims(CONNECTION, profile, [emails])
    assert (told.get("email"), told.get("email_verified", False)) == (taken, taken is not None)


ADDRESSES: list[tuple[str, bool]] = [
    ("ada@acme.example", True),
    ("ada@ACME.example", True),
    ("ada@münchen.example", True),
    ("ada@xn--mnchen-3ya.example", True),
    ("ada@mail.acme.example", False),
    ("ada@acme.example.evil.test", False),
    ("ada@munchen.example", False),
    ("ada@\u0430cme.example", False),  # its first letter is Cyrillic
]


@pytest.mark.parametrize(("address", "is_ours"), ADDRESSES, ids=range(len(ADDRESSES)))
def test_a_domain_is_compared_as_the_dns_has_it(address: str, is_ours: bool) -> None:
    email = canonical_email(address)
    profile = Profile("https://id.example", "ada", {}, email, True, False)
    assert is_authoritative(CONNECTION, profile) is is_ours
    if is_ours:
        check_domain(CONNECTION, email)
        return
    with pytest.raises(NotLetIn):
        check_domain(CONNECTION, email)
