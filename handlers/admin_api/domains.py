"""Domains of an organization: proven by a DNS record, they lead their people to a connection."""

from __future__ import annotations

from typing import Literal

from handlers.admin_api.lists import Listing, Sorting, listing, page_of
from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Moment, Nothing, Shown
from porta.services import domains
from porta.services.domains import DomainPatch, NewDomain
from porta.services.permissions import needed_by
from storage.models.domains import Domain as Stored

_ALL = "/organizations/{organizationId}/domains"
_ONE = f"{_ALL}/{{domainId}}"
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


def _one(stored: Stored) -> Answer:
    return Answer(Data(data=_shown(stored)), version=stored.version)


def _target(call: Call) -> tuple[str, str]:
    return call.id("domainId"), call.id("organizationId")


async def _create(call: Call) -> Answer:
    command, home = call.body_as(NewDomain), call.id("organizationId")
    return _one(await domains.create(call.storage, call.actor, home, command))


async def _list(call: Call) -> Answer:
    query, home = call.query_as(DomainQuery), call.id("organizationId")
    page = page_of(call, query)
    listed = await domains.list(call.storage, call.actor, home, page)
    return Answer(listing(call, query, page, listed, _shown))


async def _get(call: Call) -> Answer:
    target, home = _target(call)
    return _one(await domains.get(call.storage, call.actor, target, within=home))


async def _update(call: Call) -> Answer:
    (target, home), patch = _target(call), call.body_as(DomainPatch)
    return _one(
        await domains.update(call.storage, call.actor, target, patch, call.version, within=home)
    )


async def _look_up(call: Call) -> bool:
    target, home = _target(call)
    return await domains.look_up(call.storage, call.actor, call.runtime, target, within=home)


async def _verify(call: Call) -> Answer:
    target, home = _target(call)
    there = call.prepared is True
    return _one(await domains.verify(call.storage, call.actor, target, there, within=home))


async def _delete(call: Call) -> Answer:
    target, home = _target(call)
    await domains.delete(call.storage, call.actor, target, call.version, within=home)
    return Answer()


ROUTES = (
    Route(
        "POST",
        _ALL,
        "Claim a domain, to be proven by a TXT record",
        _create,
        permissions=needed_by(domains.create),
        request=NewDomain,
        response=Data[Domain],
        status=201,
        errors=(400, 409),
        delegable=True,
    ),
    Route(
        "GET",
        _ALL,
        "List the domains of an organization",
        _list,
        permissions=needed_by(domains.list),
        query=DomainQuery,
        response=Listing[Domain],
        delegable=True,
    ),
    Route(
        "GET",
        _ONE,
        "Read a domain, and the record that proves it",
        _get,
        permissions=needed_by(domains.get),
        response=Data[Domain],
        delegable=True,
    ),
    *(
        Route(
            method,
            _ONE,
            "Change where people of a domain sign in",
            _update,
            permissions=needed_by(domains.update),
            request=DomainPatch,
            response=Data[Domain],
            errors=(400, 412),
            delegable=True,
        )
        for method in ("PUT", "PATCH")
    ),
    Route(
        "POST",
        f"{_ONE}/verify",
        "Look up the TXT record of a domain, which is proven where it is found",
        _verify,
        permissions=needed_by(domains.verify),
        request=Nothing,
        optional_body=True,
        response=Data[Domain],
        prepare=_look_up,
        delegable=True,
    ),
    Route(
        "DELETE",
        _ONE,
        "Give a domain up: nobody is led by it any more",
        _delete,
        permissions=needed_by(domains.delete),
        errors=(412,),
        delegable=True,
    ),
)
