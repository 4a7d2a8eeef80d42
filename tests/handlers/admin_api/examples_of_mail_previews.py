"""Examples: mails of a sign-in in the look of its client."""

from __future__ import annotations

from typing import Any

from tests.handlers.admin_api.examples import Example, example
from tests.handlers.admin_api.examples_of_clients import _client
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.world.administrators import Installation

PREVIEW = "/clients/{clientId}/mail-preview"


@example("GET", PREVIEW)
async def preview(installation: Installation) -> Example:
    client = await _client(installation)
    brand = {"companyName": "Shop of Acme", "primaryColor": "#00AA44"}
    await installation.put(f"/clients/{client.id}", {"brand": brand})

    def check(body: Any) -> None:
        letter = body["data"]
        assert letter["subject"] == "Neues Passwort f\u00fcr Shop of Acme"
        assert letter["senderName"] == "Shop of Acme"
        assert "Shop of Acme" in letter["text"]
        assert "#00AA44" in letter["html"]

    query = {"mail": "password_reset", "locale": "de"}
    return Example({"clientId": client.id}, query=query, check=check)


@example("GET", PREVIEW)
async def preview_of_no_mail(installation: Installation) -> Example:
    client = await _client(installation)
    return Example({"clientId": client.id}, query={"mail": "welcome"}, status=400)


@example("GET", PREVIEW)
async def preview_of_nobody(installation: Installation) -> Example:
    del installation
    return Example({"clientId": NOBODY}, query={"mail": "otp_code"}, status=404)
