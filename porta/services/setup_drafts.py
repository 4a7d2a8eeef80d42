"""Set-up drafts: the connection that a form of `setup_forms` says, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from porta.errors import Invalid, Path, Problem
from porta.services.connections import NewConnection
from porta.services.setup_forms import FORMS, OPTIONS, PERSONAL, Typed
from storage.models.connections import Connection

LONGEST = 4096
MISSING = "is missing"
_ELSEWHERE = "is not where the issuer is"
_KINDS = {MISSING: "missing", _ELSEWHERE: "origin", PERSONAL: "personal"}
"""What is told of a problem (`setup.error_*`) by its message; of any other: `value`."""
_CALLED = ("token_endpoint", "userinfo_endpoint")
_PORTS = {"https": 443, "http": 80}
_PATHS = {
    "issuer": "issuer",
    "clientId": "client_id",
    "clientSecret": "client_secret",
    "allowedTenants": "tenant",
    "scopes": "scopes",
}
"""The field of a form by where a command has a problem."""


def read(provider: str, name: str, typed: Typed, kept: str | None = None) -> NewConnection:
    """Return the connection that a form says, judged as one of the Admin API is; with the secret
    that is `kept` where none was typed. Raises Invalid.

    It has no power: it makes no account, gives no role, and is trusted for no address or factor.
    """
    form = FORMS[provider]
    said = {each.name: (typed.get(each.name) or "").strip() for each in form.fields}
    said["client_secret"] = said["client_secret"] or kept or ""
    missing = [each.name for each in form.fields if each.is_needed and not said[each.name]]
    if missing:
        raise Invalid(problems=[Problem((name,), MISSING) for name in missing])
    body = {
        "name": name,
        "provider": provider,
        "clientId": said["client_id"],
        "clientSecret": said["client_secret"],
        **form.more(said),
    }
    command = NewConnection.parse(body)
    elsewhere = _elsewhere(command.issuer, command.options or {})
    if elsewhere:
        raise Invalid(problems=[Problem(("options", name), _ELSEWHERE) for name in elsewhere])
    return command


def is_fit(draft: Connection) -> bool:
    """Whether a draft that was kept is one that could be typed now: one of a version before this
    may be anything that was let through there.
    """
    return not _elsewhere(draft.issuer, draft.options)


def _elsewhere(issuer: str | None, options: Mapping[str, str]) -> list[str]:
    """Return the options by which this server would call another origin than the issuer's (RFC 6454
    §4). Else whoever holds a link could name a token endpoint of their own, that hands out whatever
    they like, and have any other server asked with it: the page shows what that answers.
    """
    ours = _origin_of(issuer or "")
    return [name for name in _CALLED if name in options and _origin_of(options[name]) != ours]


def _origin_of(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port of a URL that was judged before."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def typed_before(draft: Connection) -> dict[str, str]:
    """Return what a form shows again of a draft: everything but its secret."""
    return {
        "issuer": draft.issuer,
        "client_id": draft.client_id,
        "tenant": (draft.allowed_tenants or ("",))[0],
        "scopes": " ".join(draft.scopes),
        **draft.options,
    }


def problems_of(provider: str, refusal: Invalid) -> dict[str, str]:
    """Return what is wrong by the name of the field: one of _KINDS, or `value`."""
    return {
        name: _kind_of(problem)
        for problem in refusal.problems
        for name in _fields_of(provider, problem.path)
    }


def _fields_of(provider: str, path: Path) -> tuple[str, ...]:
    first, last = str(path[0]), str(path[-1])
    options = OPTIONS.get(provider, ())
    if first == "options":
        return (last,) if last in options else options
    return (_PATHS.get(first, first),)


def _kind_of(problem: Problem) -> str:
    return _KINDS.get(problem.message, "value")
