"""Examples: lists as files."""

from __future__ import annotations

from typing import Any

from porta.services.exports import EXPORTS
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
