"""Features of the protocol: the table FEATURES, in the order their checks run."""

from __future__ import annotations

from porta.protocol.features import pkce, pushed_authorization, resource_indicators
from porta.protocol.features.feature import Feature

FEATURES: tuple[Feature, ...] = (
    pkce.FEATURE,
    resource_indicators.FEATURE,
    pushed_authorization.FEATURE,
)
