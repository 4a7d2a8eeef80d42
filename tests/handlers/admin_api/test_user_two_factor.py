"""Second factors of a person over the Admin API: what ends with them, and whom nobody touches."""

from __future__ import annotations

import re

import httpx
import pytest

from porta.authn.recovery_code import MOST, to_code
from tests.handlers.admin_api.examples_of_user_two_factor import ENROL, enrolled
from tests.world.administrators import Installation, bearer

_CODES = "SELECT code_hash, used_at FROM two_factor_recovery_codes WHERE user_id = %(id)s"


def _url(path: dict[str, str], name: str) -> str:
    return f"/organizations/{path['organizationId']}/users/{path['userId']}/two-factor/{name}"


@pytest.mark.parametrize(
    ("name", "event"), [("disable", "user.2fa.disabled"), ("reset", "user.2fa.reset")]
)
async def test_all_that_stands_in_for_a_second_factor_goes_with_it(
    api: httpx.AsyncClient, installation: Installation, name: str, event: str
) -> None:
    path = await enrolled(installation)
    id = path["userId"]
    await installation.execute(
        "INSERT INTO two_factor_otp_codes (user_id, code_hash, expires_at)"
        " VALUES (%(id)s, 'x', now() + interval '1 hour')",
        id=id,
    )
    other = await enrolled(installation)
    assert (await api.post(_url(path, name))).status_code == 204
    status = (await api.get(_url(path, "status"))).json()["data"]
    assert status == {
        "enabled": False, "method": None, "totpConfigured": False, "recoveryCodesRemaining": 0,
        "passkeys": 0,
    }  # fmt: skip
    for table in ("user_totp", "two_factor_otp_codes", "two_factor_recovery_codes"):
        assert (
            await installation.fetch(f"SELECT 1 FROM {table} WHERE user_id = %(id)s", id=id) == []
        )
    assert (await api.get(_url(other, "status"))).json()["data"]["enabled"] is True
    url = f"/organizations/{path['organizationId']}/users/{id}/history"
    (told, *_) = (await api.get(url)).json()["data"]
    assert (told["eventType"], told["actorId"]) == (event, installation.made.user.id)
    assert (await api.post(_url(path, name))).status_code == 400


async def test_who_got_in_by_a_second_factor_is_out_when_it_is_taken_away(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    person = await installation.person("porta-auditor")
    await installation.execute(ENROL, id=person.id)
    token = await installation.token(person)
    assert (await api.get("/me", headers=bearer(token))).status_code == 200
    path = {"organizationId": installation.admin_id, "userId": person.id}
    assert (await api.post(_url(path, "disable"))).status_code == 204
    assert (await api.get("/me", headers=bearer(token))).status_code == 401


async def test_new_recovery_codes_are_good_and_those_before_are_gone(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    path = await enrolled(installation)
    once = {"Idempotency-Key": "codes-of-a-person"}
    answer = await api.post(_url(path, "recovery-codes/regenerate"), headers=once)
    assert answer.headers["Cache-Control"] == "no-store"
    data = answer.json()["data"]
    codes = data["recoveryCodes"]
    assert data["count"] == len(set(codes)) == 10 <= MOST
    assert all(re.fullmatch("[A-HJKMNP-Z2-9]{4}-[A-HJKMNP-Z2-9]{4}", code) for code in codes)
    stored = await installation.fetch(_CODES, id=path["userId"])
    assert len(stored) == 10
    assert all(hash.startswith("$argon2id$") and used is None for hash, used in stored)
    typed = to_code(codes[0].lower().replace("-", " "))
    assert typed is not None
    passwords = installation.runtime.passwords
    found = [await passwords.verify(str(hash), typed) for hash, _ in stored]
    assert sum(verdict.ok for verdict in found) == 1
    again = await api.post(_url(path, "recovery-codes/regenerate"), headers=once)
    assert again.json() == answer.json()  # asked twice, made once
    assert await installation.fetch(_CODES, id=path["userId"]) == stored
    kept = await installation.fetch(
        "SELECT metadata::text FROM audit_log WHERE user_id = %(id)s", id=path["userId"]
    )
    assert not any(code in str(row) for row in kept for code in codes)


@pytest.mark.parametrize("name", ["disable", "reset", "recovery-codes/regenerate"])
async def test_nobody_takes_a_second_factor_from_whom_they_may_not_touch(
    api: httpx.AsyncClient, installation: Installation, name: str
) -> None:
    """The super-admin user, an administrator of more rights, and oneself."""
    weak = await installation.person_with("admin:user:read", "admin:user:2fa")
    strong = await installation.person("porta-super-admin")
    for person in (weak, strong, installation.made.user):
        await installation.execute(ENROL, id=person.id)
    try:
        for target, token in (
            (strong, await installation.token(weak)),
            (weak, await installation.token(weak)),
            (installation.made.user, await installation.token(strong)),
            (installation.made.user, await installation.token()),
        ):
            path = {"organizationId": installation.admin_id, "userId": target.id}
            answer = await api.post(_url(path, name), headers=bearer(token))
            assert answer.status_code == 403, answer.text
            status = (await api.get(_url(path, "status"))).json()["data"]
            assert (status["enabled"], status["recoveryCodesRemaining"]) == (True, 3)
    finally:
        for person in (weak, strong, installation.made.user):
            storage = installation.runtime.storage.everywhere
            await storage.second_factors.remove(person.id, person.organization_id)
