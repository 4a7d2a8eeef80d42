"""Page context: what each page is given; addresses from outside are made fit to stand in one."""

from __future__ import annotations

import time
from typing import Any, NamedTuple


class Page(NamedTuple):
    """What a page is given: names it must get, and names it may get with what stands for them."""

    required: frozenset[str]
    optional: dict[str, Any]
    leaves: bool = False
    """Whether a form of it ends at a client, whatever that does then."""
    blanks: tuple[str, ...] = ()
    """Required values of one request alone, text that is written as it is and asked nothing."""
    common: frozenset[str] = frozenset()
    """Values that many requests share. A page that has these and its blanks, and for the rest what
    stands for it, is rendered once for all of them.
    """


_WAITS: dict[str, Any] = {"retry_after": None, "retry_at": None}
_REFUSED: dict[str, Any] = {"error": None, **_WAITS}
_FACTOR: dict[str, Any] = {
    "client_name": None,
    "others": (),
    "resends": False,
    "passkey": None,
    **_REFUSED,
}
_NEW_ACCOUNT: dict[str, Any] = {
    "asks_password": True,
    "given_name": None,
    "family_name": None,
    "problems": (),
    **_REFUSED,
}


def _account(*required: str, counts: bool = True, **optional: Any) -> Page:
    """A section of one's own account, with what it is given beside what all of them are; `counts`
    where there is an end to what it takes.
    """
    common: dict[str, Any] = {"notice": None, "error": None, "asks_again": False}
    common |= _WAITS if counts else {}
    return Page(frozenset({"csrf", "account", "account_url", *required}), common | optional)


def _setup(required: str, **optional: Any) -> Page:
    """A step of a set-up link, of which these words name what it needs."""
    return Page(frozenset(("csrf", "action", *required.split())), {"error": None} | optional)


PAGES: dict[str, Page] = {
    "login": Page(
        frozenset({"uid", "csrf", "passkey"}),
        {
            "client_name": None,
            "email": None,
            **_REFUSED,
            "by_mail": False,
            "lock_seconds": None,
            "notice": None,
            "account": None,
            "show_password": True,
            "show_passkey": False,
            "signals": None,
            "show_magic_link": False,
            "forgot_password_url": None,
            "register_url": None,
            "connections": (),
            "remember": False,
            "is_remembered": False,
            "identifies": False,
            "linking": None,
        },
        leaves=True,
        blanks=("uid", "csrf", "passkey"),
        common=frozenset(
            {
                "client_name",
                "notice",
                "show_password",
                "show_passkey",
                "show_magic_link",
                "forgot_password_url",
                "register_url",
                "connections",
                "identifies",
            }
        ),
    ),
    "home_realm": Page(
        frozenset({"uid", "csrf", "connection", "provider", "domain", "home_url"}),
        {
            "client_name": None,
            "email": None,
            "required": False,
            **_REFUSED,
        },
        leaves=True,
    ),
    "choose_account": Page(
        frozenset({"uid", "csrf", "accounts"}), {"client_name": None, "error": None}, leaves=True
    ),
    "link_identity": Page(
        frozenset({"uid", "csrf", "shown", "connection", "said", "account"}),
        {"client_name": None, "differs": False, "error": None},
        leaves=True,
    ),
    "two_factor": Page(
        frozenset({"uid", "csrf", "method", "account"}),
        {**_FACTOR, "notice": None, "trusted_days": 0, "trusts": False},
        leaves=True,
    ),
    "two_factor_setup": Page(
        frozenset({"uid", "csrf", "method", "account"}),
        {**_FACTOR, "optional": False, "secret": None, "uri": None, "qr": None},
        leaves=True,
    ),
    "two_factor_offer": Page(
        frozenset({"uid", "csrf", "methods", "account"}),
        {"client_name": None, **_REFUSED},
        leaves=True,
    ),
    "magic_link_sent": Page(
        frozenset({"uid", "csrf"}),
        {"client_name": None, "email": None, **_REFUSED},
        leaves=True,
    ),
    "magic_link": Page(
        frozenset({"csrf", "account"}), {"client_name": None, "error": None}, leaves=True
    ),
    "magic_link_elsewhere": Page(
        frozenset({"csrf", "account"}), {"client_name": None, "error": None}
    ),
    "magic_link_code": Page(frozenset({"code", "home_url", "minutes"}), {"client_name": None}),
    "forgot_password": Page(
        frozenset({"csrf", "back_url"}),
        {"email": None, "sent": False, **_REFUSED},
    ),
    "reset_password": Page(
        frozenset({"csrf", "account", "minimum"}),
        {"problems": (), **_REFUSED},
    ),
    "reset_success": Page(frozenset({"home_url"}), {"resume_url": None}),
    "register": Page(
        frozenset({"csrf", "back_url"}),
        {
            "email": None,
            "sent": False,
            "puzzle": None,
            "difficulty": None,
            **_REFUSED,
        },
    ),
    "complete_registration": Page(
        frozenset({"csrf", "account", "minimum"}),
        {**_NEW_ACCOUNT, "asks_names": ("given_name", "family_name")},
    ),
    "accept_invite": Page(
        frozenset({"csrf", "account", "minimum"}),
        {**_NEW_ACCOUNT, "asks_names": (), "inviter": None},
    ),
    "invite_success": Page(
        frozenset({"home_url"}),
        {"account": None, "client_name": None, "client_url": None, "is_partial": False},
    ),
    "link_over": Page(
        frozenset({"kind", "home_url"}),
        {"error": None, "again_url": None, "resume_url": None},
    ),
    "setup": _setup("", connection=None, domain=None),
    "setup_connection": _setup(
        "connection fields steps callback",
        typed={},
        has_secret=False,
        problems={},
        reason=None,
        **_WAITS,
    )._replace(leaves=True),
    "setup_tested": _setup(
        "connection draft claims choices usual", email=None, email_verified=False
    ),
    "setup_domain": _setup("domain record_name record_text", **_WAITS),
    "setup_done": Page(frozenset({"home_url"}), {"connection": None, "domain": None}),
    "passkeys": Page(
        frozenset({"uid", "csrf", "resume_url"}), {"signals": None, "passkey": None}, leaves=True
    ),
    "recovery_codes": Page(frozenset({"codes", "resume_url"}), {}, leaves=True),
    "consent": Page(
        frozenset({"uid", "csrf", "client_name", "lines", "redirect_uri"}),
        {
            "account": None,
            "may_switch": False,
            "resources": (),
            "client_logo_url": None,
            "tos_url": None,
            "policy_url": None,
            "error": None,
        },
        leaves=True,
    ),
    "gesture": Page(
        frozenset({"uid", "csrf", "client_name", "redirect_uri"}),
        {"account": None, "may_switch": False, "client_logo_url": None, "error": None},
        leaves=True,
    ),
    "error": Page(
        frozenset(),
        {
            "kind": "generic",
            "code": None,
            "support_code": None,
            "retry_after": None,
            "retry_at": None,
            "retry_url": None,
            "restart_url": None,
            "email": None,
            "client_name": None,
            "client_url": None,
            "home_url": None,
            "reason": None,
            "received": None,
            "registered": (),
        },
        leaves=True,
    ),
    "logout": Page(
        frozenset({"xsrf", "action"}),
        {"client_name": None, "parameters": {}, "cancel_url": None, "error": None},
        leaves=True,
    ),
    "logout_success": Page(frozenset(), {"client_name": None, "client_url": None}),
    "organization": Page(
        frozenset(),
        {
            "client_name": None,
            "client_url": None,
            "account_url": None,
            "sign_out_url": None,
            "links": (),
        },
    ),
    "account": Page(
        frozenset({"account", "account_url", "sections", "home_url"}),
        {"csrf": None, "notice": None, "error": None, "asks_again": False, "sign_out_url": None},
    ),
    "account_data": _account("may_delete"),
    "account_deleted": Page(frozenset({"home_url"}), {}),
    "account_profile": _account("fields", "version", problems=()),
    "account_language": _account("chosen"),
    "account_email": _account("has_mail", "elsewhere", pending=None, email=None),
    "email_change": Page(
        frozenset({"csrf", "account", "email"}),
        {"refuses": False, "is_made": False, "error": None},
    ),
    "email_change_done": Page(
        frozenset({"home_url"}),
        {
            "account": None,
            "is_refused": False,
            "is_undone": False,
            "is_suspended": False,
            "password_url": None,
        },
    ),
    "account_password": _account(
        "has_password",
        "elsewhere",
        "minimum",
        problems=(),
        ends_others=True,
    ),
    "account_sessions": _account("sessions", counts=False),
    "account_applications": _account("applications", counts=False),
    "account_security": _account(
        "passkeys",
        "choices",
        "codes_left",
        "devices",
        takes_passkeys=True,
        asked=None,
        method=None,
        few_codes=False,
        shows_devices=False,
        signals=None,
        renaming=None,
        renamed=None,
    ),
    "account_app": _account("box", "secret", "uri", "picture"),
    "account_passkey": _account(passkey=None),
    "account_identities": _account("identities", connections=())._replace(leaves=True),
    "account_link": _account("connection", "said", "waiting", differs=False),
    "form_post": Page(frozenset({"redirect_uri", "parameters"}), {}, leaves=True),
    "root": Page(frozenset(), {"known_organizations": (), "wrong": False, "organizations": ()}),
}


def check_values(name: str, page: Page, values: dict[str, Any]) -> None:
    """Raise TypeError when `values` lacks what the page needs, or holds what it does not know."""
    missing = page.required - values.keys()
    unknown = values.keys() - page.required - page.optional.keys()
    if missing or unknown:
        raise TypeError(f"page {name}: missing {sorted(missing)}, unknown {sorted(unknown)}")


def common_values(page: Page, values: dict[str, Any]) -> tuple[tuple[str, Any], ...] | None:
    """Return the `common` ones of checked `values`; None where more than blanks is one's own."""
    if not page.blanks:
        return None
    common = []
    for name, value in values.items():
        if name in page.common:
            common.append((name, value))
        elif name not in page.blanks and value not in ("", page.optional[name]):
            return None
    return tuple(common)


def utc_time(at: float) -> str:
    """Return the time of day of `at` (seconds since the epoch), to the next minute, in UTC."""
    return time.strftime("%H:%M UTC", time.gmtime(-(-at // 60) * 60))


def minutes(seconds: float) -> int:
    """Return whole minutes to wait, rounded up, at least one."""
    return max(1, -(-int(seconds) // 60))
