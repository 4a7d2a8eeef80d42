"""CSV cells: no spreadsheet calculates what people typed, and what is read is what was written."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porta.text import csv_cells

FORMULAS = (
    "=1+1",
    "+41 44 123",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1+1",
    "\u00a0=1",
    "\ufeff=1",
    "\u200b+1",
    "＝1+1",
    "＠x",
    "|calc",
    "%0",
    "'=1",
    '=HYPERLINK("https://evil.test","x")',
    "\x00=1",
)
HARMLESS = ("", "Ada", "a=b", "O'Neill", "'tis", "5", "ann@acme.test", 'Möbel, "fein"\nzwei', "ä-b")


def read(row: str) -> list[str]:
    (cells,) = csv.reader(io.StringIO(row, newline=""))
    return cells


@pytest.mark.parametrize("text", FORMULAS)
def test_security_J6_a_formula_is_a_text(text: str) -> None:
    (cell,) = read(csv_cells.spell_row([text]))
    assert cell == f"'{text}"
    assert csv_cells.unguard(cell) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert csv_cells.guard(text) == text
    if text:
        assert read(csv_cells.spell_row([text])) == [text]


def test_security_J6_every_text_is_quoted_so_that_no_other_divider_begins_a_cell() -> None:
    row = csv_cells.spell_row(["a;=1+1", 'b"\t=2', 7, True, None, 1.5])
    assert row == '"a;=1+1","b""\t=2",7,true,,1.5\n'


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4))
def test_any_text_comes_back(texts: list[str]) -> None:
    cells = read(csv_cells.spell_row(texts))
    assert [csv_cells.unguard(cell) for cell in cells] == texts
    assert not any(cell[:1] in "=+-@\t\r" for cell in cells if cell)
