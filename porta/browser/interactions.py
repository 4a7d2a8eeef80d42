"""Interaction: an authorization request that waits for a person; found, renewed, finished."""

from __future__ import annotations

import hmac
from typing import Any

import msgspec

from porta.browser import request_copies
from porta.browser.binding import Browser
from porta.errors import NotFound
from porta.observability import log
from porta.runtime import Runtime
from porta.security import opaque
from porta.tenants.tenant import Tenant
from storage.errors import AlreadyConsumed
from storage.models.artifact import artifact_id
from storage.models.artifacts import ANY_ORGANIZATION
from storage.models.interactions import Interaction
from storage.models.traces import Mark
from storage.router import Storage

_MOST_MARKS = 6


class InteractionExpired(NotFound):
    """An interaction that is unknown, over, finished by another tab, or another browser's."""

    status = 400
    code = "interaction_expired"


async def find(runtime: Runtime, uid: str) -> Interaction | None:
    """Return the interaction of a URL, whosever it is: see `is_of`.

    It is the one look-up that comes before the tenant, and so names no organization.
    """
    uid = request_copies.value_of(uid)
    if not opaque.well_formed(uid):
        return None
    return await runtime.storage.artifacts.find(Interaction, uid, ANY_ORGANIZATION)


def is_of(interaction: Interaction, browser: Browser) -> bool:
    """Whether the browser holds the secret that the interaction was begun with."""
    presented = browser.digest
    return presented is not None and hmac.compare_digest(interaction.browser, presented)


def was_posted_by(interaction: Interaction, browser: Browser) -> bool:
    """Whether the browser has just posted the request, and is not yet bound to it for good."""
    secret = browser.posted
    return secret is not None and hmac.compare_digest(interaction.browser, artifact_id(secret))


async def save(
    runtime: Runtime,
    tenant: Tenant,
    interaction: Interaction,
    *,
    storage: Storage | None = None,
    decides: bool = False,
    **changes: Any,
) -> Interaction:
    """Save `changes` to the interaction, in the transaction `storage` when there is one; it still
    ends when it was to end, unless when it began is changed. Whatever else another tab has changed
    since it was read stands.

    Raises InteractionExpired when it was finished meanwhile, or is over; and, where a person
    `decides` about what they were shown, when it asks another one, or for something else, by now.
    """
    now = runtime.clock()

    def change(standing: Interaction) -> tuple[Interaction, float]:
        if decides and _asked(standing) != _asked(interaction):
            raise InteractionExpired("it asks somebody else, or for something else, by now")
        changed: Interaction = msgspec.structs.replace(
            standing, **changes, marks=marked(standing.marks, now)
        )
        return changed, max(changed.created_at + tenant.config.interaction_ttl - now, 1)

    try:
        changed = await (storage or runtime.storage).artifacts.amend(interaction, change)
    except AlreadyConsumed:
        changed = None
    if changed is None:
        raise InteractionExpired("interaction not found")
    return changed


def _asked(interaction: Interaction) -> tuple[object, ...]:
    """Return who is asked for what: what a decision is about."""
    return interaction.prompt, interaction.previous_session, interaction.shown


def marked(marks: tuple[Mark, ...], now: float) -> tuple[Mark, ...]:
    """Return the marks of an interaction that the request at hand saves: the first, which began
    it, and the latest.
    """
    told = log.carry()
    if told is None:
        return marks
    request_id, step, notes = told
    kept = tuple(each for each in marks if each.request_id != request_id)
    if len(kept) >= _MOST_MARKS:
        kept = (kept[0], *kept[2 - _MOST_MARKS :])
    return (*kept, Mark(round(now, 3), request_id, step, notes))


async def find_finished(runtime: Runtime, uid: str) -> Interaction | None:
    """Return an interaction that `find` no longer finds, because it was finished not long ago."""
    uid = request_copies.value_of(uid)
    if not opaque.well_formed(uid):
        return None
    try:
        await runtime.storage.artifacts.consume(Interaction, uid, ANY_ORGANIZATION)
    except AlreadyConsumed as error:
        finished = error.artifact
        return finished if isinstance(finished, Interaction) else None
    return None


async def finish(runtime: Runtime, interaction: Interaction, uid: str) -> bool:
    """Take the interaction away; False when another request took it before."""
    try:
        consumed = await runtime.storage.artifacts.consume(
            Interaction, request_copies.value_of(uid), interaction.organization_id
        )
    except AlreadyConsumed:
        return False
    return consumed is not None
