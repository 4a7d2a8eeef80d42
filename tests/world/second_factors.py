"""People with second factors, as Porta 1.x left them: encrypted and hashed in its tables."""

from __future__ import annotations

import pyotp

from porta.runtime import Runtime
from porta.security.encryption import encrypt
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests import factories
from tests.world.house import PASSWORD


async def person_with_totp(
    runtime: Runtime, pg: Postgres, *codes: str, slug: str = "acme"
) -> tuple[User, pyotp.TOTP]:
    """Add a person who has confirmed an authenticator app, and written down recovery `codes`."""
    home = await runtime.storage.everywhere.organizations.find_by_slug(slug)
    assert home is not None
    user = factories.user(
        id=factories.new_id(),
        organization_id=home.id,
        email=f"{factories.new_id()}@acme.example",
        password_hash=await runtime.passwords.hash(PASSWORD),
    )
    await runtime.storage.everywhere.users.insert(user)
    await choose(pg, user, "totp")
    secret = pyotp.random_base32()
    ciphertext, iv, tag = encrypt(secret, runtime.settings.two_factor_encryption_keys[0])
    await pg.execute(
        "INSERT INTO user_totp (user_id, encrypted_secret, encryption_iv, encryption_tag, verified)"
        " VALUES (%(id)s, %(secret)s, %(iv)s, %(tag)s, TRUE)",
        {"id": user.id, "secret": ciphertext, "iv": iv, "tag": tag},
    )
    for code in codes:
        await pg.execute(
            "INSERT INTO two_factor_recovery_codes (user_id, code_hash) VALUES (%(id)s, %(hash)s)",
            {"id": user.id, "hash": await runtime.passwords.hash(code)},
        )
    return user, pyotp.TOTP(secret)


async def choose(pg: Postgres, user: User, method: str | None) -> None:
    """Have a second factor asked of a person: `totp` or `email`; None takes it away."""
    await pg.execute(
        "UPDATE users SET two_factor_enabled = %(on)s, two_factor_method = %(method)s"
        " WHERE id = %(id)s",
        {"id": user.id, "on": method is not None, "method": method},
    )
