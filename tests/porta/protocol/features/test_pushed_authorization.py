"""RFC 9126."""

from __future__ import annotations

import pytest

from porta.protocol.errors import InvalidRequest, UntrustedRequest
from porta.protocol.features import pushed_authorization as par
from porta.protocol.requests.params import parse_params
from tests.factories import ISSUER


def test_request_uri_and_back() -> None:
    request_uri = par.build_request_uri("abc")
    assert request_uri == "urn:ietf:params:oauth:request_uri:abc"
    assert par.parse_request_uri(request_uri) == "abc"
    assert par.build_response(request_uri, 60) == {"request_uri": request_uri, "expires_in": 60}


@pytest.mark.parametrize(
    "other",
    [
        None,
        "https://evil.example/",
        "urn:ietf:params:oauth:request_uri:",
        "URN:ietf:params:oauth:request_uri:abc",
        " urn:ietf:params:oauth:request_uri:abc",
    ],
)
def test_any_other_request_uri_is_not_ours(other: str | None) -> None:
    assert par.parse_request_uri(other) is None


def test_a_push_holds_no_request_uri_and_no_other_client() -> None:
    par.check_pushed(parse_params(b"scope=openid"), "shop")
    par.check_pushed(parse_params(b"client_id=shop"), "shop")
    for raw in (b"client_id=shop&request_uri=urn:x", b"client_id=other"):
        with pytest.raises(InvalidRequest):
            par.check_pushed(parse_params(raw), "shop")


def test_the_front_channel_must_name_the_client_that_pushed() -> None:
    par.check_reference_client(parse_params(b"client_id=shop"), "shop")
    for raw in (b"client_id=other", b"", b"client_id=SHOP"):
        with pytest.raises(UntrustedRequest):
            par.check_reference_client(parse_params(raw), "shop")


def test_discovery() -> None:
    assert par.FEATURE.discovery(ISSUER) == {
        "pushed_authorization_request_endpoint": f"{ISSUER}/request",
        "require_pushed_authorization_requests": False,
    }
