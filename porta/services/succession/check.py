"""Check of a succession: every finding at a database and in the environment, the worst first."""

from __future__ import annotations

from porta.security.encryption import EncryptionKeys
from porta.services.succession import environment, judged
from porta.services.succession.finding import Finding, Severity
from porta.services.succession.rows import RULES
from storage.postgres import migration_books
from storage.postgres.migration_lock import opened
from storage.repositories.differences import Differences

_ORDER = list(Severity)


async def find(dsn: str, encryption_keys: EncryptionKeys) -> list[Finding]:
    """Return what will differ, or differs, from Porta 1.x; nothing is written.

    `encryption_keys` are what the signing keys may be encrypted with; none where that is unknown.
    """
    async with opened(dsn) as connection, connection.transaction():
        differences = Differences(connection)
        await differences.freeze()
        found = [each for rule in RULES for each in rule.found(await differences.meet(rule.key))]
        found += judged.judge_clients(await differences.clients())
        found += judged.judge_config(await differences.config())
        found += judged.judge_passwords(await differences.meet("password_costs"))
        found += judged.judge_keys(
            await differences.signing_keys(),
            encryption_keys,
            migrated=await migration_books.keeps_our_books(connection),
        )
    found += environment.judge_environment() + environment.judge_pages()
    return sorted(found, key=lambda each: _ORDER.index(each.severity))
