"""Keepsakes: what a browser was given at earlier sign-ins at an organization, as it presents it."""

from __future__ import annotations

from typing import NamedTuple


class Keepsakes(NamedTuple):
    """Values of cookies, which say nothing before their seals were judged."""

    known: str | None = None
    """That somebody signed in here before (`security/known_browsers.py`)."""
    device: str | None = None
    """That a second factor was shown here (`security/trusted_devices.py`)."""


NONE = Keepsakes()
