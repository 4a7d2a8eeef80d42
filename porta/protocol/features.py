"""The features of the protocol, in the order their checks run."""

from __future__ import annotations

from porta.protocol import pkce, pushed_authorization, resource_indicators
from porta.protocol.feature import Feature

FEATURES: tuple[Feature, ...] = (
    pkce.FEATURE,
    resource_indicators.FEATURE,
    pushed_authorization.FEATURE,
)
