"""porta user: people, their roles and claims, over the Admin API."""

from __future__ import annotations

import click

from porta.admin_client import AdminClient
from porta.admin_client.resources.shared import SentInvitation
from porta.admin_client.resources.users import AssignedRole, NewInvitation
from porta.cli import answers
from porta.cli.commands import prompts
from porta.cli.nouns import Action, Given, noun
from porta.cli.user_sign_in import ORG as _ORG
from porta.cli.user_sign_in import WITHIN as _WITHIN
from porta.cli.user_sign_in import action as _action
from porta.cli.user_sign_in import devices, identities, passkeys

_NAME = click.Option(["--name"], metavar="TEXT", help='First and last name: "Ann Lee".')
_PASSWORD = click.Option(["--password"], help="On a command line others of the machine see it.")
_ROLE = click.Option(
    ["--role", "roles"],
    multiple=True,
    metavar="APP/ROLE",
    help="A role that they have once they have accepted; several times for several.",
)
_IN, _OUT = "They are active.", "They are out, and what they held has ended."


def _split_name(given: Given) -> None:
    """`--name` of Porta 1.x: the last word is the family name."""
    words = given.pop("name", "").split()
    if words:
        given["family_name" if len(words) > 1 else "given_name"] = words[-1]
        if len(words) > 1:
            given["given_name"] = " ".join(words[:-1])


def _ask_password(given: Given) -> None:
    """What stands on a command line stands in the list of processes, too."""
    if "password" not in given:
        with prompts("Give --password."):
            given["password"] = click.prompt(
                "Password", hide_input=True, confirmation_prompt=True, err=True
            )


async def _invite(admin: AdminClient, given: Given) -> SentInvitation:
    """Roles are named as people know them, and sent by their ids."""
    organization_id, roles = given.pop("organization_id"), []
    for named in given.pop("roles", ()):
        application, _, role = named.partition("/")
        found = await admin.roles.get(application, role)
        roles.append(AssignedRole(application_id=found.application_id, role_id=found.id))
    return await admin.users.invite(organization_id, NewInvitation(**given, roles=tuple(roles)))


def _confirm_purge(given: Given) -> None:
    given["confirm_purge"] = not given.get("dry_run")


def _as_json(found: object) -> None:
    """It is for the person to take along."""
    answers.tell(found, (), json_wanted=True)


user = noun(
    "user",
    "Add people, change them, let them in and keep them out.",
    ("id", "email", "givenName", "familyName", "status", "lastLoginAt", "createdAt"),
    _action("list"),
    _action("show", "get"),
    _action("create", further=(_NAME,), prepare=_split_name),
    _action("update", further=(_NAME,), prepare=_split_name),
    _action(
        "invite",
        only=(
            "email",
            "given_name",
            "family_name",
            "personal_message",
            "locale",
            "client_id",
            "claims",
        ),
        further=(_NAME, _ROLE),
        prepare=_split_name,
        run=_invite,
        columns=("id", "email", "created", "expiresAt"),
    ),
    _action("suspend", asks="Suspend {user_id}, and end what they hold?", done=_OUT),
    _action("unsuspend", done=_IN),
    _action("deactivate", asks="Deactivate {user_id}, and end what they hold?", done=_OUT),
    _action("reactivate", done=_IN),
    _action("lock", asks="Lock {user_id}, and end what they hold?", done=_OUT),
    _action("unlock", done=_IN),
    _action("verify-email", done="The address is theirs."),
    _action(
        "revoke-tokens",
        asks="End every session and token of {user_id}?",
        done="What was issued until now is refused.",
    ),
    _action(
        "clear-password",
        "delete_password",
        asks="Take the password from {user_id}, and end what they hold?",
        done="They have none.",
    ),
    _action("invite-preview"),
    _action("export", says="Print all that is kept of a person, as JSON.", tell=_as_json),
    _action(
        "purge",
        says="Erase a person for good (GDPR Art. 17). Nothing brings them back.",
        only=("dry_run",),
        prepare=_confirm_purge,
        asks="Erase {user_id} for good?",
    ),
    _action(
        "set-password",
        says="Give a person another password, and end what they hold. It is asked for.",
        only=(),
        further=(_PASSWORD,),
        prepare=_ask_password,
        done="The password is set.",
    ),
    _action("history", columns=("createdAt", "eventType", "actorId", "metadata")),
    _action("explain"),
)

_roles = noun(
    "roles",
    "Show, give and take the roles of a person.",
    ("id", "name", "slug", "applicationId"),
    Action("list", "user_roles.list", options=_WITHIN, names=_ORG),
    Action(
        "assign",
        "user_roles.create",
        says="Give a person a role.",
        options=_WITHIN,
        names={**_ORG, "role_id": "--role"},
        only=("role_id",),
        done="They have it.",
    ),
    Action("permissions", "user_roles.permissions", options=_WITHIN, names=_ORG),
    Action(
        "remove",
        "user_roles.delete",
        options=("organization_id", "role_id"),
        names={**_ORG, "role_id": "--role"},
        done="They have it no more.",
    ),
)
_claims = noun(
    "claims",
    "Show, set and remove values of custom claims of a person.",
    ("claimDefinitionId", "claimName", "value"),
    Action("list", "user_claims.list", options=_WITHIN, names=_ORG),
    Action(
        "set",
        "user_claims.set",
        options=("organization_id", "claim_id"),
        names={**_ORG, "claim_id": "--claim"},
    ),
    Action(
        "remove",
        "user_claims.delete",
        options=("organization_id", "claim_id"),
        names={**_ORG, "claim_id": "--claim"},
        done="They have none.",
    ),
)
_second_factors = noun(
    "2fa",
    "Show and take away the second factors of a person.",
    (),
    _action("status", "two_factor_status"),
    _action(
        "disable",
        "two_factor_disable",
        asks="Take every second factor from {user_id}, and end what they hold?",
        done="They have none.",
    ),
    _action(
        "reset",
        "two_factor_reset",
        asks="Have {user_id} enrol anew, and end what they hold?",
        done="They enrol anew.",
    ),
    _action(
        "recovery-codes",
        "two_factor_recovery_codes_regenerate",
        asks="Give {user_id} new recovery codes, in the place of all before?",
    ),
)
_invitations = noun(
    "invitations",
    "Show invitations that nobody has accepted, send them once more, take them back.",
    ("id", "email", "status", "expiresAt", "createdAt"),
    Action("list", "organizations.invitations", options=_WITHIN, names=_ORG),
    Action("resend", "organizations.invitations_resend", options=_WITHIN, names=_ORG),
    Action(
        "revoke",
        "organizations.delete_invitation",
        options=_WITHIN,
        names=_ORG,
        asks="Take the invitation {invitation_id} back?",
        done="Its link leads nowhere any more.",
    ),
)
user.add_command(_invitations)
_consents = noun(
    "consents",
    "Show and withdraw what a person allowed clients.",
    ("clientId", "scopes", "resources", "sessions", "consentedAt"),
    _action("list", "consents"),
    _action(
        "withdraw",
        "delete_consent",
        asks="Withdraw what {user_id} allowed {client_id}, and end what stands on it?",
        done="It may nothing more.",
    ),
    _action(
        "withdraw-all",
        "delete_consents",
        asks="Withdraw all that {user_id} allowed, and end what stands on it?",
    ),
)
user.add_command(_roles)
user.add_command(_consents)
user.add_command(_claims)
user.add_command(_second_factors)
user.add_command(passkeys)
user.add_command(devices)
user.add_command(identities)
