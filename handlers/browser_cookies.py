"""Browser cookies at an organization: what a browser presents, and what it is handed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from handlers import cookies
from porta.browser import binding
from porta.browser.binding import Browser
from porta.browser.keepsakes import Keepsakes
from porta.security import known_browsers, remembered_accounts, trusted_devices
from porta.security.remembered_accounts import Remembered

if TYPE_CHECKING:
    from handlers.tenant import TenantHandler
    from porta.authn.progress import SignedIn


def read(handler: TenantHandler) -> Browser:
    """Return what the browser presents. What it presents twice counts for nothing, and goes."""
    jar, slug = handler.jar, handler.tenant.slug
    names = _names(handler, slug)
    for name in names:
        if cookies.is_ambiguous(jar, name):
            _take_away(handler, name)
    secret, session = (cookies.find(jar, name) for name in names)
    posted = cookies.find(jar, cookies.posted_name(slug, secure=handler.application.secure))
    keys = handler.runtime.settings.cookie_keys
    return Browser(binding.from_cookie(keys, slug, secret), session, posted)


def keep_browser(handler: TenantHandler, secret: str) -> None:
    """Hand the browser its secret, for as long as a session of it could last."""
    config, slug = handler.tenant.config, handler.tenant.slug
    value = binding.to_cookie(handler.runtime.settings.cookie_keys, slug, secret)
    most = max(config.session_ttl, config.interaction_ttl)
    _set(handler, _names(handler, slug)[0], value, "/", most)
    for other in cookies.to_forget(handler.jar, slug, secure=handler.application.secure):
        _set(handler, _names(handler, other)[0], "", "/", 0)
        _set_session(handler, other, "", 0)


def keep_session(handler: TenantHandler, value: str, *, max_age: int) -> None:
    """Hand the browser its session, or take it away (`max_age` 0, in seconds); and tell it whether
    there is one (FedCM, Login Status API): nothing else opens or ends a session of this browser.
    """
    secret = handler.browser().secret
    handler.set_header("Set-Login", "logged-in" if max_age else "logged-out")
    if max_age and secret is not None:
        keep_browser(handler, secret)
    _set_session(handler, handler.tenant.slug, value, max_age)


def keep_posted(handler: TenantHandler, secret: str, *, max_age: int) -> None:
    """Hand the browser what it has to bring along to the next step; 0 takes it away."""
    slug, application = handler.tenant.slug, handler.application
    name = cookies.posted_name(slug, secure=application.secure)
    _set(handler, name, secret, f"{application.base_path}/{slug}/auth", max_age)


def known_value(handler: TenantHandler) -> str | None:
    """Return what shows that somebody signed in at this browser before."""
    return cookies.find(handler.jar, _known_name(handler, handler.tenant.slug))


def keepsakes(handler: TenantHandler) -> Keepsakes:
    """Return what the browser was given at earlier sign-ins."""
    device = cookies.find(handler.jar, cookies.devices_name(secure=handler.application.secure))
    return Keepsakes(known_value(handler), device)


def keep_known(handler: TenantHandler, value: str) -> None:
    """Hand the browser what it is known by at its next sign-in."""
    slug, secure = handler.tenant.slug, handler.application.secure
    _set(handler, _known_name(handler, slug), value, "/", known_browsers.LIFETIME)
    for other in cookies.to_forget(handler.jar, slug, secure=secure, named=cookies.known_name):
        _set(handler, _known_name(handler, other), "", "/", 0)


def remembered(handler: TenantHandler) -> tuple[Remembered, ...]:
    """Return whom the browser remembers at the organization, the last first."""
    keys, now = handler.runtime.settings.cookie_keys, handler.runtime.clock()
    return remembered_accounts.find(keys, _accounts_value(handler), handler.tenant.id, now)


def forget(handler: TenantHandler, account: Remembered) -> None:
    """Have the browser remember an account no longer."""
    keys, now = handler.runtime.settings.cookie_keys, handler.runtime.clock()
    value = _accounts_value(handler)
    _set_accounts(handler, remembered_accounts.forget(keys, value, account.account_id, now))


def keep_sign_in(handler: TenantHandler, signed_in: SignedIn) -> None:
    """Hand the browser its new session, and what it is known by from now on; and whose account it
    is, where they asked for that, now or before.
    """
    keys, now = handler.runtime.settings.cookie_keys, handler.runtime.clock()
    left = max(0, int(signed_in.expires_at - now))
    keep_session(handler, signed_in.session_value, max_age=left)
    keep_known(handler, signed_in.known_value)
    if signed_in.device_value is not None:
        name = cookies.devices_name(secure=handler.application.secure)
        _set(handler, name, signed_in.device_value, "/", trusted_devices.LIFETIME)
    accounts, asked = _accounts_value(handler), signed_in.remembers
    if asked or accounts is not None:
        value = remembered_accounts.remember(keys, accounts, signed_in.user, now, asked=asked)
        if value is not None:
            _set_accounts(handler, value)


def _set_session(handler: TenantHandler, slug: str, value: str, max_age: int) -> None:
    # On two paths: a page of an interaction has to see that another tab has signed in.
    base, name = handler.application.base_path, _names(handler, slug)[1]
    for path in (f"{base}/{slug}", f"{base}/interaction"):
        _set(handler, name, value, path, max_age)


def _names(handler: TenantHandler, slug: str) -> tuple[str, str]:
    secure = handler.application.secure
    return cookies.browser_name(slug, secure=secure), cookies.session_name(slug, secure=secure)


def _known_name(handler: TenantHandler, slug: str) -> str:
    return cookies.known_name(slug, secure=handler.application.secure)


def _accounts_value(handler: TenantHandler) -> str | None:
    name = cookies.accounts_name(secure=handler.application.secure)
    return cookies.find(handler.jar, name, longest=remembered_accounts.LONGEST)


def _set_accounts(handler: TenantHandler, value: str | None) -> None:
    name = cookies.accounts_name(secure=handler.application.secure)
    _set(handler, name, value or "", "/", remembered_accounts.LIFETIME if value else 0)


def _set(handler: TenantHandler, name: str, value: str, path: str, max_age: int) -> None:
    secure = handler.application.secure
    line = cookies.build(name, value, path=path, max_age=max_age, secure=secure)
    handler.add_header("Set-Cookie", line)


def _take_away(handler: TenantHandler, name: str) -> None:
    application = handler.application
    host = urlsplit(handler.tenant.issuer).hostname or ""
    path = application.base_path + handler.request.path
    for line in cookies.take_away(name, path, host, secure=application.secure):
        handler.add_header("Set-Cookie", line)
