"""Browsers by their names: what most of them claim to be as well is not what they are."""

from __future__ import annotations

import pytest

from porta.text import user_agents

_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0"
_PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (f"{_WINDOWS} {_WEBKIT} Safari/537.36", ("Chrome", "Windows")),
        (f"{_WINDOWS} {_WEBKIT} Safari/537.36 Edg/131.0.0.0", ("Edge", "Windows")),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
         ("Firefox", "Linux")),
        (f"{_PHONE} Version/18.1 Mobile/15E148 Safari/604.1", ("Safari", "iPhone")),
        (f"{_PHONE} CriOS/131.0 Mobile/15E148 Safari/604.1", ("Chrome", "iPhone")),
        (f"Mozilla/5.0 (Linux; Android 14) {_WEBKIT} Mobile Safari/537.36", ("Chrome", "Android")),
        ("curl/8.5.0", (None, None)),
        (None, (None, None)),
    ],
)  # fmt: skip
def test_a_browser_is_told_by_what_it_alone_says(
    user_agent: str | None, name: tuple[str | None, str | None]
) -> None:
    assert user_agents.name_of(user_agent) == name
