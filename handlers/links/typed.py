"""What somebody types who takes an account into use: names, and a password."""

from __future__ import annotations

from typing import Any

from porta.protocol.requests.params import Params
from porta.services.welcome import LONGEST_NAME, Typed

NAMES = ("given_name", "family_name")
TYPED = frozenset({*NAMES, "password", "confirmPassword"})


def typed_in(form: Params) -> Typed:
    """Return what a form says."""
    names = {name: (form.get(name) or "").strip() for name in NAMES}
    password, repeated = form.get("password") or "", form.get("confirmPassword")
    # It is repeated where no script can show it.
    return Typed(names, password, password if repeated is None else repeated)


def shown_again(names: dict[str, str]) -> dict[str, Any]:
    """Return what was typed, as a field can hold it, so that nobody types it twice."""
    return {
        name: "".join(filter(str.isprintable, typed))[:LONGEST_NAME]
        for name, typed in names.items()
    }
