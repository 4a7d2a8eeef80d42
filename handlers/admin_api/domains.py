"""Domains of an organization: proven by a DNS record, they lead their people to a connection."""

from __future__ import annotations

from typing import Literal

from handlers.admin_api.lists import Listing, Sorting
from handlers.admin_api.owned import Owned
from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Moment, Nothing, Shown
from porta.services import domains
from porta.services.domains import DomainPatch, NewDomain
from porta.services.permissions import needed_by
from storage.models.domains import Domain as Stored

_SortBy = Literal["domain", "created_at", "createdAt"]


class Domain(Shown):
    """A domain of an organization, and the record that proves it."""

    id: str
    organization_id: str
    domain: str
    record_name: str
    """Where the TXT record is."""
    record_text: str
    """What it says."""
    connection_id: str | None
    mode: str
    verified_at: Moment | None
    """When the record was first found; null for what is not proven, and leads nobody."""
    checked_at: Moment | None
    lapsed_at: Moment | None
    """When the record had been missing three times in a row."""
    created_at: Moment
    updated_at: Moment


class DomainQuery(Sorting):
    """Which domains."""

    sort_by: _SortBy | None = None
    sort: _SortBy | None = None


def _shown(stored: Stored) -> Domain:
    name, text = domains.record_of(stored)
    made = {"record_name", "record_text"}
    told = {name: getattr(stored, name) for name in Domain.model_fields if name not in made}
    return Domain(**told, record_name=name, record_text=text)


_DOMAINS = Owned("domains", "domainId", _shown, Data[Domain], Listing[Domain])


async def _look_up(call: Call) -> bool:
    target, home = _DOMAINS.target(call)
    return await domains.look_up(call.storage, call.actor, call.runtime, target, within=home)


async def _verify(call: Call) -> Answer:
    (target, home), there = _DOMAINS.target(call), call.prepared is True
    verified = await domains.verify(call.storage, call.actor, target, there, within=home)
    return _DOMAINS.answer(verified)


ROUTES = (
    _DOMAINS.create("Claim a domain, to be proven by a TXT record", domains.create, NewDomain),
    _DOMAINS.list("List the domains of an organization", domains.list, DomainQuery),
    _DOMAINS.read("Read a domain, and the record that proves it", domains.get),
    *_DOMAINS.update("Change where people of a domain sign in", domains.update, DomainPatch),
    Route(
        "POST",
        f"{_DOMAINS.path}/verify",
        "Look up the TXT record of a domain, which is proven where it is found",
        _verify,
        permissions=needed_by(domains.verify),
        request=Nothing,
        optional_body=True,
        response=Data[Domain],
        prepare=_look_up,
        delegable=True,
    ),
    _DOMAINS.delete("Give a domain up: nobody is led by it any more", domains.delete),
)
