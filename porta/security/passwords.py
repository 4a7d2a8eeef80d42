"""Passwords: Argon2id off the event loop, and what a new one must satisfy (RFC 9106, NIST 800-63B).

Passwords are hashed as they were typed, byte for byte, as Porta 1.x did: normalising them now would
lock out whoever typed another form then.
"""

from __future__ import annotations

import asyncio
import re
import threading
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import NamedTuple, TypeVar

from argon2 import PasswordHasher, Type, extract_parameters
from argon2 import exceptions as argon2_errors

from porta.errors import Invalid, Unavailable

MAX_BYTES = 1024
"""UTF-8 bytes; a longer password is refused before any work."""
PRODUCT = "porta"

_Result = TypeVar("_Result")
MAX_MEMORY_KIB, MAX_PASSES, MAX_LANES = 1_048_576, 16, 16
"""What a stored hash may ask for: imported rows must not stop us."""
MAX_COSTS = 4
"""How many costs besides today's every failure pays for."""


class Parameters(NamedTuple):
    """The cost of a hash: memory in KiB, passes over it, lanes."""

    memory_kib: int = 19_456
    passes: int = 2
    lanes: int = 1


DEFAULT = Parameters()


class Verdict(NamedTuple):
    """Whether the password was right, and whether its hash should be made anew."""

    ok: bool
    needs_rehash: bool


class WeakPassword(Invalid):
    """A password that may not be chosen.

    `reason` is too_short, too_long, malformed, common or names.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Passwords:
    """Hashes and verifies in a bounded pool of threads with a bounded queue before it."""

    def __init__(
        self, parameters: Parameters = DEFAULT, *, workers: int = 2, queue: int = 64
    ) -> None:
        """`workers` hashes run at once and `queue` wait; each worker takes `memory_kib`."""
        self._parameters = parameters
        self._hasher = _hasher(parameters)
        # Replaced, never changed: a thread may walk through it while another one learns.
        self._others: Mapping[Parameters, PasswordHasher] = {}
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="argon2")
        self._room = threading.Semaphore(workers + queue)

    async def hash(self, text: str) -> str:
        """Return the PHC string of `text`.

        Raises Unavailable when the queue is full, and WeakPassword for what cannot be hashed.
        """
        raw = _encode(text)
        if raw is None:
            raise WeakPassword("malformed", "The password is too long or not valid Unicode.")
        return await self._run(lambda: self._hasher.hash(raw))

    async def verify(self, stored: str | None, text: str) -> Verdict:
        """Compare `text` with a stored PHC string; None stands for a person who has none.

        None, and a string that is no Argon2id hash, are wrong. Whatever is stored, a failure costs
        a hash of our parameters, and one of each others that are known to be stored: the
        comparison is one of these, the rest is computed in vain. Raises Unavailable when the queue
        is full, before anything is judged. More than MAX_BYTES are wrong at once, whoever is asked
        for.
        """
        raw = _encode(text)
        if raw is None:
            return Verdict(ok=False, needs_rehash=False)
        return await self._run(lambda: self._compare(stored, raw))

    def expect(self, costs: Iterable[str]) -> None:
        """Learn which parameters are stored (`m=65536,t=3,p=4`), those that occur most first.

        Others are learned when they are met, MAX_COSTS in all.
        """
        for cost in costs:
            if (parameters := _parameters_of(f"$argon2id$v=19${cost}$$")) is not None:
                self._learn(parameters)

    def close(self) -> None:
        """Finish what runs, drop what waits, and refuse what comes."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _compare(self, stored: str | None, raw: bytes) -> Verdict:
        paid = None
        if stored is not None and (asked := _parameters_of(stored)) is not None:
            try:
                self._hasher.verify(stored, raw)
            except argon2_errors.VerifyMismatchError:
                self._learn(asked)
                paid = asked
            except (argon2_errors.VerificationError, argon2_errors.InvalidHashError):
                pass  # Argon2 refused it before it computed anything.
            else:
                self._learn(asked)
                return Verdict(ok=True, needs_rehash=self._hasher.check_needs_rehash(stored))
        self._hash_in_vain(raw, paid)
        return Verdict(ok=False, needs_rehash=False)

    def _hash_in_vain(self, raw: bytes, paid: Parameters | None) -> None:
        """Hash with each known parameters but those that were paid for by a comparison."""
        if paid != self._parameters:
            self._hasher.hash(raw)
        for parameters, hasher in self._others.items():
            if parameters != paid:
                # What this machine has no memory for was not compared with either.
                with suppress(argon2_errors.HashingError):
                    hasher.hash(raw)

    def _learn(self, met: Parameters) -> None:
        known = self._others
        if met != self._parameters and met not in known and len(known) < MAX_COSTS:
            self._others = {**known, met: _hasher(met)}

    async def _run(self, job: Callable[[], _Result]) -> _Result:
        if not self._room.acquire(blocking=False):
            raise Unavailable("too many sign-ins at once", retry_after=1)
        try:
            future = self._executor.submit(job)
        except RuntimeError:  # The pool is closing.
            self._room.release()
            raise Unavailable("this instance is stopping", retry_after=1) from None
        # The room is the thread's, not the caller's: who goes away leaves the work behind.
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def _leave(self, _: Future[_Result]) -> None:
        self._room.release()


def check_password(text: str, words: Iterable[str] = (), *, minimum: int = 15) -> None:
    """Refuse what may not be a new password, by raising WeakPassword (NIST 800-63B-4 §3.1.1.2).

    `minimum` is in characters: 15 for a password alone, 8 beside a second factor. `words` are the
    names that an attacker would try first: of the organization, the person, the e-mail address.
    There is no rule of composition and no character is refused.
    """
    if _encode(text) is None:
        raise WeakPassword("too_long", f"Use at most {MAX_BYTES} bytes of text.")
    if len(text) < minimum:
        raise WeakPassword("too_short", f"Use at least {minimum} characters.")
    if _is_common(text):
        raise WeakPassword("common", "This password is among the first that are tried.")
    if _is_made_of(text, {PRODUCT, *words}, minimum // 2):
        raise WeakPassword("names", "Do not build the password from names.")


def _is_common(text: str) -> bool:
    """Whether it, or what it repeats, is one of the 30,000 passwords that leaked most often."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    # Folding makes up to eighteen characters of one: only what can be on the list is looked for.
    periods = range(1, min(len(folded) // 2, _longest_common()) + 1)
    period = next((n for n in periods if folded.startswith(folded[n:])), 0)
    return not {folded, folded[:period]}.isdisjoint(_common_passwords())


@cache
def _longest_common() -> int:
    return max(map(len, _common_passwords()))


@cache
def _common_passwords() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # three megabytes that a server can spare

    return frozenset(FREQUENCY_LISTS["passwords"])


def _is_made_of(text: str, words: Iterable[str], least: int) -> bool:
    """Whether fewer than `least` letters and digits remain once the words are taken out."""
    whole = rest = _letters(text)
    parts = {part for word in words for part in (word, *re.split(r"\W+", word))}
    for word in sorted(map(_letters, parts), key=len, reverse=True):
        if len(word) >= 3:  # A shorter one is a syllable, not a name.
            rest = rest.replace(word, "")
    return rest != whole and len(rest) < least


def _letters(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum())


def _encode(text: str) -> bytes | None:
    """Return UTF-8, or None for what is too long or holds a lone surrogate."""
    if len(text) > MAX_BYTES:
        return None
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        return None
    return raw if len(raw) <= MAX_BYTES else None


def _hasher(parameters: Parameters) -> PasswordHasher:
    return PasswordHasher(
        time_cost=parameters.passes,
        memory_cost=parameters.memory_kib,
        parallelism=parameters.lanes,
        type=Type.ID,
    )


def _parameters_of(stored: str) -> Parameters | None:
    """Return what an Argon2id hash asks for; None when it is none, or asks for what we refuse."""
    try:
        asked = extract_parameters(stored)
    except (argon2_errors.InvalidHashError, ValueError):
        return None
    fits = (
        stored.isascii()
        and asked.type is Type.ID
        and 1 <= asked.parallelism <= MAX_LANES
        and 8 * asked.parallelism <= asked.memory_cost <= MAX_MEMORY_KIB  # RFC 9106 §3.1
        and 1 <= asked.time_cost <= MAX_PASSES
    )
    return Parameters(asked.memory_cost, asked.time_cost, asked.parallelism) if fits else None
