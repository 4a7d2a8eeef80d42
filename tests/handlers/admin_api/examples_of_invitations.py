"""Examples: invitations shown beforehand."""

from __future__ import annotations

from typing import Any

from tests.handlers.admin_api.examples import Example, example
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.world.administrators import Installation

PREVIEW = "/organizations/{organizationId}/users/invite/preview"


@example("POST", PREVIEW)
async def preview(installation: Installation) -> Example:
    home = await installation.organization()
    body = {
        "email": "New@Acme.example",
        "givenName": "Ann <i>",
        "personalMessage": "Welcome <b>aboard</b>",
        "locale": "de",
    }

    def check(answer: Any) -> None:
        letter = answer["data"]
        assert letter["subject"] == f"super@admin.example lädt Sie zu {home.name} ein"
        assert "Welcome <b>aboard</b>" in letter["text"]
        assert "Welcome &lt;b&gt;aboard" in letter["html"]
        assert f"/{home.slug}/auth/accept-invite/PREVIEW_TOKEN" in letter["text"]

    return Example({"organizationId": home.id}, body=body, check=check)


@example("POST", PREVIEW)
async def preview_for_no_address(installation: Installation) -> Example:
    home = await installation.organization()
    body = {"email": "nobody", "personalMessage": "x" * 501}

    def check(answer: Any) -> None:
        assert {each["path"] for each in answer["details"]} == {"email", "personalMessage"}

    return Example({"organizationId": home.id}, body=body, status=400, check=check)


@example("POST", PREVIEW)
async def preview_of_nobody(installation: Installation) -> Example:
    del installation
    return Example({"organizationId": NOBODY}, body={"email": "a@acme.example"}, status=404)
