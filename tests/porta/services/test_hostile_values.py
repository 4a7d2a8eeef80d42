"""Whatever is sent, a service takes it or says in words what is wrong: no database error."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from porta.audit.actors import SYSTEM
from porta.errors import Conflict, Invalid
from porta.services import organizations
from porta.services.commands import Reasoned
from porta.services.organizations import NewOrganization, OrganizationFilters, OrganizationPatch
from storage.models.pages import Page
from storage.router import Storage
from tests.porta.services.hostile import bodies

_PYDANTIC = (
    "Input should",
    "Value error",
    "valid string",
    "String should",
    "pydantic",
    "Field req",
)
hostile = settings(
    max_examples=120,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def told_in_words(refusal: Invalid | Conflict, sent: object) -> None:
    """Everything is told to people, with its place, and can be sent as JSON."""
    assert refusal.problems
    for problem in refusal.problems:
        assert problem.message
        assert not any(words in problem.message for words in _PYDANTIC), problem
        at: Any = sent
        for part in problem.path[:-1]:
            at = at[part]
        problem.message.encode()
        json.dumps(problem.path)


@hostile
@given(st.data())
async def test_hostile_organizations(storage: Storage, data: st.DataObject) -> None:
    right = st.just({"name": "Acme", "slug": f"h-{uuid4().hex}"})
    body = data.draw(bodies(NewOrganization, right))
    async with storage.transaction() as tx:
        try:
            made = await organizations.create(tx, SYSTEM, NewOrganization.parse(body))
        except (Invalid, Conflict) as refusal:
            told_in_words(refusal, body)
            made = await organizations.create(
                tx, SYSTEM, NewOrganization.parse({"name": "Acme", "slug": f"h-{uuid4().hex}"})
            )
        patch = data.draw(bodies(OrganizationPatch, st.just({})))
        try:
            await organizations.update(tx, SYSTEM, made.id, OrganizationPatch.parse(patch))
        except Invalid as refusal:
            told_in_words(refusal, patch)
        reason = data.draw(bodies(Reasoned, st.just({})))
        try:
            await organizations.suspend(tx, SYSTEM, made.id, Reasoned.parse(reason))
        except Invalid as refusal:
            told_in_words(refusal, reason)
        filters = data.draw(bodies(OrganizationFilters, st.just({})))
        try:
            await organizations.list(tx, SYSTEM, Page(), OrganizationFilters.parse(filters))
        except Invalid as refusal:
            told_in_words(refusal, filters)


@pytest.mark.parametrize("search", ["%", "_", "\\", "100%", "a_b", "\\%"])
async def test_signs_of_patterns_are_searched_for_as_they_are(
    storage: Storage, search: str
) -> None:
    name = f"{search} {uuid4().hex}"
    command = NewOrganization.parse({"name": name, "slug": f"s-{uuid4().hex}"})
    made = await organizations.create(storage, SYSTEM, command)
    filters = OrganizationFilters.parse({"search": f"{search} {made.name[-32:]}"})
    listed = await organizations.list(storage, SYSTEM, Page(), filters)
    assert listed.rows == (made,)
    filters = OrganizationFilters.parse({"search": "%" + made.name[-31:]})
    assert not (await organizations.list(storage, SYSTEM, Page(), filters)).rows
