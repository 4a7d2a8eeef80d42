"""Login page: the ways in that an interaction offers, and why somebody was not signed in."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from handlers.browser_cookies import remembered
from handlers.interactions.base import InteractionHandler
from handlers.interactions.endings import shown
from handlers.pages import wait
from porta.authn import passkey_options, ways_in
from porta.authn.authenticator import LoginFailed
from porta.authn.ways_in import WaysIn
from porta.browser import open_interactions
from porta.protocol import endpoints
from porta.tenants.resolve import takes_registrations


async def show_login(
    handler: InteractionHandler,
    *,
    status: int = HTTPStatus.OK,
    email: str | None = None,
    error: str | None = None,
    retry_after: int | None = None,
    signals: str | None = None,
    mails_on: bool = True,
) -> None:
    """Show the login page; without an `email`, with that of whoever is to sign in again.

    Past a limit it leads on by mail (security F.7), unless that is not `mails_on` either.
    """
    opened = handler.opened
    if retry_after is not None:
        handler.set_header("Retry-After", retry_after)
    account = await find_account(handler) if email is None or opened.may_switch else None
    known = shown((account if email is None else email) or "")
    ways = await ways_in.find(handler.runtime, opened)
    handler.finish_step(
        "login",
        status=status,
        email=known,
        error=error if ways.has_any else "errors.login_method_disabled",
        account=account if opened.may_switch else None,
        **wait(handler, retry_after),
        by_mail=mails_on and retry_after is not None,
        lock_seconds=_lock_seconds(handler) if error == "login.error_invalid" else None,
        signals=signals,
        remember=handler.request.method == "POST" and handler.named("remember") is not None,
        is_remembered=bool(email) and email in {each.email for each in remembered(handler)},
        identifies=known is None and ways.depends_on_address,
        **_offered(handler, ways, is_refused=error is not None),
    )


async def show_refusal(
    handler: InteractionHandler,
    refusal: LoginFailed,
    email: str | None = None,
    *,
    signals: str | None = None,
) -> None:
    """Show the login page once more, to whoever was not signed in, and why."""
    await show_login(
        handler, status=refusal.status, email=email, error=refusal.message,
        retry_after=refusal.retry_after, signals=signals,
    )  # fmt: skip


async def show_stale(handler: InteractionHandler, email: str | None = None) -> None:
    """Show the login page once more, to whoever sent a form of elsewhere, or of another time."""
    await show_login(handler, status=HTTPStatus.FORBIDDEN, email=email, error="errors.csrf_invalid")


def _offered(handler: InteractionHandler, ways: WaysIn, *, is_refused: bool) -> dict[str, Any]:
    """Return what the page needs to offer the ways in, and another account beside them."""
    runtime, opened, waiting = handler.runtime, handler.opened, ways.waiting
    is_new = waiting is None and not opened.reauthenticates
    asks_again = waiting is None and opened.reauthenticates and not is_refused
    return {
        "notice": "login.reauthenticate" if asks_again and ways.takes_address else None,
        "linking": (waiting.connection.name, waiting.said) if waiting else None,
        "connections": tuple((each.id, each.name) for each in ways.connections),
        "show_password": ways.password,
        "show_passkey": ways.passkey,
        "passkey": passkey_options.of_first(runtime, opened) if ways.passkey else "",
        "show_magic_link": ways.magic_link,
        "forgot_password_url": _forgot_password_url(handler) if ways.password else None,
        "register_url": registration_url(handler) if is_new else None,
    }


def _forgot_password_url(handler: InteractionHandler) -> str | None:
    """Return where a link to another password is mailed from, where mail can be sent."""
    if handler.runtime.settings.smtp_host is None:
        return None
    return f"{handler.application.base_path}/{handler.tenant.slug}{endpoints.FORGOT_PASSWORD}"


def registration_url(handler: InteractionHandler) -> str | None:
    """Return where people make an account for themselves, where they may."""
    if not takes_registrations(handler.runtime, handler.tenant):
        return None
    return f"{handler.application.base_path}/{handler.tenant.slug}{endpoints.REGISTRATION}"


async def find_account(handler: InteractionHandler) -> str | None:
    """Return who is to sign in again, unless the client hints at somebody else."""
    opened = handler.opened
    if not opened.reauthenticates:
        return None
    account = await open_interactions.signed_in_as(handler.runtime, opened)
    hint = opened.interaction.parameters.get("login_hint")
    return account if hint in (None, account) else None


def _lock_seconds(handler: InteractionHandler) -> int | None:
    """Return how long a lock lasts at most, whoever is asked about: told of no account, so that
    it can be told of each (security F.4).
    """
    config = handler.tenant.config
    return config.lockout_duration_seconds if config.max_failed_logins else None
