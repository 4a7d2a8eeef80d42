"""COOKIE_KEYS renewed on one instance after another: families never fork (security 11, B.3)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from storage.models.artifact import artifact_id
from storage.postgres.driver import Postgres
from tests.world.browser import Browser, is_active, post, refresh_form, refusal
from tests.world.served import Served, beside

OLD, NEW = "k" * 32, "n" * 32
INVALID_GRANT = (400, "invalid_grant")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def renewed(served: Served) -> AsyncIterator[Served]:
    """Return the instance whose keys were renewed first."""
    assert served.runtime.settings.cookie_keys == (OLD,)
    async with beside(served, cookie_keys=(NEW, OLD)) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def prepared(served: Served) -> AsyncIterator[Served]:
    """Return an instance that knows the new key, and does not use it yet."""
    async with beside(served, cookie_keys=(OLD, NEW)) as running:
        yield running


async def _refresh(one: Served, token: str) -> httpx.Response:
    return await post(one, "/token", refresh_form(token))


async def _successor(one: Served, token: str) -> str:
    answer = await _refresh(one, token)
    assert answer.status_code == 200, answer.text
    successor: str = answer.json()["refresh_token"]
    return successor


async def _living(pg: Postgres, tokens: dict[str, Any]) -> int:
    """Return how many refresh tokens of the family of `tokens` were not used yet."""
    row = await pg.fetchrow(
        """
        SELECT count(*) FROM artifacts WHERE kind = 'RefreshToken' AND consumed_at IS NULL
            AND family_id = (SELECT family_id FROM artifacts WHERE id = %(id)s)
        """,
        {"id": artifact_id(tokens["refresh_token"])},
    )
    assert row is not None
    return int(row[0])


async def test_security_11_a_token_presented_at_both_has_one_successor(
    served: Served, renewed: Served, browser: Browser, pg: Postgres
) -> None:
    tokens = await browser.tokens()
    first = await _successor(served, tokens["refresh_token"])
    assert await _successor(renewed, tokens["refresh_token"]) == first
    assert await _living(pg, tokens) == 1
    second = await _successor(renewed, first)
    assert await _successor(served, second), "and goes on at either"


async def test_security_11_where_a_key_is_unknown_the_answer_is_to_come_again(
    served: Served, renewed: Served, browser: Browser, pg: Postgres
) -> None:
    """The other way round: what NEW derived, the instance that has OLD alone cannot tell."""
    tokens = await browser.tokens()
    first = await _successor(renewed, tokens["refresh_token"])
    answer = await _refresh(served, tokens["refresh_token"])
    assert refusal(answer) == (503, "temporarily_unavailable")
    assert "Retry-After" in answer.headers
    assert await _living(pg, tokens) == 1
    assert await _successor(renewed, tokens["refresh_token"]) == first, "nothing was harmed"
    assert await _successor(served, first)


@pytest.mark.parametrize("turn", [0, 1])
async def test_security_11_with_the_new_key_known_first_nobody_is_sent_away(
    renewed: Served, prepared: Served, browser: Browser, turn: int
) -> None:
    tokens = await browser.tokens()
    one, another = (renewed, prepared) if turn else (prepared, renewed)
    first = await _successor(one, tokens["refresh_token"])
    assert await _successor(another, tokens["refresh_token"]) == first


@pytest.mark.parametrize("turn", [0, 1])
async def test_security_11_a_used_successor_ends_the_family_everywhere(
    served: Served, renewed: Served, browser: Browser, turn: int
) -> None:
    tokens = await browser.tokens()
    one, another = (renewed, served) if turn else (served, renewed)
    first = await _successor(one, tokens["refresh_token"])
    second = await _successor(one, first)
    assert refusal(await _refresh(another, tokens["refresh_token"])) == INVALID_GRANT
    for each in (one, another):
        for dead in (first, second):
            assert refusal(await _refresh(each, dead)) == INVALID_GRANT
        assert not await is_active(each, tokens["access_token"])


async def test_security_11_at_once_at_both_there_is_one_successor(
    served: Served, renewed: Served, browser: Browser, pg: Postgres
) -> None:
    for _ in range(3):
        tokens = await browser.tokens(prompt="login")
        token = tokens["refresh_token"]
        asked = [_refresh(one, token) for one in (served, renewed) * 5]
        answers = await asyncio.gather(*asked)
        given = {each.json()["refresh_token"] for each in answers if each.status_code == 200}
        assert len(given) == 1
        assert {each.status_code for each in answers} <= {200, 503}
        assert await _living(pg, tokens) == 1
