"""RFC 6749 §2.3: client authentication."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porta.protocol.clients.client_auth import (
    METHODS,
    Credentials,
    WrongSecret,
    check_credentials,
    match_secret,
    parse_credentials,
    registered_method,
)
from porta.protocol.errors import InvalidClient, InvalidRequest, OAuthError
from porta.protocol.requests.params import parse_params
from tests import factories
from tests.factories import NOW, client, secret

_BASIC = Credentials("shop", "client_secret_basic", "s3cret")
_POST = Credentials("shop", "client_secret_post", "s3cret")
_NONE = Credentials("shop", "none")
_TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=20)


def _header(client_id: str, client_secret: str) -> str:
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return "Basic " + b64encode(pair.encode()).decode()


def _raw_header(pair: bytes) -> str:
    return "Basic " + b64encode(pair).decode()


@given(_TEXT, _TEXT)
def test_basic_is_form_decoded(client_id: str, client_secret: str) -> None:
    found = parse_credentials(parse_params(b""), _header(client_id, client_secret))
    assert found == Credentials(client_id, "client_secret_basic", client_secret)


def test_basic_scheme_is_case_insensitive_and_the_secret_may_hold_colons() -> None:
    header = _raw_header(b"shop:a:b+c%2B").replace("Basic", "bAsIc ")
    assert parse_credentials(parse_params(b"client_id=shop"), header).secret == "a:b c+"


def test_post() -> None:
    form = parse_params(b"client_id=shop&client_secret=s%2B+x")
    assert parse_credentials(form, None) == Credentials("shop", "client_secret_post", "s+ x")


def test_none() -> None:
    assert parse_credentials(parse_params(b"client_id=shop"), None) == _NONE
    assert parse_credentials(parse_params(b"client_id=shop&client_secret="), None) == _NONE


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic c2hvcDpz=",
        "Basic c2hvcDpzM",
        "Basic c2hvcDpzMx==",
        "Basic c2hv cDpz",
        "Basic c2hv\ncDpz",
        "Basic c2hvcDp-_w==",
        "Bearer abc",
        "Negotiate abc",
        _raw_header(b"shop"),
        _raw_header(b"shop:"),
        _raw_header(b":secret"),
        _raw_header(b"shop:%zz"),
        _raw_header(b"shop:%ff"),
        _raw_header(b"shop:\xff"),
        _raw_header(b"shop:a%00"),
        _raw_header(b"sh%0Aop:a"),
        _raw_header(b"shop:" + b"a" * 4096),
    ],
)
def test_a_header_that_cannot_be_read(header: str) -> None:
    with pytest.raises(InvalidClient):
        parse_credentials(parse_params(b"client_id=shop"), header)


@given(st.text(max_size=50))
def test_any_header_is_read_or_refused(header: str) -> None:
    for text in (header, f"Basic {header}", _raw_header(header.encode("utf-8", "replace"))):
        try:
            found = parse_credentials(parse_params(b""), text)
        except InvalidClient:
            continue
        assert found.client_id
        assert found.secret


@pytest.mark.parametrize(
    ("form", "header", "query", "error"),
    [
        (b"client_id=shop&client_secret=x", _header("shop", "x"), (), InvalidRequest),
        (b"client_secret=x", _header("shop", "x"), (), InvalidRequest),
        (b"client_id=other", _header("shop", "x"), (), InvalidRequest),
        (b"client_assertion=x", _header("shop", "x"), (), InvalidRequest),
        (b"client_id=a&client_secret=x&client_assertion_type=x", None, (), InvalidRequest),
        (b"client_secret=x", None, (), InvalidRequest),
        (b"client_id=shop", None, ("client_secret",), InvalidRequest),
        (b"", _header("shop", "x"), ("client_assertion",), InvalidRequest),
        (b"client_id=shop&client_assertion=x", None, (), InvalidClient),
        (b"client_id=shop&client_assertion_type=x", None, (), InvalidClient),
        (b"", None, (), InvalidClient),
        (b"grant_type=client_credentials", None, ("client_id",), InvalidClient),
    ],
)
def test_refused(
    form: bytes, header: str | None, query: tuple[str, ...], error: type[OAuthError]
) -> None:
    with pytest.raises(error):
        parse_credentials(parse_params(form), header, query)


def _alive(*arguments: Any) -> bool:
    return match_secret(*arguments).alive


def test_the_secret_does_not_show() -> None:
    assert "s3cret" not in repr(_BASIC)


def test_registered_method() -> None:
    assert registered_method(client()) == "client_secret_basic"
    assert registered_method(client(client_type="public")) == "none"


@pytest.mark.parametrize(
    ("changes", "credentials"),
    [
        ({}, _BASIC),
        ({"token_endpoint_auth_method": "client_secret_post"}, _POST),
        ({}, _POST),
        ({"token_endpoint_auth_method": "client_secret_post"}, _BASIC),
        ({"metadata": {"strict_auth_method": False}}, _POST),
        ({"metadata": {"strict_auth_method": True}}, _BASIC),
        ({"client_type": "public"}, _NONE),
        ({"client_type": "public", "token_endpoint_auth_method": "none"}, _NONE),
    ],
)
def test_proven(changes: dict[str, Any], credentials: Credentials) -> None:
    check_credentials(client(**changes), credentials, NOW)


@pytest.mark.parametrize(
    ("changes", "credentials"),
    [
        ({}, _NONE),
        ({"status": "inactive"}, _BASIC),
        ({"application_status": "archived"}, _POST),
        ({"token_endpoint_auth_method": "none"}, _NONE),
        ({"token_endpoint_auth_method": "none"}, _BASIC),
        ({"token_endpoint_auth_method": "private_key_jwt"}, _BASIC),
        (
            {"token_endpoint_auth_method": "private_key_jwt"},
            Credentials("shop", "private_key_jwt", "s3cret"),
        ),
        ({"client_type": "public"}, _BASIC),
        ({"secrets": ()}, _BASIC),
        ({}, Credentials("shop", "client_secret_basic", "S3cret")),
        ({}, Credentials("shop", "client_secret_basic", "")),
        ({}, Credentials("shop", "client_secret_basic", None)),
        ({"client_type": "nonsense", "token_endpoint_auth_method": "none"}, _NONE),
    ],
)
def test_everything_else_fails_with_one_message(
    changes: dict[str, Any], credentials: Credentials
) -> None:
    with pytest.raises(InvalidClient) as caught:
        check_credentials(client(**changes), credentials, NOW)
    with pytest.raises(InvalidClient) as unknown:
        check_credentials(None, credentials, NOW)
    assert caught.value.message == unknown.value.message


@pytest.mark.parametrize(
    ("changes", "credentials", "reason"),
    [
        ({}, _NONE, "no_secret"),
        ({"status": "inactive"}, _BASIC, "inactive_client"),
        ({"status": "revoked"}, _POST, "inactive_client"),
        ({"application_status": "inactive"}, _BASIC, "inactive_client"),
        ({"secrets": (secret("s3cret", NOW),)}, _BASIC, "expired_secret"),
        ({"token_endpoint_auth_method": "none"}, _BASIC, "wrong_method"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, _POST, "wrong_method"),
        ({"client_type": "public"}, _BASIC, "wrong_method"),
        ({"metadata": {"strict_auth_method": True}}, _POST, "wrong_method"),
    ],
)
def test_K3_what_guesses_nothing_is_no_guess(
    changes: dict[str, Any], credentials: Credentials, reason: str
) -> None:
    with pytest.raises(InvalidClient) as caught:
        check_credentials(client(**changes), credentials, NOW)
    assert not isinstance(caught.value, WrongSecret)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "changes", [{}, {"status": "inactive"}, {"client_type": "public"}, {"secrets": ()}, None]
)
def test_K3_a_secret_that_never_was_the_clients_is_a_guess(changes: dict[str, Any] | None) -> None:
    """Whoever the client is: else the limit would tell an unknown one from a disabled one."""
    found = None if changes is None else client(**changes)
    for guess in (Credentials("shop", method, "S3cret") for method in METHODS):
        with pytest.raises(WrongSecret):
            check_credentials(found, guess, NOW)
    with pytest.raises(InvalidClient) as caught:
        check_credentials(None, _NONE, NOW)
    assert not isinstance(caught.value, WrongSecret)


def test_every_active_secret_works_until_it_expires() -> None:
    both = client(secrets=(secret("old", NOW + 1), secret("new"), secret("gone", NOW)))
    assert _alive(both, "old", NOW)
    assert not _alive(both, "old", NOW + 1)
    assert _alive(both, "new", NOW + 10**9)
    assert not _alive(both, "gone", NOW)


def test_the_longest_secret_and_header() -> None:
    long = "x" * 1024
    assert _alive(client(secrets=(secret(long),)), long, NOW)
    assert not _alive(client(secrets=(secret(long + "x"),)), long + "x", NOW)
    assert not _alive(client(secrets=(secret(""),)), "", NOW)
    fits = "Basic " + b64encode(b"a:" + b"x" * 3064).decode()
    assert len(fits) == 4094
    assert parse_credentials(parse_params(b""), fits + "  ").secret == "x" * 3064
    with pytest.raises(InvalidClient):
        parse_credentials(parse_params(b""), fits + "   ")


def test_the_stored_form_is_no_secret() -> None:
    stored = hashlib.sha256(b"s3cret").hexdigest()
    assert _alive(client(secrets=(factories.hashed_secret(stored),)), "s3cret", NOW)
    assert not _alive(client(secrets=(factories.hashed_secret(stored),)), stored, NOW)


@pytest.mark.parametrize("presented", [None, "", "s3cret ", " s3cret", "é", "x" * 1025, "\ud800"])
def test_wrong_secrets(presented: str | None) -> None:
    assert not _alive(client(), presented, NOW)


def test_a_row_with_a_strange_hash_fails_quietly() -> None:
    assert not _alive(
        client(secrets=(factories.hashed_secret("é"), factories.hashed_secret(""))), "x", NOW
    )


def test_nobody_has_no_secret() -> None:
    assert not _alive(None, "s3cret", NOW)
