"""A trace tells what happened at an interaction; no secret, no more than there is room for, and at
no cost to requests that nothing refuses.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from porta.audit.actors import SYSTEM, Actor
from porta.browser.interactions import marked
from porta.errors import NotFound
from porta.observability import log
from porta.observability.trace_writer import Noted, TraceWriter
from porta.services import traces
from porta.services.permissions import PERMISSIONS
from storage.models.artifact import artifact_id
from storage.models.traces import Mark, Trace, TraceStep
from storage.redis.lane import Redis
from storage.stores.traces import MOST_STEPS, MOST_TRACES
from tests.world.browser import Browser, a_browser, organization_id
from tests.world.relay import relay
from tests.world.served import Served, beside, serve
from tests.world.waiting import eventually

_CODE = re.compile(r"<code>([0-9A-HJKMNP-TV-Z]{3}-[0-9A-HJKMNP-TV-Z]{3})</code>")
WRONG = "a-wrong-password-that-was-typed"
STEP = TraceStep(at=1.0, request_id="r", step="GET /x", status=200)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def other(served: Served) -> AsyncIterator[Served]:
    """Return another instance of the same installation."""
    async with beside(served) as running:
        yield running


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    opened = await Redis.open(redis_url)
    yield opened
    await opened.close()


def _code_of(page: httpx.Response) -> str:
    found = _CODE.search(page.text)
    assert found is not None, page.text
    return found[1]


async def _found(one: Served, code: str) -> Trace:
    """Wait until a trace is kept, and read it as it would be read out."""

    async def kept() -> bool:
        return await one.runtime.storage.traces.find(code) is not None

    await eventually(kept)
    return await traces.get(one.runtime.storage, SYSTEM, code.lower().replace("-", " "))


async def _steps(one: Served, id: str) -> tuple[TraceStep, ...]:
    (found,) = await one.runtime.storage.traces.steps([id])
    return found


async def _written(one: Served) -> None:
    """Wait until whatever an instance noted is written."""

    async def idle() -> bool:
        return one.runtime.traces.is_idle

    await eventually(idle)


async def _refused(browser: Browser) -> tuple[str, str]:
    """Guess wrong, and go on in a browser that is another; return the code, and the interaction."""
    url = await browser.begin(login_hint="alice@acme.test")
    wrong = await browser.submit(url, password=WRONG)
    assert wrong.status_code == 200
    async with a_browser(browser.served) as stranger:
        page = await stranger.http.get(url)
    assert page.status_code == 400
    return _code_of(page), url


async def test_8_what_happened_is_told_at_every_instance(
    served: Served, other: Served, browser: Browser
) -> None:
    code, _ = await _refused(browser)
    trace = await _found(other, code)
    assert trace.organization_id == await organization_id(served)
    assert [(each.step, each.status) for each in trace.steps] == [
        ("GET /acme/auth", None),
        ("POST /interaction/***/login", 200),
        ("GET /interaction/***", 400),
    ]
    _, guess, last = trace.steps
    assert {each.client_id for each in trace.steps} == {"acme-web-basic"}
    assert {(each.asks, each.reasons) for each in (guess, last)} == {("login", ("no_session",))}
    (failed,) = guess.notes
    assert failed.name == "user.login.password.failed"
    (refused,) = last.notes
    assert (refused.name, refused.told["error"]) == ("refused", "cookies_required")
    assert len({each.request_id for each in trace.steps}) == 3
    assert [each.at for each in trace.steps] == sorted(each.at for each in trace.steps)


async def test_8_what_went_well_is_told_by_the_record_of_the_interaction(
    served: Served, browser: Browser
) -> None:
    """A sign-in that is over: its page in another browser tells that it was one."""
    url = await browser.begin(login_hint="alice@acme.test")
    assert "code" in await browser.follow(await browser.submit(url))
    async with a_browser(browser.served) as stranger:
        page = await stranger.http.get(url)
    trace = await _found(served, _code_of(page))
    assert [(each.step, each.status) for each in trace.steps] == [
        ("GET /acme/auth", None),
        ("POST /interaction/***/login", None),
        ("GET /interaction/***", 400),
    ]
    assert [note.name for note in trace.steps[1].notes] == ["user.login.password"]


async def test_issue5_what_nothing_refuses_is_noted_nowhere(
    served: Served, browser: Browser
) -> None:
    """An authorization request, the login page, a sign-in and the way back: no write for a trace,
    and none where a client hears of an error that no person sees.
    """
    await _written(served)
    url = await browser.begin(login_hint="alice@acme.test")
    assert (await browser.http.get(url)).status_code == 200
    assert served.runtime.traces.is_idle
    assert "code" in await browser.sign_in()
    assert served.runtime.traces.is_idle
    answer = await browser.authorize(prompt="none", max_age="0")
    assert "error=login_required" in answer.headers["location"]
    assert served.runtime.traces.is_idle


async def test_8_a_record_carries_the_first_request_and_the_latest(served: Served) -> None:
    """However often an interaction is saved, what is kept around its request stays small."""
    marks: tuple[Mark, ...] = ()
    for number in range(20):
        log.request.set(log.About(f"request-{number}", "POST", f"/interaction/{'x' * 900}/login"))
        marks = marked(marked(marks, number), number + 0.25)  # one request may save it twice
    log.request.set(None)
    assert [each.request_id for each in marks] == [
        "request-0", *(f"request-{number}" for number in range(15, 20))
    ]  # fmt: skip
    assert marks[0] == Mark(0.25, "request-0", "POST /interaction/***/login")
    assert marked(marks, 30) == marks


async def test_8_a_refused_request_has_a_trace_without_an_interaction(
    served: Served, browser: Browser
) -> None:
    page = await browser.authorize(redirect_uri="https://evil.test/cb")
    (step,) = (await _found(served, _code_of(page))).steps
    assert (step.status, step.notes[0].told["error"]) == (400, "invalid_request")
    assert "evil" not in str(step)


async def test_8_nothing_that_was_typed_or_given_is_in_it(
    served: Served, browser: Browser, redis: Redis
) -> None:
    code, url = await _refused(browser)
    await _found(served, code)
    keys = await redis.command("KEYS", "porta:trace:*")
    text = b"".join([await redis.command("GET", key) for key in keys])
    for key in await redis.command("KEYS", "porta:steps:*"):
        text += key + b"".join(await redis.command("LRANGE", key, 0, -1))
    assert b"user.login.password.failed" in text
    uid = url.rpartition("/")[2]
    given = {
        WRONG,
        "alice@acme.test",
        browser.address,
        "127.0.0.1",
        "of-the-client",
        browser.secret,
    }
    for secret in {*given, uid, uid.partition(".")[0]}:
        assert len(secret) >= 8
        assert secret.encode() not in text, secret


async def test_8_another_organizations_administrator_finds_none(served: Served) -> None:
    acme, code = await organization_id(served), "ABC-DEF"
    trace = Trace(code=code, organization_id=acme, steps=(STEP,))
    await served.runtime.storage.traces.keep([trace])
    all_ = frozenset(PERMISSIONS)
    own = Actor(user_id="u", permissions=all_, organization_id=acme)
    foreign = Actor(user_id="u", permissions=all_, organization_id=secrets.token_hex(16))
    storage = served.runtime.storage
    assert (await traces.get(storage, own, code)).code == code
    for code_ in (code, "no code", "UUUUUU", "ABC-DEG", ""):
        with pytest.raises(NotFound):
            await traces.get(storage, foreign, code_)


async def test_8_an_interaction_has_so_many_steps_for_as_long_as_it_takes(
    served: Served, redis: Redis
) -> None:
    kept, id = served.runtime.storage.traces, secrets.token_hex(32)
    await kept.write([(id, STEP, 600)] * (MOST_STEPS + 5))
    assert len(await _steps(served, id)) == MOST_STEPS
    assert 0 < await redis.command("TTL", f"porta:steps:{id}") <= 600


async def test_8_an_organization_has_so_many_traces_and_harms_no_other(
    served: Served, redis: Redis
) -> None:
    kept, own, foreign = served.runtime.storage.traces, secrets.token_hex(8), secrets.token_hex(8)
    await kept.keep([Trace(code=f"{foreign}", organization_id=foreign, steps=(STEP,))])
    for first in range(0, MOST_TRACES + 3, 100):
        await kept.keep(
            [
                Trace(code=f"{own}-{number}", organization_id=own, steps=(STEP,))
                for number in range(first, min(first + 100, MOST_TRACES + 3))
            ]
        )
    left = await redis.command("KEYS", f"porta:trace:{own}-*")
    assert len(left) == MOST_TRACES
    assert await kept.find(f"{own}-2") is None
    assert await kept.find(f"{own}-3") is not None
    assert await kept.find(foreign) is not None
    assert 0 < await redis.command("TTL", f"porta:trace:{foreign}") <= 86_400


async def test_8_made_up_addresses_leave_nothing_behind(
    served: Served, browser: Browser, redis: Redis
) -> None:
    values = [f"r{secrets.token_urlsafe(32)}" for _ in range(5)]
    for value in values:
        url = f"{served.base_url}/interaction/{value}"
        assert (await browser.http.get(url)).status_code == 400
    code, _ = await _refused(browser)  # noted after them, and written after them
    await _found(served, code)
    for value in values:
        assert await redis.command("EXISTS", f"porta:steps:{artifact_id(value)}") == 0


async def test_8_without_redis_people_sign_in_and_traces_are_lost(database_url: str) -> None:
    async with serve(database_url, None) as alone, a_browser(alone) as browser:
        code, _ = await _refused(browser)
        with pytest.raises(NotFound):
            await traces.get(alone.runtime.storage, SYSTEM, code)
        assert "code" in await browser.sign_in()


async def test_8_redis_that_goes_away_takes_traces_along_and_nothing_else(
    database_url: str, redis_url: str
) -> None:
    async with (
        relay(redis_url) as (redis, through),
        serve(database_url, through) as running,
        a_browser(running) as browser,
    ):
        redis.silence()
        assert "code" in await browser.sign_in(prompt="login")
        page = await browser.authorize(redirect_uri="https://evil.test/cb")
        assert page.status_code == 400
        assert not running.runtime.storage.traces.is_kept
        redis.restore()

        async def back() -> bool:
            return running.runtime.storage.traces.is_kept

        await eventually(back)
        page = await browser.authorize(redirect_uri="https://evil.test/cb")
        await _found(running, _code_of(page))


async def test_8_who_writes_too_much_at_once_loses_what_is_too_much(served: Served) -> None:
    writer, id = TraceWriter(served.runtime.storage, most=10), secrets.token_hex(32)
    for _ in range(30):
        writer.note(Noted(STEP, "o", interaction=id, ttl=600))

    async def written() -> bool:
        return writer.is_idle

    await eventually(written)
    assert len(await _steps(served, id)) == 10
