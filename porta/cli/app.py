"""porta app: applications, with what each defines: modules, roles, permissions, claims."""

from __future__ import annotations

from typing import Any

import click

from porta.cli.nouns import Action, noun

_DEFINED = ("id", "name", "slug", "createdAt")


def _permissions() -> click.Argument:
    return click.Argument(["permission_ids"], metavar="PERMISSION_ID...", nargs=-1, required=True)


app = noun(
    "app",
    "Make, change and archive applications, and what each of them defines.",
    ("id", "name", "slug", "status", "createdAt"),
    Action("list", "applications.list"),
    Action("show", "applications.get"),
    Action("create", "applications.create"),
    Action("update", "applications.update"),
    Action("activate", "applications.activate", done="It is active."),
    Action(
        "deactivate",
        "applications.deactivate",
        asks="Deactivate {application_id}, and end what its clients hold?",
        done="It is inactive.",
    ),
    Action(
        "archive",
        "applications.archive",
        asks="Archive {application_id} for good?",
        done="It is archived.",
    ),
    Action(
        "history",
        "applications.history",
        columns=("createdAt", "eventType", "actorId", "metadata"),
    ),
)


def _defines(word: str, resource: str, says: str, *more: Action, **names: Any) -> None:
    one = f"{word}_id"
    app.add_command(
        noun(
            word,
            says,
            names.pop("columns", _DEFINED),
            Action("list", f"{resource}.list"),
            Action("show", f"{resource}.get"),
            Action("create", f"{resource}.create", names=names),
            Action("update", f"{resource}.update", names=names),
            Action(
                "archive",
                f"{resource}.delete",
                names={"force": "--even-if-held"},
                asks=f"Delete {{{one}}}, and take it from whoever has it?",
                done="It is gone.",
            ),
            *more,
        )
    )


_defines(
    "module",
    "modules",
    "The parts of an application.",
    Action("deactivate", "modules.deactivate", done="It is inactive."),
)
_defines(
    "role",
    "roles",
    "The roles that people may have in an application.",
    Action("permissions", "roles.permissions", columns=_DEFINED),
    Action(
        "assign-perm",
        "roles.set_permissions",
        only=(),
        further=(_permissions(),),
        done="The role has them.",
    ),
    Action(
        "remove-perm",
        "roles.delete_permissions",
        only=(),
        further=(_permissions(),),
        done="The role has them no more.",
    ),
    Action("users", "roles.users", columns=("id", "email", "organizationId")),
)
_defines(
    "permission",
    "permissions",
    "What roles of an application permit.",
    Action("roles", "permissions.roles", columns=_DEFINED),
)
_defines(
    "claim",
    "claims",
    "The custom claims that an application defines.",
    columns=("id", "claimName", "claimType", "createdAt"),
    claim_name="--name",
    claim_type="--type",
)
