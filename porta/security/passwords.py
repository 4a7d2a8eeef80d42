"""Password hashes: Argon2id off the event loop, within bounds (RFC 9106).

What is hashed is the normal form of a password (`password_text`); what was hashed as it was typed,
by Porta 1.x, is found by a second comparison.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from argon2 import PasswordHasher, Type, extract_parameters
from argon2 import exceptions as argon2_errors
from argon2.low_level import ARGON2_VERSION

from porta.limits.fair_queue import Asker, FairQueue
from porta.security.password_rules import WeakPassword
from porta.security.password_text import spellings

MAX_MEMORY_KIB, MAX_PASSES, MAX_LANES = 65_536, 4, 4
"""The dearest hash that is verified; that of Porta 1.x is within it. What costs more needs a reset:
one row must not set the price of everybody's sign-in."""
MAX_COSTS = 4
"""How many costs besides today's every failure at an organization pays for."""
NOBODY = Asker()
# Salts of 8 bytes and more, as RFC 9106 §3.1 asks for, and tags of 16 and more.
_PHC = re.compile(
    r"\$argon2id\$v=19\$m=[0-9]+,t=[0-9]+,p=[0-9]+\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}"
)


class Parameters(NamedTuple):
    """The cost of a hash: memory in KiB, passes over it, lanes."""

    memory_kib: int = 19_456
    passes: int = 2
    lanes: int = 1

    @property
    def work(self) -> int:
        """How much is computed, in KiB that are filled."""
        return self.memory_kib * self.passes


DEFAULT = Parameters()


@dataclass(frozen=True, slots=True)
class Hashed:
    """A text that was hashed before a transaction began, in which it is to be kept."""

    text: str = field(repr=False)
    hash: str = field(repr=False)
    """A PHC string."""


class Verdict(NamedTuple):
    """Whether the password was right, and whether its hash should be made anew."""

    ok: bool
    needs_rehash: bool


_WRONG = Verdict(ok=False, needs_rehash=False)


class Passwords:
    """Hashes and verifies in a bounded pool of threads, with a fair queue before it."""

    def __init__(
        self, parameters: Parameters = DEFAULT, *, workers: int = 2, queue: int = 64
    ) -> None:
        """`workers` hashes run at once and `queue` wait; each worker takes `memory_kib`."""
        self._parameters = parameters
        self._queue = FairQueue(workers=workers, waiting=queue, name="argon2")
        # By organization. Values are replaced, never changed: a thread may walk through one.
        self._others: dict[str, tuple[Parameters, ...]] = {}

    @property
    def cost(self) -> str:
        """What a hash of today asks for, as a PHC string has it."""
        memory_kib, passes, lanes = self._parameters
        return f"m={memory_kib},t={passes},p={lanes}"

    def check_room(self, asker: Asker) -> None:
        """Raise Unavailable where there is no room for `asker` now, before anything is done."""
        self._queue.check_room(asker)

    async def hash(self, text: str, asker: Asker = NOBODY, *, instead_of: str | None = None) -> str:
        """Return the PHC string of `text`: of our cost, or that of the hash it stands `instead_of`
        where that is higher.

        Raises Unavailable when there is no room, and WeakPassword for what cannot be hashed.
        """
        raws = spellings(text)
        if not raws:
            raise WeakPassword("malformed", "The password is too long or not valid Unicode.")
        before = _parameters_of(instead_of) if instead_of is not None else None
        chosen = max((self._parameters, before or self._parameters), key=lambda each: each.work)
        return await self._queue.run(lambda: _hasher(chosen).hash(raws[0]), asker)

    async def hashed(self, text: str, asker: Asker = NOBODY) -> Hashed:
        """Return `text` with what `hash` makes of it. Raises as that does."""
        return Hashed(text, await self.hash(text, asker))

    async def verify(self, stored: str | None, text: str, asker: Asker = NOBODY) -> Verdict:
        """Compare `text` with a stored PHC string; None stands for a person who has none.

        None, and a string that is no Argon2id hash within our bounds, are wrong. Whatever is
        stored, a failure costs a hash of our parameters, and one of each others that are known to
        be stored at the organization, for each spelling of what was typed: the comparisons are
        among these, the rest is computed in vain. Raises Unavailable when there is no room, before
        anything is judged. More than MAX_BYTES are wrong at once, whoever is asked for.
        """
        raws = spellings(text)
        if not raws:
            return _WRONG
        return await self._queue.run(lambda: self._compare(stored, raws, asker.tenant), asker)

    def expect(self, costs: Iterable[tuple[str, str]]) -> None:
        """Know what is stored: organizations and costs (`m=65536,t=3,p=4`), the most frequent
        first. What was known before is forgotten; what is met is learned, at its organization
        only, up to MAX_COSTS.
        """
        self._others = {}
        for organization, cost in costs:
            if (parameters := _parameters_of(_example(cost))) is not None:
                self._learn(organization, parameters)

    def close(self) -> None:
        """Finish what runs, and refuse what waits and what comes."""
        self._queue.close()

    def _compare(self, stored: str | None, raws: Sequence[bytes], organization: str) -> Verdict:
        asked = _parameters_of(stored) if stored is not None else None
        for raw in raws:
            paid = None
            if stored is not None and asked is not None:
                try:
                    _hasher(asked).verify(stored, raw)
                except argon2_errors.VerifyMismatchError:
                    self._learn(organization, asked)
                    paid = asked
                except (argon2_errors.VerificationError, argon2_errors.InvalidHashError):
                    asked = None  # Argon2 refused it before it computed anything.
                else:
                    self._learn(organization, asked)
                    return Verdict(ok=True, needs_rehash=raw != raws[0] or self._is_old(stored))
            self._hash_in_vain(raw, paid, organization)
        return _WRONG

    def _hash_in_vain(self, raw: bytes, paid: Parameters | None, organization: str) -> None:
        """Hash with each known parameters but those that were paid for by a comparison."""
        if paid != self._parameters:
            _hasher(self._parameters).hash(raw)
        for parameters in self._others.get(organization, ()):
            if parameters != paid:
                # What this machine has no memory for was not compared with either.
                with suppress(argon2_errors.HashingError):
                    _hasher(parameters).hash(raw)

    def _learn(self, organization: str, met: Parameters) -> None:
        known = self._others.get(organization, ())
        if met != self._parameters and met not in known and len(known) < MAX_COSTS:
            self._others[organization] = (*known, met)

    def _is_old(self, stored: str) -> bool:
        """Whether a hash is weaker than one of today: it is made anew upwards only."""
        asked, today = extract_parameters(stored), _hasher(self._parameters)
        return (
            asked.memory_cost * asked.time_cost < self._parameters.work
            or asked.version < ARGON2_VERSION
            or asked.salt_len < today.salt_len
            or asked.hash_len < today.hash_len
        )


def is_too_dear(stored: str | None) -> bool:
    """Whether `stored` is an Argon2id hash beyond our bounds, which only a reset replaces."""
    if stored is None or _parameters_of(stored) is not None:
        return False
    try:
        return stored.isascii() and extract_parameters(stored).type is Type.ID
    except (argon2_errors.InvalidHashError, ValueError):
        return False


def find_hash_problem(stored: str) -> str | None:
    """Return why a hash that was made elsewhere would never verify, or None."""
    if _parameters_of(stored) is None or not _PHC.fullmatch(stored):
        return (
            "must be an Argon2id hash (a PHC string, version 19) of at most"
            f" {MAX_MEMORY_KIB} KiB, {MAX_PASSES} passes and {MAX_LANES} lanes"
        )
    return None


def is_dear_cost(cost: str) -> bool:
    """As `is_too_dear`, for a cost (`m=65536,t=3,p=4`)."""
    return is_too_dear(_example(cost))


def _example(cost: str) -> str:
    """Return a hash of this cost, of nothing."""
    return f"$argon2id$v=19${cost}$$"


@lru_cache(maxsize=64)
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
