"""What a token of ours says, read without checking it."""

from __future__ import annotations

import base64
import json
from typing import Any


def claims_of(token: str) -> dict[str, Any]:
    """Return the payload of a compact JWS."""
    payload = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * 3))
    return decoded


def header_of(token: str) -> dict[str, Any]:
    """Return the header of a compact JWS."""
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=" * 3))
    return decoded
