"""Redis emptied, and Redis restarted, with a hundred sessions open: nobody is signed out."""

from __future__ import annotations

import httpx
import pytest
import redis

from tests.flows.party import Party
from tests.world.answers import query_in
from tests.world.person import Person
from tests.world.processes import SEEDS, Installation, running
from tests.world.valkey import Valkey

SESSIONS = 100


@pytest.mark.slow
def test_a_lost_redis_signs_nobody_out(own_redis: Valkey) -> None:
    with running(seeds=SEEDS, REDIS_URL=own_redis.url) as installation:
        party = Party(installation, "acme", "acme-web-basic")
        jars = [_signed_in(installation, party) for _ in range(SESSIONS)]
        assert _silent(party, jars) == SESSIONS
        with redis.Redis.from_url(own_redis.url) as connection:
            connection.flushall()
        assert _silent(party, jars) == SESSIONS
        own_redis.restart()
        assert _silent(party, jars) == SESSIONS


def _signed_in(installation: Installation, party: Party) -> httpx.Cookies:
    with Person(*installation.person("acme")) as person:
        party.code(person)
        return person.http.cookies


def _silent(party: Party, jars: list[httpx.Cookies]) -> int:
    """Return in how many browsers `prompt=none` brings a code."""
    url = party.authorization_url("v" * 43, prompt="none")
    silent = 0
    with httpx.Client(timeout=30) as http:
        for jar in jars:
            http.cookies = jar
            answer = http.get(url)
            assert answer.status_code == 303, answer.text
            silent += "code" in query_in(answer.headers["location"])
    return silent
