"""An organization that lets people make accounts, and what is mailed to them."""

from __future__ import annotations

import re
import secrets

import httpx

from porta.runtime import Runtime
from storage.postgres.driver import Postgres
from tests import factories
from tests.world.answers import hidden_fields
from tests.world.mail import letters_for
from tests.world.passkeys import Home, furnish
from tests.world.puzzles import solve

NEW = "seven green bottles on a wall"
CHOSEN = {"given_name": "Ann", "family_name": "Lee", "password": NEW, "confirmPassword": NEW}


async def open_home(
    runtime: Runtime, registration: str = "open", *domains: str, method: str = "password"
) -> Home:
    """Add an organization in which people may register."""
    home = await furnish(runtime, method)
    changes = {"registration": registration, "registration_domains": domains}
    await runtime.storage.everywhere.organizations.update(home.id, changes)
    return home


def new_address() -> str:
    """Return an address that nobody has."""
    return f"{factories.new_id()}@people.example"


def register_path(home: Home) -> str:
    """Return where an account is asked for."""
    return f"/{home.slug}/auth/register"


def come_from_elsewhere(http: httpx.AsyncClient) -> None:
    """Let a client be one of its own network from now on."""
    parts = (secrets.randbelow(254) + 1 for _ in range(3))
    http.headers["X-Forwarded-For"] = ".".join(["10", *map(str, parts)])


async def ask(
    http: httpx.AsyncClient, path: str, email: str, *, works: bool = True
) -> httpx.Response:
    """Ask for an account, as a browser does, with scripts or without."""
    page = await http.get(path)
    form = hidden_fields(page.text) | {"email": email}
    form.pop("proof", None)
    if works:
        puzzle = re.search(r'data-puzzle="([^"]+)"', page.text)
        assert puzzle, page.text
        form["proof"] = solve(puzzle[1])
    return await http.post(path, data=form)


async def mailed_link(runtime: Runtime, pg: Postgres, email: str) -> str:
    """Return path and query of the newest link that was mailed to an address."""
    base = re.escape(runtime.settings.issuer_base_url)
    letter = (await letters_for(runtime, pg, email))[0]
    found = re.findall(rf"^{base}(/.*/auth/register/.+)$", letter.text, re.M)
    assert found, letter.text
    return str(found[0])
