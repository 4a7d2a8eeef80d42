"""Claim placing: where what was released stands, by the mappings of a client."""

from __future__ import annotations

from collections.abc import Iterable

from porta.protocol.tokens.claim_mappings import (
    effective_mappings,
    find_path_problem,
    overlap,
    path_for,
)
from porta.protocol.tokens.claim_trace import Claim, Reason, Target, Trace
from porta.protocol.tokens.standard_claims import ROLE_CLAIMS
from storage.models.claims import ClaimMapping
from storage.models.clients import Client


def place(
    claims: Iterable[Claim], client: Client, target: Target, trace: Trace | None
) -> list[Claim]:
    """Return `claims`, roles, permissions and custom claims by their own names, where the client's
    mappings have them: one that is mapped goes there and nowhere else, and one whose name a
    mapping has taken nowhere.
    """
    mappings = effective_mappings(client)
    if not mappings:
        return list(claims)
    placed: list[Claim] = []
    taken = _taken(mappings)
    for claim in claims:
        own = [mapping for mapping in mappings if mapping.source == claim.name]
        for mapping in own:
            moved = _move(claim, mapping, client, target, placed, trace)
            if moved is not None:
                placed.append(moved)
        if not own and claim.name not in taken:
            placed.append(claim)
        elif not own and trace is not None:
            trace.note(claim.name, claim.source, "name_taken", "a mapping of the client has it")
    if trace is not None:
        _note_mapped(trace, mappings, client)
    return placed


def is_told(name: str, client: Client) -> bool:
    """Whether a custom claim that is in some target stands anywhere."""
    mappings = effective_mappings(client)
    if any(mapping.source == name for mapping in mappings):
        return True
    return name not in _taken(mappings)


def fits(claim: Claim, placed: Iterable[Claim]) -> bool:
    """Whether the place of `claim` is free beside those that are `placed`."""
    return not any(
        claim.name == other.name
        or ((claim.path or other.path) and overlap(_place_of(claim), _place_of(other)))
        for other in placed
    )


def _move(
    claim: Claim,
    mapping: ClaimMapping,
    client: Client,
    target: Target,
    placed: list[Claim],
    trace: Trace | None,
) -> Claim | None:
    """Return the claim where the mapping has it, or None and a note of why it is not there."""
    path = path_for(mapping, client)
    name = ".".join(path)
    why: tuple[Reason, str]
    if find_path_problem(mapping.source, mapping.path) is not None:
        # Whatever wrote the row, nothing speaks for a claim with a meaning of its own.
        why = "reserved", "that is the name of another claim"
    elif target not in mapping.targets:
        why = "target_excluded", "its mapping names other targets"
    else:
        inner = path if len(path) > 1 else ()
        moved = claim._replace(name=name, rule=f"{claim.rule}, claim mapping", path=inner)
        if fits(moved, placed):
            return moved
        why = "name_taken", "another mapping has the place"
    if trace is not None:
        trace.note(name, claim.source, *why)
    return None


def _place_of(claim: Claim) -> tuple[str, ...]:
    return claim.path or (claim.name,)


def _taken(mappings: tuple[ClaimMapping, ...]) -> frozenset[str]:
    return frozenset(m.path[0] for m in mappings if find_path_problem(m.source, m.path) is None)


def _note_mapped(trace: Trace, mappings: tuple[ClaimMapping, ...], client: Client) -> None:
    """Note of what is mapped, and absent, by the names that it would have."""
    known = {*ROLE_CLAIMS, *(definition.claim_name for definition in client.claim_definitions)}
    told: dict[str, list[str]] = {}
    for mapping in mappings:
        name, source = ".".join(path_for(mapping, client)), mapping.source
        told.setdefault(source, []).append(name)
        cause = trace.absent.get(source)
        if source not in known:
            trace.note(name, source, "not_defined", "the application defines no such claim")
        elif cause is not None and cause.reason != "mapped":
            trace.note(name, *cause[1:])
    for source, names in told.items():
        if source not in names:
            trace.note(source, source, "mapped", f"told as {', '.join(names)}")
