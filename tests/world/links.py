"""Mailed links: read from the queue as their worker would, and pressed as a person does."""

from __future__ import annotations

import re

import httpx

from porta.runtime import Runtime
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests import factories
from tests.world.answers import hidden_fields
from tests.world.house import PASSWORD
from tests.world.mail import letters_to


async def person(runtime: Runtime, slug: str = "acme", **fields: object) -> User:
    """Add somebody who signs in with PASSWORD."""
    home = await runtime.storage.everywhere.organizations.find_by_slug(slug)
    assert home is not None
    hashed = {"password_hash": await runtime.passwords.hash(PASSWORD)}
    id = factories.new_id()
    user = factories.user(
        id=id, organization_id=home.id, email=f"{id}@acme.example", **(hashed | fields)
    )
    await runtime.storage.everywhere.users.insert(user)
    return user


async def mailed_links(runtime: Runtime, pg: Postgres, user: User) -> list[str]:
    """Return path and query of the links that were mailed to a person, the newest first."""
    base = re.escape(runtime.settings.issuer_base_url)
    letters = await letters_to(runtime, pg, user.id)
    found = [re.findall(rf"^{base}(/.*/auth/.+/.+)$", each.text, re.M) for each in letters]
    return [links[0] for links in found if links]


async def post(http: httpx.AsyncClient, link: str, **form: str) -> httpx.Response:
    """Open a link, and post the form that it shows with these values."""
    page = await http.get(link)
    return await http.post(link, data=hidden_fields(page.text) | form)


async def code_for(elsewhere: httpx.AsyncClient, link: str) -> str:
    """Say in another browser that one began to sign in, and return the code that it shows."""
    page = await post(elsewhere, link, decision="code")
    found = re.search(r"<code>([0-9]{4} [0-9]{4})</code>", page.text)
    assert found, page.text
    return found[1]


async def take_magic_links(
    runtime: Runtime, client_id: str, *methods: str, slug: str = "acme"
) -> None:
    """Have people sign in to a client by these methods; a password and a link, if none is named."""
    storage = runtime.storage.everywhere
    home = await storage.organizations.find_by_slug(slug)
    assert home is not None
    client = await storage.clients.find(client_id, home.id)
    assert client is not None
    chosen = methods or ("password", "magic_link")
    await storage.clients.update(client.id, home.id, {"login_methods": chosen})
