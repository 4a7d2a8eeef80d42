"""Internet message (RFC 5322, MIME): one recipient, text and HTML, and no header but ours."""

from __future__ import annotations

from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr

import msgspec

from porta.text.email_addresses import ascii_domain_form

_LONGEST_HEADER = 200
"""Characters of a subject or a name."""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What is written: one text in two forms, in one language (a BCP 47 tag)."""

    subject: str
    text: str
    html: str
    language: str
    sender_name: str
    """As whom it comes: the organization's name."""


def new_message_id(sender: str) -> str:
    """Return a Message-ID in the domain of `sender`: that of every attempt to send one message."""
    return make_msgid(domain=ascii_domain_form(address_of(sender)).rpartition("@")[2])


def address_of(sender: str) -> str:
    """Return the address of `Name <address>`, or of an address alone."""
    return parseaddr(sender)[1]


def build(
    letter: Letter, *, sender: str, recipient: str, message_id: str, written_at: float
) -> tuple[bytes, bool]:
    """Return a message as it goes over the wire, and whether it needs SMTPUTF8 (RFC 6531, 6532).

    `written_at` is in seconds since the epoch; both addresses have their domains in ASCII.
    """
    utf8 = not (sender.isascii() and recipient.isascii())
    message = EmailMessage(policy=policy.SMTPUTF8 if utf8 else policy.SMTP)
    name = _one_line(letter.sender_name)
    message["From"] = _address(sender, name)
    message["To"] = _address(recipient)
    message["Subject"] = _one_line(letter.subject)
    message["Date"] = format_datetime(datetime.fromtimestamp(written_at, UTC))
    message["Message-ID"] = message_id
    # RFC 3834 §5: no holiday notice comes back. It is no list either, so there is none to leave.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text, cte="quoted-printable")
    message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = letter.language  # of the whole; set before, it would be a part's
    return message.as_bytes(), utf8


def _address(address: str, name: str = "") -> Address:
    """Not by `addr_spec`: that refuses a local part beyond ASCII."""
    user, _, domain = address.rpartition("@")
    return Address(display_name=name, username=user, domain=domain)


def _one_line(text: str) -> str:
    """Return `text` fit for a header: nothing in it ends a line, in whatever disguise.

    The standard library decodes what looks like an encoded word (RFC 2047) in a value that it is
    given, line ends in it included; so nothing may look like one.
    """
    visible = "".join(c if c.isprintable() else " " for c in text[:_LONGEST_HEADER])
    return " ".join(visible.replace("=?", "= ?").split())
