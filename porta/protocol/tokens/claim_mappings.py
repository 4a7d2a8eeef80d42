"""Claim mappings: what a client calls roles, permissions and custom claims, and where they go."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from porta.errors import Path
from porta.protocol.tokens.standard_claims import (
    RESERVED_CLAIMS,
    ROLE_CLAIMS,
    find_roles_claim_problem,
)
from storage.models.claims import CLAIM_TARGETS, ClaimMapping
from storage.models.clients import Client

CLIENT_ID = "{client_id}"
"""A member that stands for the client_id of whoever is told; never the outermost."""
MAX_MAPPINGS = 20
MAX_DEPTH = 4
_MEMBERS = frozenset({"source", "claim", "targets"})
_SOURCE = re.compile(r"[a-z][a-z0-9_]{0,99}")
_MEMBER = re.compile(r"[A-Za-z][A-Za-z0-9_.:/-]{0,99}")

Refuse = Callable[[Path, str], None]
"""Takes what is wrong: where, within the mappings, and in which words."""


def parse_path(claim: str) -> tuple[str, ...]:
    """Return the members that `claim` names: dots separate them, save in a name that is a URL."""
    return (claim,) if "://" in claim else tuple(claim.split("."))


def to_entry(mapping: ClaimMapping) -> dict[str, Any]:
    """Return the mapping as it is registered; `read_claim_mappings` reads it back."""
    text = ".".join(mapping.path)
    claim = text if parse_path(text) == mapping.path else list(mapping.path)
    return {"source": mapping.source, "claim": claim, "targets": list(mapping.targets)}


def read_claim_mappings(raw: Any, refuse: Refuse) -> tuple[ClaimMapping, ...]:
    """Return the mappings of decoded JSON, or of a client that exists.

    A list of objects with `source`, `claim` (a text, or a list of members) and, where it is not
    all of them, `targets`. Every problem goes to `refuse`, with its path; what is returned then is
    of no use.
    """
    if not isinstance(raw, list | tuple) or len(raw) > MAX_MAPPINGS:
        refuse((), f"must be a list of at most {MAX_MAPPINGS} mappings")
        return ()
    read = tuple(
        mapping
        for index, entry in enumerate(raw)
        if (mapping := _read(entry, _below(refuse, index))) is not None
    )
    if len(read) == len(raw):
        _check_places(read, refuse)
    return read


def find_path_problem(source: str, path: tuple[str, ...]) -> str | None:
    """Return why `source` cannot be told at `path`, or None."""
    if not 0 < len(path) <= MAX_DEPTH:
        return f"must have 1 to {MAX_DEPTH} members"
    first, *inner = path
    if not _MEMBER.fullmatch(first) or not all(
        _MEMBER.fullmatch(m) or m == CLIENT_ID for m in inner
    ):
        return "members have 1 to 100 of A-Z, a-z, 0-9 and _.:/- and begin with a letter"
    # Roles keep their own name where a mapping says no more than where they go.
    if first in RESERVED_CLAIMS and path != _own_path(source):
        return f"'{first}' is a claim with a meaning of its own"
    return None


def effective_mappings(client: Client) -> tuple[ClaimMapping, ...]:
    """Return what the client's registration maps; `roles_claim` is short for a mapping of roles.

    It is a name, not a path, whatever stands in it, and nothing where it is no fit one.
    """
    name, mappings = client.roles_claim, client.claim_mappings
    if name is None or find_roles_claim_problem(name) or any(m.source == "roles" for m in mappings):
        return mappings
    return (*mappings, ClaimMapping("roles", (name,)))


def path_for(mapping: ClaimMapping, client: Client) -> tuple[str, ...]:
    """Return the members under which `client` is told."""
    return tuple(client.client_id if member == CLIENT_ID else member for member in mapping.path)


def overlap(path: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether one is the place of the other, or within it: two values cannot stand there."""
    shorter = min(len(path), len(other))
    return path[:shorter] == other[:shorter]


def _own_path(source: str) -> tuple[str, ...] | None:
    return (source,) if source in ROLE_CLAIMS else None


def _read(entry: Any, refuse: Refuse) -> ClaimMapping | None:
    if isinstance(entry, ClaimMapping):
        entry = to_entry(entry)
    if not isinstance(entry, Mapping) or not entry.keys() <= _MEMBERS:
        refuse((), "must be an object of source, claim and targets")
        return None
    source, path, targets = (
        entry.get("source"),
        _read_path(entry.get("claim")),
        entry.get("targets"),
    )
    problems = tuple(_find_problems(source, path, targets))
    for name, message in problems:
        refuse((name,), message)
    if problems or not isinstance(source, str) or path is None:
        return None
    told = CLAIM_TARGETS if targets is None else tuple(t for t in CLAIM_TARGETS if t in targets)
    return ClaimMapping(source, path, told)


def _find_problems(
    source: Any, path: tuple[str, ...] | None, targets: Any
) -> Iterator[tuple[str, str]]:
    if not isinstance(source, str) or not _SOURCE.fullmatch(source):
        yield "source", "must be roles, permissions, or the name of a custom claim"
    elif source in RESERVED_CLAIMS and source not in ROLE_CLAIMS:
        yield "source", f"'{source}' is no custom claim, and is told under its own name only"
    if path is None:
        yield "claim", "must be a name, a path of names with dots between them, or a list of names"
    elif message := find_path_problem(str(source), path):
        yield "claim", message
    if targets is not None and not _are_targets(targets):
        yield "targets", f"must be one or more of: {', '.join(CLAIM_TARGETS)}"


def _read_path(claim: Any) -> tuple[str, ...] | None:
    if isinstance(claim, str):
        return parse_path(claim)
    if isinstance(claim, list | tuple) and all(isinstance(member, str) for member in claim):
        return tuple(claim)
    return None


def _are_targets(targets: Any) -> bool:
    if not isinstance(targets, list | tuple) or not targets:
        return False
    return all(isinstance(t, str) and t in CLAIM_TARGETS for t in targets)


def _check_places(mappings: tuple[ClaimMapping, ...], refuse: Refuse) -> None:
    for index, mapping in enumerate(mappings):
        name = ".".join(mapping.path)
        if any(
            overlap(mapping.path, other.path) or name == ".".join(other.path)
            for other in mappings[:index]
        ):
            refuse((index, "claim"), "is the place of another mapping, or within it")


def _below(refuse: Refuse, index: int) -> Refuse:
    return lambda path, message: refuse((index, *path), message)
