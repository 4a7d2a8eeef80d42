"""An application under test: what it is installed from, how it runs, and how a person uses it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page

EMAIL, PASSWORD = "ann@shop.example.com", "quiet-otter-paints-seven-lamps"
STRANGER = ("bob@shop.example.com", "brown-heron-folds-eleven-maps")
"""E-mail address and password of somebody without a role, or any name."""


@dataclass(frozen=True, slots=True)
class Registration:
    """The client that a provisioning file made for it, and where the issuer is."""

    issuer: str
    client_id: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is installed (`programs`: an environment of its own), and where it may write."""

    programs: Path
    folder: Path

    def program(self, name: str) -> str:
        """Return the path of a program that was installed."""
        return str(self.programs / "bin" / name)

    def write(self, name: str, text: str) -> Path:
        """Write a file of its configuration."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


@dataclass(frozen=True, slots=True)
class Command:
    """What starts it."""

    words: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Application:
    """One line of the table. `client_id` names it, and the file below examples/applications/."""

    name: str
    client_id: str
    url: str
    """Answers with any status as soon as it serves."""
    packages: Sequence[str]
    configure: Callable[[Place, Registration], Command]
    sign_in: Callable[[Page], None]
    """Ends where the application shows who is signed in, or fails."""
    sign_out: Callable[[Page], None]
    node_packages: Sequence[str] = ()
    go_packages: Sequence[str] = ()
    """Built by Go, which has to be there: path and version."""
    refuse: Callable[[Page], None] | None = None
    """Where it wants a role: ends where somebody without it was turned away, or fails."""


def at_porta(page: Page, person: tuple[str, str] = (EMAIL, PASSWORD)) -> None:
    """Fill in the login page, and leave it."""
    page.wait_for_selector("#password")
    page.fill("#email", person[0])
    page.fill("#password", person[1])
    page.press("#password", "Enter")


def at_logout(page: Page) -> None:
    """Answer the question whether to sign out, where it is asked."""
    page.wait_for_selector("input[name=logout][value=yes]", state="attached")
    page.click("button[type=submit]")
