"""OpenID Connect RP-Initiated Logout 1.0."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from porta.protocol.errors import InvalidRequest, UntrustedRequest
from porta.protocol.requests.end_session import (
    LIMITS,
    EndSessionRequest,
    accept,
    build_redirect,
    named_client,
    parse_end_session,
)
from porta.protocol.requests.params import Params, parse_params
from tests.factories import client

_URI = "https://shop.example/bye?x=1"
_FULL = {
    "id_token_hint": "e.y.J",
    "client_id": "shop",
    "post_logout_redirect_uri": _URI,
    "state": "s",
    "ui_locales": "de en",
}


def test_parse_and_back() -> None:
    request = parse_end_session(parse_params(urlencode(_FULL).encode()))
    assert request.ui_locales == ("de", "en")
    assert request.to_parameters() == _FULL
    assert parse_end_session(Params({})) == EndSessionRequest()
    assert EndSessionRequest().to_parameters() == {}


_LIMITS = {
    "id_token_hint": 16384,
    "client_id": 255,
    "post_logout_redirect_uri": 2048,
    "state": 3072,
    "ui_locales": 256,
}
"""Most bytes of each parameter: written here again, so that none changes unseen."""


def test_every_parameter_has_its_limit() -> None:
    assert _LIMITS == LIMITS


@pytest.mark.parametrize("letter", ["x", "é", "€", "😀"])
@pytest.mark.parametrize("name", _LIMITS)
def test_every_parameter_is_bounded_in_bytes(name: str, letter: str) -> None:
    most = _LIMITS[name] - _LIMITS[name] % len(letter.encode())
    at_limit = letter * (most // len(letter.encode())) + "x" * (_LIMITS[name] - most)
    parse_end_session(Params({name: (at_limit,)}))
    with pytest.raises(InvalidRequest, match=name):
        parse_end_session(Params({name: (at_limit + "x",)}))


@pytest.mark.parametrize(("letter", "escaped"), [("x", 1), ('"', 3), ("é", 6), ("😀", 12)])
def test_K19_a_state_that_no_redirect_could_carry_is_refused(letter: str, escaped: int) -> None:
    shop = client(post_logout_redirect_uris=(_URI,))
    most = (3072 - len(f"{_URI}&state=")) // escaped

    def accepted(length: int) -> str | None:
        state = letter * length
        return build_redirect(
            accept(EndSessionRequest(post_logout_redirect_uri=_URI, state=state), shop)
        )

    longest = accepted(most)
    assert longest is not None
    assert 3072 - escaped < len(longest) <= 3072
    with pytest.raises(InvalidRequest, match="state"):
        accepted(most + 1)


@pytest.mark.parametrize(
    ("client_id", "hint", "named"),
    [
        (None, None, None),
        ("shop", None, "shop"),
        (None, {"aud": "shop"}, "shop"),
        (None, {"aud": ["shop"]}, "shop"),
        (None, {"aud": ["shop", "other"]}, None),
        ("other", {"aud": ["shop", "other"]}, "other"),
        ("shop", {"aud": "shop"}, "shop"),
        ("shop", {}, "shop"),
        (None, {"aud": 7}, None),
    ],
)
def test_named_client(
    client_id: str | None, hint: dict[str, Any] | None, named: str | None
) -> None:
    assert named_client(EndSessionRequest(client_id=client_id), hint) == named


def test_client_id_must_be_the_audience_of_the_hint() -> None:
    with pytest.raises(InvalidRequest):
        named_client(EndSessionRequest(client_id="other"), {"aud": "shop"})


def test_redirect() -> None:
    asked = EndSessionRequest(post_logout_redirect_uri=_URI, state="a b")
    assert build_redirect(asked) == f"{_URI}&state=a%20b"
    assert build_redirect(EndSessionRequest(post_logout_redirect_uri=_URI)) == _URI
    assert build_redirect(EndSessionRequest(state="s")) is None
    assert build_redirect(EndSessionRequest()) is None


def test_what_is_accepted_names_the_client_and_carries_no_token() -> None:
    shop = client(post_logout_redirect_uris=(_URI,))
    request = EndSessionRequest(id_token_hint="e.y.J", post_logout_redirect_uri=_URI, state="s")
    carried = {"client_id": "shop", "post_logout_redirect_uri": _URI, "state": "s"}
    assert accept(request, shop).to_parameters() == carried
    assert accept(EndSessionRequest(client_id="gone"), None).to_parameters() == {}


def test_redirect_only_to_a_registered_uri_of_a_known_client() -> None:
    shop = client(post_logout_redirect_uris=(_URI,))
    for uri in (_URI + "&y=2", "https://evil.example/", "https://shop.example/cb"):
        with pytest.raises(UntrustedRequest):
            accept(EndSessionRequest(post_logout_redirect_uri=uri), shop)
    with pytest.raises(UntrustedRequest):
        accept(EndSessionRequest(client_id="gone", post_logout_redirect_uri=_URI), None)
    unnamed = EndSessionRequest(id_token_hint="junk", post_logout_redirect_uri=_URI)
    assert build_redirect(accept(unnamed, None)) is None
