"""Registration letters: a link to an address that is nobody's yet, and a word to who has it."""

from __future__ import annotations

from porta.browser import request_copies
from porta.browser.open_interactions import OpenInteraction
from porta.emails.message import Letter
from porta.pages import branding, client_brands
from porta.protocol import endpoints
from porta.protocol.clients.client_links import find_home
from porta.runtime import Runtime
from porta.tenants.tenant import Tenant
from storage.models.clients import Client
from storage.models.users import User


def write_link(
    runtime: Runtime,
    tenant: Tenant,
    email: str,
    language: str,
    token: str,
    opened: OpenInteraction | None,
) -> Letter:
    """Write the mail that leads to a new account."""
    # From the settings, whatever host was asked (requirement E.4).
    url = endpoints.absolute(tenant.issuer, endpoints.REGISTRATION_LINK, token=token)
    if opened is not None:
        url += f"?interaction={request_copies.value_of(opened.uid)}"
    minutes = tenant.config.registration_ttl // 60
    look = opened.look if opened is not None else tenant.organization
    return runtime.post.emails.write(
        "registration", look, language, email=email, url=url, minutes=minutes
    )


def write_known(
    runtime: Runtime, tenant: Tenant, user: User, client: Client | None, *, has_password: bool
) -> Letter:
    """Write that there is an account already, and how one gets in."""
    look = client_brands.dress(tenant.organization, client)
    brand = branding.brand(look)
    home = find_home(client) if client is not None else None
    reset_url = endpoints.absolute(tenant.issuer, endpoints.FORGOT_PASSWORD)
    return runtime.post.emails.write(
        "account_exists",
        look,
        user.locale,
        name=user.given_name,
        email=user.email,
        client_name=client.client_name if client is not None and home else None,
        url=home or brand.home_url or tenant.issuer,
        reset_url=reset_url if has_password else None,
    )
