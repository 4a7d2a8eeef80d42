"""Rows of Porta 1.x that one statement finds: the table RULES, in the order of a report."""

from __future__ import annotations

from porta.services.succession.finding import Rule, Severity

RULES = (
    Rule(
        "inactive_applications",
        Severity.STOPS,
        "Clients of applications that are not active: 1.x served them, we do not",
        "Activate the application (UPDATE applications SET status = 'active' WHERE slug = '...'),"
        " or tell who uses them.",
    ),
    Rule(
        "client_authentication",
        Severity.STOPS,
        "Clients that authenticate in a way we do not know yet",
        "Give them a secret and client_secret_basic (token_endpoint_auth_method) before you start.",
    ),
    Rule(
        "clients_without_password",
        Severity.STOPS,
        "Clients that people have no way to sign in to",
        "Allow one (UPDATE clients SET login_methods = NULL, or organizations SET"
        " default_login_methods = '{password,magic_link}').",
    ),
    Rule(
        "second_factor",
        Severity.STOPS,
        "People who have a second factor, and no app that they confirmed: they are refused",
        "Reset the second factor of each with 1.x before, once you know that it is them who ask.",
    ),
    Rule(
        "people_without_password",
        Severity.INFORMS,
        "People who have no password: a mail lets them in, a magic link or a forgotten password",
        "Nothing to do, where SMTP_HOST names a mail server.",
    ),
    Rule(
        "pending_mails",
        Severity.INFORMS,
        "Invitations of 1.x that nobody has accepted yet: their links are good here too",
        "Nothing to do.",
    ),
    Rule(
        "dpop",
        Severity.STOPS,
        "Clients that bind tokens to a key of their own (DPoP), which we do not know yet",
        "Have them ask without a DPoP header, or wait.",
    ),
    Rule(
        "resources",
        Severity.STOPS,
        "Values of `resource` that clients sent: 1.x took any, we answer invalid_target",
        "Register each as an API resource of the organization (api_resources of a provisioning"
        " file), or have the client leave the parameter out.",
    ),
    Rule(
        "roles_elsewhere",
        Severity.DIFFERS,
        "Clients that were told roles of other applications, and are told those of their own now",
        "Where a client relies on them, after porta migrate up: UPDATE clients SET tells_all_roles"
        " = TRUE WHERE client_id = '...' (tells_all_roles: true in a provisioning file).",
    ),
    Rule(
        "refresh_tokens",
        Severity.INFORMS,
        "Refresh tokens of 1.x that live on: each is taken over at its first use",
        "Nothing to do. porta migrate finish leaves them alone.",
    ),
    Rule(
        "old_audit_entries",
        Severity.INFORMS,
        "Entries of the audit log that are older than audit_retention_days: nothing deletes them",
        "Set audit_log_retention_days in system_config once you want them deleted.",
    ),
)
"""What is met where one statement says: the key is its name."""
