"""Types of custom claims, and which JSON values are of them."""

from __future__ import annotations

import math
from typing import Any

CLAIM_TYPES = ("string", "number", "boolean", "json")


def is_of_type(claim_type: str, value: Any) -> bool:
    """Whether `value` is what a definition of this type promises: a string, a number that an IEEE
    double holds (RFC 7493 §2.2), a boolean, or an object or array for `json`. Null is nothing.
    """
    match claim_type:
        case "string":
            return isinstance(value, str)
        case "number":
            return isinstance(value, int | float) and type(value) is not bool and _is_finite(value)
        case "boolean":
            return isinstance(value, bool)
        case "json":
            return isinstance(value, dict | list)
    return False


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that is larger than any double
        return False
