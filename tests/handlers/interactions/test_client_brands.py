"""Pages and mails of a client's interactions wear its look; those of others never do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from porta.config.settings import Settings
from porta.emails.message import Letter
from porta.runtime import Runtime
from porta.tenants import resolve
from storage.models.clients import Client
from storage.models.organizations import ClientBrand
from storage.postgres.driver import Postgres
from tests.handlers.flow import begin, csrf, parameters, sign_in
from tests.world.answers import hidden_fields
from tests.world.house import PASSWORD
from tests.world.links import person, post, take_magic_links
from tests.world.mail import letters_for
from tests.world.registrations import CHOSEN as JOINING
from tests.world.registrations import ask, new_address
from tests.world.second_factors import choose
from tests.world.waiting import eventually

SHOP = ClientBrand(company_name="Shop of Acme", primary_color="#00aa44", radius=3)


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """Settings of an installation that sends mail."""
    return settings.model_copy(update={"smtp_host": "mail.example"})


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def put_back(runtime: Runtime) -> AsyncIterator[None]:
    """Leave the clients, and their organization, as they were found."""
    storage = runtime.storage.everywhere
    acme = await storage.organizations.find_by_slug("acme")
    assert acme is not None
    found = [await storage.clients.find(each, acme.id) for each in ("web", "third")]
    yield
    await storage.organizations.update(acme.id, {"registration": acme.registration})
    for client in filter(None, found):
        before = {"brand": client.brand, "login_methods": client.login_methods}
        await storage.clients.update(client.id, acme.id, before)

        async def known(client: Client = client) -> bool:
            shown = await runtime.client(client.client_id, acme.id)
            return shown is not None and (
                (shown.brand, shown.login_methods) == (client.brand, client.login_methods)
            )

        await eventually(known)

    async def closed() -> bool:
        shown = (await resolve.resolve(runtime, "acme")).organization
        return shown.registration == acme.registration

    await eventually(closed)


async def _wear(runtime: Runtime, client_id: str, brand: ClientBrand | None) -> None:
    storage = runtime.storage.everywhere
    acme = await storage.organizations.find_by_slug("acme")
    assert acme is not None
    client = await storage.clients.find(client_id, acme.id)
    assert client is not None
    await storage.clients.update(client.id, acme.id, {"brand": brand})

    async def known() -> bool:
        found = await runtime.client(client_id, acme.id)
        return found is not None and found.brand == brand

    await eventually(known)


def _sheet(html: str) -> str:
    (url,) = re.findall(r'href="(/acme/branding\.css[^"]*)"', html)
    return str(url).replace("&amp;", "&")


async def test_the_sign_in_wears_the_look_of_its_client_and_another_does_not(
    http: httpx.AsyncClient, runtime: Runtime
) -> None:
    await _wear(runtime, "web", SHOP)
    page = (await http.get(await begin(http))).text
    assert "Shop of Acme" in page
    assert "Acme Ltd." not in page
    sheet = await http.get(_sheet(page))
    assert "#00aa44" in sheet.text
    assert "immutable" in sheet.headers["Cache-Control"]
    spa = (
        await http.get(
            await begin(http, client_id="spa", redirect_uri="https://spa.example/callback")
        )
    ).text
    assert "Shop of Acme" not in spa
    assert "#00aa44" not in (await http.get(_sheet(spa))).text
    await _wear(runtime, "web", None)
    assert "Acme Ltd." in (await http.get(await begin(http))).text


async def test_what_people_consent_to_never_looks_like_the_house(
    http: httpx.AsyncClient, runtime: Runtime
) -> None:
    """Whatever its row says: an administrator made it somebody else's after it had a look."""
    await _wear(runtime, "third", SHOP)
    path = await begin(http, client_id="third")
    assert "Shop of Acme" not in (await http.get(path)).text
    await sign_in(http)
    answer = await http.get("/acme/auth", params=parameters(client_id="third"))
    consent = (await http.get(answer.headers["Location"])).text
    assert "decision" in consent
    assert "Acme Ltd." in consent
    assert "Shop of Acme" not in consent
    sheet = await http.get("/acme/branding.css?client=third")
    assert "#00aa44" not in sheet.text


async def test_signing_out_of_a_client_wears_its_look(
    http: httpx.AsyncClient, runtime: Runtime
) -> None:
    await _wear(runtime, "web", SHOP)
    await sign_in(http)
    assert "Shop of Acme" in (await http.get("/acme/session/end?client_id=web")).text
    assert "Shop of Acme" not in (await http.get("/acme/session/end")).text


async def test_errors_of_an_interaction_wear_it_too(
    http: httpx.AsyncClient, runtime: Runtime
) -> None:
    await _wear(runtime, "web", SHOP)
    path = await begin(http)
    form = {"email": "x", "password": "y", "_csrf": await csrf(http, path)}
    refused = await http.post(f"{path}/login", data=form)
    assert 'role="alert"' in refused.text
    assert "Shop of Acme" in refused.text


@pytest.mark.parametrize("client", ["nobody", "", "x" * 3000, "%00", "third"])
async def test_a_style_sheet_of_no_look_is_that_of_the_organization(
    http: httpx.AsyncClient, client: str
) -> None:
    plain = (await http.get("/acme/branding.css")).text
    answer = await http.get(f"/acme/branding.css?client={client}")
    assert answer.status_code == 400 or answer.text == plain


FORGOT, REGISTER = "/acme/auth/forgot-password", "/acme/auth/register"


@pytest.mark.parametrize("begun", [True, False], ids=["at the client", "by itself"])
async def test_a_forgotten_password_wears_the_look_of_the_sign_in_that_it_interrupts(
    http: httpx.AsyncClient, runtime: Runtime, pg: Postgres, begun: bool
) -> None:
    await _wear(runtime, "web", SHOP)
    user, path = await person(runtime), await begin(http)
    page = f"{FORGOT}?interaction={path.rpartition('/')[2]}" if begun else FORGOT
    shown = await http.get(page)
    assert ("Shop of Acme" in shown.text) is begun
    await http.post(page, data=hidden_fields(shown.text) | {"email": user.email})
    (letter,) = await letters_for(runtime, pg, user.email)
    _wears(letter, worn=begun)
    link = re.search(r"/acme/auth/reset-password/\S+", letter.text)
    assert link
    assert ("Shop of Acme" in (await http.get(link[0])).text) is begun


@pytest.mark.parametrize("known", [True, False], ids=["somebody", "nobody"])
async def test_a_registration_wears_it_whoever_has_the_address(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, runtime: Runtime, pg: Postgres,
    known: bool,
) -> None:  # fmt: skip
    await _wear(runtime, "web", SHOP)
    await _take_registrations(runtime)
    email = (await person(runtime)).email if known else new_address()
    path = await begin(http)
    page = f"{REGISTER}?interaction={path.rpartition('/')[2]}"
    assert "Shop of Acme" in (await http.get(page)).text
    await ask(http, page, email, works=False)
    (letter,) = await letters_for(runtime, pg, email)
    _wears(letter, worn=True)
    if known:
        return
    link = re.search(r"/acme/auth/register/\S+", letter.text)
    assert link
    assert "Shop of Acme" in (await elsewhere.get(link[0])).text
    done = await post(elsewhere, link[0], **JOINING)
    assert "Shop of Acme" in done.text
    _wears((await letters_for(runtime, pg, email))[0], worn=True)


async def test_no_mail_looks_like_the_house_of_somebody_else(
    http: httpx.AsyncClient, runtime: Runtime, pg: Postgres
) -> None:
    await _wear(runtime, "third", SHOP)
    user, path = await person(runtime), await begin(http, client_id="third")
    page = f"{FORGOT}?interaction={path.rpartition('/')[2]}"
    form = hidden_fields((await http.get(page)).text) | {"email": user.email}
    await http.post(page, data=form)
    (letter,) = await letters_for(runtime, pg, user.email)
    _wears(letter, worn=False)


@pytest.mark.parametrize("what", ["magic link", "code"])
async def test_mails_of_the_sign_in_wear_it(
    http: httpx.AsyncClient, runtime: Runtime, pg: Postgres, what: str
) -> None:
    await _wear(runtime, "web", SHOP)
    user = await person(runtime, email_verified=True)
    if what == "code":
        await choose(pg, user, "email")
        path = await begin(http)
        form = {"email": user.email, "password": PASSWORD, "_csrf": await csrf(http, path)}
        await http.post(f"{path}/login", data=form)
    else:
        await take_magic_links(runtime, "web")
        path = await begin(http)
        form = {"email": user.email, "_csrf": await csrf(http, path)}
        await http.post(f"{path}/magic-link", data=form)
    (letter,) = await letters_for(runtime, pg, user.email)
    _wears(letter, worn=True)


def _wears(letter: Letter, *, worn: bool) -> None:
    assert (letter.sender_name == "Shop of Acme") is worn
    assert ("Shop of Acme" in letter.html) is worn
    if "display:inline-block" in letter.html:  # a button
        assert ("#00aa44" in letter.html.lower()) is worn


async def _take_registrations(runtime: Runtime) -> None:
    storage = runtime.storage.everywhere
    acme = await storage.organizations.find_by_slug("acme")
    assert acme is not None
    await storage.organizations.update(acme.id, {"registration": "open"})

    async def known() -> bool:
        return (await resolve.resolve(runtime, "acme")).organization.registration == "open"

    await eventually(known)
