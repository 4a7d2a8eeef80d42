"""Porta 1.x: the state in which a database of it is taken over."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from storage.postgres.statement import Executor

Seal = Callable[[str, str], tuple[str, str, str]]
"""From the kid and the PEM of a private key to ciphertext, IV and tag as Porta 1.x wrote them."""

BASELINE = 12
"""Files up to this number build what Porta 1.x built up to its migration 019."""

_LEGACY = (
    "001_extensions",
    "002_organizations",
    "003_applications",
    "004_clients",
    "005_users",
    "006_roles_permissions",
    "007_custom_claims",
    "008_config",
    "009_audit_log",
    "010_oidc_adapter",
    "011_seed",
    "012_two_factor",
    "013_client_secret_sha256",
    "014_login_methods",
    "015_signing_key_encryption",
    "016_failed_login_count",
    "017_audit_retention",
    "018_admin_api_enhancements",
    "019_invitation_details",
)
_LEGACY_OPTIONAL = "020_two_factor_admin_permission"


def find_problem(names: AbstractSet[str]) -> str | None:
    """Return why a database whose `pgmigrations` holds these `names` cannot be taken over."""
    unknown = sorted(names - {*_LEGACY, _LEGACY_OPTIONAL})
    missing = [name for name in _LEGACY if name not in names]
    if unknown:
        return f"this database was migrated by {', '.join(unknown)}, which Porta 1.x did not have"
    if missing:
        return (
            f"this database of Porta 1.x lacks {', '.join(missing)}: "
            "let Porta 1.6.1 migrate it first"
        )
    return None


_IN_THE_CLEAR = "FROM signing_keys WHERE NOT encrypted AND status <> 'revoked' ORDER BY kid"


async def keys_in_the_clear(executor: Executor) -> list[str]:
    """Return the kids of the private keys that `encrypt_keys` would encrypt."""
    return [kid for (kid,) in await executor.fetch(f"SELECT kid {_IN_THE_CLEAR}")]


async def encrypt_keys(executor: Executor, seal: Seal) -> None:
    """Encrypt the private keys that 1.x left in the clear, in a form that 1.x reads as well.

    At the adoption and never again: a key that appears in the clear later is not ours.
    """
    rows = await executor.fetch(f"SELECT kid, private_key {_IN_THE_CLEAR} FOR UPDATE")
    for kid, private_key in rows:
        ciphertext, iv, tag = seal(kid, private_key)
        await executor.execute(
            "UPDATE signing_keys SET private_key = %(ciphertext)s, private_key_iv = %(iv)s,"
            " private_key_tag = %(tag)s, encrypted = TRUE WHERE kid = %(kid)s",
            {"kid": kid, "ciphertext": ciphertext, "iv": iv, "tag": tag},
        )
