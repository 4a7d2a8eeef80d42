"""Any OpenID Provider: found by its issuer (OpenID Connect Discovery §4)."""

from __future__ import annotations

from porta.protocol.federation.provider import Provider

PROVIDER = Provider(name="openid")
