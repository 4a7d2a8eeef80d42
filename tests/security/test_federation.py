"""Sign-in with others: what binds a response, what a token has to say, and whose account it is."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from porta.outbound import breaker
from porta.protocol.federation.request import find_endpoint_problem
from storage.models.connections import Connection
from storage.models.interactions import UpstreamRequest
from storage.models.users import User
from tests.world.answers import claims_of, hidden_fields, location, query_in
from tests.world.browser import Browser, a_browser, add_user, code_form, organization_id, post
from tests.world.served import Served, beside, post_across_sites, serve
from tests.world.upstream import Provider, connect, forget, new_key, provider

OTHER = "porta-admin"
"""Another organization of the seed."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(database_url: str, redis_url: str) -> AsyncIterator[Served]:
    """Return a server that may call the loopback."""
    allowed = {"trusted_proxies": "127.0.0.1", "outbound_private_addresses": True}
    async with serve(database_url, redis_url, **allowed) as running:
        yield running


async def _send(browser: Browser, url: str, connection: Connection, **typed: str) -> httpx.Response:
    page = await browser.http.get(url)
    form = {"_csrf": hidden_fields(page.text)["_csrf"], "connection": connection.id, **typed}
    return await browser.http.post(
        f"{url}/federation", data=form, headers={"X-Forwarded-For": browser.address}
    )


def _callback(browser: Browser, connection: Connection, slug: str = "acme") -> str:
    return f"{browser.served.issuer(slug)}/federation/{connection.id}/callback"


async def _come_back(
    browser: Browser, connection: Connection, response: dict[str, str]
) -> httpx.Response:
    return await browser.http.get(_callback(browser, connection), params=response)


async def _sign_in(
    browser: Browser, connection: Connection, upstream: Provider, **asked: str
) -> httpx.Response:
    """Go there and come back; return what the callback answers."""
    url = await browser.begin(**asked)
    there = location(await _send(browser, url, connection))
    assert there.startswith(f"{upstream.base}/authorize?"), there
    return await _come_back(browser, connection, upstream.grant(there))


async def _tokens(browser: Browser, answer: httpx.Response) -> dict[str, Any]:
    code = (await browser.follow(answer))["code"]
    tokens: dict[str, Any] = (await post(browser.served, "/token", code_form(code))).json()
    return tokens


def _person(**more: Any) -> dict[str, Any]:
    mark = secrets.token_hex(6)
    return {"sub": f"s-{mark}", "email": f"{mark}@people.test", "email_verified": True, **more}


async def _found(served: Served, email: str) -> User | None:
    users = served.runtime.storage.everywhere.users
    return await users.find_by_email(await organization_id(served), email)


async def _linked(served: Served, user: User) -> int:
    identities = served.runtime.storage.everywhere.identities
    return len(await identities.of_user(user.id, user.organization_id))


async def test_somebody_new_signs_in_and_the_tokens_say_how(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(served, upstream, creates_accounts=True)
    upstream.claims = _person(given_name="Ada", family_name="Lovelace")
    tokens = await _tokens(browser, await _sign_in(browser, connection, upstream))
    claims = claims_of(tokens["id_token"])
    assert (claims["amr"], claims["acr"]) == (["fed"], "urn:porta:acr:federated")
    made = await _found(served, upstream.claims["email"])
    assert made is not None
    assert claims["sub"] == made.id
    assert (made.given_name, made.family_name, made.email_verified) == ("Ada", "Lovelace", True)
    _, form, authorization = next(each for each in upstream.seen if each[0] == "/token")
    assert form["code_verifier"]
    assert authorization.startswith("Basic ")
    async with a_browser(
        served
    ) as another:  # the address has changed: it is the subject that counts
        upstream.claims = upstream.claims | {"email": "other@people.test"}
        again = await _tokens(another, await _sign_in(another, connection, upstream))
        assert claims_of(again["id_token"])["sub"] == made.id


async def test_what_is_asked_is_bound(served: Served, browser: Browser, upstream: Provider) -> None:
    connection = await connect(served, upstream, scopes=["groups"])
    asked = query_in(location(await _send(browser, await browser.begin(), connection)))
    assert asked["redirect_uri"] == _callback(browser, connection)
    assert asked["scope"] == "openid profile email groups"
    assert asked["code_challenge_method"] == "S256"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "http://evil.test"},
        {"aud": "another"},
        {"aud": ["porta", "another"]},
        {"aud": ["porta", "another"], "azp": "another"},
        {"azp": "another"},
        {"exp": 1},
        {"iat": 2**40},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
    ids=str,
)
async def test_an_id_token_that_is_not_for_us(
    served: Served, browser: Browser, upstream: Provider, claims: dict[str, Any]
) -> None:
    connection = await connect(served, upstream, creates_accounts=True)
    upstream.claims = _person() | claims
    answer = await _sign_in(browser, connection, upstream)
    assert answer.status_code == 400
    assert "nobody was signed in" in answer.text
    assert browser.session is None
    assert await _found(served, upstream.claims["email"]) is None


async def test_a_signature_of_somebody_else(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(served, upstream, creates_accounts=True)
    upstream.claims = _person()
    upstream.published = [new_key("one")]
    assert (await _sign_in(browser, connection, upstream)).status_code == 400
    assert browser.session is None


@pytest.mark.parametrize("tokens", [{"id_token": None}, {"id_token": "e30.e30."}, {"error": "x"}])
async def test_a_token_endpoint_that_gives_no_id_token(
    served: Served, browser: Browser, upstream: Provider, tokens: dict[str, Any]
) -> None:
    connection = await connect(served, upstream, creates_accounts=True)
    upstream.claims, upstream.tokens = _person(), tokens
    assert (await _sign_in(browser, connection, upstream)).status_code == 400


async def test_a_new_key_is_asked_for_once_in_a_while(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(served, upstream, creates_accounts=True)
    upstream.claims, upstream.published = _person(), [new_key("old")]
    for _ in range(3):
        assert (await _sign_in(browser, connection, upstream)).status_code == 400
    assert [path for path, _, _ in upstream.seen].count("/jwks") == 1  # it was fetched just now


async def test_a_state_works_once_and_in_its_own_browser(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(served, upstream, creates_accounts=True)
    upstream.claims = _person()
    url = await browser.begin()
    response = upstream.grant(location(await _send(browser, url, connection)))
    async with a_browser(served) as thief:
        await thief.begin()
        stolen = await _come_back(thief, connection, response)
        assert stolen.status_code == 400
        assert thief.session is None
    first = await _come_back(browser, connection, response)
    assert "/auth/" in location(first)
    again = await _come_back(browser, connection, response)
    assert location(again) == url  # to the page of the interaction, which knows what is next
    assert [path for path, _, _ in upstream.seen].count("/token") == 1


async def test_no_state_of_ours(served: Served, browser: Browser, upstream: Provider) -> None:
    connection = await connect(served, upstream)
    for state in ("", "x" * 43, "r" * 43, "p" + "0" * 42):
        answer = await _come_back(browser, connection, {"code": "c", "state": state})
        assert answer.status_code == 400
    assert upstream.seen == []


async def test_a_response_mixed_up_with_that_of_another_connection(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    """RFC 9700 §4.4: the code of an honest provider is shown to none that is not."""
    honest = await connect(served, upstream, creates_accounts=True)
    async with provider() as evil:
        other = await connect(served, evil, creates_accounts=True)
        response = upstream.grant(location(await _send(browser, await browser.begin(), honest)))
        assert (await _come_back(browser, other, response)).status_code == 400
        mixed = {**response, "iss": evil.base}
        assert (await _come_back(browser, honest, mixed)).status_code == 400
        assert "/token" not in [path for path, _, _ in [*evil.seen, *upstream.seen]]


async def test_iss_is_needed_of_who_sends_it(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    said = {**upstream.metadata(), "authorization_response_iss_parameter_supported": True}
    upstream.answers["/.well-known/openid-configuration"] = said
    connection = await connect(served, upstream, creates_accounts=True)
    upstream.claims = _person()
    assert (await _sign_in(browser, connection, upstream)).status_code == 400
    response = upstream.grant(location(await _send(browser, await browser.begin(), connection)))
    answer = await _come_back(browser, connection, {**response, "iss": upstream.base})
    assert "/auth/" in location(answer)


async def test_a_connection_of_another_organization(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    mine, theirs = await connect(served, upstream), await connect(served, upstream, slug=OTHER)
    url = await browser.begin()
    assert (await _send(browser, url, theirs)).status_code == 503
    response = upstream.grant(location(await _send(browser, url, mine)))
    elsewhere = _callback(browser, mine, OTHER)
    assert (await browser.http.get(elsewhere, params=response)).status_code == 400


async def test_a_discovery_document_of_another_issuer(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    said = {**upstream.metadata(), "issuer": "https://id.example"}
    upstream.answers["/.well-known/openid-configuration"] = said
    connection = await connect(served, upstream)
    assert (await _send(browser, await browser.begin(), connection)).status_code == 503


@pytest.mark.parametrize(
    "endpoint",
    [
        *("javascript:alert(1)", "https://id.example/\r\nSet-Cookie: a=b", "https://id.example/ö"),
        *(
            "https://id.example/#here",
            "//id.example/",
            "https:///",
            f"https://id.example/{'x' * 3000}",
        ),
    ],
    ids=range(7),
)
async def test_no_browser_is_sent_where_no_page_is(
    served: Served, browser: Browser, upstream: Provider, endpoint: str
) -> None:
    said = {**upstream.metadata(), "authorization_endpoint": endpoint}
    upstream.answers["/.well-known/openid-configuration"] = said
    connection = await connect(served, upstream)
    assert (await _send(browser, await browser.begin(), connection)).status_code == 503


def test_no_browser_is_sent_in_plain_text() -> None:
    assert find_endpoint_problem("http://id.example/authorize", plain=False)
    assert find_endpoint_problem("http://id.example/authorize", plain=True) is None
    assert find_endpoint_problem("https://id.example/authorize?a=b", plain=False) is None


async def test_what_is_posted_back_is_bounded(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    """Requirement A.14: what comes back in a `Location` is 3 KB at most."""
    connection = await connect(served, upstream)
    callback = _callback(browser, connection)
    for form in ({"user": "ö" * 2000}, {"code": "c" * 5000}, {"state": "s" * 50_000}):
        posted = await post_across_sites(browser.http, callback, data={"code": "c"} | form)
        assert len(posted.headers.get("Location", "")) <= 3072
    assert posted.status_code == 400
    kept = await post_across_sites(
        browser.http, callback, data={"code": "c", "state": "s", "user": "ö" * 2000}
    )
    assert location(kept) == f"{callback}?code=c&state=s"


async def test_the_person_said_no(served: Served, browser: Browser, upstream: Provider) -> None:
    connection = await connect(served, upstream)
    there = location(await _send(browser, await browser.begin(), connection))
    refusal = {"error": "access_denied", "state": query_in(there)["state"]}
    answer = await _come_back(browser, connection, refusal)
    assert answer.status_code == 200
    assert "cancelled" in answer.text
    assert connection.name in answer.text  # it can be tried again from there


async def test_an_address_is_no_proof_of_an_account(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    """Verified or not: unless an administrator says that the provider answers for its domain."""
    alice = await add_user(served)
    connection = await connect(served, upstream, creates_accounts=True)
    for verified in (True, False, "true"):
        upstream.claims = _person(email=alice.email, email_verified=verified)
        answer = await _sign_in(browser, connection, upstream)
        page = await browser.http.get(location(answer))
        assert "not known here yet" in page.text
        assert browser.session is None
    assert await _linked(served, alice) == 0


async def test_an_unverified_address_makes_no_account(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(
        served, upstream, creates_accounts=True, authoritative_domains=["people.test"]
    )
    upstream.claims = _person(email_verified=False)
    page = await browser.http.get(location(await _sign_in(browser, connection, upstream)))
    assert "not known here yet" in page.text
    assert await _found(served, upstream.claims["email"]) is None


async def test_who_proves_an_account_is_linked_to_it(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    alice = await add_user(served)
    browser.email = alice.email
    connection = await connect(served, upstream)
    upstream.claims = _person()
    url = location(await _sign_in(browser, connection, upstream))
    wrong = await browser.submit(url, password="not this one")
    assert "login.error" not in wrong.text
    assert await _linked(served, alice) == 0
    assert location(await browser.submit(url)) == url, "they are asked whether it is them"
    assert await _linked(served, alice) == 0
    form = {**hidden_fields((await browser.http.get(url)).text), "decision": "link"}
    linked = await browser.http.post(f"{url}/federation/link", data=form)
    tokens = await _tokens(browser, linked)
    assert claims_of(tokens["id_token"])["amr"] == ["pwd"]
    assert await _linked(served, alice) == 1
    async with a_browser(served) as another:
        again = await _tokens(another, await _sign_in(another, connection, upstream))
        assert claims_of(again["id_token"])["sub"] == alice.id


async def test_a_provider_that_answers_for_a_domain_links_its_addresses(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    domain = f"{secrets.token_hex(4)}.test"
    alice = await add_user(served, f"alice@{domain}")
    connection = await connect(served, upstream, authoritative_domains=[domain])
    upstream.claims = _person(email=f"Alice@{domain}")
    tokens = await _tokens(browser, await _sign_in(browser, connection, upstream))
    assert claims_of(tokens["id_token"])["sub"] == alice.id
    async with a_browser(served) as another:  # the address was given to somebody new
        upstream.claims = upstream.claims | {"sub": "somebody new"}
        answer = await _sign_in(another, connection, upstream)
        assert "/interaction/" in location(answer)
        assert another.session is None


async def test_domains_that_are_let_in(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(
        served, upstream, creates_accounts=True, allowed_domains=["people.test"]
    )
    for email in ("a@evil.test", "a@people.test.evil.test", None):
        upstream.claims = _person(email=email)
        upstream.answers["/userinfo"] = {}
        answer = await _sign_in(browser, connection, upstream)
        assert answer.status_code == 403
        assert "not admitted" in answer.text
    upstream.claims = _person()
    await _tokens(browser, await _sign_in(browser, connection, upstream))


async def test_an_account_that_may_not_sign_in(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(served, upstream, creates_accounts=True)
    upstream.claims = _person()
    await _tokens(browser, await _sign_in(browser, connection, upstream))
    made = await _found(served, upstream.claims["email"])
    assert made is not None
    users = served.runtime.storage.everywhere.users
    await users.set_status(made.id, made.organization_id, "suspended", expected="active")
    async with a_browser(served) as another:
        answer = await _sign_in(another, connection, upstream)
        assert answer.status_code == 200
        assert another.session is None


async def test_a_connection_that_was_switched_off(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(served, upstream, creates_accounts=True)
    response = upstream.grant(location(await _send(browser, await browser.begin(), connection)))
    everywhere = served.runtime.storage.everywhere
    await everywhere.connections.update(
        connection.id, connection.organization_id, {"status": "inactive"}
    )
    forget(served, connection.organization_id)
    assert (await _come_back(browser, connection, response)).status_code == 503
    assert connection.name not in (await browser.http.get(await browser.begin())).text


async def test_a_dead_provider_costs_nobody_else_anything(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    alive = await connect(served, upstream, creates_accounts=True)
    url, made = await browser.begin(), 0

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal made
        made += 1
        writer.close()

    listening = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    dead = await connect(served, f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
    for _ in range(breaker.THRESHOLD):
        answer = await _send(browser, url, dead, email="ada@acme.example")
        assert (answer.status_code, 'value="ada@acme.example"' in answer.text) == (503, True)
    assert made >= breaker.THRESHOLD
    tried = made
    answer = await _send(browser, url, dead)
    assert (answer.status_code, made) == (503, tried), "it is waited for by nobody any more"
    listening.close()
    assert "Choose another way" in answer.text
    upstream.claims = _person()
    await _tokens(browser, await _sign_in(browser, alive, upstream))
    async with a_browser(served) as alice:
        await alice.code()


@pytest.mark.parametrize("behind", ["." + "x" * 9000, ".%00", ".a;b", "." + "x" * 1401])
async def test_what_is_written_behind_an_interaction_is_not_kept(
    served: Served, browser: Browser, upstream: Provider, behind: str
) -> None:
    """A request upstream holds the way back to its interaction, and nothing that anybody added."""
    connection = await connect(served, upstream, creates_accounts=True)
    place, _, handle = (await browser.begin()).rpartition("/")
    value = handle.partition(".")[0]
    there = location(await _send(browser, f"{place}/{value}{behind}", connection))
    artifacts, state = served.runtime.storage.artifacts, query_in(there)["state"]
    kept = await artifacts.find(UpstreamRequest, state, connection.organization_id)
    assert kept is not None
    assert kept.uid == value
    upstream.claims = _person()
    answer = await _come_back(browser, connection, upstream.grant(there))
    assert "code" in await browser.follow(answer)


async def test_a_connection_that_fails_costs_no_other_one_at_the_same_host_anything(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    """One realm of a host may be broken, and a draft may name whatever page of it fails."""
    alive = await connect(served, upstream, creates_accounts=True)
    broken = await connect(served, f"{upstream.base}/broken")
    upstream.answers["/broken/.well-known/openid-configuration"] = (500, b"")
    url = await browser.begin()
    for _ in range(breaker.THRESHOLD + 1):
        assert (await _send(browser, url, broken)).status_code == 503
    tried = [path for path, _, _ in upstream.seen if path.startswith("/broken/")]
    assert len(tried) == breaker.THRESHOLD, "it is left alone by now"
    upstream.claims = _person()
    await _tokens(browser, await _sign_in(browser, alive, upstream))


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:1/", "http://localhost:1", "http://[::1]:1"])
async def test_private_addresses_are_not_called(
    database_url: str, redis_url: str, issuer: str
) -> None:
    async with serve(database_url, redis_url) as closed, a_browser(closed) as browser:
        connection = await connect(closed, issuer)
        assert (await _send(browser, await browser.begin(), connection)).status_code == 503


async def test_who_is_sent_too_often_waits(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(served, upstream)
    url = await browser.begin()
    statuses = [(await _send(browser, url, connection)).status_code for _ in range(22)]
    assert statuses == [303] * 20 + [429] * 2


async def test_who_is_to_sign_in_again_is_asked_there_too(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(served, upstream, creates_accounts=True)
    upstream.claims = _person()
    await _tokens(browser, await _sign_in(browser, connection, upstream))
    there = location(await _send(browser, await browser.begin(prompt="login"), connection))
    assert query_in(there)["prompt"] == "login"
    async with a_browser(served) as another:
        first = location(await _send(another, await another.begin(), connection))
    assert "prompt" not in query_in(first)


async def test_of_many_who_bring_one_state_one_is_answered(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(served, upstream, creates_accounts=True)
    upstream.claims = _person()
    url = await browser.begin()
    response = upstream.grant(location(await _send(browser, url, connection)))
    async with beside(served) as other:
        urls = [
            _callback(browser, connection).replace(served.base_url, each.base_url)
            for each in (served, other)
        ]
        answers = await asyncio.gather(
            *(browser.http.get(urls[n % 2], params=response) for n in range(30))
        )
    assert all(answer.status_code == 303 for answer in answers)
    assert [path for path, _, _ in upstream.seen].count("/token") == 1
