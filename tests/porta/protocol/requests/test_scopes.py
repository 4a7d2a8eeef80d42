"""RFC 6749 §3.3, Core §11: scopes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porta.protocol.errors import InvalidScope
from porta.protocol.requests import scopes
from tests.factories import client


def test_parse_keeps_order_and_drops_repetition() -> None:
    assert scopes.parse_scope("openid  email openid ") == ("openid", "email")
    assert scopes.parse_scope(None) == ()
    assert scopes.parse_scope(" ") == ()
    assert scopes.parse_scope("x" * 2048) == ("x" * 2048,)
    assert len(scopes.parse_scope(" ".join(map(str, range(100))))) == 100


@pytest.mark.parametrize(
    "text",
    ['a"b', "a\\b", "é", "a\tb", "a\nb", "a\u00a0b", "x" * 2049, " ".join(map(str, range(101)))],
)
def test_parse_refuses(text: str) -> None:
    with pytest.raises(InvalidScope):
        scopes.parse_scope(text)


@given(st.lists(st.text(st.sampled_from("abc:/.!#~"), min_size=1, max_size=8), unique=True))
def test_join_and_parse_are_inverse(values: list[str]) -> None:
    assert scopes.parse_scope(scopes.join_scope(values)) == tuple(values)


def test_registered_scope_that_cannot_be_read_is_none() -> None:
    assert scopes.registered_scope(client(scope="openid api:read")) == ("openid", "api:read")
    assert scopes.registered_scope(client(scope='op"enid')) == ()


def test_offline_access_is_dropped_without_the_refresh_token_grant() -> None:
    asked = ("openid", "offline_access")
    assert scopes.effective_scope(asked, client()) == asked
    without = client(grant_types=("authorization_code",))
    assert scopes.effective_scope(asked, without) == ("openid",)


def test_B27_what_a_client_is_not_registered_for_is_ignored() -> None:
    """Core §3.1.2.1, RFC 6749 §3.3: whether anybody here knows it or not."""
    asked = ("openid", "unheard-of", "phone", "api:write", "api:read", "OPENID", "*")
    one = client(scope="openid api:read")
    assert scopes.effective_scope(asked, one) == ("openid", "api:read")


@pytest.mark.parametrize(
    "asked", [("unheard-of",), ("offline_access",), ("x", "offline_access"), ("phone", "api:write")]
)
def test_a_request_of_which_nothing_is_left_is_refused(asked: tuple[str, ...]) -> None:
    """RFC 6749 §5.1: answered without `scope`, it would have been granted as it was."""
    without = client(grant_types=("authorization_code",))
    with pytest.raises(InvalidScope):
        scopes.effective_scope(asked, without)
    assert scopes.effective_scope((), without) == ()


def test_what_a_client_lost_is_no_longer_granted() -> None:
    granted = ("openid", "phone", "email", "address")
    assert scopes.remaining_scope(granted, client(scope="email openid")) == ("openid", "email")
    assert scopes.remaining_scope(granted, client(scope="")) == ()


@pytest.mark.parametrize(
    ("requested", "expected"),
    [
        (None, ("openid", "email")),
        ("email", ("email",)),
        ("email openid", ("email", "openid")),
        (" ", ("openid", "email")),
        ("openid unheard-of email", ("openid", "email")),
        ("email phone api:write", ("email",)),
    ],
)
def test_B27_narrow_scope(requested: str | None, expected: tuple[str, ...]) -> None:
    assert scopes.narrow_scope(("openid", "email"), requested, client()) == expected


@pytest.mark.parametrize("requested", ["openid profile", "profile", "unheard-of", "phone OPENID"])
def test_scope_never_grows_on_refresh(requested: str) -> None:
    with pytest.raises(InvalidScope):
        scopes.narrow_scope(("openid", "email"), requested, client())


def test_B27_client_credentials_scope() -> None:
    machine = client(scope="openid api:read offline_access")
    assert scopes.client_credentials_scope(machine, None) == ()
    assert scopes.client_credentials_scope(machine, "api:read offline_access") == ("api:read",)
    assert scopes.client_credentials_scope(machine, " ") == ()
    assert scopes.client_credentials_scope(machine, "api:write api:read x") == ("api:read",)
    assert scopes.client_credentials_scope(machine, "x openid", {"api:read"}) == ("openid",)
    for requested in ("api:write", "offline_access", "offline_access api:write"):
        with pytest.raises(InvalidScope):
            scopes.client_credentials_scope(machine, requested, {"api:read", "api:write"})


@pytest.mark.parametrize("requested", ["unheard-of", "x:y z", "OPENID", "api:write"])
def test_succession_A11_a_machine_may_send_what_nobody_knows(requested: str) -> None:
    machine = client(scope="openid api:read")
    assert scopes.client_credentials_scope(machine, requested, {"api:read"}) == ()
    both = f"{requested} api:read"
    assert scopes.client_credentials_scope(machine, both, {"api:read"}) == ("api:read",)
    with pytest.raises(InvalidScope):
        scopes.client_credentials_scope(machine, f"{requested} phone", {"api:read"})


@pytest.mark.parametrize(
    "other", ["phone", "profile", "offline_access", "api:write", "api:write phone unheard-of"]
)
def test_succession_A11_what_exists_and_is_not_the_machines_is_refused(other: str) -> None:
    """Beside what it may have as well, wherever it stands; other grants ignore it (B27)."""
    machine, known = client(scope="openid api:read"), {"api:read", "api:write"}
    for requested in (other, f"{other} api:read", f"api:read openid {other}"):
        with pytest.raises(InvalidScope, match=other.split()[0]):
            scopes.client_credentials_scope(machine, requested, known)
    asked = scopes.parse_scope(f"openid {other}")
    assert scopes.effective_scope(asked, machine) == ("openid",)
    assert scopes.narrow_scope(("openid",), f"openid {other}", machine) == ("openid",)


_OFFLINE = ("openid", "offline_access")
_ONLINE = ("openid",)


@pytest.mark.parametrize(
    ("changes", "scope", "issued"),
    [
        ({}, _ONLINE, True),
        ({}, _OFFLINE, True),
        ({"grant_types": ("authorization_code",)}, _OFFLINE, False),
        ({"application_type": "native"}, _ONLINE, False),
        ({"application_type": "native"}, _OFFLINE, True),
        ({"client_type": "public"}, _ONLINE, False),
        ({"client_type": "public", "token_endpoint_auth_method": "none"}, _OFFLINE, True),
        ({"token_endpoint_auth_method": "none"}, _ONLINE, False),
        ({"application_type": "spa", "client_type": "public"}, _ONLINE, False),
    ],
)
def test_issues_refresh_token(
    changes: dict[str, str], scope: tuple[str, ...], issued: bool
) -> None:
    assert scopes.issues_refresh_token(client(**changes), scope) is issued


def test_tokens_without_offline_access_die_with_the_session() -> None:
    assert scopes.is_bound_to_session(_ONLINE)
    assert not scopes.is_bound_to_session(_OFFLINE)
