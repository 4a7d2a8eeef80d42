"""What may happen once happens once, however many ask at the same time at however many servers."""

from __future__ import annotations

import asyncio

import httpx

from tests.flows.party import Party
from tests.world.person import Person
from tests.world.processes import Installation

PARALLEL = 50


def _everywhere(party: Party, form: dict[str, str]) -> list[httpx.Response]:
    """Post `form` to the token endpoint 50 times at once, in turn to each server process."""

    async def run() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=PARALLEL)
        async with httpx.AsyncClient(auth=party.auth, limits=limits, timeout=60) as http:
            urls = [party.installation.at(i % 2, f"{party.issuer}/token") for i in range(PARALLEL)]
            await asyncio.gather(*(http.get(u.replace("/token", "/jwks")) for u in urls))
            return await asyncio.gather(*(http.post(url, data=form) for url in urls))

    return asyncio.run(run())


def test_one_code_fifty_redemptions(installation: Installation, alice: Person) -> None:
    party = Party(installation, "acme", "acme-web-basic")
    answers = _everywhere(party, party.code_form(*party.code(alice)))
    good = [answer.json() for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(good) == 1
    assert {(a.status_code, a.json()["error"]) for a in refused} == {(400, "invalid_grant")}
    assert not party.is_active(good[0]["access_token"])
    assert not party.is_active(good[0]["refresh_token"])
    late = party.post("/token", party.refresh_form(good[0]["refresh_token"]))
    assert late.json()["error"] == "invalid_grant"


def test_one_refresh_token_fifty_refreshes_inside_the_grace(
    installation: Installation, alice: Person
) -> None:
    party = Party(installation, "acme", "acme-web-basic")
    first = party.tokens(alice)
    answers = _everywhere(party, party.refresh_form(first["refresh_token"]))
    assert [answer.status_code for answer in answers] == [200] * PARALLEL
    successors = {answer.json()["refresh_token"] for answer in answers}
    assert len(successors) == 1
    assert party.is_active(successors.pop())


def test_K4_one_pushed_request_fifty_uses(installation: Installation, alice: Person) -> None:
    """RFC 9126 §4: a request_uri gives one code; here with a session that could answer each."""
    party = Party(installation, "acme", "acme-web-basic")
    party.code(alice)
    form = dict(httpx.URL(party.authorization_url("v" * 43)).params)
    pushed = party.post("/request", form).json()["request_uri"]
    url = str(
        httpx.URL(
            f"{party.issuer}/auth",
            params={"client_id": party.client_id, "request_uri": pushed},
        )
    )

    async def run() -> list[httpx.Response]:
        async with httpx.AsyncClient(cookies=alice.http.cookies, timeout=60) as http:
            urls = [installation.at(i % 2, url) for i in range(PARALLEL)]
            return await asyncio.gather(*map(http.get, urls))

    answers = asyncio.run(run())
    assert {answer.status_code for answer in answers} <= {303, 400}
    redirects = [answer.headers["location"] for answer in answers if answer.is_redirect]
    # Who came after it was answered has a page; who was on the way with the winner, an error.
    assert sum("code=" in url for url in redirects) == 1
    assert all("code=" in url or "error=invalid_request_uri" in url for url in redirects)
