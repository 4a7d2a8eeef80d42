"""Selectors of sanitized custom CSS: a rule for links leaves links that look like buttons alone."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import tinycss2

BUTTONS = ":where(:not(.btn-primary,.btn-secondary))"
"""Of no specificity, so that what an organization wrote wins over as much as before."""


def spare_buttons(css: str) -> str:
    """Return `css` in which a selector `a` means the links of a text.

    A way on is a link and looks like the button of a form: in the colour of links, its words would
    stand on its ground unread. `.btn-primary`, and `a.btn-primary`, are written for both.
    """
    nodes = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    return "".join(map(_rule, nodes))


def _rule(node: Any) -> str:
    if node.type == "at-rule":
        inner = tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True)
        body = "".join(map(_rule, inner))
        return f"@{node.lower_at_keyword} {_write(node.prelude)}{{{body}}}\n"
    return f"{_selector(node.prelude)}{{{_write(node.content)}}}\n"


def _selector(tokens: list[Any]) -> str:
    written, before = [], None
    for token, after in pairwise([*tokens, None]):
        written.append(token.serialize())
        if _is_link(token, before) and after != ".":
            written.append(BUTTONS)
        before = token
    return "".join(written).strip()


def _is_link(token: Any, before: Any) -> bool:
    return token.type == "ident" and token.lower_value == "a" and before not in (".", ":")


def _write(tokens: Iterable[Any]) -> str:
    return str(tinycss2.serialize(tokens)).strip()
