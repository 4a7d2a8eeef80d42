"""Identities of a person over the Admin API: what ends with them, and whom nobody touches."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from porta.runtime import Runtime
from storage.postgres.driver import Postgres
from tests.handlers.admin_api.examples_of_identities import with_identity
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.world.administrators import Installation, bearer
from tests.world.mail import letters_to


def _url(path: dict[str, str]) -> str:
    return f"/organizations/{path['organizationId']}/users/{path['userId']}/identities"


async def test_one_is_taken_away_also_where_it_was_the_only_way_in(
    api: httpx.AsyncClient, installation: Installation, runtime: Runtime, pg: Postgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(runtime, "post", replace(runtime.post, is_sent=True))
    path = await with_identity(installation)
    gone = await api.delete(f"{_url(path)}/{path['identityId']}")
    assert gone.status_code == 204
    assert (await api.get(_url(path))).json() == {"data": [], "total": 0}
    assert (await api.delete(f"{_url(path)}/{path['identityId']}")).status_code == 404
    (letter,) = await letters_to(runtime, pg, path["userId"])
    assert "ada@people.example at Workforce can no longer sign in" in letter.text
    url = f"{_url(path).removesuffix('identities')}history"
    (happened, *_) = (await api.get(url)).json()["data"]
    assert (happened["eventType"], happened["actorId"]) == (
        "user.identity.unlinked",
        installation.made.user.id,
    )
    assert "connection_id" in happened["metadata"]


async def test_nobody_takes_their_own_or_those_of_who_may_more(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    admin, strong = [
        await installation.person(role) for role in ("porta-user-admin", "porta-super-admin")
    ]
    headers = bearer(await installation.token(admin))
    for person in (admin, strong, installation.made.user):
        home = {"organizationId": installation.admin_id, "userId": person.id}
        refused = await api.delete(f"{_url(home)}/{NOBODY}", headers=headers)
        assert refused.status_code == 403, person.email
