"""Passkeys of a person over the Admin API: what ends with them, and whom nobody touches."""

from __future__ import annotations

import httpx

from tests.handlers.admin_api.examples_of_user_passkeys import with_passkey
from tests.world.administrators import Installation, bearer


def _url(path: dict[str, str], passkey: str | None = None) -> str:
    many = f"/organizations/{path['organizationId']}/users/{path['userId']}/passkeys"
    return many if passkey is None else f"{many}/{passkey}"


async def _choose(installation: Installation, path: dict[str, str]) -> None:
    await installation.execute(
        "UPDATE users SET two_factor_enabled = TRUE, two_factor_method = 'passkey'"
        " WHERE id = %(id)s",
        id=path["userId"],
    )


async def test_what_is_renamed_is_of_another_version(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    path = await with_passkey(installation)
    url = _url(path, path["passkeyId"])
    read = await api.get(url)
    renamed = await api.patch(url, json={"name": "Key"}, headers={"If-Match": read.headers["ETag"]})
    assert (renamed.status_code, renamed.json()["data"]["name"]) == (200, "Key")
    again = await api.patch(url, json={"name": "Toy"}, headers={"If-Match": read.headers["ETag"]})
    assert again.status_code == 412
    assert (await api.get(url)).json()["data"]["name"] == "Key"


async def test_with_the_last_one_goes_the_second_factor_and_all_that_is_held(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    path = await with_passkey(installation)
    await _choose(installation, path)
    status = f"{_url(path).removesuffix('passkeys')}two-factor/status"
    told = (await api.get(status)).json()["data"]
    assert (told["enabled"], told["method"], told["passkeys"]) == (True, "passkey", 1)
    assert (await api.delete(_url(path, path["passkeyId"]))).status_code == 204
    told = (await api.get(status)).json()["data"]
    assert (told["enabled"], told["method"], told["passkeys"]) == (False, None, 0)
    assert (await api.get(_url(path))).json()["data"] == []
    assert (await api.delete(_url(path, path["passkeyId"]))).status_code == 404
    (left,) = await installation.fetch(
        "SELECT public_key = '', removed_at IS NOT NULL FROM passkeys WHERE user_id = %(id)s",
        id=path["userId"],
    )
    assert left == (True, True), "what is left opens nothing"
    url = f"{_url(path).removesuffix('passkeys')}history"
    (happened, *_) = (await api.get(url)).json()["data"]
    assert (happened["eventType"], happened["actorId"]) == (
        "user.passkey.removed",
        installation.made.user.id,
    )
    assert happened["metadata"]["passkey_id"] == path["passkeyId"]


async def test_who_got_in_by_it_is_out(api: httpx.AsyncClient, installation: Installation) -> None:
    person = await installation.person("porta-auditor")
    path = await with_passkey(installation)
    await installation.execute(
        "INSERT INTO passkey_users VALUES (%(id)s, %(org)s, %(id)s)",
        id=person.id, org=installation.admin_id,
    )  # fmt: skip
    await installation.execute(
        "UPDATE passkeys SET user_id = %(id)s, organization_id = %(org)s WHERE id = %(passkey)s",
        id=person.id, org=installation.admin_id, passkey=path["passkeyId"],
    )  # fmt: skip
    token = await installation.token(person)
    assert (await api.get("/me", headers=bearer(token))).status_code == 200
    theirs = {"organizationId": installation.admin_id, "userId": person.id}
    assert (await api.delete(_url(theirs, path["passkeyId"]))).status_code == 204
    assert (await api.get("/me", headers=bearer(token))).status_code == 401


async def test_a_second_factor_that_is_disabled_takes_passkeys_along(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    path = await with_passkey(installation)
    disable = f"{_url(path).removesuffix('passkeys')}two-factor/disable"
    assert (await api.post(disable)).status_code == 204
    assert (await api.get(_url(path))).json()["data"] == []


async def test_passkeys_are_told_of_in_what_is_kept_of_a_person(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    path = await with_passkey(installation)
    url = f"{_url(path).removesuffix('/passkeys')}/export"
    told = (await api.get(url)).json()["data"]
    assert [each["name"] for each in told["passkeys"]] == ["Phone"]
