"""Pages of the demonstration client: the tokens it was given, taken apart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any

from porta.dev.pages import document, section, table

_TIMES = frozenset({"iat", "exp", "auth_time", "nbf", "updated_at"})
_AGAIN = '<a class="button" href="/sign-in">Sign in again</a>'


def welcome(issuer: str) -> str:
    """Return the page with the button."""
    return document(
        "Demonstration",
        "<h1>A relying party</h1><p>This page is an ordinary OpenID Connect client of "
        f"<code>{escape(issuer)}</code>.</p>"
        '<p><a class="button" href="/sign-in">Sign in</a></p>',
    )


def refused(reason: str) -> str:
    """Return the page that tells why a sign-in was not completed."""
    return document(
        "Not signed in",
        f'<h1 class="bad">Not signed in</h1><section><p>{escape(reason)}</p></section>'
        f"<p>{_AGAIN}</p>",
    )


def signed_in(
    header: Mapping[str, Any],
    claims: Mapping[str, Any],
    tokens: Mapping[str, Any],
    userinfo: Mapping[str, Any],
    logout: str,
) -> str:
    """Return the page with everything a client learns from one sign-in."""
    name = str(userinfo.get("name") or userinfo.get("email") or claims["sub"])
    leave = f'<a class="button quiet" href="{escape(logout)}">Sign out</a>'
    proof = f"signed with {header.get('alg')}, key {header.get('kid')}"
    id_token = (
        f'<p class="good">Valid: {escape(proof)}</p>'
        f"{table(_shown(claims))}{_folded('As it was sent', str(tokens['id_token']))}"
    )
    rest = {key: value for key, value in tokens.items() if key != "id_token"}
    return document(
        f"Signed in as {name}",
        f'<header><div><h1>Signed in as {escape(name)}</h1><p class="soft">What this client '
        f"learned, and from where.</p></div><div>{_AGAIN} {leave}</div></header>"
        + section("ID token", id_token)
        + section("Userinfo", table(_shown(userinfo)))
        + section("Token response", table(_shown(rest))),
    )


def _folded(title: str, text: str) -> str:
    return f"<details><summary>{escape(title)}</summary><pre>{escape(text)}</pre></details>"


def _shown(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: _text(name, value) for name, value in values.items()}


def _text(name: str, value: Any) -> str:
    if name in _TIMES and isinstance(value, int):
        return f"{value} ({datetime.fromtimestamp(value).astimezone():%Y-%m-%d %H:%M:%S})"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
