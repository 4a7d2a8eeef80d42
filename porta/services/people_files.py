"""People as CSV: a row each, by the columns of the export of users and of provisioning files."""

from __future__ import annotations

import csv
import io
from typing import Any

from porta.errors import Invalid, Problem
from porta.services.export_lists import EXPORTS
from porta.services.provisioning.people import UserEntry
from porta.services.user_fields import AddressPatch
from porta.text import csv_cells
from porta.text.suggestions import did_you_mean

_ADDRESS = "address_"
_APART = {"address", "roles", "claims", "password"}
_FLAGS = frozenset({"email_verified", "phone_number_verified"})
_COLUMNS = frozenset(
    {
        *(set(UserEntry.model_fields) - _APART),
        *(f"{_ADDRESS}{name}" for name in AddressPatch.model_fields),
        "roles",
    }
)
_TOLD = frozenset(EXPORTS["users"].columns) - _COLUMNS
"""What an export tells of people, and nobody sets: it is passed over."""
_WORDS = {"true": True, "false": False}


def parse_people(text: str) -> list[dict[str, Any]]:
    """Return the entries of a provisioning file that the rows say. An empty cell says nothing.

    `roles` are those of applications, `shop/clerk`, divided by spaces. Raises Invalid with the path
    of every problem: the row, from 0 on below the header, and the column.
    """
    rows = _rows(text)
    header = rows[0] if rows else []
    problems = _problems_of(header)
    people: list[dict[str, Any]] = []
    for index, row in enumerate(rows[1:]):
        if len(row) != len(header):
            problems.append(Problem(("csv", index), f"has {len(row)} cells, not {len(header)}"))
            continue
        cells = {n: csv_cells.unguard(cell) for n, cell in zip(header, row, strict=True) if cell}
        people.append(_person(index, cells, problems))
    if problems:
        raise Invalid(problems=problems)
    return people


def _rows(text: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error as error:
        raise Invalid.at("csv", message=f"is no CSV: {error}") from None


def _problems_of(header: list[str]) -> list[Problem]:
    problems = []
    for name in header:
        if name not in _COLUMNS | _TOLD:
            meant = did_you_mean(name, sorted(_COLUMNS))
            problems.append(Problem(("csv", name), f"is no column of people{meant}"))
        elif header.count(name) > 1:
            problems.append(Problem(("csv", name), "stands twice in the header"))
    if "email" not in header:
        problems.append(Problem(("csv", "email"), "is needed in the header"))
    return problems


def _person(index: int, cells: dict[str, str], problems: list[Problem]) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    for name, cell in cells.items():
        if name in _TOLD or name not in _COLUMNS:
            continue
        if name in _FLAGS:
            if cell not in _WORDS:
                problems.append(Problem(("csv", index, name), "must be true or false"))
            entry[name] = _WORDS.get(cell, False)
        elif name == "roles":
            entry["roles"] = [_role(index, each, problems) for each in cell.split()]
        elif name.startswith(_ADDRESS):
            entry.setdefault("address", {})[name.removeprefix(_ADDRESS)] = cell
        else:
            entry[name] = cell
    return entry


def _role(index: int, text: str, problems: list[Problem]) -> dict[str, str]:
    app, divider, role = text.partition("/")
    if not (app and divider and role):
        message = "must be an application and a role, like shop/clerk"
        problems.append(Problem(("csv", index, "roles"), message))
    return {"app": app, "role": role}
