"""Examples: second factors of one person."""

from __future__ import annotations

from typing import Any

from tests.handlers.admin_api.examples import Example, example
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.world.administrators import Installation

_BASE = "/organizations/{organizationId}/users/{userId}/two-factor"
_CHANGES = ("disable", "reset", "recovery-codes/regenerate")
ENROL = """
    WITH person AS (
        UPDATE users SET two_factor_enabled = TRUE, two_factor_method = 'totp' WHERE id = %(id)s
        RETURNING id
    ), totp AS (
        INSERT INTO user_totp (user_id, encrypted_secret, encryption_iv, encryption_tag, verified)
        SELECT id, 'x', 'x', 'x', TRUE FROM person
    )
    INSERT INTO two_factor_recovery_codes (user_id, code_hash)
    SELECT id, 'h' || n FROM person, generate_series(1, 3) n
"""


async def enrolled(installation: Installation) -> dict[str, str]:
    """Return the path of a person who has a second factor."""
    path = await unenrolled(installation)
    await installation.execute(ENROL, id=path["userId"])
    return path


async def unenrolled(installation: Installation) -> dict[str, str]:
    """Return the path of a person who has none."""
    home = await installation.organization()
    person = await installation.person(organization_id=home.id)
    return {"organizationId": home.id, "userId": person.id}


@example("GET", f"{_BASE}/status")
async def read_status(installation: Installation) -> Example:
    wanted = {
        "enabled": True, "method": "totp", "totpConfigured": True, "recoveryCodesRemaining": 3,
        "passkeys": 0,
    }  # fmt: skip

    def check(body: Any) -> None:
        assert body == {"data": wanted}

    return Example(await enrolled(installation), check=check)


@example("GET", f"{_BASE}/status")
async def read_status_of_nobody(installation: Installation) -> Example:
    home = await installation.organization()
    return Example({"organizationId": home.id, "userId": NOBODY}, status=404)


async def _change(installation: Installation) -> Example:
    return Example(await enrolled(installation), body={})


async def _change_nothing(installation: Installation) -> Example:
    def check(body: Any) -> None:
        assert body["error"] == "Two-factor authentication is not enabled for this user"

    return Example(await unenrolled(installation), body={}, status=400, check=check)


async def _change_elsewhere(installation: Installation) -> Example:
    """Porta 1.x compared the organization here, and nowhere else."""
    path = await enrolled(installation)
    other = await installation.organization()
    return Example({**path, "organizationId": other.id}, body={}, status=404)


for _name in _CHANGES:
    for _make in (_change, _change_nothing, _change_elsewhere):
        example("POST", f"{_BASE}/{_name}")(_make)
