"""Every method of the Admin API's client has a command, or a reason to have none."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module

import click
import pytest

from porta.__main__ import COMMANDS, attribute_of
from porta.admin_client.resources import Resources
from porta.admin_client.transport import Transport
from porta.cli.over_api import EitherGroup

BY_ID = "the same as porta user, for who knows no organization"
TWICE = "another spelling of a route that has a command"
SEEN_BY_PERSON = "porta user claims: the same, by the person"
WITHOUT_COMMAND = {
    "metadata.get": "porta login reads it",
    "me.get": "porta whoami",
    "applications.restore": TWICE,
    "claims.archive": TWICE,
    "client_secrets.delete": TWICE,
    "clients.restore": TWICE,
    "permissions.archive": TWICE,
    "roles.archive": TWICE,
    "user_roles.set": TWICE,
    "user_roles.remove": TWICE,
    "claims.of_user": SEEN_BY_PERSON,
    "claims.get_user": SEEN_BY_PERSON,
    "claims.set_user": SEEN_BY_PERSON,
    "claims.delete_user": SEEN_BY_PERSON,
    "jobs.events": "porta jobs watch, over jobs.get",
    "audit.events": "porta audit tail",
    **{
        f"users_by_id.{each}": BY_ID
        for each in (
            *("get", "update", "deactivate", "reactivate", "suspend", "unsuspend", "unlock"),
            *("revoke_tokens", "lock", "set_password", "delete_password", "verify_email"),
            *("history", "activate"),
        )
    },
}


def _methods() -> set[str]:
    resources = Resources(Transport.__new__(Transport))
    return {
        f"{name}.{method}"
        for name, resource in vars(resources).items()
        for method, _ in inspect.getmembers(resource, inspect.ismethod)
        if not method.startswith("_")
    }


def _called(command: click.Command) -> Iterator[str]:
    if isinstance(command, click.Group):
        for each in command.commands.values():
            yield from _called(each)
    if isinstance(command, EitherGroup):
        yield from _called(command.remote)
    owner = getattr(command.callback, "__self__", None)
    if owner is not None and hasattr(owner, "calls"):
        yield owner.calls


def _commanded() -> set[str]:
    modules = {word: import_module(module) for word, (module, _) in COMMANDS.items()}
    groups = [getattr(module, attribute_of(word)) for word, module in modules.items()]
    return {call for group in groups for call in _called(group)}


def test_every_route_has_a_command_or_a_reason() -> None:
    assert _methods() - _commanded() - WITHOUT_COMMAND.keys() == set()


def test_what_has_a_reason_is_there_and_has_no_command() -> None:
    assert WITHOUT_COMMAND.keys() - _methods() == set()
    assert WITHOUT_COMMAND.keys() & _commanded() == set()


@pytest.mark.parametrize(
    ("word", "name"), [("import", "import_"), ("api-resource", "api_resource")]
)
def test_a_command_is_called_what_python_may_call_it(word: str, name: str) -> None:
    assert attribute_of(word) == name
