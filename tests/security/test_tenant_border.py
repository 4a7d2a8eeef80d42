"""Everything of organization A is unknown at organization B, and stays unharmed at A."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.flows.party import Party
from tests.world.answers import above_the_footer, query_in
from tests.world.person import Person
from tests.world.processes import Installation

OWN, OTHER = "acme", "globex"


@pytest.fixture
def own(installation: Installation) -> Party:
    return Party(installation, OWN, "acme-web-basic")


@pytest.fixture
def other(installation: Installation) -> Party:
    return Party(installation, OTHER, "globex-web")


@pytest.fixture
def stranger(installation: Installation) -> Iterator[Person]:
    """Return the person of the same e-mail address at the other organization."""
    with Person(*installation.person(OTHER)) as person:
        yield person


@pytest.mark.parametrize(
    "path", ["/token", "/token/introspection", "/token/revocation", "/request"]
)
def test_a_client_is_unknown(own: Party, other: Party, path: str) -> None:
    form = {"grant_type": "client_credentials", "token": "t" * 43}
    here = httpx.post(f"{other.issuer}{path}", data=form, auth=own.auth)
    nobody = httpx.post(f"{other.issuer}{path}", data=form, auth=("nobody", "secret" * 8))
    assert (here.status_code, here.json()) == (nobody.status_code, nobody.json())
    assert here.json()["error"] == "invalid_client"


def test_a_client_is_unknown_at_the_authorization_endpoint(own: Party, other: Party) -> None:
    url = own.authorization_url("v" * 43).replace(own.issuer, other.issuer)
    answer = httpx.get(url)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert own.redirect_uri not in above_the_footer(answer)
    for leads in ("href", "action", "src"):
        assert f'{leads}="{own.redirect_uri}' not in answer.text


def test_a_code_is_unknown_and_unharmed(own: Party, other: Party, alice: Person) -> None:
    code, verifier = own.code(alice)
    refused = other.post("/token", other.code_form(code, verifier))
    assert refused.json()["error"] == "invalid_grant"
    assert own.post("/token", own.code_form(code, verifier)).status_code == 200


def test_tokens_are_unknown_and_unharmed(own: Party, other: Party, alice: Person) -> None:
    tokens = own.tokens(alice)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    userinfo = httpx.get(f"{other.issuer}/me", headers=bearer)
    assert userinfo.status_code == 401
    assert 'error="invalid_token"' in userinfo.headers["www-authenticate"]
    for name in ("access_token", "refresh_token"):
        answer = other.post("/token/introspection", {"token": tokens[name]})
        assert answer.json() == {"active": False}
        assert other.post("/token/revocation", {"token": tokens[name]}).status_code == 200
    refreshed = other.post("/token", other.refresh_form(tokens["refresh_token"]))
    assert refreshed.json()["error"] == "invalid_grant"
    assert own.is_active(tokens["access_token"])
    assert httpx.get(f"{own.issuer}/me", headers=bearer).status_code == 200
    assert own.post("/token", own.refresh_form(tokens["refresh_token"])).status_code == 200


def test_a_session_is_no_session(own: Party, other: Party, alice: Person) -> None:
    own.code(alice)
    cookies = {cookie.name: cookie.value or "" for cookie in alice.http.cookies.jar}
    session = next(value for name, value in cookies.items() if "session" in name)
    for name in (*cookies, "session_globex"):
        answer = httpx.get(
            other.authorization_url("v" * 43, prompt="none"), cookies={name: session}
        )
        assert query_in(answer.headers["location"])["error"] == "login_required"
        ended = httpx.get(f"{other.issuer}/session/end", cookies={name: session})
        assert "xsrf" not in ended.text
    assert own.code(alice, prompt="none")


def test_an_interaction_is_unknown(own: Party, other: Party, alice: Person) -> None:
    begun = alice.http.get(own.authorization_url("v" * 43))
    uid = begun.headers["location"].rpartition("/")[2]
    binding = next(c.value for c in alice.http.cookies.jar if "browser" in c.name)
    answer = httpx.get(
        f"{other.issuer}/auth/{uid}",
        cookies={"browser_acme": binding or "", "browser_globex": binding or ""},
    )
    assert answer.status_code in (400, 404)
    assert "location" not in answer.headers
    page = str(begun.url.join(begun.headers["location"]))
    assert "code" in query_in(alice.visit(page, own.redirect_uri)), "and it is unharmed"


def test_a_pushed_request_is_unknown_and_unharmed(
    own: Party, other: Party, alice: Person, stranger: Person
) -> None:
    form = dict(httpx.URL(own.authorization_url("v" * 43)).params)
    pushed = own.post("/request", form).json()["request_uri"]
    for client_id in (own.client_id, other.client_id):
        query = {"client_id": client_id, "request_uri": pushed}
        assert stranger.http.get(f"{other.issuer}/auth", params=query).status_code == 400
    url = httpx.URL(
        f"{own.issuer}/auth", params={"client_id": own.client_id, "request_uri": pushed}
    )
    assert "code" in query_in(alice.visit(str(url), own.redirect_uri))


def test_an_id_token_hint_is_unknown(
    own: Party, other: Party, alice: Person, stranger: Person
) -> None:
    hint = own.tokens(alice)["id_token"]
    other.code(stranger)
    answer = stranger.http.get(other.authorization_url("v" * 43, id_token_hint=hint, prompt="none"))
    assert query_in(answer.headers["location"])["error"] == "invalid_request"
    page = stranger.http.get(f"{other.issuer}/session/end", params={"id_token_hint": hint})
    assert page.status_code == 200
    assert 'name="xsrf"' in page.text, "a foreign hint ends nothing without a question"
    assert other.code(stranger, prompt="none")


def test_the_same_address_is_two_people(
    own: Party, other: Party, alice: Person, stranger: Person
) -> None:
    def subject(party: Party, person: Person) -> str:
        token = party.tokens(person)["access_token"]
        answer = httpx.get(f"{party.issuer}/me", headers={"Authorization": f"Bearer {token}"})
        return str(answer.json()["sub"])

    assert alice.email == stranger.email
    assert subject(own, alice) != subject(other, stranger)


def test_a_password_is_unknown(other: Party, alice: Person) -> None:
    page = alice.http.get(other.authorization_url("v" * 43), follow_redirects=True)
    from tests.world.answers import forms_of

    form = next(form for form in forms_of(page.text) if "password" in form.names)
    answer = alice.http.post(
        str(page.url.join(form.action)),
        data={**form.fields, "email": alice.email, "password": alice.password},
    )
    assert answer.status_code == 200, "the login page again"
    assert 'role="alert"' in answer.text
