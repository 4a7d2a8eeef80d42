"""Mail previews: mails of a sign-in as its client shows them; nobody is mailed."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from porta.audit.actors import Actor
from porta.emails.message import Letter
from porta.emails.post import Post
from porta.pages import branding, client_brands
from porta.services import clients
from porta.services.permissions import needs
from porta.services.targets import require

if TYPE_CHECKING:
    from storage.router import Storage

Mail = Literal["magic_link", "otp_code", "password_reset", "registration"]
"""Those that begin in the sign-in of a client, and wear its look."""
_EMAIL, _NAME = "ada@example.com", "Ada"
_VALUES: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "magic_link": {"name": _NAME, "email": _EMAIL, "minutes": 15},
        "otp_code": {"name": _NAME, "code": "123456", "minutes": 10},
        "password_reset": {"name": _NAME, "email": _EMAIL, "minutes": 60},
        "registration": {"email": _EMAIL, "minutes": 60},
    }
)
_LEADS = {
    "magic_link": "magic-link", "password_reset": "reset-password", "registration": "register",
}  # fmt: skip


@needs("admin:client:read")
async def preview(
    storage: Storage, actor: Actor, target: str, mail: Mail, language: str | None, *, post: Post
) -> Letter:
    """Return a mail as people who sign in at a client would get it, with a link that leads nowhere,
    in `language` or that of its organization. Raises NotFound.
    """
    client = await clients.get(storage, actor, target)
    home = require(await storage.organizations.find_by_id(client.organization_id), "Organization")
    look = client_brands.dress(home, client)
    spoken = post.emails.language(language, look.default_locale)
    subject = post.emails.words(
        spoken, f"emails.{mail}.subject", company=branding.brand(look).company
    )
    values = dict(_VALUES[mail])
    if mail in _LEADS:
        values["url"] = f"{post.issuer_base_url}/{home.slug}/auth/{_LEADS[mail]}/preview"
    if mail == "magic_link":
        values["client_name"] = client.client_name
    return post.emails.render(mail, subject, look, spoken, **values)
