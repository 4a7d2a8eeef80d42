"""Authentication context: acr and amr values (Core §2, RFC 8176)."""

from __future__ import annotations

ACR_PASSWORD = "urn:porta:acr:password"
AMR_PASSWORD = ("pwd",)

ACR_VALUES: tuple[str, ...] = (ACR_PASSWORD,)
"""Every authentication context that a sign-in can reach, weakest first."""
