"""Nouns of the Admin API as commands: a table of actions, whose options the client's types say."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_type_hints

import click
import msgspec

from porta.admin_client import AdminClient
from porta.admin_client.listing import Listed
from porta.admin_client.model import Model
from porta.admin_client.resources import Resources
from porta.admin_client.transport import Transport
from porta.cli import answers
from porta.cli.commands import confirm
from porta.cli.groups import Group
from porta.cli.option_types import Value, option_of
from porta.cli.remote import CA_FILE, SERVER, Connection, ask_server

Given = dict[str, Any]
Prepare = Callable[[Given], None]
Run = Callable[[AdminClient, Given], Awaitable[object]]
_ADMIN = Resources(Transport.__new__(Transport))  # asked for its methods alone
_SLUGS = {"organization_id": "organizations", "application_id": "applications"}
"""Fields that take an id, where a person may give a slug."""


@dataclass(frozen=True)
class Action:
    """One command: the method of the client that it calls, and what a person is told of it.

    Arguments and options are those of the method: its path, the fields of its body, its query.
    """

    name: str
    calls: str
    """`organizations.create`."""
    says: str = ""
    """What it does, where the method does not say it well."""
    done: str = ""
    """Told when it is done, and nothing was answered."""
    asks: str = ""
    """What is asked before it is done: `Archive {id_or_slug}?`"""
    names: Mapping[str, str] = field(default_factory=dict)
    """Words of Porta 1.x for options, by the field."""
    options: tuple[str, ...] = ()
    """Parts of the path that are options rather than arguments."""
    only: tuple[str, ...] | None = None
    """Fields of the body that have an option; None is all of them."""
    further: tuple[click.Parameter, ...] = ()
    """Options that the method does not have: those of `prepare` and `run`."""
    prepare: Prepare | None = None
    """Turns options of a person's into those of the method."""
    run: Run | None = None
    """In place of the method, for what takes more than one call."""
    columns: tuple[str, ...] = ()
    tell: Callable[[Any], None] | None = None
    """In place of a table, or of the fields of one thing; raises where it was in vain."""


def of_organization(resource: str) -> Callable[..., Action]:
    """Return what makes the actions of a resource that `--org` names the organization of."""
    names = {"organization_id": "--org"}

    def action(name: str, method: str, **more: Any) -> Action:
        return Action(
            name, f"{resource}.{method}", options=("organization_id",), names=names, **more
        )

    return action


def noun(name: str, says: str, columns: tuple[str, ...], *actions: Action) -> click.Group:
    """Return the commands of a noun."""
    group = Group(name, help=says)
    for action in actions:
        group.add_command(_Command(action, action.columns or columns).build())
    return group


def single(action: Action) -> click.Command:
    """Return the command of an action that is a word by itself."""
    return _Command(action, action.columns).build()


class _Command:
    """What an action needs to know of the method that it calls."""

    def __init__(self, action: Action, columns: tuple[str, ...]) -> None:
        self._action, self._columns = action, columns
        self.calls = action.calls
        resource, _, name = action.calls.partition(".")
        self._method = getattr(getattr(_ADMIN, resource), name)
        hints = get_type_hints(self._method)
        self._answer = hints.pop("return")
        parameters = inspect.signature(self._method).parameters.values()
        self._path = [p.name for p in parameters if p.annotation == "str" and _is_path(p)]
        self._query = {p.name: hints[p.name] for p in parameters if p.kind is p.KEYWORD_ONLY}
        self._query.pop("page_size", None)
        self._body = _model_in(hints.get("body"))
        told = self._body.__struct_fields__ if self._body is not None else ()
        self._rehearses_there = "dry_run" in self._query or "dry_run" in told
        self._is_list = getattr(self._answer, "__origin__", None) is Listed
        self._is_file = self._answer is bytes
        self._changes = any(p.kind is p.VAR_KEYWORD for p in parameters)

    def build(self) -> click.Command:
        action = self._action
        says = action.says or f"{inspect.getdoc(self._method)}"
        arguments = [click.Argument([each]) for each in self._path if each not in action.options]
        options = [
            click.Option([action.names.get(each, f"--{_spelled(each)}"), each], required=True)
            for each in self._path
            if each in action.options
        ]
        return click.Command(
            action.name,
            params=[*arguments, *options, *self._fields(), *action.further, *self._common()],
            help=says,
            callback=self._call,
        )

    def _fields(self) -> list[click.Option]:
        names = self._action.names
        queries = [option_of(n, hint, names.get(n)) for n, hint in self._query.items()]
        if self._body is None:
            return queries
        hints, needed = get_type_hints(self._body), _needed(self._body)
        wanted = [n for n in self._body.__struct_fields__ if _is_wanted(n, self._action.only)]
        found = [option_of(n, hints[n], names.get(n), required=n in needed) for n in wanted]
        removable = [_spelled(n) for n in wanted if type(None) in _options(hints[n])]
        if self._action.name == "update" and removable:
            found.append(
                click.Option(
                    ["--unset"],
                    multiple=True,
                    type=click.Choice(removable),
                    metavar="NAME",
                    help="Leave it without a value.",
                )
            )
        return [*queries, *found]

    def _common(self) -> list[click.Option]:
        found = [
            click.Option(["--server"], envvar="PORTA_SERVER", metavar="URL", help=SERVER),
            click.Option(["--ca-file"], envvar="PORTA_CA_FILE", metavar="FILE", help=CA_FILE),
            click.Option(["--json", "json_wanted"], is_flag=True, help="Print JSON."),
        ]  # fmt: skip
        if self._is_list:
            found.append(
                click.Option(["--limit"], type=click.IntRange(1), default=50, show_default=True,
                             help="So many at most.")
            )  # fmt: skip
        if self._is_file:
            found.append(click.Option(["--output", "-o"], metavar="FILE", help="Where it goes."))
        if self._changes and not self._rehearses_there:
            found.append(click.Option(["--dry-run"], is_flag=True, help="Tell what would be sent."))
        if self._action.asks:
            found.append(click.Option(["--yes", "--force"], is_flag=True, help="Do not ask first."))
        return found

    def _call(
        self,
        server: str | None,
        ca_file: str | None,
        json_wanted: bool,
        limit: int = 0,
        output: str | None = None,
        dry_run: bool = False,
        yes: bool = False,
        **given: Any,
    ) -> None:
        given = {name: value for name, value in given.items() if value is not None}
        if self._action.asks and not yes and not dry_run:
            confirm(self._action.asks.format_map(given))
        if self._rehearses_there and dry_run:  # the server knows more of it
            given["dry_run"], dry_run = True, False
        if self._action.prepare is not None:
            self._action.prepare(given)
        connection = Connection(server, ca_file, dry_run, json_wanted)
        found = ask_server(connection, lambda admin: self._run(admin, given, limit))
        if isinstance(found, bytes):
            _keep(found, output)
        elif found is not None:
            self._tell(found, json_wanted=json_wanted)
        elif self._answer is type(None) and not dry_run and not json_wanted:
            click.echo(f"✓ {self._action.done or 'Done.'}")

    def _tell(self, found: object, *, json_wanted: bool) -> None:
        if json_wanted or self._action.tell is None:
            answers.tell(found, self._columns, json_wanted=json_wanted)
        if self._action.tell is not None and not json_wanted:
            self._action.tell(found)

    async def _run(self, admin: AdminClient, given: Given, limit: int) -> object:
        await _find_ids(admin, given)
        if self._action.run is not None:
            return await self._action.run(admin, given)
        resource, _, name = self._action.calls.partition(".")
        arguments = [given.pop(each) for each in self._path]
        query = {name: given.pop(name) for name in self._query if name in given}
        if self._body is not None:
            for each in given.pop("unset", ()):
                given[each.replace("-", "_")] = None
            arguments.append(self._body(**given))
        found = getattr(getattr(admin, resource), name)(*arguments, **query)
        if isinstance(found, Listed):
            return await found.first(limit)
        answered: object = await found
        return answered


async def _find_ids(admin: AdminClient, given: Given) -> None:
    for name, resource in _SLUGS.items():
        if name in given and not Value.is_id(given[name]):
            given[name] = (await getattr(admin, resource).get(given[name])).id


def _keep(content: bytes, output: str | None) -> None:
    if output is None:
        click.echo(content, nl=False)
        return
    try:
        Path(output).write_bytes(content)
    except OSError as error:
        raise click.ClickException(f"{output}: {error.strerror}") from None


def _is_path(parameter: inspect.Parameter) -> bool:
    return parameter.kind is parameter.POSITIONAL_OR_KEYWORD and parameter.name != "content_type"


def _is_wanted(name: str, only: tuple[str, ...] | None) -> bool:
    return name != "etag" and (only is None or name in only)


def _model_in(hint: Any) -> type[Model] | None:
    for each in _options(hint):
        if isinstance(each, type) and issubclass(each, Model):
            return each
    return None


def _options(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) or (hint,)


def _needed(model: type[Model]) -> set[str]:
    return {each.name for each in msgspec.structs.fields(model) if each.required}


def _spelled(name: str) -> str:
    return name.replace("_", "-")
