"""Check of a succession: every finding at a database and in the environment, the worst first."""

from __future__ import annotations

from porta.services.succession import environment, judged
from porta.services.succession.finding import Finding, Severity
from porta.services.succession.rows import RULES
from storage.postgres import migrate
from storage.postgres.migration_lock import opened
from storage.repositories.differences import Differences

_ORDER = list(Severity)


async def find(dsn: str, encryption_key: bytes | None) -> list[Finding]:
    """Return what will differ, or differs, from Porta 1.x; nothing is written.

    `encryption_key` is what the signing keys are encrypted with; None where it is not known.
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
            encryption_key,
            migrated=await migrate.keeps_our_books(connection),
        )
    found += environment.judge_environment() + environment.judge_pages()
    return sorted(found, key=lambda each: _ORDER.index(each.severity))
