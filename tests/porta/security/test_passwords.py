from __future__ import annotations

import asyncio
import threading
import time
import unicodedata
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher, Type
from argon2.exceptions import HashingError

from porta.errors import Unavailable
from porta.limits.fair_queue import Asker
from porta.security import passwords as module
from porta.security.password_rules import WeakPassword
from porta.security.password_text import normal_form
from porta.security.passwords import (
    DEFAULT,
    MAX_COSTS,
    MAX_LANES,
    MAX_MEMORY_KIB,
    MAX_PASSES,
    Parameters,
    Passwords,
    Verdict,
    is_too_dear,
)
from tests.world.waiting import eventually

CHEAP = Parameters(memory_kib=64, passes=1, lanes=1)
WRONG = Verdict(ok=False, needs_rehash=False)


class StandIn:
    """Stands where Argon2 stands: notes what is to be hashed, and waits until told."""

    def __init__(self, *, waits: bool = True) -> None:
        self.begun: list[bytes] = []
        self.gate = threading.Event()
        if not waits:
            self.gate.set()

    def hash(self, raw: bytes) -> str:
        self.begun.append(raw)
        assert self.gate.wait(60)
        if raw == b"fails":
            raise ZeroDivisionError
        return "done"


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    pool = Passwords(CHEAP)
    yield pool
    pool.close()


@pytest.mark.parametrize(
    "text", ["correct horse battery", " ", "", "pä\u0308ss\0wörd🗝", "x" * 1024]
)
async def test_a_password_is_verified_as_it_was_typed(passwords: Passwords, text: str) -> None:
    stored = await passwords.hash(text)
    assert stored.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert await passwords.verify(stored, text) == Verdict(ok=True, needs_rehash=False)
    for other in (text + " ", text.upper() + "x", text[:-1] + "\u00e4"):
        assert await passwords.verify(stored, other) == WRONG


async def test_one_text_has_many_hashes(passwords: Passwords) -> None:
    assert await passwords.hash("same") != await passwords.hash("same")


@pytest.mark.parametrize(
    ("typed", "again"),
    [
        ("\u00fcber den Flu\u00df", "u\u0308ber den Flu\u00df"),
        ("u\u0308ber", "\u00fcber"),
        ("\uac00 \ubc2d", unicodedata.normalize("NFD", "\uac00 \ubc2d")),
        ("q\u0323\u0307", "q\u0307\u0323"),
        ("with\u00a0a\u3000space", "with a space"),
        ("\u212b", "\u00c5"),
    ],
)
async def test_K7_a_password_is_the_same_on_whichever_machine_it_is_typed(
    passwords: Passwords, typed: str, again: str
) -> None:
    stored = await passwords.hash(typed)
    for text in (typed, again):
        assert await passwords.verify(stored, text) == Verdict(ok=True, needs_rehash=False)
    for other in (typed.upper() + "x", typed + "\u0308", typed[1:]):
        assert not (await passwords.verify(stored, other)).ok


@pytest.mark.parametrize("text", ["\uff41\uff42 wide", "\ufb01 ligature", "\u00b2", "A\ta"])
async def test_K7_what_looks_alike_is_not_the_same(passwords: Passwords, text: str) -> None:
    """NFC, not NFKC: width and ligatures stay, so does case."""
    folded = unicodedata.normalize("NFKC", text).replace("\t", " ")
    assert not (await passwords.verify(await passwords.hash(text), folded)).ok
    assert not (await passwords.verify(await passwords.hash(text), text.swapcase() + ".")).ok


@pytest.mark.parametrize("raw", ["u\u0308ber", "\u212b", "a\u00a0b", "q\u0307\u0323"])
async def test_K7_a_hash_of_what_was_typed_is_found_and_wants_to_be_made_anew(
    passwords: Passwords, raw: str
) -> None:
    """Porta 1.x hashed the bytes as they came."""
    old = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(raw)
    assert await passwords.verify(old, raw) == Verdict(ok=True, needs_rehash=True)
    renewed = await passwords.hash(raw, instead_of=old)
    assert await passwords.verify(renewed, raw) == Verdict(ok=True, needs_rehash=False)
    assert (await passwords.verify(renewed, normal_form(raw))).ok


async def test_K7_the_second_try_tells_no_account_from_another(
    passwords: Passwords, hashed: list[Parameters], monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many comparisons there are depends on what was typed, whoever is asked for."""
    verify = PasswordHasher.verify

    def watched(self: PasswordHasher, stored: str, raw: bytes) -> bool:
        try:
            return bool(verify(self, stored, raw))
        finally:
            hashed.append(Parameters(self.memory_cost, self.time_cost, self.parallelism))

    known = await passwords.hash("right")
    old = PasswordHasher(time_cost=1, memory_cost=128, parallelism=1).hash("right")
    monkeypatch.setattr(PasswordHasher, "verify", watched)
    passwords.expect([("a", "m=128,t=1,p=1")])
    for typed, times in (("wrong", 1), ("wr\u00f6ng", 1), ("wro\u0308ng", 2), ("a\u00a0b", 2)):
        for stored in (known, old, None, "$2b$12$none", known[:-3] + "$"):
            hashed.clear()
            assert await passwords.verify(stored, typed, Asker("a")) == WRONG
            assert sorted(hashed) == sorted([CHEAP, (128, 1, 1)] * times), (typed, stored)


def test_the_default_parameters_are_those_of_owasp() -> None:
    assert DEFAULT == (19_456, 2, 1)


async def test_security_8_a_hash_of_porta_1_is_accepted_and_never_made_cheaper(
    passwords: Passwords,
) -> None:
    old = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4).hash("of old")
    assert old.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await passwords.verify(old, "of old") == Verdict(ok=True, needs_rehash=False)
    assert await passwords.verify(old, "of new") == WRONG
    renewed = await passwords.hash("of old", instead_of=old)
    assert renewed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@pytest.mark.parametrize(
    ("today", "stored", "renewed"),
    [
        ((64, 2, 1), (64, 1, 1), True),
        ((64, 2, 1), (128, 1, 1), False),
        ((64, 2, 1), (32, 2, 1), True),
        ((64, 2, 1), (64, 2, 4), False),
        ((64, 2, 1), (64, 3, 1), False),
        ((512, 1, 1), (64, 4, 1), True),
    ],
)
async def test_security_8_a_hash_is_made_anew_upwards_only(
    today: tuple[int, int, int], stored: tuple[int, int, int], renewed: bool
) -> None:
    memory, passes, lanes = stored
    old = PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=lanes).hash("right")
    pool = Passwords(Parameters(*today))
    assert await pool.verify(old, "right") == Verdict(ok=True, needs_rehash=renewed)
    fresh = await pool.hash("right", instead_of=old)
    assert (f"m={today[0]},t={today[1]},p={today[2]}" in fresh) == (
        renewed or Parameters(*today).work == Parameters(*stored).work
    )
    pool.close()


async def test_security_8_a_short_salt_or_digest_is_made_anew(passwords: Passwords) -> None:
    for salt, digest in ((8, 32), (16, 16)):
        hasher = PasswordHasher(1, 64, 1, hash_len=digest, salt_len=salt)
        verdict = await passwords.verify(hasher.hash("right"), "right")
        assert verdict == Verdict(ok=True, needs_rehash=True)


@pytest.mark.parametrize(
    ("memory", "passes", "lanes", "dear"),
    [
        (MAX_MEMORY_KIB, MAX_PASSES, MAX_LANES, False),
        (65_536, 3, 4, False),
        (MAX_MEMORY_KIB + 1, 1, 1, True),
        (262_144, 4, 1, True),
        (64, MAX_PASSES + 1, 1, True),
        (64, 1, MAX_LANES + 1, True),
        (1_048_576, 8, 1, True),
    ],
)
def test_security_8_what_is_beyond_our_bounds(
    memory: int, passes: int, lanes: int, dear: bool
) -> None:
    assert is_too_dear(f"$argon2id$v=19$m={memory},t={passes},p={lanes}$AAAA$AAAA") == dear


@pytest.mark.parametrize("stored", [None, "", "$2b$12$x", "$argon2i$v=19$m=999999,t=1,p=1$a$a"])
def test_what_is_no_hash_of_ours_is_not_dear(stored: str | None) -> None:
    assert not is_too_dear(stored)


@pytest.mark.parametrize(
    "stored",
    [
        None,
        "",
        "plain",
        "$argon2id$",
        "$argon2id$v=19$m=x,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAA",
        "$2b$12$KIXabcdefghijklmnopqrstuv",
        "$argon2id$v=19$m=65537,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=5,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=1,p=5$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=4194304,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=1000,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=1024,t=1,p=99$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
    ],
)
async def test_what_cannot_be_verified_is_wrong_and_costs_a_hash(
    passwords: Passwords, stored: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    argon2 = StandIn(waits=False)
    monkeypatch.setattr(module, "_hasher", lambda _: argon2)
    assert await passwords.verify(stored, "x") == WRONG
    assert argon2.begun == [b"x"]


OLD = ["m=128,t=1,p=1", "m=64,t=2,p=1", "m=64,t=1,p=2", "m=256,t=1,p=1", "m=512,t=1,p=1"]


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Parameters]:
    """Return the costs of the hashes that are computed in vain."""
    costs: list[Parameters] = []
    hash = PasswordHasher.hash

    def watched(self: PasswordHasher, text: bytes) -> str:
        costs.append(Parameters(self.memory_cost, self.time_cost, self.parallelism))
        return hash(self, text)

    monkeypatch.setattr(PasswordHasher, "hash", watched)
    return costs


async def test_a_failure_costs_one_hash_of_each_kind_that_is_stored(
    passwords: Passwords, hashed: list[Parameters]
) -> None:
    passwords.expect([("", OLD[0]), ("", "m=64,t=1,p=1"), ("", OLD[0])])
    assert await passwords.verify(None, "x") == WRONG
    assert hashed == [CHEAP, (128, 1, 1)]
    old = PasswordHasher(time_cost=1, memory_cost=128, parallelism=1).hash("right")
    hashed.clear()
    assert await passwords.verify(old, "wrong") == WRONG
    assert hashed == [CHEAP], "the other one was compared"
    hashed.clear()
    assert (await passwords.verify(old, "right")).ok
    assert hashed == []


async def test_a_kind_that_is_met_is_known_from_then_on(
    passwords: Passwords, hashed: list[Parameters]
) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=128, parallelism=1).hash("right")
    hashed.clear()
    for _ in range(2):
        assert await passwords.verify(old, "wrong") == WRONG
    assert hashed == [CHEAP] * 2
    await passwords.verify(None, "x")
    assert hashed[2:] == [CHEAP, (128, 1, 1)]


async def test_security_8_no_organization_pays_for_the_hashes_of_another(
    passwords: Passwords, hashed: list[Parameters]
) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=128, parallelism=1).hash("right")
    passwords.expect([("a", OLD[1])])
    await passwords.verify(old, "wrong", Asker("b"))
    for organization, others in (("a", [(64, 2, 1)]), ("b", [(128, 1, 1)]), ("c", [])):
        hashed.clear()
        assert await passwords.verify(None, "x", Asker(organization)) == WRONG
        assert hashed == [CHEAP, *others]


async def test_security_8_what_is_stored_no_more_is_paid_for_no_more(
    passwords: Passwords, hashed: list[Parameters]
) -> None:
    passwords.expect([("a", OLD[0]), ("b", OLD[1])])
    passwords.expect([("b", OLD[1])])
    for organization, others in (("a", []), ("b", [(64, 2, 1)])):
        hashed.clear()
        await passwords.verify(None, "x", Asker(organization))
        assert hashed == [CHEAP, *others]


async def test_security_8_a_hash_beyond_our_bounds_costs_nobody_anything(
    passwords: Passwords, hashed: list[Parameters]
) -> None:
    dear = "$argon2id$v=19$m=262144,t=4,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"
    passwords.expect([("a", "m=262144,t=4,p=1"), ("a", "m=1048576,t=16,p=1")])
    for stored in (dear, None, dear):
        hashed.clear()
        assert await passwords.verify(stored, "x", Asker("a")) == WRONG
        assert hashed == [CHEAP]


async def test_so_many_kinds_are_paid_for_and_no_more(
    passwords: Passwords, hashed: list[Parameters]
) -> None:
    passwords.expect(("", cost) for cost in OLD)
    await passwords.verify(None, "x")
    assert len(hashed) == 1 + MAX_COSTS
    assert (512, 1, 1) not in hashed, "those that come first occur most often"


@pytest.mark.parametrize(
    "cost", ["", "m=1,t=1,p=1", "m=64,t=0,p=1", "m=64,t=1,p=0", "m=64", "m=x,t=1,p=1", "x,y,z",
             "m=4194304,t=1,p=1", "m=64,t=1000,p=1", "m=1024,t=1,p=99"],
)  # fmt: skip
async def test_a_kind_that_no_hash_can_have_is_paid_for_by_nobody(
    passwords: Passwords, hashed: list[Parameters], cost: str
) -> None:
    passwords.expect([("", cost)])
    assert await passwords.verify(None, "x") == WRONG
    assert hashed == [CHEAP]


async def test_a_kind_that_this_machine_cannot_hash_refuses_nobody(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords.expect([("", OLD[0])])
    hash = PasswordHasher.hash

    def without_memory(self: PasswordHasher, text: bytes) -> str:
        if self.memory_cost == 128:
            raise HashingError("Memory allocation error")
        return hash(self, text)

    monkeypatch.setattr(PasswordHasher, "hash", without_memory)
    assert await passwords.verify(None, "x") == WRONG


async def test_other_kinds_of_argon2_are_refused(passwords: Passwords) -> None:
    for kind in (Type.I, Type.D):
        stored = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1, type=kind).hash("x")
        assert await passwords.verify(stored, "x") == WRONG


@pytest.mark.parametrize(
    "stored",
    [
        "$argon2id$v=19$m=1,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=1,p=1$$",
        "$argon2id$v=19$m=64,t=1,p=1$é$é",
    ],
)
async def test_a_hash_that_argon2_itself_refuses_is_wrong(
    passwords: Passwords, stored: str
) -> None:
    assert await passwords.verify(stored, "x") == WRONG


async def test_an_unknown_person_costs_what_a_known_one_costs() -> None:
    """In time of the processor: that of the clock is at the mercy of the neighbours."""
    pool = Passwords(DEFAULT, workers=1)
    stored = await pool.hash("right")
    times: dict[str | None, list[float]] = {stored: [], None: []}
    for _ in range(6):
        for known, taken in times.items():
            begin = time.process_time()
            await pool.verify(known, "wrong")
            taken.append(time.process_time() - begin)
    pool.close()
    assert 0.5 < min(times[None]) / min(times[stored]) < 2


@pytest.mark.parametrize("text", ["x" * 1025, "é" * 513, "\ud800"])
async def test_too_much_and_no_unicode_are_refused_before_any_work(
    passwords: Passwords, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_hasher", None)
    with pytest.raises(WeakPassword):
        await passwords.hash(text)
    assert await passwords.verify("$argon2id$", text) == WRONG
    assert await passwords.verify(None, text) == WRONG


async def test_a_full_queue_refuses_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Passwords(CHEAP, workers=1, queue=2)
    argon2 = StandIn()
    monkeypatch.setattr(module, "_hasher", lambda _: argon2)
    running = [asyncio.create_task(pool.hash(str(n))) for n in range(3)]
    await asyncio.sleep(0.05)
    for refused in (pool.hash("no"), pool.verify(None, "no")):
        with pytest.raises(Unavailable) as raised:
            await refused
        assert raised.value.retry_after == 1
    argon2.gate.set()
    assert await asyncio.gather(*running) == ["done"] * 3
    assert await pool.hash("room again") == "done"
    assert b"no" not in argon2.begun
    pool.close()


async def test_whoever_goes_away_leaves_no_hole_in_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool = Passwords(CHEAP, workers=1, queue=1)
    argon2 = StandIn()
    monkeypatch.setattr(module, "_hasher", lambda _: argon2)
    running, waiting = (asyncio.create_task(pool.hash("x")) for _ in range(2))

    async def begun() -> bool:
        return argon2.begun == [b"x"]

    await eventually(begun)
    running.cancel()
    waiting.cancel()
    await asyncio.gather(running, waiting, return_exceptions=True)
    # The one that runs keeps its place, the one that waited has given it back.
    third = asyncio.create_task(pool.hash("y"))
    await asyncio.sleep(0.05)
    with pytest.raises(Unavailable):
        await pool.hash("z")
    argon2.gate.set()
    assert await third == "done"
    pool.close()


async def test_the_loop_runs_on_while_a_hash_is_computed() -> None:
    pool = Passwords(DEFAULT, workers=1)
    turns = 0
    task = asyncio.create_task(pool.hash("x"))
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    pool.close()
    assert turns > 3


async def test_a_failure_inside_gives_its_place_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool = Passwords(CHEAP, workers=1, queue=0)
    monkeypatch.setattr(module, "_hasher", lambda _: StandIn(waits=False))
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await pool.hash("fails")
    assert await pool.hash("x") == "done"
    pool.close()


async def test_a_closed_pool_answers_unavailable_every_time() -> None:
    pool = Passwords(CHEAP, workers=1, queue=0)
    pool.close()
    for _ in range(3):
        with pytest.raises(Unavailable, match="stopping"):
            await pool.verify(None, "x")
