"""Examples: lists as files."""

from __future__ import annotations

from typing import Any

from porta.services.export_lists import EXPORTS
from tests.handlers.admin_api.examples import Example, example
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.world.administrators import Installation


def _has(kind: str) -> Any:
    def check(body: Any) -> None:
        assert body["total"] == len(body["data"])
        assert all(tuple(row) == EXPORTS[kind].columns for row in body["data"])

    return check


def _of(kind: str) -> None:
    @example("GET", f"/export/{kind}")
    async def good(installation: Installation) -> Example:
        del installation
        return Example(check=_has(kind))

    @example("GET", f"/export/{kind}")
    async def unknown_format(installation: Installation) -> Example:
        del installation
        return Example(query={"format": "xlsx"}, status=400)

    for filter, parameter in (
        ("organization_id", "organizationId"),
        ("application_id", "applicationId"),
    ):
        if filter in EXPORTS[kind].filters:
            _of_nobody(kind, parameter)


def _of_nobody(kind: str, parameter: str) -> None:
    refused = None if (kind, parameter) == ("clients", "applicationId") else 404

    @example("GET", f"/export/{kind}")
    async def of_nobody(installation: Installation) -> Example:
        del installation
        return Example(query={parameter: NOBODY}, status=refused)


for each in EXPORTS:
    _of(each)


@example("GET", "/organizations/{idOrSlug}/configuration")
async def configuration(installation: Installation) -> Example:
    home = await installation.organization()

    def check(body: Any) -> None:
        assert body["version"] == "1.0"
        (told,) = body["organizations"]
        assert (told["slug"], "users" in told) == (home.slug, False)

    return Example({"idOrSlug": home.slug}, check=check)


@example("GET", "/organizations/{idOrSlug}/configuration")
async def configuration_with_people(installation: Installation) -> Example:
    home = await installation.organization()
    person = await installation.person(organization_id=home.id)

    def check(body: Any) -> None:
        assert [each["email"] for each in body["organizations"][0]["users"]] == [person.email]

    return Example({"idOrSlug": home.id}, query={"people": "true"}, check=check)


@example("GET", "/organizations/{idOrSlug}/configuration")
async def configuration_of_nobody(installation: Installation) -> Example:
    del installation
    return Example({"idOrSlug": NOBODY}, status=404)
