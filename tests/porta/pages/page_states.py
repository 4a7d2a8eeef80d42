"""Every state that a page can be met in: each page, and each refusal with the ways that it has."""

from __future__ import annotations

from typing import Any, NamedTuple

from handlers.interactions.accounts import AccountLine
from porta.pages.consent_lines import Line
from porta.pages.qr_codes import svg
from porta.services.setup_forms import FORMS
from tests.porta.pages.page_documents import SECRET, URI

_APPLICATION = {"client_name": "Portal", "client_url": "https://portal.example/"}
_PASSKEY = (
    """{"get":{"challenge":"AAAA","rpId":"id.example","timeout":600000,"allowCredentials":[]}}"""
)
_AGAIN = "/acme/auth/r1"
_FAILED = {"error": "login.error_invalid", "email": "ada@acme.example"}
_OFTEN = {
    "error": "errors.rate_limit_exceeded", "email": "ada@acme.example", "retry_after": 900,
    "retry_at": "14:31 UTC", "by_mail": True, "forgot_password_url": "/f",
}  # fmt: skip
_STALE = {"asks_again": True, "error": "errors.csrf_invalid"}
"""Of a section of one's own account."""
_DAY_OVER = {
    "error": "account.error_changes", "retry_after": 61_200, "retry_at": "14:31 UTC",
}  # fmt: skip
"""Of one that changes something."""
_DAY_LIMIT = {**_DAY_OVER, "error": "errors.rate_limit_exceeded"}
_MUCH = tuple(
    Line("consent.api", {"api": f"Warehouse {n}", "items": "Read stock, Order, Void orders"},
         (("Read stock", "What is there, and where"), ("Order", ""), ("Void orders", "")))
    for n in range(6)
)  # fmt: skip


class State(NamedTuple):
    """A page of PAGES with values beside those that it always needs."""

    page: str
    values: dict[str, Any]
    branded: bool = True
    """Whether it is a page of an organization."""


def _error(kind: str, code: str = "", **values: Any) -> State:
    return State("error", {"kind": kind, "code": code or kind, **values})


STATES: dict[str, State] = {
    "login": State("login", {}),
    "login, no application": State("login", {"client_name": None}),
    "login, wrong": State("login", {**_FAILED, "lock_seconds": 900}),
    "login, too often": State(
        "login",
        {**_FAILED, "error": "errors.rate_limit_exceeded", "retry_after": 900,
         "retry_at": "14:31 UTC"},
    ),
    "login, too often, a link": State("login", {**_OFTEN, "show_magic_link": True}),
    "login, too often, another password": State("login", _OFTEN),
    "login, locked": State("login", {**_FAILED, "error": "login.error_account_locked"}),
    "login, second factor": State("login", {**_FAILED, "error": "login.error_second_factor"}),
    "login, stale": State("login", {**_FAILED, "error": "errors.csrf_invalid"}),
    "login, once more": State(
        "login",
        {"notice": "login.reauthenticate", "account": "ada.lovelace@acme.example",
         "email": "ada.lovelace@acme.example"},
    ),
    "login, chosen": State("login", {"email": "ada@acme.example", "is_remembered": True}),
    "login, wrong, to be remembered": State("login", {**_FAILED, "remember": True}),
    "accounts": State("choose_account", {"client_name": "Portal"}),
    "accounts, signed in": State(
        "choose_account",
        {"client_name": "Portal", "accounts": (
            AccountLine("", "Ada", "ada.lovelace@acme.example", is_signed_in=True),
            AccountLine("a2", "Grace", "g***r@acme.example", is_signed_in=False),
            AccountLine("a3", "Alan", "a***g@acme.example", is_signed_in=False),
        )},
    ),
    "accounts, stale": State("choose_account", {"error": "errors.csrf_invalid"}),
    "login, by mail too": State("login", {"show_magic_link": True, "forgot_password_url": "/f"}),
    "login, passkey": State("login", {"show_passkey": True, "passkey": _PASSKEY, "signals": "{}"}),
    "login, passkey alone": State(
        "login", {"show_password": False, "show_passkey": True, "passkey": _PASSKEY,
                  "error": "passkey.error_unknown"},
    ),
    "login, with others": State(
        "login", {"connections": (("c1", "Google"), ("c2", "Acme Industries"))}
    ),
    "login, with others alone": State(
        "login",
        {"show_password": False, "connections": (("c1", "Acme Industries"),),
         "error": "federation.error_unavailable"},
    ),
    "login, to be linked": State(
        "login", {"linking": ("Google", "ada@people.example"), "connections": (("c1", "Google"),)}
    ),
    "login, to be linked, wrong": State(
        "login",
        {**_FAILED, "lock_seconds": 900, "linking": ("Google", "ada@people.example"),
         "connections": (("c1", "Google"),)},
    ),
    "login, address first": State(
        "login",
        {"identifies": True, "show_passkey": True, "passkey": _PASSKEY,
         "connections": (("c1", "Google"), ("c2", "Acme Industries"))},
    ),
    "home realm, offered": State("home_realm", {"email": "ada@acme.example"}),
    "home realm, required": State(
        "home_realm", {"email": "ada.lovelace@acme.example", "required": True}
    ),
    "home realm, not available": State(
        "home_realm",
        {"email": "ada@acme.example", "required": True, "error": "federation.error_unavailable"},
    ),
    "home realm, too often": State(
        "home_realm",
        {"email": "ada@acme.example", "error": "errors.rate_limit_exceeded", "retry_after": 900,
         "retry_at": "14:31 UTC", "required": True},
    ),
    "home realm, no sign-in": State("home_realm", {"uid": "", "csrf": "", "required": True}),
    "login, no way": State(
        "login", {"show_password": False, "error": "errors.login_method_disabled"}
    ),
    "link": State("link_identity", {"client_name": "Portal"}),
    "link, another address": State(
        "link_identity",
        {"said": "ada.lovelace.of.the.analytical.engine@subsidiary.people.example",
         "differs": True, "error": "federation.error_linked"},
    ),
    "two-factor": State(
        "two_factor",
        {"others": ("recovery_code",), "client_name": "Portal", "trusted_days": 30},
    ),
    "two-factor, wrong": State(
        "two_factor",
        {"error": "two_factor.error_invalid_code", "trusted_days": 30, "trusts": True},
    ),
    "two-factor, recovery": State(
        "two_factor", {"method": "recovery_code", "others": ("totp",)}
    ),
    "two-factor, recovery, wrong": State(
        "two_factor",
        {"method": "recovery_code", "others": ("totp",),
         "error": "two_factor.error_recovery_code"},
    ),
    "two-factor, e-mail": State(
        "two_factor",
        {"method": "email_otp", "others": ("recovery_code",), "resends": True,
         "notice": "two_factor.sent_again", "trusted_days": 30, "trusts": True},
    ),
    "two-factor, passkey": State(
        "two_factor",
        {"method": "passkey", "others": ("recovery_code",), "passkey": _PASSKEY, "trusted_days": 1},
    ),
    "two-factor, set up a passkey": State(
        "two_factor_setup",
        {"method": "passkey", "others": ("totp", "email_otp"), "client_name": "Portal",
         "passkey": _PASSKEY},
    ),
    "two-factor, set up": State(
        "two_factor_setup",
        {"others": ("email_otp",), "secret": SECRET, "client_name": "Portal",
         "uri": URI, "qr": svg(URI)},
    ),
    "two-factor, offered": State(
        "two_factor_offer",
        {"methods": ("totp", "email_otp", "passkey"), "client_name": "Portal"},
    ),
    "two-factor, offered, too often": State(
        "two_factor_offer",
        {"methods": ("totp", "email_otp", "passkey"), "error": "errors.rate_limit_exceeded",
         "retry_after": 300, "retry_at": "14:31 UTC"},
    ),
    "two-factor, offered, an app": State(
        "two_factor_setup",
        {"others": ("email_otp", "passkey"), "secret": SECRET, "client_name": "Portal",
         "uri": URI, "qr": svg(URI), "optional": True},
    ),
    "two-factor, offered, a passkey": State(
        "two_factor_setup",
        {"method": "passkey", "others": ("totp", "email_otp"), "client_name": "Portal",
         "passkey": _PASSKEY, "optional": True},
    ),
    "two-factor, set up by mail": State(
        "two_factor_setup",
        {"method": "email_otp", "others": ("totp",), "resends": True,
         "error": "two_factor.error_mailed_code"},
    ),
    "two-factor, set up, too often": State(
        "two_factor_setup",
        {"error": "errors.rate_limit_exceeded", "retry_after": 300, "retry_at": "14:31 UTC",
         "uri": URI, "secret": SECRET, "qr": svg(URI)},
    ),
    "login, by mail alone": State("login", {"show_password": False, "show_magic_link": True}),
    "login, no address": State(
        "login", {"show_magic_link": True, "error": "login.error_email_missing"}
    ),
    "magic link sent": State(
        "magic_link_sent", {"client_name": "Portal", "email": "ada@acme.example"}
    ),
    "magic link sent, looked at again": State("magic_link_sent", {}),
    "magic link sent, wrong code": State(
        "magic_link_sent",
        {"client_name": "Portal", "email": "ada.lovelace@subsidiary.acme.example",
         "error": "magic_link.error_wrong_code"},
    ),
    "magic link sent, too often": State(
        "magic_link_sent",
        {"error": "errors.rate_limit_exceeded", "retry_after": 900, "retry_at": "14:31 UTC"},
    ),
    "magic link": State("magic_link", {"client_name": "Portal"}),
    "magic link, suspended": State("magic_link", {"error": "login.error_account_suspended"}),
    "magic link, elsewhere": State("magic_link_elsewhere", {"client_name": "Portal"}),
    "magic link, elsewhere, stale": State(
        "magic_link_elsewhere", {"error": "errors.csrf_invalid"}
    ),
    "magic link, code": State("magic_link_code", {"client_name": "Portal"}),
    "magic link, code, no application": State("magic_link_code", {}),
    "link over, magic link": State("link_over", {"kind": "magic_link"}),
    "link over, disowned": State("link_over", {"kind": "magic_link_disowned"}),
    "forgot password": State("forgot_password", {"email": "ada@acme.example"}),
    "forgot password, sent": State(
        "forgot_password", {"sent": True, "email": "ada.lovelace@subsidiary.acme.example"}
    ),
    "forgot password, sent nowhere": State("forgot_password", {"sent": True}),
    "forgot password, too often": State(
        "forgot_password",
        {"error": "errors.rate_limit_exceeded", "retry_after": 900, "retry_at": "14:31 UTC"},
    ),
    "reset password": State("reset_password", {}),
    "reset password, weak": State(
        "reset_password", {"problems": ("too_short", "common", "mismatch")}
    ),
    "reset password, stale": State("reset_password", {"error": "errors.csrf_invalid"}),
    "reset password, too often": State("reset_password", {**_DAY_LIMIT}),
    "reset password, done": State("reset_success", {"resume_url": "/interaction/u1"}),
    "reset password, done elsewhere": State("reset_success", {}),
    "login, with registration": State(
        "login", {"register_url": "/acme/auth/register", "show_magic_link": True,
                  "forgot_password_url": "/f"}
    ),
    "register": State("register", {"puzzle": "0000000000x", "difficulty": 16}),
    "register, no address of ours": State(
        "register", {"email": "ada@elsewhere.example", "error": "register.error_domain"}
    ),
    "register, too often": State(
        "register",
        {"error": "errors.rate_limit_exceeded", "retry_after": 900, "retry_at": "14:31 UTC"},
    ),
    "register, sent": State(
        "register", {"sent": True, "email": "ada.lovelace@subsidiary.acme.example"}
    ),
    "complete registration": State("complete_registration", {}),
    "complete registration, weak": State(
        "complete_registration",
        {"problems": ("name", "too_short", "mismatch"), "given_name": "Ada",
         "family_name": "Lovelace"},
    ),
    "complete registration, too often": State(
        "complete_registration", {**_DAY_LIMIT, "given_name": "Ada"}
    ),
    "complete registration, no password": State(
        "complete_registration", {"asks_password": False, "asks_names": ("given_name",)}
    ),
    "complete registration, stale": State(
        "complete_registration", {"error": "errors.csrf_invalid"}
    ),
    "link over, registration": State(
        "link_over", {"kind": "registration", "again_url": "/acme/auth/register"}
    ),
    "accept invitation": State("accept_invite", {}),
    "accept invitation, long address": State(
        "accept_invite",
        {"account": "ada.lovelace.of.the.analytical.engine@subsidiary.acme.example",
         "inviter": None, "asks_names": ()},
    ),
    "accept invitation, weak": State(
        "accept_invite",
        {"problems": ("too_short", "names"), "given_name": "Ada", "family_name": "Lovelace"},
    ),
    "accept invitation, too often": State("accept_invite", {**_DAY_LIMIT, "given_name": "Ada"}),
    "accept invitation, no name": State(
        "accept_invite", {"problems": ("name", "too_short"), "given_name": "Ada"}
    ),
    "accept invitation, no password": State(
        "accept_invite", {"asks_password": False, "asks_names": ()}
    ),
    "accept invitation, stale": State("accept_invite", {"error": "errors.csrf_invalid"}),
    "accept invitation, done": State(
        "invite_success", {"client_name": "Portal", "client_url": "https://portal.example/"}
    ),
    "accept invitation, done in part": State("invite_success", {"is_partial": True}),
    "link over, invitation": State(
        "link_over", {"kind": "invitation", "error": "links.over_invitation"}
    ),
    "set-up": State("setup", {}),
    "set-up, domain": State("setup", {"connection": None, "domain": "acme.example"}),
    "set-up, stale": State("setup", {"error": "errors.csrf_invalid"}),
    **{
        f"set-up, {name}": State(
            "setup_connection", {"fields": form.fields, "steps": form.steps}
        )
        for name, form in FORMS.items()
    },
    "set-up, wrong": State(
        "setup_connection",
        {"problems": {"issuer": "value", "client_secret": "missing"},
         "typed": {"issuer": "http://id.example", "client_id": "porta"}},
    ),
    "set-up, elsewhere": State(
        "setup_connection",
        {"fields": FORMS["oauth2"].fields, "problems": {"userinfo_endpoint": "origin"}},
    ),
    "set-up, everybody's": State(
        "setup_connection",
        {"fields": FORMS["entra"].fields, "problems": {"tenant": "personal"}},
    ),
    "set-up, refused there": State(
        "setup_connection",
        {"error": "setup.error_test", "reason": "the token endpoint answered with 401",
         "has_secret": True, "typed": {"issuer": "https://id.example", "client_id": "porta"}},
    ),
    "set-up, too often": State(
        "setup_connection",
        {"error": "errors.rate_limit_exceeded", "retry_after": 600, "retry_at": "14:31 UTC"},
    ),
    "set-up, tested": State("setup_tested", {"email_verified": True}),
    "set-up, tested, no address": State(
        "setup_tested", {"email": None, "error": "setup.error_conflict"}
    ),
    "set-up, record": State("setup_domain", {}),
    "set-up, no record": State("setup_domain", {"error": "setup.error_record"}),
    "set-up, record, leads nowhere": State("setup_domain", {"error": "setup.error_leads"}),
    "set-up, record, too often": State(
        "setup_domain",
        {"error": "errors.rate_limit_exceeded", "retry_after": 600, "retry_at": "14:31 UTC"},
    ),
    "set-up, done": State("setup_done", {}),
    "set-up, domain proven": State("setup_done", {"connection": None, "domain": "acme.example"}),
    "link over, set-up": State("link_over", {"kind": "setup", "error": "links.over_setup"}),
    "link over, set-up elsewhere": State(
        "link_over", {"kind": "setup_elsewhere", "error": "links.over_setup_elsewhere"}
    ),
    "method disabled": _error("login_method_disabled", home_url="/acme"),
    "link over": State(
        "link_over",
        {"error": "links.over_password_reset", "again_url": "/acme/auth/forgot-password"},
    ),
    "link over, sign-in waits": State(
        "link_over",
        {"again_url": "/acme/auth/forgot-password?interaction=u1",
         "resume_url": "/interaction/u1"},
    ),
    "passkeys": State("passkeys", {"signals": "{}"}),
    "passkeys, one is made": State("passkeys", {"passkey": _PASSKEY}),
    "recovery codes": State("recovery_codes", {"codes": ("ABCD-2345",) * 10}),
    "two-factor, too often": State(
        "two_factor",
        {"error": "errors.rate_limit_exceeded", "retry_after": 300, "retry_at": "14:31 UTC"},
    ),
    "consent": State("consent", {"account": "ada@acme.example", "may_switch": True}),
    "consent, much": State(
        "consent",
        {"account": "ada.lovelace.of.the.analytical.engine@subsidiary.acme.example",
         "may_switch": True, "lines": _MUCH, "resources": ("https://api.acme.example/warehouse",),
         "client_name": "Donaudampfschifffahrtsgesellschaft",
         "client_logo_url": "/pictures/logo.svg",
         "tos_url": "https://portal.example/terms", "policy_url": "https://portal.example/privacy"},
    ),
    "consent, stale": State("consent", {"error": "errors.csrf_invalid"}),
    "gesture": State(
        "gesture",
        {"account": "ada@acme.example", "may_switch": True,
         "client_logo_url": "/pictures/logo.svg"},
    ),
    "gesture, stale": State("gesture", {"error": "errors.csrf_invalid", "account": "a@b.example"}),
    "form_post": State("form_post", {}),
    "logout": State("logout", {"cancel_url": "/acme"}),
    "logout, not registered": State(
        "logout",
        {"client_name": "Portal", "error": "logout.not_registered", "cancel_url": "/acme"},
    ),
    "logout_success": State("logout_success", {}),
    "logout_success, application": State("logout_success", {**_APPLICATION}),
    "account": State("account", {"sign_out_url": "/acme/session/end"}),
    "account, stale": State("account", {**_STALE, "notice": "account.told_sessions"}),
    "account, profile": State("account_profile", {"notice": "account.told_profile"}),
    "account, profile, wrong": State(
        "account_profile", {"problems": ("given_name", "birthdate", "picture_url")}
    ),
    "account, profile, changed meanwhile": State(
        "account_profile", {"asks_again": True, "error": "account.changed_meanwhile"}
    ),
    "account, profile, day over": State("account_profile", _DAY_OVER),
    "account, data": State("account_data", {"error": "account.delete_not_confirmed"}),
    "account, data, alone": State(
        "account_data",
        {"may_delete": False, "notice": "account.told_profile", "asks_again": True},
    ),
    "account, data, too often": State(
        "account_data",
        {"error": "errors.rate_limit_exceeded", "retry_after": 900, "retry_at": "14:31 UTC"},
    ),
    "account, deleted": State("account_deleted", {}),
    "account, language": State("account_language", {"notice": "account.told_language"}),
    "account, language, day over": State("account_language", _DAY_OVER),
    "account, language, stale": State("account_language", {**_STALE, "chosen": "fr"}),
    "account, email": State(
        "account_email", {"pending": "ada@new.example", "notice": "account.told_email"}
    ),
    "account, email, taken as no address": State(
        "account_email", {**_STALE, "error": "register.error_address", "email": "ada at new"}
    ),
    "account, email, too often": State(
        "account_email",
        {"error": "errors.rate_limit_exceeded", "retry_after": 900, "retry_at": "14:31 UTC"},
    ),
    "account, email, no mail": State("account_email", {"has_mail": False}),
    "account, email, elsewhere": State("account_email", {"elsewhere": True}),
    "account, email, elsewhere, waiting": State(
        "account_email", {"elsewhere": True, "pending": "ada@new.example"}
    ),
    "account, email, day over": State(
        "account_email", {**_DAY_OVER, "email": "ada@new.example", "pending": "ada@old.example"}
    ),
    "account, email, to elsewhere": State(
        "account_email", {"error": "account.email_to_elsewhere", "email": "ada@led.example"}
    ),
    "email change": State("email_change", {}),
    "email change, refused": State(
        "email_change", {"refuses": True, "error": "errors.csrf_invalid"}
    ),
    "email change, done": State("email_change_done", {}),
    "email change, made": State("email_change", {"refuses": True, "is_made": True}),
    "email change, off": State("email_change_done", {"is_refused": True, "account": None}),
    "email change, off, with passwords": State(
        "email_change_done", {"is_refused": True, "password_url": "/acme/auth/forgot-password"}
    ),
    "email change, undone": State(
        "email_change_done",
        {"is_refused": True, "is_undone": True, "password_url": "/acme/auth/forgot-password"},
    ),
    "email change, suspended": State(
        "email_change_done", {"is_refused": True, "is_undone": True, "is_suspended": True}
    ),
    "link over, email change": State("link_over", {"kind": "email_change"}),
    "link over, email refusal": State("link_over", {"kind": "email_refusal"}),
    "account, password": State("account_password", {"notice": "account.told_password"}),
    "account, password, weak": State(
        "account_password", {"problems": ("too_short", "mismatch"), "ends_others": False}
    ),
    "account, password, too often": State(
        "account_password",
        {"error": "errors.rate_limit_exceeded", "retry_after": 900, "retry_at": "14:31 UTC"},
    ),
    "account, password, wrong": State("account_password", {"error": "account.password_wrong"}),
    "account, password, elsewhere": State("account_password", {"elsewhere": True}),
    "account, first password": State(
        "account_password", {"asks_again": True, "has_password": False}
    ),
    "account, sessions": State("account_sessions", {"notice": "account.told_sessions"}),
    "account, sessions, long ago": State("account_sessions", _STALE),
    "account, security": State(
        "account_security",
        {"asked": "totp", "method": "totp", "shows_devices": True,
         "notice": "account.told_passkey_removed",
         "signals": "{}"},
    ),
    "account, security, little": State(
        "account_security",
        {**_STALE, "passkeys": (), "devices": (), "choices": ("passkey",),
         "takes_passkeys": False},
    ),
    "account, security, few codes": State(
        "account_security",
        {"asked": "email", "method": "email", "few_codes": True, "codes_left": 2,
         "error": "account.error_policy"},
    ),
    "account, security, another is demanded": State(
        "account_security",
        {"asked": "passkey", "method": "totp", "devices": (), "shows_devices": True},
    ),
    "account, security, one to set up": State(
        "account_security", {"asked": "to_set_up", "passkeys": (), "devices": ()}
    ),
    "account, security, day over": State(
        "account_security",
        {**_DAY_OVER, "asked": "totp", "method": "totp", "renaming": "p1", "renamed": "Old phone"},
    ),
    "account, security, too often": State(
        "account_security",
        {"asked": "totp", "method": "totp", "error": "errors.rate_limit_exceeded",
         "retry_after": 300, "retry_at": "14:31 UTC"},
    ),
    "account, an app": State("account_app", {}),
    "account, an app, wrong": State("account_app", {"error": "two_factor.error_invalid_code"}),
    "account, an app, too often": State(
        "account_app",
        {"retry_after": 300, "retry_at": "14:31 UTC", "error": "errors.rate_limit_exceeded"},
    ),
    "account, an app, day over": State("account_app", _DAY_OVER),
    "account, an app, stale": State("account_app", _STALE),
    "account, an app, told": State("account_app", {"notice": "account.told_factor"}),
    "account, a passkey": State("account_passkey", {"passkey": _PASSKEY}),
    "account, a passkey, day over": State(
        "account_passkey", {**_DAY_OVER, "passkey": _PASSKEY}
    ),
    "account, a passkey, stale": State(
        "account_passkey", {**_STALE, "notice": "account.told_factor", "passkey": _PASSKEY}
    ),
    "account, no passkeys here": State("account_passkey", {"error": "passkey.error_refused"}),
    "account, applications": State("account_applications", {"notice": "account.told_application"}),
    "account, identities": State("account_identities", {"notice": "account.told_linked"}),
    "account, identities, day over": State("account_identities", _DAY_OVER),
    "account, no identities": State("account_identities", {"identities": (), "connections": ()}),
    "account, the last identity": State(
        "account_identities", {"error": "account.error_only_way", "asks_again": True}
    ),
    "account, the identity of their domain": State(
        "account_identities", {"error": "account.error_only_realm"}
    ),
    "account, another identity than that of their domain": State(
        "account_identities", {"error": "account.link_elsewhere"}
    ),
    "account, link": State("account_link", {"notice": "account.told_linked"}),
    "account, link, day over": State("account_link", _DAY_OVER),
    "account, link another address": State("account_link", {"differs": True, **_STALE}),
    "account, no applications": State("account_applications", {**_STALE, "applications": ()}),
    "organization": State("organization", {}),
    "organization, signed in": State(
        "organization",
        {**_APPLICATION, "account_url": "/acme/account", "sign_out_url": "/acme/session/end"},
    ),
    "organization, signed in at one's account": State(
        "organization", {"account_url": "/acme/account", "sign_out_url": "/acme/session/end"}
    ),
    "organization, development": State(
        "organization", {"links": (("discovery", "/acme/x"), ("jwks", "/acme/jwks"))}
    ),
    "root": State("root", {}, branded=False),
    "root, known": State(
        "root",
        {"known_organizations": (("Acme", "/acme"), ("Globex & Töchter", "/globex"))},
        branded=False,
    ),
    "root, wrong": State("root", {"wrong": True}, branded=False),
    "root, development": State(
        "root", {"organizations": (("Acme", "/acme"), ("B", "/b"))}, branded=False
    ),
    "expired": _error(
        "interaction_expired", restart_url=_AGAIN, email="ada@acme.example", **_APPLICATION
    ),
    "expired, unknown": _error("interaction_expired", home_url="/acme"),
    "cookies": _error("cookies_required", restart_url=_AGAIN, **_APPLICATION),
    "finished": _error("already_finished", home_url="/acme", client_name="Desktop"),
    "invalid request": _error(
        "invalid_request",
        reason="redirect_uri is not registered for this client",
        **_APPLICATION,
    ),
    "invalid request, development": _error(
        "invalid_request",
        reason="redirect_uri is not registered for this client",
        received="https://portal.example.evil.example/a/very/long/path/callback?with=a&query=too",
        registered=("https://portal.example/callback", "https://portal.example/silent"),
        **_APPLICATION,
    ),
    "unknown client": _error("invalid_request", reason="client is unknown", home_url="/acme"),
    "denied": _error("access_denied", home_url="/acme"),
    "not found": _error("not_found", home_url="/acme"),
    "no organization": _error("org_not_found", home_url="/")._replace(branded=False),
    "paused": _error("org_suspended", retry_url="/acme/auth", **_APPLICATION),
    "too many requests": _error(
        "rate_limited", "rate_limit_exceeded", retry_url=_AGAIN, retry_after=540,
        retry_at="14:31 UTC", **_APPLICATION,
    ),
    "unavailable": _error("unavailable", "temporarily_unavailable", retry_url=_AGAIN),
    "server error": _error("server_error", home_url="/acme"),
    "nothing known": _error("generic", "error", home_url="/")._replace(branded=False),
}  # fmt: skip
