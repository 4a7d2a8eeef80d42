"""The inbox of the mail catcher as a person sees it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from porta.cli.dev_pages import document, section, table
from porta.cli.mail_inbox import Mail, body_of

_EMPTY = (
    '<p class="soft">Nothing has arrived yet. Every email that Porta sends here, to whatever '
    "address, is caught and shown; none leaves this machine.</p>"
)


def inbox(mails: Iterable[Mail]) -> str:
    """Return the list of messages, which renews itself."""
    lines = "".join(_line(mail) for mail in mails)
    button = '<button class="button quiet">Delete all</button>'
    clear = f'<form method="post" action="/delete">{button}</form>' if lines else ""
    content = f'<section><ul class="mails">{lines}</ul></section>' if lines else _EMPTY
    return document("Inbox", f"<header><h1>Inbox</h1>{clear}</header>{content}", refresh=5)


def _line(mail: Mail) -> str:
    subject = escape(subject_of(mail))
    return (
        f'<li><a href="/messages/{mail.id}"><span class="soft">'
        f"{escape(', '.join(mail.recipients))}</span><strong>{subject}</strong>"
        f'<span class="soft">{mail.received.astimezone():%H:%M:%S}</span></a></li>'
    )


def subject_of(mail: Mail) -> str:
    """Return the subject, or a word that it has none."""
    return str(mail.parsed().get("Subject", "")) or "(no subject)"


def message(mail: Mail) -> str:
    """Return one message: its headers, its text, and its HTML in a frame without scripts."""
    parsed = mail.parsed()
    headers = table({name: str(value) for name, value in parsed.items()})
    text = body_of(parsed, "plain")
    parts = [f'<p><a href="/">Inbox</a></p><h1>{escape(subject_of(mail))}</h1>']
    parts.append(section("Headers", headers))
    if body_of(parsed, "html") is not None:
        frame = f'<iframe src="/messages/{mail.id}/html" title="Message"></iframe>'
        parts.append(section("HTML", frame))
    if text is not None:
        parts.append(section("Text", f"<pre>{_with_links(text)}</pre>"))
    parts.append(f'<p><a href="/messages/{mail.id}/source">Source</a></p>')
    return document(subject_of(mail), "".join(parts))


def _with_links(text: str) -> str:
    lines = (" ".join(map(_link, line.split(" "))) for line in text.splitlines())
    return "\n".join(lines)


def _link(word: str) -> str:
    shown = escape(word)
    if word.startswith(("http://", "https://")):
        return f'<a href="{shown}" rel="noreferrer">{shown}</a>'
    return shown
