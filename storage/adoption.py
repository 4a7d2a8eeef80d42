"""Porta 1.x: the state in which a database of it is taken over."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

BASELINE = 12
"""Files up to this number build what Porta 1.x built up to its migration 019."""

_LEGACY = (
    "001_extensions",
    "002_organizations",
    "003_applications",
    "004_clients",
    "005_users",
    "006_roles_permissions",
    "007_custom_claims",
    "008_config",
    "009_audit_log",
    "010_oidc_adapter",
    "011_seed",
    "012_two_factor",
    "013_client_secret_sha256",
    "014_login_methods",
    "015_signing_key_encryption",
    "016_failed_login_count",
    "017_audit_retention",
    "018_admin_api_enhancements",
    "019_invitation_details",
)
_LEGACY_OPTIONAL = "020_two_factor_admin_permission"


def objection(names: AbstractSet[str]) -> str | None:
    """Return why a database whose `pgmigrations` holds these `names` cannot be taken over."""
    unknown = sorted(names - {*_LEGACY, _LEGACY_OPTIONAL})
    missing = [name for name in _LEGACY if name not in names]
    if unknown:
        return f"this database was migrated by {', '.join(unknown)}, which Porta 1.x did not have"
    if missing:
        return (
            f"this database of Porta 1.x lacks {', '.join(missing)}: "
            "let Porta 1.6.1 migrate it first"
        )
    return None
