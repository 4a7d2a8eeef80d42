"""Examples: domains, and the records that prove them."""

from __future__ import annotations

import secrets
from typing import Any

from tests.handlers.admin_api.examples import Example, example, shows
from tests.handlers.admin_api.examples_of_connections import ALL as CONNECTIONS
from tests.handlers.admin_api.owned import Owned, only
from tests.world.administrators import Installation
from tests.world.name_server import NameServer

ALL = "/organizations/{organizationId}/domains"
ONE = f"{ALL}/{{domainId}}"
VERIFY = f"{ONE}/verify"
NAMES: list[NameServer] = []
"""Whom the installation asks."""


def _name() -> str:
    return f"{secrets.token_hex(8)}.example"


DOMAIN = Owned(ALL, "domainId", lambda: {"domain": _name()}, {"mode": "offer"})


async def _connection(installation: Installation, path: dict[str, str], **more: Any) -> str:
    body = {"name": "Acme", "provider": "google", "clientId": "x", **more}
    made = await installation.post(CONNECTIONS.format_map(path), body)
    return str(made["id"])


@example("POST", ALL)
async def create(installation: Installation) -> Example:
    name = _name()
    told = {
        "domain": name,
        "recordName": f"_porta-challenge.{name}",
        "mode": "offer",
        "verifiedAt": None,
    }
    return Example(
        await DOMAIN.home(installation), body={"domain": name.upper()}, check=shows(**told)
    )


@example("POST", ALL)
async def create_what_is_none(installation: Installation) -> Example:
    return Example(await DOMAIN.home(installation), body={"domain": "localhost"}, status=400)


@example("POST", ALL)
async def create_what_requires_nothing(installation: Installation) -> Example:
    body = {"domain": _name(), "mode": "require"}
    return Example(await DOMAIN.home(installation), body=body, status=400)


@example("POST", ALL)
async def create_what_is_there(installation: Installation) -> Example:
    path, made = await DOMAIN.make(installation)
    return Example(path, body={"domain": made["domain"]}, status=409)


@example("GET", ALL)
async def find(installation: Installation) -> Example:
    path, made = await DOMAIN.make(installation)
    return Example(path, query={"sortBy": "domain"}, check=only(made))


@example("GET", ONE)
async def read(installation: Installation) -> Example:
    path, made = await DOMAIN.make(installation)
    return Example(path, check=shows(recordText=made["recordText"]))


def _changes(method: str) -> None:
    @example(method, ONE)
    async def change(installation: Installation) -> Example:
        path, _ = await DOMAIN.make(installation)
        body = {"mode": "require", "connectionId": await _connection(installation, path)}
        return Example(path, body=body, check=shows(**body))

    @example(method, ONE)
    async def change_its_name(installation: Installation) -> Example:
        path, _ = await DOMAIN.make(installation)
        return Example(path, body={"domain": _name()}, status=400)

    @example(method, ONE)
    async def lead_to_another_organization(installation: Installation) -> Example:
        path, _ = await DOMAIN.make(installation)
        elsewhere = await _connection(installation, await DOMAIN.home(installation))
        return Example(path, body={"connectionId": elsewhere}, status=400)

    @example(method, ONE)
    async def require_what_is_off(installation: Installation) -> Example:
        path, _ = await DOMAIN.make(installation)
        off = await _connection(installation, path, status="inactive")
        return Example(path, body={"connectionId": off, "mode": "require"}, status=400)

    @example(method, ONE)
    async def require_of_administrators(installation: Installation) -> Example:
        path = {"organizationId": installation.admin_id}
        made = await installation.post(ALL.format_map(path), {"domain": _name()})
        return Example({**path, "domainId": made["id"]}, body={"mode": "require"}, status=403)


_changes("PUT")
_changes("PATCH")


def _prove(made: dict[str, Any], *texts: str) -> None:
    NAMES[-1].texts[made["recordName"]] = [*texts]


@example("POST", VERIFY)
async def verify(installation: Installation) -> Example:
    path, made = await DOMAIN.make(installation)
    _prove(made, "v=spf1 -all", made["recordText"])

    def check(body: Any) -> None:
        assert body["data"]["verifiedAt"] is not None

    return Example(path, check=check)


@example("POST", VERIFY)
async def verify_by_the_record_of_another(installation: Installation) -> Example:
    path, made = await DOMAIN.make(installation)
    other = await installation.post(
        ALL.format_map(await DOMAIN.home(installation)), {"domain": made["domain"]}
    )
    _prove(made, other["recordText"])
    return Example(path, status=409)


@example("POST", VERIFY)
async def verify_what_has_no_record(installation: Installation) -> Example:
    return Example(await DOMAIN.at(installation), status=409)


@example("POST", VERIFY)
async def verify_what_nobody_answers_for(installation: Installation) -> Example:
    path, made = await DOMAIN.make(installation)
    NAMES[-1].refuses.add(made["recordName"])
    return Example(path, status=503)


@example("POST", VERIFY)
async def verify_too_often(installation: Installation) -> Example:
    path, _ = await DOMAIN.make(installation)
    for _ in range(20):
        assert (await installation.http.post(VERIFY.format_map(path))).status_code == 409
    return Example(path, status=429)


@example("POST", VERIFY)
async def verify_none(installation: Installation) -> Example:
    return Example(await DOMAIN.home(installation), status=404)


@example("DELETE", CONNECTIONS + "/{connectionId}")
async def delete_a_connection_that_is_required(installation: Installation) -> Example:
    return Example(await _required(installation), status=409)


@example("PATCH", CONNECTIONS + "/{connectionId}")
async def switch_a_connection_off_that_is_required(installation: Installation) -> Example:
    return Example(await _required(installation), body={"status": "inactive"}, status=409)


async def _required(installation: Installation) -> dict[str, str]:
    path = await DOMAIN.home(installation)
    id = await _connection(installation, path)
    body = {"domain": _name(), "mode": "require", "connectionId": id}
    await installation.post(ALL.format_map(path), body)
    return {**path, "connectionId": id}


DOMAIN.add_examples()
