"""Domains of organizations: what may be one, who has proven it, and what a lapse changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from porta.audit.actors import SYSTEM
from porta.errors import Conflict, Invalid, TooManyRequests, Unavailable
from porta.outbound.dns import LIFETIME
from porta.runtime import Runtime
from porta.services import domains
from porta.services.domains import DomainPatch, NewDomain
from porta.tenants import home_realms
from storage.models.connections import Connection
from storage.models.domains import Domain
from storage.models.organizations import Organization
from tests import factories
from tests.factories import new_id
from tests.world.name_server import NameServer, name_server
from tests.world.served import settings_for
from tests.world.waiting import eventually, stopwatch


@pytest.fixture
def names() -> Iterator[NameServer]:
    with name_server() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def runtime(database_url: str, names: NameServer) -> AsyncIterator[Runtime]:
    opened = await Runtime.open(settings_for(database_url, None, dns_resolvers=names.address))
    yield opened
    await opened.close()


async def _organization(runtime: Runtime) -> Organization:
    made = factories.organization(id=new_id(), slug=f"d-{new_id()}")
    await runtime.storage.everywhere.organizations.insert(made)
    return made


async def _connection(runtime: Runtime, home: Organization) -> Connection:
    made = await runtime.storage.everywhere.connections.insert(
        Connection(
            id=new_id(),
            organization_id=home.id,
            provider="openid",
            name="Work",
            issuer="https://id.acme.example",
            client_id="porta",
        )
    )
    assert made is not None
    return made


async def _claim(
    runtime: Runtime, home: Organization, domain: str = "acme.example", **said: object
) -> Domain:
    command = NewDomain.parse({"domain": domain, **said})
    async with runtime.storage.everywhere.transaction() as tx:
        return await domains.create(tx, SYSTEM, home.id, command)


async def _verify(runtime: Runtime, domain: Domain) -> Domain:
    storage = runtime.storage.everywhere
    there = await domains.look_up(storage, SYSTEM, runtime, domain.id)
    async with storage.transaction() as tx:
        return await domains.verify(tx, SYSTEM, domain.id, there)


async def _update(runtime: Runtime, domain: Domain, **said: object) -> Domain:
    async with runtime.storage.everywhere.transaction() as tx:
        return await domains.update(tx, SYSTEM, domain.id, DomainPatch.parse(said))


def _publish(names: NameServer, *claimed: Domain) -> None:
    for each in claimed:
        name, text = domains.record_of(each)
        names.texts.setdefault(name, []).append(text)


NONE = [
    *("*.acme.example", "acme.example.", ".acme.example", "acme..example", "acme", "com", ""),
    *("münchen.example", "acme\u3002example", "acme\uff0eexample", "a\u200bcme.example"),
    *("\u0430cme.ex\u0430mple", "acme.example\n", "acme.example\x00", "<b>.example", "a'b.example"),
    *(
        "acme.example/",
        "acme.example:53",
        "https://acme.example",
        "alice@acme.example",
        " a.example",
    ),
    *("-acme.example", "acme-.example", "_porta-challenge.acme.example", "127.0.0.1", "[::1]"),
    *(f"{'a' * 64}.example", f"acme.{'a' * 64}", "a." * 127, "x" * 255, f"{'a.' * 115}example"),
]


@pytest.mark.parametrize("domain", NONE, ids=range(len(NONE)))
def test_what_is_no_domain(domain: str) -> None:
    with pytest.raises(Invalid) as refused:
        NewDomain.parse({"domain": domain})
    (problem,) = refused.value.problems
    assert problem.path == ("domain",)


TAKEN = {
    "ACME.Example": "acme.example",
    "xn--mnchen-3ya.example": "xn--mnchen-3ya.example",
    "co.uk": "co.uk",
    # The sign for kelvin is a small k, as it is in an address.
    "\u212aing.example": "king.example",
    f"{'a.' * 114}example": f"{'a.' * 114}example",
}


@pytest.mark.parametrize("domain", TAKEN, ids=range(len(TAKEN)))
async def test_a_domain_is_kept_in_one_spelling_whose_record_fits(
    runtime: Runtime, names: NameServer, domain: str
) -> None:
    """A public suffix is proven like any other: by whoever writes its records."""
    claimed = await _claim(runtime, await _organization(runtime), domain)
    assert claimed.domain == TAKEN[domain]
    assert len(domains.record_of(claimed)[0]) <= 253
    with pytest.raises(Conflict, match="there is no TXT record"):
        await _verify(runtime, claimed)
    _publish(names, claimed)
    assert (await _verify(runtime, claimed)).verified_at is not None


async def test_an_address_is_at_home_at_the_domain_that_it_has_and_at_none_below(
    runtime: Runtime, names: NameServer
) -> None:
    home = await _organization(runtime)
    connection = await _connection(runtime, home)
    for domain in ("acme.example", "xn--mnchen-3ya.example"):
        claimed = await _claim(runtime, home, domain, connectionId=connection.id)
        _publish(names, claimed)
        await _verify(runtime, claimed)
    known = (await runtime.storage.everywhere.connections.find_each([home.id]))[home.id]

    def at(address: str) -> str | None:
        realm = home_realms.find_among(known, address)
        return realm.domain if realm is not None else None

    for address in ("a@acme.example", "A@ACME.EXAMPLE", " a@acme.example "):
        assert at(address) == "acme.example"
    for address in ("ü@münchen.example", "a@MÜNCHEN.example", "a@xn--mnchen-3ya.example"):
        assert at(address) == "xn--mnchen-3ya.example"
    for address in (
        *("a@mail.acme.example", "a@acme.example.evil.test", "a@evilacme.example", "a@example"),
        *(
            "a@acme.example.",
            "a@acme.example@evil.test",
            '"a@acme.example"@evil.test',
            "acme.example",
        ),
        *("a@\u0430cme.example", "a@acme\u3002example", "a@munchen.example", "@acme.example", ""),
    ):
        assert at(address) is None, address


async def test_what_one_organization_proves_is_no_proof_of_another(
    runtime: Runtime, names: NameServer
) -> None:
    """Nor keeps it from proving the same: each by its own challenge, for its own people."""
    ours, theirs = await _organization(runtime), await _organization(runtime)
    first, second = await _claim(runtime, ours), await _claim(runtime, theirs)
    assert first.challenge != second.challenge
    _publish(names, first)
    assert (await _verify(runtime, first)).verified_at is not None
    with pytest.raises(Conflict):
        await _verify(runtime, second)
    _publish(names, second)
    async with asyncio.TaskGroup() as group:
        both = [group.create_task(_verify(runtime, each)) for each in (first, second)]
    assert all(each.result().verified_at is not None for each in both)


async def test_of_two_who_claim_one_at_once_one_does(runtime: Runtime) -> None:
    home = await _organization(runtime)
    claims = await asyncio.gather(
        *(_claim(runtime, home) for _ in range(4)), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in claims) == ["Conflict"] * 3 + ["Domain"]


async def _lapse(runtime: Runtime, domain: Domain) -> Domain:
    storage = runtime.storage.everywhere
    seen = await storage.domains.find(domain.id)
    assert seen is not None
    lapsed = await storage.domains.missed(seen, seen.failures + 1)
    assert lapsed is not None
    assert lapsed.lapsed_at is not None
    return lapsed


async def test_a_domain_that_has_lapsed_is_required_of_nobody_until_it_is_proven_again(
    runtime: Runtime, names: NameServer
) -> None:
    home = await _organization(runtime)
    connection = await _connection(runtime, home)
    claimed = await _claim(runtime, home, connectionId=connection.id)
    _publish(names, claimed)
    lapsed = await _lapse(runtime, await _verify(runtime, claimed))
    with pytest.raises(Invalid, match="mode: has lapsed: verify the domain again first"):
        await _update(runtime, lapsed, mode="require")
    kept, names.texts = names.texts, {}
    with pytest.raises(Conflict):
        await _verify(runtime, lapsed)
    with pytest.raises(Invalid):
        await _update(runtime, lapsed, mode="require")
    names.texts = kept
    assert (await _verify(runtime, lapsed)).lapsed_at is None
    assert (await _update(runtime, lapsed, mode="require")).mode == "require"


async def test_what_was_required_before_it_lapsed_stays_closed_and_may_be_opened(
    runtime: Runtime, names: NameServer
) -> None:
    home = await _organization(runtime)
    connection = await _connection(runtime, home)
    claimed = await _claim(runtime, home, connectionId=connection.id, mode="require")
    _publish(names, claimed)
    lapsed = await _lapse(runtime, await _verify(runtime, claimed))
    known = (await runtime.storage.everywhere.connections.find_each([home.id]))[home.id]
    realm = home_realms.find_among(known, "ada@acme.example")
    assert realm is not None
    assert realm.required
    assert await _update(runtime, lapsed, mode="require") == lapsed, "which changes nothing"
    assert (await _update(runtime, lapsed, mode="offer")).mode == "offer"
    with pytest.raises(Invalid):
        await _update(runtime, lapsed, mode="require")


async def test_a_resolver_that_is_away_is_waited_for_a_while_and_by_nobody_else(
    runtime: Runtime, names: NameServer
) -> None:
    home, other = await _organization(runtime), await _organization(runtime)
    claimed = [await _claim(runtime, home, f"d{n}.example") for n in range(4)]
    names.ignores = {domains.record_of(each)[0] for each in claimed}
    storage = runtime.storage.everywhere

    async def all_asked() -> bool:
        return names.ignores <= set(names.asked)

    async with stopwatch() as waited:
        waiting = [
            asyncio.ensure_future(domains.look_up(storage, SYSTEM, runtime, each.id))
            for each in claimed
        ]
        await eventually(all_asked)
        await _claim(runtime, other, "other.example")
        assert not any(each.done() for each in waiting), "one waits for no other"
        for each in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(each, Unavailable)
        assert waited() < LIFETIME + 3


async def test_an_organization_asks_twenty_times_and_no_other_pays_for_it(
    runtime: Runtime, names: NameServer
) -> None:
    home, other = await _organization(runtime), await _organization(runtime)
    claimed, theirs = await _claim(runtime, home), await _claim(runtime, other)
    storage = runtime.storage.everywhere
    for _ in range(domains._LOOKUPS):
        assert not await domains.look_up(storage, SYSTEM, runtime, claimed.id)
    with pytest.raises(TooManyRequests):
        await domains.look_up(storage, SYSTEM, runtime, claimed.id)
    assert not await domains.look_up(storage, SYSTEM, runtime, theirs.id)
