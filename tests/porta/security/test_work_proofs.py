"""Proof of work: what is a solution, of which puzzle, and until when."""

from __future__ import annotations

import pytest

from porta.security import work_proofs
from tests.world.puzzles import solve

KEYS, PLACE, NOW = ("k" * 40,), "/acme/auth/register u1 s1", 1_800_000_000.5
PUZZLE = work_proofs.new_puzzle(KEYS, PLACE, NOW)
PROOF = solve(PUZZLE)


def test_a_solution_is_the_puzzle_that_it_solves() -> None:
    assert work_proofs.find_solved(KEYS, PLACE, PROOF, NOW + 60) == PUZZLE
    assert work_proofs.find_solved(("n" * 40, *KEYS), PLACE, PROOF, NOW) == PUZZLE


def test_it_takes_the_work_that_is_stated() -> None:
    known = PROOF.rpartition(".")[0]
    cheap = [work_proofs.find_solved(KEYS, PLACE, f"{known}.{n}", NOW) for n in range(3000)]
    assert sum(each is not None for each in cheap) <= 3


@pytest.mark.parametrize(
    ("place", "now", "keys"),
    [
        ("/acme/auth/register u2 s1", NOW, KEYS),
        ("/acme/auth/register u1 s2", NOW, KEYS),
        ("/other/auth/register u1 s1", NOW, KEYS),
        (PLACE, NOW + work_proofs.LIFETIME + 1, KEYS),
        (PLACE, NOW - 60, KEYS),
        (PLACE, NOW, ("n" * 40,)),
    ],
)
def test_it_is_good_for_its_place_and_time(place: str, now: float, keys: tuple[str, ...]) -> None:
    assert work_proofs.find_solved(keys, place, PROOF, now) is None


_NONE = ("", "x", PUZZLE, f"{PUZZLE}.", f"{PUZZLE}.-1", f"9{PROOF[1:]}", PROOF + "0" * 20,
         "\x00" * 60, "é" * 60)  # fmt: skip


@pytest.mark.parametrize("made", _NONE, ids=range(len(_NONE)))
def test_what_is_none_is_none(made: str) -> None:
    assert work_proofs.find_solved(KEYS, PLACE, made, NOW) is None
