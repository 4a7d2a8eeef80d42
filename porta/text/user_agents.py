"""User agents: which browser on which system, by the names that people know (RFC 9110 §10.1.5).

What a browser calls itself is for people to recognize their own by, and decides nothing.
"""

from __future__ import annotations

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
"""What tells a browser, and its name: most call themselves what those below them are, too."""
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)


def name_of(user_agent: str | None) -> tuple[str | None, str | None]:
    """Return the name of the browser, and of the system that it runs on; None for what is not
    known.
    """
    return _first(_BROWSERS, user_agent or ""), _first(_SYSTEMS, user_agent or "")


def _first(names: tuple[tuple[str, str], ...], user_agent: str) -> str | None:
    return next((name for part, name in names if part in user_agent), None)
