"""Rows of every organization, as a test compares them: what is whose, and whether it changed."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from tests.handlers.admin_api.examples import Example
from tests.world.administrators import Installation

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WORDS = 8
"""Letters: what is shorter may be said by chance."""
_NAMED = """
SELECT id::text, organization_id::text FROM users
UNION ALL SELECT email::text, organization_id::text FROM users
UNION ALL SELECT id::text, organization_id::text FROM clients
UNION ALL SELECT client_id, organization_id::text FROM clients
UNION ALL SELECT id::text, organization_id::text FROM api_resources
UNION ALL SELECT id::text, organization_id::text FROM connections
UNION ALL SELECT id::text, organization_id::text FROM domains
UNION ALL SELECT s.id::text, c.organization_id::text FROM client_secrets s
    JOIN clients c ON c.id = s.client_id
UNION ALL SELECT id::text, organization_id::text FROM invitation_tokens
UNION ALL SELECT uid, organization_id::text FROM sessions
UNION ALL SELECT id::text, organization_id::text FROM jobs WHERE organization_id IS NOT NULL
UNION ALL SELECT id::text, id::text FROM organizations
UNION ALL SELECT slug, id::text FROM organizations
"""
"""What names something of an organization, and which."""
_TABLES = """
SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL(%(but)s)
"""
_OF_THE_SERVICE = (
    *("audit_log", "audit_chains", "audit_checkpoints", "audit_seals", "audit_state"),
    *("audit_unsealed", "idempotent_answers", "rate_counters", "schema_migrations"),
)
"""What is told, counted and kept of requests, whatever becomes of them."""
_DIGEST = (
    "SELECT '{table}', md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t"
)


async def names_of_others(installation: Installation, own: str) -> set[str]:
    """Return every id, slug and address of what belongs to other organizations than `own`."""
    rows = await installation.fetch(_NAMED)
    names = {str(name) for name, organization_id in rows if name and organization_id != own}
    return {name for name in names if len(name) >= _WORDS or name.isdecimal()}


async def state(installation: Installation) -> dict[str, str]:
    """Return a digest of each table that an administrator could change: a new one too."""
    tables = [str(name) for (name,) in await installation.fetch(_TABLES, but=[*_OF_THE_SERVICE])]
    digests = " UNION ALL ".join(_DIGEST.format(table=each) for each in tables)
    return {str(table): str(digest) for table, digest in await installation.fetch(digests)}


def told(text: str, names: set[str]) -> set[str]:
    """Return which of `names` an answer tells."""
    return (set(re.findall(r"[\w.@:-]+", text)) | set(_ID.findall(text))) & names


def of_nobody(made: Example, names: set[str]) -> Example:
    """Return the same request for what does not exist, wherever it names another's."""

    def twin(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: twin(each) for key, each in value.items()}
        if isinstance(value, list):
            return [twin(each) for each in value]
        if not isinstance(value, str) or value not in names:
            return value
        if _ID.fullmatch(value):
            return f"00000000-0000-4000-8000-{value[-12:]}"
        return "999999999999" if value.isdecimal() else f"x{value}"

    return replace(made, path=twin(made.path), query=twin(made.query), body=twin(made.body))
