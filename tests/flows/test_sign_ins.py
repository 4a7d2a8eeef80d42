"""Forms of one browser, posted side by side to two processes (security 10)."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.flows.party import VERIFIER, Party
from tests.world.answers import hidden_fields, query_of
from tests.world.processes import Installation


@pytest.mark.parametrize("tabs", [1, 3])
async def test_security_10_one_session_is_left_of_them(
    installation: Installation, party: Party, account: tuple[str, str], tabs: int
) -> None:
    async with httpx.AsyncClient(timeout=60) as http:
        pages = []
        for _ in range(tabs):
            begun = await http.get(party.authorization_url(VERIFIER))
            pages.append(await http.get(str(begun.url.join(begun.headers["location"]))))
        cookies = {c.name: c.value or "" for c in http.cookies.jar}
    posted = await asyncio.gather(
        *(_post(installation, n % 2, pages[n % tabs], account, cookies) for n in range(6))
    )
    sessions = [answer.cookies.get("session_acme", path="/acme") for answer in posted]
    assert all(answer.status_code == 303 for answer in posted)
    assert len(set(sessions)) == 6
    for instance in range(2):
        alive = [s for s in sessions if await _is_alive(installation, instance, party, s, cookies)]
        assert len(alive) == 1


async def _post(
    installation: Installation,
    instance: int,
    page: httpx.Response,
    account: tuple[str, str],
    cookies: dict[str, str],
) -> httpx.Response:
    form: dict[str, Any] = hidden_fields(page.text)
    form |= {"email": account[0], "password": account[1]}
    url = installation.at(instance, f"{page.url}/login")
    async with httpx.AsyncClient(timeout=60, cookies=cookies) as http:
        return await http.post(url, data=form)


async def _is_alive(
    installation: Installation,
    instance: int,
    party: Party,
    session: str | None,
    cookies: dict[str, str],
) -> bool:
    presented = cookies | {"session_acme": session or ""}
    async with httpx.AsyncClient(timeout=60, cookies=presented) as http:
        url = party.authorization_url(VERIFIER, prompt="none")
        return "code" in query_of(await http.get(installation.at(instance, url)))
