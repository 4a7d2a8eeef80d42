"""Browser binding: one stable secret of a browser at an organization, and its session."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from porta.security import opaque
from storage.models.artifact import artifact_id

_LENGTH = 43


class Browser(msgspec.Struct, frozen=True):
    """What a browser presents at an organization, in its cookies.

    `secret` is one that we made, or None; the others are whatever the browser says.
    """

    secret: str | None = None
    session: str | None = None
    posted: str | None = None
    """A secret for the way from a request that was posted without cookies to the GET after it."""

    @property
    def digest(self) -> str | None:
        """What stands in the interactions and the session of this browser."""
        return artifact_id(self.secret) if self.secret is not None else None


def new_secret() -> str:
    """Return a secret for a browser that has none."""
    return opaque.new_value()


def to_cookie(keys: Sequence[str], slug: str, secret: str) -> str:
    """Return the value of the cookie that hands `secret` to a browser: with our seal."""
    return secret + opaque.sign_value(keys, f"browser {slug}", secret)


def form_value(keys: Sequence[str], secret: str, place: str) -> str:
    """Return the CSRF value of a form that belongs to no interaction: it holds in the browser of
    this `secret`, at this `place`, a path, and says nothing elsewhere.
    """
    return opaque.sign_value(keys, "form", f"{place} {secret}")


def is_form_of(keys: Sequence[str], browser: Browser, place: str, value: str | None) -> bool:
    """Whether `value` is that of a form which this browser was shown at this place."""
    if browser.secret is None:
        return False
    return opaque.verify_value(keys, "form", f"{place} {browser.secret}", value or "")


def from_cookie(keys: Sequence[str], slug: str, value: str | None) -> str | None:
    """Return the secret in a cookie's `value`; None for one that this organization did not make.

    A value that a browser, or whoever planted it there, made up is never adopted.
    """
    secret, sealed = (value or "")[:_LENGTH], (value or "")[_LENGTH:]
    if not opaque.well_formed(secret):
        return None
    return secret if opaque.verify_value(keys, f"browser {slug}", secret, sealed) else None
