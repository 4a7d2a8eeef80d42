"""A tab of the browser, as a walk knows it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyotp

from tests.handlers.interactions.sign_ins.people import Guest, Person, Tab


@dataclass
class Open:
    """A tab of the browser: where it is, what its forms hold, what the model says of it."""

    path: str
    tab: Tab
    csrf: str = ""
    app: tuple[tuple[str, int], pyotp.TOTP] | None = None
    """The secret that a page has shown last, and which one the model calls it."""
    asks: tuple[str, tuple[Person, Guest] | None] = ("", None)
    """What the form of the question of linking says, and what that was about."""
    codes: dict[str, str] = field(default_factory=dict)
    """The code that each person was mailed last."""
    read: int = 0
    """How many of the mails were read."""
    link: str = ""
    code: str = ""
    trips: list[str] = field(default_factory=list)
    """Where the browser was sent to at the other provider, and has not come back from."""
    is_over: bool = False

    @property
    def uid(self) -> str:
        return self.path.rpartition("/")[2]
