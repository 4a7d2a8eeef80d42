"""What is known of an account: SQL that makes one JSON document of it, and its decoder.

One column that msgspec decodes costs a process less than the thirty columns of a user.
"""

from __future__ import annotations

import msgspec

from storage.models.users import AUTO_LOCKOUT, AccountFacts, User, UserProfile

_EXPRESSIONS = {
    "birthdate": "to_char(u.birthdate, 'YYYY-MM-DD')",
    "locked_at": "EXTRACT(EPOCH FROM u.locked_at)::float8",
    **{
        name: f"EXTRACT(EPOCH FROM u.{name})::float8"
        for name in (
            *("created_at", "updated_at", "password_changed_at"),
            *("last_login_at", "last_failed_login_at"),
        )
    },
}


def _json(record: type[User]) -> str:
    pairs = (
        f"'{name}', {_EXPRESSIONS.get(name, f'u.{name}')}" for name in record.__struct_fields__
    )
    return f"json_build_object({', '.join(pairs)})"


USER = _json(User)
"""A `User`, of `users u`."""
PROFILE = _json(UserProfile)
"""A `UserProfile`, of `users u`."""

STANDS = f"(u.status = 'active' OR (u.status = 'locked' AND u.locked_reason = '{AUTO_LOCKOUT}'))"
"""`User.is_usable`, of `users u`."""

decode_user = msgspec.json.Decoder(User).decode
decode_profile = msgspec.json.Decoder(UserProfile).decode
decode_facts = msgspec.json.Decoder(AccountFacts).decode


def facts(application: str, all_roles: str) -> str:
    """Return SQL for an `AccountFacts`, of `users u`, at the application that the SQL expression
    `application` names; with the roles of every other one where `all_roles` is true.
    """
    told = f"(r.application_id = {application} OR {all_roles})"
    return f"""json_build_object(
        'user', {USER},
        'roles', ARRAY(SELECT DISTINCT r.slug FROM user_roles ur JOIN roles r ON r.id = ur.role_id
            WHERE ur.user_id = u.id AND {told} ORDER BY 1),
        'permissions', ARRAY(SELECT DISTINCT p.slug FROM user_roles ur
            JOIN roles r ON r.id = ur.role_id
            JOIN role_permissions rp ON rp.role_id = r.id
            JOIN permissions p ON p.id = rp.permission_id
            WHERE ur.user_id = u.id AND {told} ORDER BY 1),
        'claims', COALESCE((SELECT json_object_agg(d.claim_name, v.value)
            FROM custom_claim_values v JOIN custom_claim_definitions d ON d.id = v.claim_id
            WHERE v.user_id = u.id AND d.application_id = {application}), '{{}}')
    )"""  # noqa: S608
