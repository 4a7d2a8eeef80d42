"""What an administrator changes about how somebody signs in is mailed to them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from porta.runtime import Runtime
from storage.postgres.driver import Postgres
from tests.handlers.admin_api.examples_of_user_passkeys import with_passkey
from tests.world.administrators import Installation
from tests.world.mail import letters_for
from tests.world.second_factors import choose

NEW = "seven green bottles on a wall"
CHANGES: dict[str, tuple[str, str, dict[str, Any] | None, str]] = {
    "password": ("POST", "/password", {"password": NEW}, "chose another password"),
    "no password": ("DELETE", "/password", None, "removed the password"),
    "factors": ("POST", "/two-factor/disable", None, "no longer asks for a second factor"),
    "reset": ("POST", "/two-factor/reset", None, "no longer asks for a second factor"),
    "codes": ("POST", "/two-factor/recovery-codes/regenerate", None, "recovery codes"),
    "passkey": ("DELETE", "/passkeys/{passkeyId}", None, "The passkey"),
    "address": ("PATCH", "", {"email": "{new}"}, "another address"),
}
"""A request below a person, and words of the mail."""


@pytest.fixture
def mails(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "post", replace(runtime.post, is_sent=True))


@pytest.mark.parametrize("change", CHANGES)
async def test_its_owner_is_told(
    api: httpx.AsyncClient, installation: Installation, runtime: Runtime, pg: Postgres,
    mails: None, change: str,
) -> None:  # fmt: skip
    method, below, body, words = CHANGES[change]
    path = await with_passkey(installation)
    url = f"/organizations/{path['organizationId']}/users/{path['userId']}"
    user = await runtime.storage.everywhere.users.find(path["userId"])
    assert user is not None
    await choose(pg, user, "email")
    if body is not None:
        body = {name: said.format(new=f"new-{user.email}") for name, said in body.items()}
    done = await api.request(method, url + below.format_map(path), json=body)
    assert done.is_success, done.text
    (letter,) = await letters_for(runtime, pg, user.email)
    assert words in letter.text
    assert user.email in letter.text
    assert NEW not in letter.text


async def test_who_changes_nothing_about_it_tells_nobody(
    api: httpx.AsyncClient, installation: Installation, runtime: Runtime, pg: Postgres, mails: None
) -> None:
    path = await with_passkey(installation)
    url = f"/organizations/{path['organizationId']}/users/{path['userId']}"
    user = await runtime.storage.everywhere.users.find(path["userId"])
    assert user is not None
    for body in ({"nickname": "Al"}, {"email": user.email}):
        assert (await api.patch(url, json=body)).is_success
    assert await letters_for(runtime, pg, user.email) == []
