"""Pages and mails of a client's interactions wear its look; those of others never do."""

from __future__ import annotations

import re

import httpx
import pytest

from porta.runtime import Runtime
from storage.models.organizations import ClientBrand
from tests.handlers.flow import begin, csrf, parameters, sign_in
from tests.world.waiting import eventually

SHOP = ClientBrand(company_name="Shop of Acme", primary_color="#00aa44", radius=3)


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
