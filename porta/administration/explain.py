"""Explain, as administrators ask it: why somebody's tokens say what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porta.audit.actors import Actor
from porta.errors import NotFound
from porta.provider.explain import explain
from porta.provider.explain.question import Explanation, Question
from porta.runtime import Runtime
from porta.services.permissions import needs

if TYPE_CHECKING:
    from storage.router import Storage


@needs("admin:user:read", "admin:client:read", "admin:role:read", "admin:claim:read")
async def explain_tokens(
    storage: Storage, actor: Actor, runtime: Runtime, organization_id: str, question: Question
) -> Explanation:
    """Return what decides on the tokens that the question is about. Nothing is written.

    Raises NotFound for an organization, a person or a client that there is not, and Invalid for a
    what-if that cannot be.
    """
    organization = await storage.organizations.find_by_id(organization_id)
    if organization is None or not actor.sees(organization_id):
        raise NotFound("Organization not found")
    return await explain(runtime, organization, question)
