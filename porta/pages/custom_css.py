"""An administrator's CSS, parsed and written anew from what is allowed (CSS Syntax Level 3).

Colours, type, space and edges may change. Nothing may load, move, cover or hide: without a URL no
page tells anyone of a visit, and what a person consents to stays where it can be read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import tinycss2

from porta.pages.css_values import ALLOWED, is_safe

LONGEST = 20_000
"""Characters; more is not an attempt to style a page."""
_NAME = re.compile(r"[A-Za-z_-][A-Za-z0-9_-]{0,63}")
_PUNCTUATION = frozenset({".", ":", ">", "+", "~", ",", "*"})
PSEUDO_CLASSES = frozenset(
    {
        "root",
        "hover",
        "focus",
        "focus-visible",
        "focus-within",
        "active",
        "disabled",
        "first-child",
        "last-child",
        "placeholder",
    }
)
MEDIA_FEATURES = frozenset(
    {
        "prefers-color-scheme",
        "prefers-contrast",
        "prefers-reduced-motion",
        "min-width",
        "max-width",
        "orientation",
    }
)
_MEDIA_WORDS = frozenset({"and", "not", "only", "all", "screen", "print"})


class Dropped(NamedTuple):
    """What was left out, and why: a declaration, or a whole rule."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


def sanitize(css: str) -> str:
    """Return `css` without whatever is not allowed; a fault costs its declaration or rule only."""
    return clean(css)[0]


def clean(css: str) -> tuple[str, list[Dropped]]:
    """Return `css` without whatever is not allowed, and all that was dropped, by line."""
    if len(css) > LONGEST:
        return "", [Dropped(1, f"the sheet has more than {LONGEST} characters")]
    dropped: list[Dropped] = []
    written = _rules(
        tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True), dropped
    )
    if len(written) > LONGEST:
        return "", [Dropped(1, f"the sheet has more than {LONGEST} characters once written anew")]
    return written, sorted(dropped)


def root_color(css: str) -> str | None:
    """Return the hex colour (`#rrggbb`) that sanitized `css` gives `--primary` on `:root`."""
    found = None
    for rule in tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True):
        if rule.type == "qualified-rule" and _write(rule.prelude) == ":root":
            for part in tinycss2.parse_blocks_contents(rule.content):
                if part.type == "declaration" and part.name == "--primary":
                    found = _hex(part.value)
    return found


def _hex(tokens: Iterable[Any]) -> str | None:
    parts = [token for token in tokens if token.type != "whitespace"]
    if len(parts) != 1 or parts[0].type != "hash":
        return None
    digits = parts[0].value.lower()
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    return f"#{digits}" if len(digits) == 6 else None


def _rules(nodes: Iterable[Any], dropped: list[Dropped], *, nested: bool = False) -> str:
    written = []
    for node in nodes:
        if node.type == "qualified-rule":
            written.append(_rule(node, dropped))
        elif node.type == "at-rule" and node.lower_at_keyword == "media" and not nested:
            written.append(_media(node, dropped))
        elif node.type == "at-rule":
            named = _shown(f"@{node.at_keyword}")
            dropped.append(Dropped(node.source_line, f"{named} is not allowed here"))
        else:
            dropped.append(Dropped(node.source_line, "cannot be read as a rule"))
    return "".join(written)


def _rule(node: Any, dropped: list[Dropped]) -> str:
    if not _is_selector(node.prelude):
        named = _shown(_write(node.prelude))
        dropped.append(Dropped(node.source_line, f"the selector {named} is not allowed"))
        return ""
    parts = tinycss2.parse_blocks_contents(node.content, skip_comments=True, skip_whitespace=True)
    body = "".join(_declaration(part, dropped) for part in parts)
    return f"{_write(node.prelude)}{{{body}}}\n" if body else ""


def _declaration(node: Any, dropped: list[Dropped]) -> str:
    if node.type != "declaration":
        what = "a rule inside a rule is" if node.type != "error" else "what cannot be read is"
        dropped.append(Dropped(node.source_line, f"{what} not allowed"))
        return ""
    if not is_safe(node.name, node.value):
        known = (node.name if node.name.startswith("--") else node.lower_name) in ALLOWED
        problem = "has a value that is not allowed" if known else "is not allowed"
        dropped.append(Dropped(node.source_line, f"{_shown(node.name)} {problem}"))
        return ""
    name = node.name if node.name in ALLOWED else node.lower_name
    return f"{name}:{_write(node.value)}{'!important' if node.important else ''};"


def _media(node: Any, dropped: list[Dropped]) -> str:
    if node.content is None or not all(map(_is_media_token, node.prelude)):
        dropped.append(Dropped(node.source_line, "the media query is not allowed"))
        return ""
    inner = tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True)
    body = _rules(inner, dropped, nested=True)
    return f"@media {_write(node.prelude)}{{{body}}}\n" if body else ""


def _shown(text: str) -> str:
    """Return a name out of the sheet, as a message can hold it."""
    return "".join(c if c.isprintable() else "?" for c in text)[:40] or "?"


def _is_media_token(token: Any) -> bool:
    if token.type == "() block":
        parts = [part for part in token.content if part.type != "whitespace"]
        plain = all(part.type in ("ident", "literal", "dimension", "number") for part in parts)
        return plain and bool(parts) and getattr(parts[0], "lower_value", "") in MEDIA_FEATURES
    if token.type == "ident":
        return token.lower_value in _MEDIA_WORDS
    return bool(token.type == "whitespace" or token == ",")


def _is_selector(tokens: list[Any]) -> bool:
    """Tell whether every token is part of a plain selector; pseudo-elements are not."""
    before = ""
    for token in tokens:
        if not _is_selector_token(token, before):
            return False
        before = token.value if token.type == "literal" else ""
    return any(token.type != "whitespace" for token in tokens)


def _is_selector_token(token: Any, before: str) -> bool:
    checks: dict[str, Callable[[Any], bool]] = {
        "whitespace": lambda _: before not in (".", ":"),
        "hash": lambda node: bool(_NAME.fullmatch(node.value)),
        "ident": lambda node: _is_name(node.value, before),
        "literal": lambda node: node.value in _PUNCTUATION,
        "[] block": lambda node: _is_type_attribute(node.content),
    }
    return token.type in checks and checks[token.type](token)


def _is_name(name: str, before: str) -> bool:
    return name.lower() in PSEUDO_CLASSES if before == ":" else bool(_NAME.fullmatch(name))


def _is_type_attribute(tokens: list[Any]) -> bool:
    """Tell whether this is `type=...`; other attributes would let CSS ask for values."""
    parts = [token for token in tokens if token.type != "whitespace"]
    if len(parts) != 3 or parts[1] != "=" or parts[0].type != "ident":
        return False
    word = parts[2].value if parts[2].type in ("ident", "string") else ""
    return parts[0].lower_value == "type" and word.isascii() and word.isalpha()


def _write(tokens: list[Any]) -> str:
    return tinycss2.serialize(tokens).strip()
