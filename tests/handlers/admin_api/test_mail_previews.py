"""Mails of a sign-in as their client shows them: each there is, and nothing that is sent."""

from __future__ import annotations

from typing import get_args

import httpx
import pytest

from porta.services.mail_previews import Mail
from storage.models.organizations import ClientBrand
from tests.handlers.admin_api.examples_of_clients import _client
from tests.world.administrators import Installation

SHOP = ClientBrand(company_name="Shop of Acme", primary_color="#00aa44")


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("mail", get_args(Mail))
async def test_each_is_shown_and_none_is_sent(
    api: httpx.AsyncClient, installation: Installation, mail: str, language: str
) -> None:
    client = await _client(installation, brand=SHOP)
    before = await installation.fetch("SELECT count(*) FROM jobs WHERE kind = 'send_mail'")
    url, query = f"/clients/{client.client_id}/mail-preview", {"mail": mail, "locale": language}
    letter = (await api.get(url, params=query)).json()["data"]
    assert letter["senderName"] == "Shop of Acme"
    assert all("Shop of Acme" in letter[part] for part in ("subject", "html"))
    assert f'lang="{language}"' in letter["html"]
    assert "{" not in letter["text"]
    assert await installation.fetch("SELECT count(*) FROM jobs WHERE kind = 'send_mail'") == before


async def test_a_client_of_somebody_else_is_shown_as_people_get_it(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    client = await _client(installation, brand=SHOP, is_first_party=False)
    answer = await api.get(f"/clients/{client.id}/mail-preview", params={"mail": "magic_link"})
    assert "Shop of Acme" not in answer.text
