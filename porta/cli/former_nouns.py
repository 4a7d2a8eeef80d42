"""Former nouns: commands that Porta 1.x had over the Admin API, in our words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import click

Words = list[str]
_LISTS = {
    *("organizations", "applications", "clients", "users", "roles", "permissions", "audit"),
}


def _download(rest: Words) -> Words:
    """`exports download --entity-type users --org-id ID`."""
    kind, rest = _taken(rest, "--entity-type")
    if kind not in _LISTS:
        raise click.UsageError(f"--entity-type is one of {', '.join(sorted(_LISTS))}.")
    spelled = _renamed(rest, {"--org-id": "--org", "--app-id": "--app"})
    return ["export", kind, *_with_default(spelled, "--format", "csv")]


def _execute(rest: Words) -> Words:
    """`bulk execute --entity-type users --action lock --ids a,b --organization-id ID`."""
    kind, rest = _taken(rest, "--entity-type")
    if kind not in ("organizations", "users"):
        raise click.UsageError("--entity-type is organizations or users.")
    return ["bulk", kind, *_renamed(rest, {"--organization-id": "--org"})]


def _login_methods(rest: Words) -> Words:
    """`client login-methods set ID --methods a,b`, `get ID`, `clear ID`."""
    word, rest = (rest[0], rest[1:]) if rest else ("", [])
    match word:
        case "get":
            return ["client", "show", *rest]
        case "set":
            return ["client", "update", *_renamed(rest, {"--methods": "--login-methods"})]
        case "clear":
            return ["client", "update", *rest, "--login-methods", "inherit"]
    raise click.UsageError("client login-methods is get, set or clear.")


_FORMER: Mapping[tuple[str, ...], Callable[[Words], Words]] = {
    ("exports", "download"): _download,
    ("bulk", "execute"): _execute,
    ("client", "login-methods"): _login_methods,
    ("version",): lambda rest: ["--version", *rest],
}
_REFUSED = {
    "doctor": "porta whoami tells who is signed in, and porta health URL how a server is.",
    "gui": "There is no graphical interface yet. porta org, porta client and porta user are there.",
}
_PAGED = ("org", "app", "client", "user", "sessions", "audit", "refresh-families", "api-resource")


def read(words: Words) -> Words:
    """Return a command in our words. Raises click.UsageError, with the new word, for what is not
    here.
    """
    if words[:1] and words[0] in _REFUSED:
        raise click.UsageError(_REFUSED[words[0]])
    for former, read_rest in _FORMER.items():
        if tuple(words[: len(former)]) == former:
            return read_rest(words[len(former) :])
    if words[:1] and words[0] in _PAGED and "list" in words:
        return _renamed(words, {"--page-size": "--limit"})
    return words


def _name(word: str) -> str:
    return word.partition("=")[0]


def _renamed(words: Sequence[str], names: Mapping[str, str]) -> Words:
    return [names.get(_name(w), _name(w)) + w[len(_name(w)) :] for w in words]


def _taken(words: Words, option: str) -> tuple[str, Words]:
    """Return the value of an option, and the words without it; it has to be there."""
    for at, word in enumerate(words):
        if word == option and at + 1 < len(words):
            return words[at + 1], [*words[:at], *words[at + 2 :]]
        if _name(word) == option and "=" in word:
            return word.partition("=")[2], [*words[:at], *words[at + 1 :]]
    raise click.UsageError(f"Missing option '{option}'.")


def _with_default(words: Words, option: str, value: str) -> Words:
    return words if any(_name(w) == option for w in words) else [*words, option, value]
