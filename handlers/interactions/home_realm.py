"""Home realm: the page that leads whoever has an address of a proven domain to its provider."""

from __future__ import annotations

from http import HTTPStatus

from handlers.interactions.base import InteractionHandler
from handlers.interactions.endings import shown
from handlers.pages import home_url, wait
from porta.authn.authenticator import LoginFailed
from porta.tenants.home_realms import HomeRealm


def show_home_realm(
    handler: InteractionHandler,
    realm: HomeRealm,
    email: str,
    *,
    refusal: LoginFailed | None = None,
) -> None:
    """Show where an address is at home, and another way where there may be one; `refusal` is why
    the way there does not work now.
    """
    retry_after = refusal.retry_after if refusal is not None else None
    if retry_after is not None:
        handler.set_header("Retry-After", retry_after)
    handler.finish_step(
        "home_realm",
        status=refusal.status if refusal is not None else HTTPStatus.OK,
        error=refusal.message if refusal is not None else None,
        connection=realm.connection.id,
        provider=realm.connection.name,
        domain=realm.domain,
        home_url=home_url(handler),
        email=shown(email),
        required=realm.required,
        **wait(handler, retry_after),
    )
