"""What every page is shown with in tests, and its document as tags and words."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from handlers.account import SECTIONS
from handlers.account.applications import ApplicationLine
from handlers.account.identities import IdentityLine
from handlers.account.security import DeviceLine, PasskeyLine
from handlers.account.sessions import SessionLine
from handlers.interactions.accounts import AccountLine
from porta.pages.consent_lines import Line
from porta.pages.qr_codes import svg
from porta.pages.render import Pages
from porta.protocol.federation.profile import DEFAULT_MAPPING
from porta.services.setup_forms import FORMS
from storage.models.organizations import Organization
from tests import factories

ROOT = Path(__file__).parents[3]
TEMPLATES = ROOT / "templates"
CATALOGS = {
    path.name.replace("_", "-"): path / "LC_MESSAGES" / "porta.po"
    for path in sorted((ROOT / "locale").iterdir())
    if path.is_dir()
}
"""Each catalog by the tag of its language."""
LANGUAGES = list(CATALOGS)
HOSTILE = """"><script>alert(1)</script><img src=x onerror='alert(2)'>&amp;{{ 7*7 }}{x.__class__}"""

ACME = factories.organization(
    id="1", name="Acme", slug="acme", branding_company_name="Acme GmbH", branding_custom_css="p{}"
)

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
URI = f"otpauth://totp/Acme:ada%40acme.example?secret={SECRET}&issuer=Acme"
_ACCOUNT = {"csrf": "c1", "account": "ada@acme.example", "account_url": "/acme/account"}

VALUES: dict[str, dict[str, Any]] = {
    "home_realm": {
        "uid": "u1",
        "csrf": "c1",
        "connection": "c1",
        "provider": "Acme Workforce",
        "domain": "acme.example",
        "home_url": "/acme",
        "client_name": "Portal",
    },
    "login": {"uid": "u1", "csrf": "c1", "passkey": "", "client_name": "Portal"},
    "choose_account": {
        "uid": "u1",
        "csrf": "c1",
        "accounts": (
            AccountLine("a1", "Ada", "a***a@acme.example", is_signed_in=False),
            AccountLine("a2", "", "g***e@acme.example", is_signed_in=False),
        ),
    },
    "consent": {
        "uid": "u1",
        "csrf": "c1",
        "client_name": "Portal",
        "lines": (
            Line("consent.person", {"items": "name, email"}, (("Your name", ""), ("Email", ""))),
            Line("consent.other_scope", {"scope": "orders:read"}),
            Line("consent.claims", {"claims": "Department, Cost centre"}),
            Line("consent.roles"),
        ),
        "redirect_uri": "https://app.example/cb",
    },
    "account": {
        **_ACCOUNT,
        "home_url": "/acme",
        "sections": tuple(each.name for each in SECTIONS),
    },
    "account_profile": {
        **_ACCOUNT,
        "version": "3",
        "fields": {
            "given_name": "Ada",
            "family_name": "Lovelace",
            "nickname": "",
            "birthdate": "1815-12-10",
            "picture_url": "https://pictures.example/ada.jpg",
            "zoneinfo": "",
        },
    },
    "account_data": {**_ACCOUNT, "may_delete": True},
    "account_deleted": {"home_url": "/acme"},
    "account_language": {**_ACCOUNT, "chosen": None},
    "account_email": {**_ACCOUNT, "has_mail": True, "elsewhere": False},
    "email_change": {"csrf": "c1", "account": "ada@acme.example", "email": "ada@new.example"},
    "email_change_done": {"home_url": "/acme", "account": "ada@new.example"},
    "account_password": {
        **_ACCOUNT,
        "has_password": True,
        "elsewhere": False,
        "minimum": 15,
    },
    "account_sessions": {
        **_ACCOUNT,
        "sessions": (
            SessionLine("s1", "Firefox", "Linux", "192.0.2.7", 1_790_000_000.0, is_this=True),
            SessionLine("s2", "Safari", None, None, 1_789_000_000.0, is_this=False),
        ),
    },
    "account_security": {
        **_ACCOUNT,
        "passkeys": (
            PasskeyLine("p1", "Phone", True, 1_780_000_000.0, 1_790_000_000.0),
            PasskeyLine("p2", "Security key", False, 1_780_000_000.0, None),
        ),
        "choices": ("totp", "email"),
        "codes_left": 8,
        "devices": (
            DeviceLine("d1", "Firefox", "Linux", "192.0.2.7", 1_790_000_000.0),
            DeviceLine("d2", None, None, None, 1_790_000_000.0),
        ),
    },
    "account_app": {
        **_ACCOUNT,
        "box": "b1",
        "secret": SECRET,
        "uri": URI,
        "picture": svg(URI),
    },
    "account_passkey": _ACCOUNT,
    "account_identities": {
        **_ACCOUNT,
        "identities": (
            IdentityLine("i1", "Google", "ada@people.example", 1_760_000_000.0),
            IdentityLine("i2", "GitHub", "octocat", 1_760_000_000.0),
        ),
        "connections": (("c1", "Google"), ("c2", "GitHub")),
    },
    "account_link": {
        **_ACCOUNT,
        "connection": "Google",
        "said": "ada@people.example",
        "waiting": "w1",
    },
    "account_applications": {
        **_ACCOUNT,
        "applications": (
            ApplicationLine("web", "Portal", (Line("consent.roles"),)),
            ApplicationLine("own", "Intranet", ()),
        ),
    },
    "error": {"kind": "interaction_expired", "code": "invalid_request", "support_code": "K7Q-4MD"},
    "link_identity": {
        "uid": "i1",
        "csrf": "c1",
        "shown": "m1",
        "connection": "Google",
        "said": "ada@acme.example",
        "account": "ada@acme.example",
    },
    "two_factor": {
        "uid": "i1",
        "csrf": "c1",
        "method": "totp",
        "account": "ada@acme.example",
    },
    "two_factor_setup": {
        "uid": "u1",
        "csrf": "c1",
        "method": "totp",
        "account": "ada@acme.example",
    },
    "two_factor_offer": {
        "uid": "u1",
        "csrf": "c1",
        "methods": ("totp",),
        "account": "ada@acme.example",
    },
    # Its script goes on at once: to here, where it is looked at.
    "passkeys": {"uid": "u1", "csrf": "c1", "resume_url": "/passkeys#here"},
    "recovery_codes": {"codes": ("ABCD-2345",), "resume_url": "https://id.example/acme/auth/u1"},
    "magic_link_sent": {"uid": "u1", "csrf": "c1"},
    "magic_link": {"csrf": "c1", "account": "ada@acme.example"},
    "magic_link_elsewhere": {"csrf": "c1", "account": "ada@acme.example"},
    "magic_link_code": {"code": "1234 5678", "minutes": 10, "home_url": "/acme"},
    "forgot_password": {"csrf": "c1", "back_url": "/acme"},
    "reset_password": {"csrf": "c1", "account": "ada@acme.example", "minimum": 15},
    "reset_success": {"home_url": "/acme"},
    "register": {"csrf": "c1", "back_url": "/acme"},
    "complete_registration": {"csrf": "c1", "account": "ada@acme.example", "minimum": 15},
    "accept_invite": {
        "csrf": "c1",
        "account": "ada@acme.example",
        "minimum": 15,
        "inviter": "grace@admin.example",
        "asks_names": ("given_name", "family_name"),
    },
    "invite_success": {"home_url": "/acme", "account": "ada@acme.example"},
    "link_over": {"kind": "password_reset", "home_url": "/acme"},
    "setup": {"csrf": "c1", "action": "/acme/auth/setup/t1", "connection": "Acme Workforce"},
    "setup_connection": {
        "csrf": "c1",
        "action": "/acme/auth/setup/t1",
        "connection": "Acme Workforce",
        "fields": FORMS["openid"].fields,
        "steps": FORMS["openid"].steps,
        "callback": "https://id.example/acme/federation/c1/callback",
    },
    "setup_tested": {
        "csrf": "c1",
        "action": "/acme/auth/setup/t1",
        "connection": "Acme Workforce",
        "draft": 3,
        "claims": (("email", "ada@acme.example"), ("given_name", "Ada"), ("groups", '["staff"]')),
        "choices": (("email", "ada@acme.example"), ("given_name", "Ada")),
        "usual": DEFAULT_MAPPING,
        "email": "ada@acme.example",
    },
    "setup_domain": {
        "csrf": "c1",
        "action": "/acme/auth/setup/t1",
        "domain": "acme.example",
        "record_name": "_porta-challenge.acme.example",
        "record_text": "porta-verify=5DTpRIfFFQRHAfjFoDv43ovf6F1u0jj9uiqg9t0Q3LY",
    },
    "setup_done": {"home_url": "/acme", "connection": "Acme Workforce"},
    "gesture": {
        "uid": "u1",
        "csrf": "c1",
        "client_name": "Portal",
        "redirect_uri": "com.example.app:/cb",
    },
    "logout": {"xsrf": "x1", "action": "/acme/session/end/confirm", "parameters": {"state": "s1"}},
    "logout_success": {},
    "organization": {},
    "form_post": {"redirect_uri": "https://app.example/cb", "parameters": {"code": "k1"}},
    "root": {},
}


class Document(HTMLParser):
    """The tags and the visible text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        wanted = {name.replace("_", "-").strip("-"): value for name, value in attributes.items()}
        return [
            found for name, found in self.tags if name == tag and wanted.items() <= found.items()
        ]

    def values(self) -> dict[str | None, str | None]:
        return {tag.get("name"): tag.get("value") for tag in self.all("input")}


def show(
    pages: Pages,
    name: str,
    organization: Organization | None = ACME,
    /,
    locale: str = "en",
    **more: Any,
) -> Document:
    values = VALUES[name] | more
    return Document(pages.render(name, organization=organization, locale=locale, **values))
