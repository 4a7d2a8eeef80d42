from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher, Type
from argon2.exceptions import HashingError

from porta.errors import Invalid, Unavailable
from porta.security.passwords import (
    DEFAULT,
    MAX_BYTES,
    MAX_COSTS,
    Parameters,
    Passwords,
    Verdict,
    WeakPassword,
    check_password,
)
from tests.waiting import eventually

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


async def test_nothing_is_normalised(passwords: Passwords) -> None:
    """Hashes of Porta 1.x were made of the raw text: another form is another password."""
    stored = await passwords.hash("\u00e4")
    assert not (await passwords.verify(stored, "a\u0308")).ok


def test_the_default_parameters_are_those_of_owasp() -> None:
    assert DEFAULT == (19_456, 2, 1)


async def test_a_hash_of_porta_1_is_accepted_and_wants_to_be_made_anew(
    passwords: Passwords,
) -> None:
    old = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4).hash("of old")
    assert old.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await passwords.verify(old, "of old") == Verdict(ok=True, needs_rehash=True)
    assert await passwords.verify(old, "of new") == WRONG


@pytest.mark.parametrize(
    "stored",
    [
        None,
        "",
        "plain",
        "$argon2id$",
        "$argon2id$v=19$m=x,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAA",
        "$2b$12$KIXabcdefghijklmnopqrstuv",
        "$argon2id$v=19$m=4194304,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=1000,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=1024,t=1,p=99$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
    ],
)
async def test_what_cannot_be_verified_is_wrong_and_costs_a_hash(
    passwords: Passwords, stored: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    argon2 = StandIn(waits=False)
    monkeypatch.setattr(passwords, "_hasher", argon2)
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
    passwords.expect([OLD[0], "m=64,t=1,p=1", OLD[0]])
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


async def test_so_many_kinds_are_paid_for_and_no_more(
    passwords: Passwords, hashed: list[Parameters]
) -> None:
    passwords.expect(OLD)
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
    passwords.expect([cost])
    assert await passwords.verify(None, "x") == WRONG
    assert hashed == [CHEAP]


async def test_a_kind_that_this_machine_cannot_hash_refuses_nobody(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords.expect([OLD[0]])
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
    monkeypatch.setattr(passwords, "_hasher", None)
    with pytest.raises(WeakPassword):
        await passwords.hash(text)
    assert await passwords.verify("$argon2id$", text) == WRONG
    assert await passwords.verify(None, text) == WRONG


async def test_a_full_queue_refuses_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Passwords(CHEAP, workers=1, queue=2)
    argon2 = StandIn()
    monkeypatch.setattr(pool, "_hasher", argon2)
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
    monkeypatch.setattr(pool, "_hasher", argon2)
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
    monkeypatch.setattr(pool, "_hasher", StandIn(waits=False))
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


@pytest.mark.parametrize(
    "text",
    [
        "fifteen letters",
        "               ",
        "密码密码密码密码密码密码密码密",
        "é" * 512,
        "no composition rule here",
        "acme makes me remember otters",
        "!!!!!!!!!!!!!!!",
    ],
)
def test_a_long_password_of_any_characters_is_allowed(text: str) -> None:
    check_password(text, ["Acme", "ann@acme.example"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("fourteen chars", "too_short"),
        ("", "too_short"),
        ("é" * 513, "too_long"),
        ("a" * (MAX_BYTES + 1), "too_long"),
        ("x" * 15 + "\ud800", "too_long"),
        ("AcmeAcmeAcmeAcme", "names"),
        ("acme-corp-ann-2026!", "names"),
        ("ACME corp 1234 !!!!!!!!!", "names"),
        ("PortaPortaPortaPorta", "names"),
        ("\uff21\uff43\uff4d\uff45 acme acme 12", "names"),
        ("ann.smith@acme.example1", "names"),
        ("Strasse Straße strasse", "names"),
    ],
)
def test_a_password_that_is_guessed_first_is_refused(text: str, reason: str) -> None:
    words = ["Acme Corp", "ann.smith@acme.example", "Ann", "Straße", "of", ""]
    with pytest.raises(WeakPassword) as raised:
        check_password(text, words)
    assert raised.value.reason == reason
    assert isinstance(raised.value, Invalid)
    assert len(text) < 15 or text not in str(raised.value)


def test_beside_a_second_factor_eight_are_enough() -> None:
    check_password("8 letter", minimum=8)
    with pytest.raises(WeakPassword, match="8 characters"):
        check_password("7 lette", minimum=8)


@pytest.mark.parametrize(
    "text",
    [
        "123456789987654321",
        "1QAZ2wsx3edc4rfv",
        "passwordpasswordpassword",
        "qwertyqwertyqwe",
        "Password" * 64,
    ],
)
def test_a_common_password_is_refused_also_repeated(text: str) -> None:
    with pytest.raises(WeakPassword) as caught:
        check_password(text)
    assert caught.value.reason == "common"


@pytest.mark.parametrize("text", ["\ufdfa" * 200 + "x", "x" * 1023 + "y", "\ufdfa" * 341])
def test_what_is_long_or_grows_when_folded_is_judged_in_no_time(text: str) -> None:
    """U+FDFA folds into eighteen characters; thousands of them once took seconds."""
    begin = time.process_time()
    check_password(text)
    assert time.process_time() - begin < 1


def test_words_of_the_list_may_be_part_of_a_longer_one() -> None:
    check_password("password beside a quiet river")
