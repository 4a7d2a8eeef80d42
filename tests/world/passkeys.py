"""An organization whose people have passkeys, and a browser at its sign-in."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Any

import httpx

from porta.runtime import Runtime
from storage.models.users import User
from tests import factories
from tests.handlers.flow import csrf, parameters, submit
from tests.world.authenticators import Authenticator
from tests.world.house import CALLBACK, PASSWORD
from tests.world.served import CALLBACK as AT_HOME


@dataclass(frozen=True)
class Home:
    """An organization, one client of it, and one person."""

    id: str
    slug: str
    client_id: str
    user: User

    async def begin(self, http: httpx.AsyncClient, **more: str) -> str:
        """Send an authorization request; return the path of the interaction."""
        asked = parameters(client_id=self.client_id, **more)
        begun = await http.get(f"/{self.slug}/auth", params=asked)
        return str(begun.headers["Location"])

    async def half_way(self, http: httpx.AsyncClient) -> str:
        """Show the password; return the path of the interaction, which asks for more."""
        path = await self.begin(http)
        posted = await submit(http, path, email=self.user.email)
        assert (posted.status_code, posted.headers["Location"]) == (303, path), posted.text
        return path


async def furnish(runtime: Runtime, *methods: str, policy: str = "optional", **person: Any) -> Home:
    """Add an organization in which people sign in by `methods`."""
    storage, mark = runtime.storage.everywhere, factories.new_id()
    home = factories.organization(
        id=mark, slug=f"keys-{mark}", two_factor_policy=policy, default_login_methods=methods
    )
    await storage.organizations.insert(home)
    application = factories.application()
    await storage.applications.insert(application)
    client = factories.client(
        id=factories.new_id(), organization_id=home.id, application_id=application.id,
        client_id=f"keys-{mark}", redirect_uris=(CALLBACK, AT_HOME), client_type="public",
        token_endpoint_auth_method="none", secrets=(),
    )  # fmt: skip
    await storage.clients.insert(client)
    user = await add_person(runtime, home.id, **person)
    return Home(home.id, home.slug, client.client_id, user)


async def add_person(runtime: Runtime, organization_id: str, **person: Any) -> User:
    """Add somebody with the password of everybody."""
    mark = factories.new_id()
    values = {"email": f"{mark}@keys.example", "password_hash": None} | person
    if values["password_hash"] is None:
        values["password_hash"] = await runtime.passwords.hash(PASSWORD)
    user = factories.user(id=mark, organization_id=organization_id, **values)
    await runtime.storage.everywhere.users.insert(user)
    return user


async def give_passkey(runtime: Runtime, user: User, held: Authenticator) -> str:
    """Store what an authenticator holds as a passkey of a person; return its id."""
    from porta.authn import passkey_options
    from porta.security import passkeys

    storage = runtime.storage
    handle = await storage.passkeys.handle(
        user.id, user.organization_id, passkeys.encode(held.credential_id.ljust(32, b"h"))
    )
    ceremony = passkey_options.ceremony(runtime.settings, "QUFBQQ")
    made = held.create({
        "create": {
            "challenge": ceremony.challenge, "user": {"id": handle},
            "rp": {"id": ceremony.rp_id},
        }
    })  # fmt: skip
    new = passkeys.verify_registration(ceremony, made)
    stored = await storage.passkeys.add(user.id, user.organization_id, "Passkey", new)
    assert stored is not None
    return stored


def options_in(page: str) -> dict[str, Any]:
    """Return the options of the ceremony that a page asks for."""
    found = re.search(r'data-passkey="([^"]*)"', page)
    assert found is not None, page
    told: dict[str, Any] = json.loads(html.unescape(found[1]))
    return told


async def options_at(http: httpx.AsyncClient, path: str) -> dict[str, Any]:
    """Return the options of the page at `path`."""
    return options_in((await http.get(path)).text)


async def show(
    http: httpx.AsyncClient, path: str, credential: str, step: str = "passkey", **more: str
) -> httpx.Response:
    """Post what an authenticator answered, as the page does."""
    form = {"_csrf": await csrf(http, path), "credential": credential, **more}
    return await http.post(f"{path}/{step}", data=form)
