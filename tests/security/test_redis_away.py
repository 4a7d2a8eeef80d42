"""Redis lost in every way, under two instances: people go on signing in, and counts stay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio
import redis as redis_client

from storage.models.artifact import Home, home_of
from tests.storage.redis.trouble import (
    State,
    a_replica,
    full,
    stopped,
    unable_to_save,
    without_replicas,
)
from tests.world.answers import hidden_fields, location, query_of
from tests.world.balancer import Balancer
from tests.world.browser import (
    GOOD,
    PASSWORD,
    Browser,
    add_user,
    code_form,
    configured,
    is_active,
    post,
    refresh_form,
    refusal,
    userinfo,
)
from tests.world.relay import Relay, relay
from tests.world.served import Served, beside, serve
from tests.world.valkey import Valkey
from tests.world.waiting import eventually


@dataclass(slots=True)
class House:
    """Two instances over one PostgreSQL and one Redis, each reached through a wire of ours."""

    one: Served
    two: Served
    wire: Relay
    server: Valkey
    statuses: list[int] = field(default_factory=list)
    """Of every answer that a browser of `person` got."""

    @asynccontextmanager
    async def person(self, *instances: Served, **who: str) -> AsyncIterator[Browser]:
        """Open a browser whose every request goes to another instance than the one before."""
        balancer = Balancer(*(instances or (self.one, self.two)))
        balancer.statuses = self.statuses
        async with httpx.AsyncClient(timeout=20, transport=balancer) as http:
            yield Browser(self.one, http, **who)

    async def says(self, status: str) -> bool:
        answers = [await each.http.get(f"{each.base_url}/ready") for each in (self.one, self.two)]
        return [(answer.status_code, answer.json()["status"]) for answer in answers] == [
            (200, status)
        ] * 2


@pytest_asyncio.fixture
async def house(fresh_database_url: str, own_redis: Valkey) -> AsyncIterator[House]:
    async with (
        relay(own_redis.url) as (wire, url),
        serve(fresh_database_url, url, trusted_proxies="127.0.0.1") as one,
        beside(one) as two,
    ):
        yield House(one, two, wire, own_redis)
        wire.restore()


@contextmanager
def black_holed(house: House) -> Any:
    house.wire.silence()
    yield
    house.wire.restore()


@contextmanager
def slow(house: House) -> Any:
    house.wire.delay = 0.5
    yield
    house.wire.restore()


def _of_server(state: Callable[[Valkey], AbstractContextManager[None]]) -> Any:
    @contextmanager
    def on_house(house: House) -> Any:
        with state(house.server):
            yield

    return on_house


FAULTS = {
    "black-holed": black_holed,
    "slow": slow,
    **{each.__name__: _of_server(each) for each in (stopped, full, a_replica, without_replicas)},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_faults_F1_redis_lost_costs_nobody_a_sign_in(
    house: House, fault: Callable[[House], AbstractContextManager[None]]
) -> None:
    victim = await add_user(house.one)
    async with house.person() as settled, house.person(email=victim.email or "") as guesser:
        tokens = await settled.tokens()
        assert await _guess(guesser) == 200
        with fault(house):
            house.statuses.clear()
            await asyncio.gather(*(_comes_and_goes(house) for _ in range(4)))
            assert "code" in query_of(await settled.authorize(prompt="none"))
            refreshed = await post(house.two, "/token", refresh_form(tokens["refresh_token"]))
            assert refreshed.status_code == 200
            assert await _guess(guesser) == 200
            assert max(house.statuses) < 500, house.statuses
            await eventually(lambda: house.says("degraded"), 30.0)
            async with beside(house.one) as newcomer, house.person(newcomer) as there:
                assert "access_token" in await there.tokens()
            later = await settled.code(prompt="login")
            assert home_of(later) is Home.POSTGRES
        assert await _failures(house, victim.id) == 2
        await eventually(lambda: house.says("ready"), 60.0)
        await _is_used_once(house, later)
        await _comes_and_goes(house)
        assert home_of(await settled.code(prompt="login")) is Home.REDIS
        assert await _failures(house, victim.id) == 2
        assert "code" in query_of(await settled.authorize(prompt="none")), "nobody is signed out"


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_faults_F1_a_step_that_met_the_loss_goes_on_from_the_copy(
    house: House, fault: Callable[[House], AbstractContextManager[None]]
) -> None:
    """Redis goes between page and form, and what it still answers may be the look-up alone."""
    async with house.person() as person:
        url = await person.begin()
        form = hidden_fields((await person.http.get(url)).text)
        form |= {"email": person.email, "password": PASSWORD}
        with fault(house):
            answer = await person.http.post(f"{url}/login", data=form)
            while answer.status_code == 303 and "code=" not in location(answer):
                answer = await person.http.get(location(answer))
            if answer.status_code == 200:  # it begins anew: the password is asked for once more
                arrived = await person.follow(await person.submit(str(answer.url)))
                assert "code" in arrived
            assert answer.status_code < 500, answer.text
        await eventually(lambda: house.says("ready"), 60.0)


@pytest.mark.parametrize("fault", [full, a_replica, without_replicas, unable_to_save])
async def test_faults_F1_a_code_that_can_be_read_but_not_marked_is_redeemed_once(
    house: House, fault: State
) -> None:
    """Which token family it founds is decided in PostgreSQL, as where Redis came back older."""
    async with house.person() as person:
        codes = [await person.code(prompt="login") for _ in range(3)]
        used, code, other = codes
        assert {home_of(each) for each in codes} == {Home.REDIS}
        first = await post(house.one, "/token", code_form(used))
        with fault(house.server):
            stranger = await post(house.one, "/token", code_form(other), "acme-web-post")
            assert refusal(stranger) == (400, "invalid_grant")
            assert (await post(house.two, "/token", code_form(other))).status_code == 200
            assert refusal(await post(house.one, "/token", code_form(used))) == (
                400,
                "invalid_grant",
            )
            assert not await is_active(house.two, first.json()["access_token"]), "used twice"
            await _is_used_once(house, code)
        await eventually(lambda: house.says("ready"), 60.0)
        for each in codes:
            again = await post(house.two, "/token", code_form(each))
            assert refusal(again) == (400, "invalid_grant")


@pytest.mark.parametrize("fault", [a_replica, without_replicas])
async def test_a_code_that_cannot_be_marked_is_checked_as_any_other(
    house: House, fault: State
) -> None:
    async with house.person() as person:
        code, ended = await person.code(prompt="login"), await person.code(prompt="login")
        hint = {"id_token_hint": (await person.tokens())["id_token"]}
        with fault(house.server):
            for changes in ({"code_verifier": "w" * 43}, {"redirect_uri": "https://evil.test/"}):
                refused = await post(house.one, "/token", code_form(code, **changes))
                assert refusal(refused) == (400, "invalid_grant")
            left = await person.http.get(f"{house.one.issuer()}/session/end", params=hint)
            assert left.status_code == 303
            assert refusal(await post(house.two, "/token", code_form(ended))) == (
                400,
                "invalid_grant",
            )
        await eventually(lambda: house.says("ready"), 60.0)


async def test_faults_F1_a_limit_of_attempts_does_not_open_while_redis_is_away(
    house: House,
) -> None:
    victim = await add_user(house.one)
    async with configured(house.one, rate_limit_login_max=3):
        with stopped(house.server):
            async with house.person(email=victim.email or "") as guesser:
                statuses = [await _guess(guesser) for _ in range(6)]
    assert statuses == [200] * 3 + [429] * 3


async def test_redis_restored_to_an_older_state_brings_nothing_back(house: House) -> None:
    """Requirement K.5: what was used stays used, what ended stays ended, what failed is counted."""
    victim = await add_user(house.one)
    async with house.person() as leaving, house.person(email=victim.email or "") as guesser:
        tokens, code = await leaving.tokens(), await leaving.code(prompt="login")
        url = await guesser.begin()
        before = dump(house.server)
        first = await post(house.one, "/token", code_form(code))
        assert first.status_code == 200
        hint = {"id_token_hint": tokens["id_token"]}
        ended = await leaving.http.get(f"{house.one.issuer()}/session/end", params=hint)
        assert ended.status_code == 303
        assert await _guess(guesser, url) == 200
        restore(house.server, before)
        assert refusal(await post(house.two, "/token", code_form(code))) == (400, "invalid_grant")
        for token in (first.json()["access_token"], tokens["access_token"]):
            assert not await is_active(house.two, token)
        again = await leaving.authorize(prompt="none")
        assert query_of(again)["error"] == "login_required"
        assert await _failures(house, victim.id) == 1
        await _comes_and_goes(house)


async def test_a_sign_in_under_way_starts_again_where_redis_was_emptied(house: House) -> None:
    async with house.person() as person:
        url = await person.begin()
        with redis_client.Redis.from_url(house.server.url) as client:
            client.flushall()
        assert (await person.http.get(url)).status_code == 400
        assert "access_token" in await person.tokens()


async def _comes_and_goes(house: House) -> None:
    """Sign somebody in, use what that gives, and sign out, each step at another instance."""
    user = await add_user(house.one)
    async with house.person(email=user.email or "", password=PASSWORD) as person:
        code = await person.code()
        answer = await post(house.two, "/token", code_form(code))
        assert answer.status_code == 200, answer.text
        assert refusal(await post(house.one, "/token", code_form(code))) == (400, "invalid_grant")
        assert not await is_active(house.two, answer.json()["access_token"]), "it was used twice"
        tokens = await person.tokens()
        assert (await userinfo(house.two, tokens["access_token"])).status_code == 200
        fresh = await post(house.one, "/token", refresh_form(tokens["refresh_token"]))
        assert fresh.status_code == 200
        pushed = (await post(house.two, "/request", dict(GOOD))).json()["request_uri"]
        reference = {"client_id": GOOD["client_id"], "request_uri": pushed}
        known = await person.http.get(f"{house.one.issuer()}/auth", params=reference)
        assert "code" in query_of(known)
        hint = {"id_token_hint": tokens["id_token"]}
        ended = await person.http.get(f"{house.one.issuer()}/session/end", params=hint)
        assert ended.status_code == 303
        assert not await is_active(house.two, fresh.json()["access_token"])
        assert query_of(await person.authorize(prompt="none"))["error"] == "login_required"


async def _is_used_once(house: House, code: str) -> None:
    """Present a code 10 times at once, at two instances."""
    answers = await asyncio.gather(
        *(post(each, "/token", code_form(code)) for each in (house.one, house.two) * 5)
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 9


async def _guess(browser: Browser, url: str | None = None) -> int:
    answer = await browser.submit(url or await browser.begin(), password="wrong-words-of-mine")
    return answer.status_code


async def _failures(house: House, user_id: str) -> int:
    """Return how many failures an account has, as PostgreSQL remembers."""
    postgres = house.one.runtime.storage._databases.postgres
    row = await postgres.everywhere.fetchrow(
        "SELECT failed_login_count FROM users WHERE id = %(id)s", {"id": user_id}
    )
    assert row is not None
    return int(row[0])


def dump(server: Valkey) -> dict[bytes, tuple[Any, int]]:
    with redis_client.Redis.from_url(server.url) as client:
        return {key: (client.dump(key), client.pttl(key)) for key in client.scan_iter()}


def restore(server: Valkey, dump: dict[bytes, tuple[Any, int]]) -> None:
    with redis_client.Redis.from_url(server.url) as client:
        client.flushall()
        for key, (value, ttl) in dump.items():
            client.restore(key, max(ttl, 1), value)
