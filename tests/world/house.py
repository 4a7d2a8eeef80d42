"""A furnished installation: organizations, clients and a person, on real databases."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from porta.runtime import Runtime
from porta.services import signing_keys
from storage.models.applications import Application
from storage.models.clients import Client
from storage.models.organizations import Organization
from tests import factories
from tests.factories import new_id

EMAIL = "alice@acme.example"
PASSWORD = "correct horse battery staple"
SECRET = "s" * 64
CALLBACK = "https://app.example/callback"
SPA_ORIGIN = "https://spa.example"


async def furnish(runtime: Runtime) -> None:
    """Fill an empty database. The clients of `acme` are called web, spa, desk and third."""
    storage, settings = runtime.storage.everywhere, runtime.settings
    key = settings.signing_key_encryption_keys
    await signing_keys.ensure(storage, key, ("ES256",), now=time.time(), lead=0)
    application = factories.application(name="App", slug="app")
    await storage.applications.insert(application)
    acme = await _organization(runtime, "acme", branding_company_name="Acme Ltd.")
    await _organization(runtime, "globex")
    await _organization(runtime, "suspended", status="suspended")
    await _organization(runtime, "archived", status="archived")
    await storage.users.insert(
        factories.user(
            id=new_id(),
            organization_id=acme.id,
            email=EMAIL,
            password_hash=await runtime.passwords.hash(PASSWORD),
        )
    )
    for client in (
        _client(acme, application, "web", redirect_uris=(CALLBACK,)),
        _client(
            acme, application, "spa", client_type="public", token_endpoint_auth_method="none",
            redirect_uris=(f"{SPA_ORIGIN}/callback",),
        ),
        _client(
            acme, application, "desk", application_type="native", client_type="public",
            token_endpoint_auth_method="none", redirect_uris=("http://127.0.0.1/callback",),
        ),
        _client(acme, application, "third", redirect_uris=(CALLBACK,), is_first_party=False),
    ):  # fmt: skip
        await storage.clients.insert(client)
        if client.client_type == "confidential":
            await storage.client_secrets.add(
                client.id,
                client.organization_id,
                secret_hash="-",
                secret_sha256=hashlib.sha256(SECRET.encode()).hexdigest(),
            )


async def _organization(runtime: Runtime, slug: str, **fields: Any) -> Organization:
    organization = factories.organization(
        id=new_id(), name=slug.capitalize(), slug=slug, default_login_methods=("password",),
        **fields,
    )  # fmt: skip
    await runtime.storage.everywhere.organizations.insert(organization)
    return organization


def _client(
    organization: Organization, application: Application, name: str, **fields: Any
) -> Client:
    fields = {
        "id": new_id(),
        "organization_id": organization.id,
        "application_id": application.id,
        "client_id": name,
        "client_name": name.capitalize(),
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ("authorization_code", "refresh_token", "client_credentials"),
        "post_logout_redirect_uris": ("https://app.example/bye",),
    } | fields
    return factories.client(**fields)
