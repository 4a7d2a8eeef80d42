"""The inbox of the mail catcher as a person sees it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from porta.dev.mail_inbox import Mail, body_of, headers_of
from porta.dev.pages import document, section, table

_EMPTY = (
    '<p class="soft">Nothing has arrived yet. Every email that Porta sends here, to whatever '
    "address, is caught and shown; none leaves this machine.</p>"
)
# A bracket is part of a link with its counterpart only; a mark that ends a sentence never is.
_LINK = re.compile(
    r"""(https?://
    (?: [^\s<>"()\[\]] | \([^\s<>"()\[\]]*\) | \[[^\s<>"()\[\]]*\] )+
    (?<![.,:;!?']))""",
    re.VERBOSE,
)


def inbox(mails: Iterable[Mail]) -> str:
    """Return the list of messages."""
    lines = "".join(_line(mail) for mail in mails)
    # It does not renew itself: that would take the focus away (WCAG 2.2, 2.2.1 and 3.2.5).
    buttons = '<a class="button quiet" href="/">Reload</a>'
    if lines:
        buttons += ' <button class="button quiet">Delete all</button>'
    form = f'<form method="post" action="/delete">{buttons}</form>'
    content = f'<section><ul class="mails">{lines}</ul></section>' if lines else _EMPTY
    return document("Inbox", f"<header><h1>Inbox</h1>{form}</header>{content}")


def _line(mail: Mail) -> str:
    subject = escape(subject_of(mail))
    return (
        f'<li><a href="/messages/{mail.id}"><span class="soft">'
        f"{escape(', '.join(mail.recipients))}</span><strong>{subject}</strong>"
        f'<span class="soft">{mail.received.astimezone():%H:%M:%S}</span></a></li>'
    )


def subject_of(mail: Mail) -> str:
    """Return the subject, or a word that it has none."""
    headers = headers_of(mail.parsed())
    subject = next((value for name, value in headers if name.lower() == "subject"), "")
    return subject.strip() or "(no subject)"


def message(mail: Mail) -> str:
    """Return one message: its headers, its text, and its HTML in a frame without scripts."""
    parsed, subject = mail.parsed(), subject_of(mail)
    text = body_of(parsed, "plain")
    parts = [f'<p><a href="/">Inbox</a></p><h1>{escape(subject)}</h1>']
    parts.append(section("Headers", table(dict(headers_of(parsed)))))
    if body_of(parsed, "html") is not None:
        frame = f'<iframe src="/messages/{mail.id}/html" title="Message"></iframe>'
        parts.append(section("HTML", frame))
    if text is not None:
        parts.append(section("Text", f"<pre>{_with_links(text)}</pre>"))
    parts.append(f'<p><a href="/messages/{mail.id}/source">Source</a></p>')
    return document(subject, "".join(parts))


def _with_links(text: str) -> str:
    pieces = _LINK.split("\n".join(text.splitlines()))
    return "".join(_link(piece) if at % 2 else escape(piece) for at, piece in enumerate(pieces))


def _link(url: str) -> str:
    return f'<a href="{escape(url)}" rel="noreferrer">{escape(url)}</a>'
