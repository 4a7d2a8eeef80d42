"""Set-up drafts: the connection that a form of `setup_forms` says, and what is wrong with it."""

from __future__ import annotations

from porta.errors import Invalid, Path, Problem
from porta.services.connections import NewConnection
from porta.services.setup_forms import FORMS, OPTIONS, Typed
from storage.models.connections import Connection

LONGEST = 4096
MISSING = "is missing"
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
    return NewConnection.parse(body)


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
    """Return what is wrong by the name of the field: `missing`, or `value`."""
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
    return "missing" if problem.message == MISSING else "value"
