"""Values of the pages of a set-up link: what each shows of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from porta.protocol import endpoints
from porta.protocol.federation.profile import DEFAULT_MAPPING
from porta.services import domains, setup_drafts
from porta.services.setup import Setup
from porta.services.setup_forms import FORMS, Step
from storage.models.domains import Domain
from storage.models.setup_links import SetupLink


def beginning(found: Setup) -> dict[str, Any]:
    """Return what the page shows before anybody has begun."""
    domain = found.domain.domain if found.domain is not None else None
    return {"connection": found.link.name, "domain": domain}


def domain(claimed: Domain) -> dict[str, Any]:
    """Return what the page of a domain shows: the record to make."""
    name, text = domains.record_of(claimed)
    return {"domain": claimed.domain, "record_name": name, "record_text": text}


def form(link: SetupLink, issuer: str) -> dict[str, Any]:
    """Return what the page of a provider asks for, and what to do there. What was typed before is
    shown again, but its secret.
    """
    assert link.provider is not None
    assert link.connection_id is not None
    asked, draft = FORMS[link.provider], link.draft
    callback = endpoints.absolute(
        issuer, endpoints.FEDERATION_CALLBACK, connection=link.connection_id
    )
    return {
        "connection": link.name,
        "fields": asked.fields,
        "steps": tuple(_filled(step, issuer) for step in asked.steps),
        "callback": callback,
        "typed": setup_drafts.typed_before(draft) if draft is not None else {},
        "has_secret": draft is not None and draft.client_secret is not None,
    }


def shown_again(link: SetupLink, typed: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed, as a field can hold it, but what is secret."""
    assert link.provider is not None
    return {
        each.name: "".join(filter(str.isprintable, typed[each.name]))[: setup_drafts.LONGEST]
        for each in FORMS[link.provider].fields
        if not each.is_secret
    }


def tested(link: SetupLink) -> dict[str, Any]:
    """Return what the page of a test that succeeded shows."""
    told = link.tested
    assert told is not None
    return {
        "connection": link.name,
        "draft": link.draft_number,
        "claims": tuple(told.claims.items()),
        "email": told.email,
        "email_verified": told.email_verified,
        "choices": tuple((name, told.claims[name]) for name in told.mappable),
        "usual": DEFAULT_MAPPING,
    }


def _filled(step: Step, issuer: str) -> Step:
    """Return a step with what it says of this installation."""
    host = urlsplit(issuer).hostname or ""
    names = {
        name: text.replace("{host}", host).replace("{issuer}", issuer)
        for name, text in step.names.items()
    }
    return step._replace(names=names)
