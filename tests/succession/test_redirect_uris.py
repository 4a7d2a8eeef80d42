"""A redirect URI that is left out: taken from clients of 1.x as it was there (succession A14)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio

from porta.audit.actors import SYSTEM
from porta.services import clients
from porta.services.client_registration import ClientPatch
from storage.postgres import way_back
from storage.postgres.driver import Postgres
from tests.factories import challenge_of
from tests.succession import porta_1x
from tests.succession.conftest import take_over
from tests.succession.sign_in import AUTH, CLIENT, serving, token, tokens
from tests.world.administered import make_client
from tests.world.answers import hidden_fields, location, query_of
from tests.world.served import CALLBACK, VERIFIER, Served
from tests.world.waiting import eventually

OTHER = "http://127.0.0.1:9009/other"
_ASKED = {
    "client_id": CLIENT,
    "response_type": "code",
    "scope": "profile offline_access",
    "state": "xyz",
    "code_challenge": challenge_of(VERIFIER),
    "code_challenge_method": "S256",
}
_MORE = f"""
    INSERT INTO clients (organization_id, application_id, client_id, client_name, client_type,
        application_type, redirect_uris, scope)
    SELECT organization_id, application_id, 'dock-' || name, name, client_type, type, uris::text[],
        scope
    FROM clients, (VALUES
        ('two', 'web', '{{{CALLBACK},{OTHER}}}'), ('none', 'web', '{{}}'),
        ('third', 'web', '{{https://third.example/callback}}'),
        ('app', 'native', '{{com.example.dock:/callback}}')
    ) AS more (name, type, uris)
    WHERE client_id = 'dock-web'
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(create_database: Callable[..., str]) -> AsyncIterator[Served]:
    """A server on a database of 1.x, where 1.x made another client and so did we."""
    url = porta_1x.build(create_database, _MORE)
    take_over(url)
    async with serving(url) as made:
        postgres = await Postgres.open(url, 1)
        await postgres.execute(porta_1x.WRITES["a client"])
        await postgres.execute(
            "UPDATE clients SET is_first_party = FALSE WHERE client_id = 'dock-third'"
        )
        await postgres.close()
        await _register(made, "ours")
        yield made


async def _register(served: Served, client_id: str) -> None:
    storage = served.runtime.storage.everywhere
    organization = await storage.organizations.find_by_slug("dock")
    application = await storage.applications.find_by_slug("shop")
    assert organization is not None
    assert application is not None
    registration: dict[str, Any] = {
        "client_name": "Ours", "redirect_uris": [CALLBACK], "scope": "openid profile",
        "access_token_format": "opaque",
    }  # fmt: skip
    await make_client(storage, organization.id, application.id, **registration, client_id=client_id)


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=60) as http:
        yield http


async def _ask(served: Served, browser: httpx.AsyncClient, **changes: str | None) -> httpx.Response:
    asked = {name: value for name, value in {**_ASKED, **changes}.items() if value is not None}
    return await browser.get(f"{served.issuer('dock')}/auth", params=asked)


async def _finish(browser: httpx.AsyncClient, answer: httpx.Response) -> dict[str, str]:
    """Sign in, and return what arrives at the client."""
    page = await browser.get(location(answer))
    form = {"email": "cleo@dock.example", "password": porta_1x.PASSWORD}
    posted = await browser.post(f"{page.url}/login", data=hidden_fields(page.text) | form)
    arrived = await browser.get(location(posted))
    assert location(arrived).startswith(f"{CALLBACK}?")
    return query_of(arrived)


async def _redeem(served: Served, code: str, **form: str) -> httpx.Response:
    return await token(
        served, AUTH, grant_type="authorization_code", code=code, code_verifier=VERIFIER, **form
    )


def _is_a_page(answer: httpx.Response) -> bool:
    return answer.status_code == 400 and "location" not in answer.headers


@pytest.mark.parametrize("sent", [{}, {"redirect_uri": CALLBACK}])
async def test_succession_A14_a_client_of_1x_may_leave_out_the_only_one(
    served: Served, browser: httpx.AsyncClient, sent: dict[str, str]
) -> None:
    """Where the request left it out, the token request may (RFC 6749 §4.1.3)."""
    arrived = await _finish(browser, await _ask(served, browser))
    assert (arrived["state"], arrived["iss"]) == ("xyz", served.issuer("dock"))
    redeemed = await _redeem(served, arrived["code"], **sent)
    assert redeemed.status_code == 200, redeemed.text
    assert set(redeemed.json()["scope"].split()) == {"profile", "offline_access"}
    assert "id_token" not in redeemed.json()
    # And with the session that there is now nobody is asked.
    again = await _ask(served, browser, prompt="none", scope="profile")
    assert location(again).startswith(f"{CALLBACK}?code=")


@pytest.mark.parametrize(
    ("client_id", "place", "step", "decision", "leads_to"),
    [
        ("dock-third", "third.example", "confirm", "approve", "https://third.example/callback?"),
        ("dock-app", "com.example.dock", "continue", "continue", "com.example.dock:/callback?"),
    ],
)
async def test_succession_A14_whoever_is_asked_is_told_where_it_leads(
    served: Served,
    browser: httpx.AsyncClient,
    client_id: str,
    place: str,
    step: str,
    decision: str,
    leads_to: str,
) -> None:
    await _finish(browser, await _ask(served, browser))
    page = await browser.get(location(await _ask(served, browser, client_id=client_id)))
    assert place in page.text
    form = hidden_fields(page.text) | {"decision": decision}
    answer = await browser.post(f"{page.url}/{step}", data=form)
    arrived = await browser.get(location(answer))
    assert location(arrived).startswith(leads_to)
    assert "code" in query_of(arrived)


@pytest.mark.parametrize("uri", [OTHER, f"{CALLBACK}/", CALLBACK.upper()])
async def test_succession_A14_what_the_token_request_sends_is_compared_all_the_same(
    served: Served, browser: httpx.AsyncClient, uri: str
) -> None:
    arrived = await _finish(browser, await _ask(served, browser))
    refused = await _redeem(served, arrived["code"], redirect_uri=uri)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_succession_A14_what_the_request_had_the_token_request_needs(
    served: Served, browser: httpx.AsyncClient
) -> None:
    asked = await _ask(served, browser, redirect_uri=CALLBACK)
    arrived = await _finish(browser, asked)
    refused = await _redeem(served, arrived["code"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


async def test_succession_A14_errors_travel_there_as_well(
    served: Served, browser: httpx.AsyncClient
) -> None:
    for changes, error in (
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"prompt": "none"}, "login_required"),
        ({"max_age": "soon"}, "invalid_request"),
    ):
        answer = await _ask(served, browser, **changes)
        assert location(answer).startswith(f"{CALLBACK}?")
        assert query_of(answer)["error"] == error


@pytest.mark.parametrize(
    "changes",
    [
        {"scope": "openid profile"},
        {"scope": "profile openid"},
        {"client_id": "dock-two"},
        {"client_id": "dock-none"},
        {"client_id": "ours", "scope": "profile"},
        {"client_id": "ours", "scope": None},
        {"redirect_uri": OTHER},
        {"redirect_uri": "\x00"},
    ],
)
async def test_succession_A14_everything_else_is_a_page(
    served: Served, browser: httpx.AsyncClient, changes: dict[str, str | None]
) -> None:
    """`openid` needs it (Core §3.1.2.1), several leave a choice, and ours have to say it."""
    assert _is_a_page(await _ask(served, browser, **changes))
    assert _is_a_page(await _ask(served, browser, **{**changes, "prompt": "none"}))


async def test_succession_A14_what_cannot_be_read_is_not_left_out(
    served: Served, browser: httpx.AsyncClient
) -> None:
    asked = str(httpx.QueryParams(_ASKED))
    for more in ("redirect_uri=%ZZ", f"redirect_uri={OTHER}&redirect_uri={OTHER}", "scope=openid"):
        assert _is_a_page(await browser.get(f"{served.issuer('dock')}/auth?{asked}&{more}")), more


async def test_succession_A14_a_pushed_request_may_leave_it_out_too(
    served: Served, browser: httpx.AsyncClient
) -> None:
    url = f"{served.issuer('dock')}/request"
    pushed = await browser.post(url, data=_ASKED, auth=AUTH)
    assert pushed.status_code == 201, pushed.text
    visit = {"client_id": CLIENT, "request_uri": pushed.json()["request_uri"]}
    # What stands beside the reference is ignored (RFC 9126 §4).
    answer = await browser.get(
        f"{served.issuer('dock')}/auth", params=visit | {"redirect_uri": OTHER, "scope": "openid"}
    )
    arrived = await _finish(browser, answer)
    assert (await _redeem(served, arrived["code"])).status_code == 200
    for refused in ({"scope": "openid"}, {"redirect_uri": OTHER}):
        answer = await browser.post(url, data=_ASKED | refused, auth=AUTH)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_succession_A14_a_client_that_1x_makes_while_it_may_come_back_is_one_of_its(
    served: Served, browser: httpx.AsyncClient
) -> None:
    asked = {"client_id": "made-by-1x", "scope": None, "prompt": "none"}
    answer = await _ask(served, browser, **asked)
    assert location(answer).startswith("https://c.example/cb?error=login_required")
    found = await served.runtime.client("ours", porta_1x.DOCK)
    assert found is not None
    assert not found.is_adopted


async def test_succession_A14_a_second_address_ends_it_in_the_middle(
    served: Served, browser: httpx.AsyncClient
) -> None:
    """Nobody is sent to an address that was not the only one when they were asked."""
    page = await browser.get(location(await _ask(served, browser, prompt="consent")))
    pg = await Postgres.open(served.runtime.settings.database_url, 1)
    change = f"UPDATE clients SET redirect_uris = '{{%s}}' WHERE client_id = '{CLIENT}'"

    async def known(number: int) -> bool:
        client = await served.runtime.client(CLIENT, porta_1x.DOCK)
        return client is not None and len(client.redirect_uris) == number

    try:
        await pg.execute(change % f"{CALLBACK},{OTHER}")
        await eventually(lambda: known(2))
        form = {"email": "cleo@dock.example", "password": porta_1x.PASSWORD}
        posted = await browser.post(f"{page.url}/login", data=hidden_fields(page.text) | form)
        assert _is_a_page(await browser.get(location(posted)))
    finally:
        await pg.execute(change % CALLBACK)
        await eventually(lambda: known(1))
        await pg.close()


async def test_succession_A14_what_is_provisioned_anew_stays_as_it_was_made(
    served: Served,
) -> None:
    storage = served.runtime.storage.everywhere
    for client_id, adopted in ((CLIENT, True), ("ours", False)):
        stored = await storage.clients.find(client_id, porta_1x.DOCK)
        assert stored is not None
        registration = {
            "client_name": "Renamed", "redirect_uris": list(stored.redirect_uris),
            "grant_types": list(stored.grant_types), "scope": stored.scope,
        }  # fmt: skip
        patch = ClientPatch.parse(registration)
        again = await clients.update(storage, SYSTEM, stored.id, patch)
        assert (again.client_name, again.is_adopted) == ("Renamed", adopted)


async def test_succession_A14_no_client_of_before_is_made_after_the_end_of_the_way_back(
    adopted: str, database: Postgres
) -> None:
    before = await database.fetchrow("SELECT bool_and(is_adopted) FROM clients")
    assert before == (True,)
    await way_back.finish(adopted, lambda *_: None)
    await database.execute(porta_1x.WRITES["a client"])
    found = await database.fetch(
        "SELECT is_adopted, count(*) > 1 FROM clients GROUP BY 1 ORDER BY 1"
    )
    assert found == [(False, False), (True, True)]
    async with serving(adopted) as served:
        assert "id_token" in await tokens(served)


async def test_succession_A14_elsewhere_no_client_is_one_of_1x(
    create_database: Callable[..., str],
) -> None:
    url = create_database()
    take_over(url)
    pg = await Postgres.open(url, 1)
    await pg.execute(
        "INSERT INTO organizations (name, slug) VALUES ('O', 'ours');"
        " INSERT INTO applications (name, slug) VALUES ('A', 'ours');"
        " INSERT INTO clients (organization_id, application_id, client_id, client_name,"
        " client_type) SELECT o.id, a.id, 'c', 'C', 'public' FROM organizations o, applications a"
        " WHERE o.slug = 'ours' AND a.slug = 'ours'"
    )
    found = await pg.fetch("SELECT is_adopted FROM clients")
    await pg.close()
    assert found == [(False,)]
