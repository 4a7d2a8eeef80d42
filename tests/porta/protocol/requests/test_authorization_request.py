"""RFC 6749 §4.1.1, Core §3.1.2.1: authorization requests as records."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from porta.protocol.errors import (
    InvalidRequest,
    InvalidScope,
    OAuthError,
    RegistrationNotSupported,
    RequestNotSupported,
    RequestUriNotSupported,
    UntrustedRequest,
)
from porta.protocol.requests.authorization_request import (
    LIMITS,
    MAX_AGE,
    AuthorizationRequest,
    RedirectTarget,
    check_kept_size,
    parse_authorization_request,
    parse_redirect_target,
)
from porta.protocol.requests.claims_request import RequestedClaim
from porta.protocol.requests.params import REPEATABLE, Params, parse_params
from storage.models.interactions import Consent
from tests.factories import client

_BASE: dict[str, Any] = {"client_id": "shop", "redirect_uri": "https://shop.example/cb"}
_FULL = {
    **_BASE,
    "response_type": "code",
    "response_mode": "form_post",
    "scope": "openid email",
    "state": "s t",
    "nonce": "n",
    "code_challenge": "c",
    "code_challenge_method": "S256",
    "prompt": "login consent",
    "max_age": "0",
    "login_hint": "ada@acme.example",
    "id_token_hint": "e.y.J",
    "ui_locales": "fr-CA fr",
    "acr_values": "a b",
    "display": "popup",
    "claims": '{"id_token":{"email":null}}',
}


def _parse(params: Params, **registered: Any) -> AuthorizationRequest:
    return parse_authorization_request(params, client(**registered))


def _target(params: Params, **registered: Any) -> RedirectTarget:
    return parse_redirect_target(params, client(**registered))


def _params(**changes: str) -> Params:
    return parse_params(urlencode(_BASE | changes).encode(), deferred=True)


def test_reads_every_parameter() -> None:
    raw = urlencode(_FULL) + "&resource=https://a&resource=https://b&unknown=x"
    request = _parse(parse_params(raw.encode(), repeatable=REPEATABLE))
    assert request.scope == ("openid", "email")
    assert request.prompt == ("login", "consent")
    assert request.max_age == 0
    assert request.ui_locales == ("fr-CA", "fr")
    assert request.acr_values == ("a", "b")
    assert request.claims.id_token == {"email": RequestedClaim()}
    assert request.resource == ("https://a", "https://b")
    for name in ("state", "nonce", "display", "response_mode", "login_hint", "id_token_hint"):
        assert getattr(request, name) == _FULL[name]


def test_parameters_and_back() -> None:
    request = _parse(_params(**_FULL))
    assert request.to_parameters() == _FULL
    assert _parse(_params(**request.to_parameters())) == request


def test_absent_parameters_stay_absent() -> None:
    request = _parse(_params())
    assert request.to_parameters() == _BASE
    assert request == AuthorizationRequest(**_BASE)


_WORD = st.text(st.sampled_from("abcé"), min_size=1, max_size=4)
_WORDS = st.lists(_WORD, unique=True, max_size=7).map(tuple)


@given(
    prompt=_WORDS,
    state=st.none() | st.text(min_size=1),
    max_age=st.none() | st.integers(0, MAX_AGE),
    name=st.text(max_size=5),
    value=st.none() | st.integers() | st.text(max_size=5),
)
def test_an_artifact_carries_everything(
    prompt: tuple[str, ...], state: str | None, max_age: int | None, name: str, value: Any
) -> None:
    claims = json.dumps({"userinfo": {name: {"essential": True, "value": value}}})
    try:
        request = _parse(_params(claims=claims))
    except InvalidRequest:
        return
    fields: dict[str, Any] = {
        "prompt": prompt,
        "state": state,
        "max_age": max_age,
        "ui_locales": prompt,
    }
    whole = replace(request, **fields)
    assert _parse(Params({n: (value,) for n, value in whole.to_parameters().items()})) == whole


def test_what_was_accepted_at_its_limit_is_read_back() -> None:
    claims = json.dumps({"userinfo": {"é" * 100: {"value": "é" * 1900}}}, ensure_ascii=False)
    request = _parse(_params(claims=claims))
    assert _parse(_params(**request.to_parameters())) == request


def test_what_grows_when_it_is_written_anew_is_kept_as_it_came() -> None:
    """JSON spells 1e15 in more than one way: what was accepted once is not refused later."""
    values = {f"c{number}": {"values": ["1e15"] * 90} for number in range(5)}
    claims = json.dumps({"userinfo": values}).replace('"1e15"', "1e15")
    assert len(claims) < LIMITS["claims"] < len(claims.replace("1e15", "1000000000000000.0"))
    request = _parse(_params(claims=claims))
    assert request.to_parameters()["claims"] == claims
    assert _parse(_params(**request.to_parameters())) == request


def test_the_target_takes_everything_up_to_its_limit() -> None:
    longest = {name: "x" * LIMITS[name] for name in ("client_id", "redirect_uri", "state")}
    target = _target(_params(**longest))
    assert (target.client_id, target.redirect_uri, target.state) == tuple(longest.values())


@pytest.mark.parametrize("missing", ["client_id", "redirect_uri"])
def test_without_client_or_redirect_uri_it_is_a_page(missing: str) -> None:
    raw = urlencode({name: value for name, value in _BASE.items() if name != missing})
    for read in (_target, _parse):
        with pytest.raises(UntrustedRequest):
            read(parse_params(raw.encode()))


@pytest.mark.parametrize("double", ["client_id", "redirect_uri"])
def test_client_or_redirect_uri_twice_is_a_page(double: str) -> None:
    params = parse_params(f"{urlencode(_BASE)}&{double}=other".encode(), deferred=True)
    with pytest.raises(UntrustedRequest):
        _target(params)


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_client_or_redirect_uri_too_long_is_a_page(name: str) -> None:
    with pytest.raises(UntrustedRequest):
        _target(_params(**{name: "x" * (LIMITS[name] + 1)}))


def _bare(extra: str = "", *, deferred: bool = True) -> Params:
    return parse_params(f"client_id=shop&{extra}".encode(), deferred=deferred)


@pytest.mark.parametrize("left_out", ["", "scope=", "scope=profile", "scope=open+openids"])
@pytest.mark.parametrize("name", ["", "redirect_uri="])
def test_succession_A14_the_only_one_registered_stands_for_one_left_out(
    left_out: str, name: str
) -> None:
    """An empty one is none (RFC 6749 §3.1)."""
    request = _parse(_bare(f"{left_out}&{name}&state=s"), is_adopted=True)
    assert request.redirect_uri == client().redirect_uris[0]
    assert request.omits_redirect_uri
    kept = request.to_parameters()
    assert "redirect_uri" not in kept, "it is looked up whenever the request goes on"
    assert _parse(Params({n: (v,) for n, v in kept.items()}), is_adopted=True) == request


@pytest.mark.parametrize(
    ("sent", "registered"),
    [
        ("scope=profile", {"is_adopted": False}),
        ("scope=openid", {}),
        ("scope=profile+openid", {}),
        ("scope=profile&scope=openid", {}),
        ("scope=openid%20&scope=profile", {}),
        ("scope=profile", {"redirect_uris": ("https://a.example/cb", "https://b.example/cb")}),
        ("scope=profile", {"redirect_uris": ("https://a.example/cb", "https://a.example/cb")}),
        ("scope=profile", {"redirect_uris": ()}),
        # What cannot be read is not left out: it may have named another.
        ("redirect_uri=%ZZ", {}),
        ("redirect_uri=%FF", {}),
        ("redirect_uri=https://a.example/%00", {}),
        ("redirect_uri=https://a.example&redirect_uri=https://b.example", {}),
        ("redirect_uri=&redirect_uri=", {}),
        ("scope=%ZZ", {}),
        ("&".join(f"x{n}=1" for n in range(101)), {}),
    ],
)
def test_succession_A14_else_one_left_out_is_a_page(sent: str, registered: dict[str, Any]) -> None:
    for read in (_target, _parse):
        with pytest.raises(UntrustedRequest):
            read(_bare(sent), **{"is_adopted": True, **registered})


def test_any_other_parameter_twice_travels_to_the_client() -> None:
    raw = f"{urlencode(_BASE)}&state=s&nonce=1&nonce=2".encode()
    params = parse_params(raw, deferred=True)
    target = _target(params)
    assert (target.client_id, target.redirect_uri, target.state) == (*_BASE.values(), "s")
    with pytest.raises(InvalidRequest, match="given twice: nonce"):
        _parse(params)


@pytest.mark.parametrize("length", [1, 3072, 3073, 8000])
def test_K19_the_target_carries_the_state_however_long(length: int) -> None:
    """An error without it is none of the client's; what no redirect can carry is refused."""
    target = _target(_params(state="s" * length, response_mode="fragment"))
    assert (target.state, target.response_mode) == ("s" * length, "fragment")


@pytest.mark.parametrize(
    ("parameter", "value", "error"),
    [
        ("request", "e30.e30.", RequestNotSupported),
        ("request_uri", "https://evil.example/r", RequestUriNotSupported),
        ("request_uri", "urn:ietf:params:oauth:request_uri:x", RequestUriNotSupported),
        ("registration", "{}", RegistrationNotSupported),
        ("max_age", "-1", InvalidRequest),
        ("max_age", "1.5", InvalidRequest),
        ("max_age", "x", InvalidRequest),
        ("max_age", "+1", InvalidRequest),
        ("max_age", "١", InvalidRequest),
        ("max_age", "²", InvalidRequest),
        ("max_age", "1" * 21, InvalidRequest),
        ("claims", "{", InvalidRequest),
        ("scope", 'a"b', InvalidScope),
    ],
)
def test_refused(parameter: str, value: str, error: type[OAuthError]) -> None:
    with pytest.raises(error):
        _parse(_params(**{parameter: value}))


_LIMITS = {
    "client_id": 255,
    "redirect_uri": 2048,
    "response_type": 64,
    "response_mode": 64,
    "state": 3072,
    "nonce": 1024,
    "code_challenge": 128,
    "code_challenge_method": 16,
    "prompt": 64,
    "login_hint": 320,
    "id_token_hint": 16384,
    "ui_locales": 256,
    "acr_values": 512,
    "display": 16,
    "claims": 4096,
}
"""Most bytes of each parameter: written here again, so that none changes unseen."""


def test_every_parameter_has_its_limit() -> None:
    assert _LIMITS == LIMITS


@pytest.mark.parametrize("letter", ["x", "é", "€", "😀"])
@pytest.mark.parametrize("name", _LIMITS)
def test_security_1_every_parameter_is_bounded_in_bytes(name: str, letter: str) -> None:
    around = ('{"userinfo":{"x":{"value":"', '"}}}') if name == "claims" else ("", "")
    room = _LIMITS[name] - len("".join(around))
    width = len(letter.encode())
    value = letter * (room // width) + "x" * (room % width)

    def read(inside: str) -> None:
        given = {key: (text,) for key, text in _BASE.items()}
        _parse(Params(given | {name: (inside.join(around),)}))

    read(value)
    with pytest.raises(OAuthError, match=f"{name}.*too long|too long.*{name}"):
        read(value + "x")


def _kept(**changes: str) -> AuthorizationRequest:
    return _parse(_params(**changes))


def test_security_1_the_sum_of_what_is_kept_is_bounded() -> None:
    """Each parameter within its own limit; together they are too much."""
    most = {"state": "s" * 3072, "claims": json.dumps({"userinfo": {"x": {"value": "v" * 2000}}})}
    spare = 6144 - len(msgspec.json.encode((_kept(**most).to_parameters(), (), None, None)))
    check_kept_size(_kept(**most, nonce="n" * (spare - len(',"nonce":""'))), None)
    with pytest.raises(InvalidRequest, match="too long"):
        check_kept_size(_kept(**most, nonce="n" * (spare - len(',"nonce":""') + 1)), None)


@pytest.mark.parametrize("letter", ['"', "\\"])
def test_security_1_what_is_kept_is_counted_as_it_is_stored(letter: str) -> None:
    """JSON writes a quotation mark as two bytes."""
    check_kept_size(_kept(state=letter * 2000), None)
    with pytest.raises(InvalidRequest, match="too long"):
        check_kept_size(_kept(state=letter * 3072), None)


def test_security_1_what_a_person_is_shown_counts_as_well() -> None:
    request = _kept(scope=" ".join(f"s{number:0>18}" for number in range(100)))
    check_kept_size(request, None)
    check_kept_size(request, Consent(scope=request.scope[:90]))
    with pytest.raises(InvalidRequest, match="too long"):
        check_kept_size(request, Consent(scope=request.scope, claims=request.scope[:10]))


def test_a_huge_max_age_means_any() -> None:
    assert _parse(_params(max_age="9" * 20)).max_age == MAX_AGE


def test_words_are_split_at_spaces_only() -> None:
    assert _parse(_params(prompt="login\u00a0consent")).prompt == ("login\u00a0consent",)
