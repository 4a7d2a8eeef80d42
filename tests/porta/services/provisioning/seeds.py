"""Provisioning files for tests, and running them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from porta.security.passwords import Passwords
from porta.services.provisioning import Report, build_document, provision
from storage.models.clients import Client
from storage.router import Storage

EXAMPLES = Path(__file__).parents[4] / "examples"
NOW = 1_800_000_000.0
SECRET = "a-secret-that-was-chosen-in-the-file"


async def run(
    storage: Storage, passwords: Passwords, data: dict[str, Any], mode: Any = "merge"
) -> Report:
    document = build_document("seed", {"version": "1.0", "allow_passwords": True, **data})
    return await provision(storage, document, passwords=passwords, mode=mode, now=NOW)


async def find_client(storage: Storage, slug: str, client_id: str) -> Client:
    """Return a client of the organization of this slug, which has it."""
    organization = await storage.organizations.find_by_slug(slug)
    assert organization is not None
    client = await storage.clients.find(client_id, organization.id)
    assert client is not None
    return client


def seed(prefix: str, **organization: Any) -> dict[str, Any]:
    """A file with one of everything, under names of its own."""
    application = {
        "name": f"{prefix} CRM",
        "slug": f"{prefix}-crm",
        "permissions": [{"name": "Read", "slug": f"{prefix}:contacts:read"}],
        "roles": [{"name": "Viewer", "slug": "viewer", "permissions": [f"{prefix}:contacts:read"]}],
        "claim_definitions": [{"name": "Level", "slug": "level", "claim_type": "number"}],
        "modules": [{"name": "Deals", "slug": "deals"}],
        "clients": [
            {
                "client_id": f"{prefix}-web",
                "client_name": "Web",
                "client_type": "confidential",
                "redirect_uris": ["https://acme.test/callback"],
                "secret": {"label": "first", "value": SECRET},
            }
        ],
    }
    entry = {
        "name": f"{prefix} Inc",
        "slug": prefix,
        "api_resources": [
            {"identifier": f"https://{prefix}.test", "name": "API", "scopes": ["contacts:read"]}
        ],
        "applications": [application],
        "users": [
            {
                "email": "alice@acme.test",
                "given_name": "Alice",
                "password": "quiet-otter-paints-seven",
                "roles": [{"app": f"{prefix}-crm", "role": "viewer"}],
                "claims": [{"app": f"{prefix}-crm", "claim": "level", "value": 7}],
            }
        ],
    }
    return {"organizations": [{**entry, **organization}]}


def kinds(lines: list[Any]) -> list[str]:
    return sorted(line.kind for line in lines)


ONE_OF_EACH = sorted(
    (
        *("organization", "api_resource", "application", "client", "client_secret", "role"),
        *("permission", "claim_definition", "role_permission", "module", "user"),
        *("user_role", "claim_value"),
    )
)
