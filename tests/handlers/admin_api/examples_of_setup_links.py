"""Examples: set-up links made, listed, and ended."""

from __future__ import annotations

from typing import Any

from tests.handlers.admin_api.examples import Example, example
from tests.handlers.admin_api.examples_of_domains import ALL as DOMAINS
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.world.administrators import Installation

ALL = "/organizations/{organizationId}/setup-links"
ONE = f"{ALL}/{{setupLinkId}}"
BODY = {"provider": "openid", "name": "Acme Workforce"}


async def _home(installation: Installation) -> dict[str, str]:
    return {"organizationId": (await installation.organization()).id, "setupLinkId": NOBODY}


async def _made(installation: Installation, **more: Any) -> tuple[dict[str, str], dict[str, Any]]:
    path = await _home(installation)
    made = await installation.post(ALL.format_map(path), BODY | more)
    return {**path, "setupLinkId": made["id"]}, made


def _is(**fields: Any) -> Any:
    def check(body: Any) -> None:
        assert {name: body["data"][name] for name in fields} == fields

    return check


def _refused(at: str) -> Any:
    def check(body: Any) -> None:
        assert [each["path"] for each in body["details"]] == [at]

    return check


@example("POST", ALL)
async def create(installation: Installation) -> Example:
    home = await installation.organization()

    def check(body: Any) -> None:
        made = body["data"]
        assert made["url"].startswith(
            f"{installation.runtime.settings.issuer_base_url}/{home.slug}/auth/setup/"
        )
        told = {name: made[name] for name in ("provider", "status", "connectionId", "sentTo")}
        assert told == {
            "provider": "openid", "status": "pending", "connectionId": None, "sentTo": None,
        }  # fmt: skip
        assert made["madeBy"] == installation.made.user.id

    return Example({"organizationId": home.id}, body=BODY, check=check)


@example("POST", ALL)
async def create_for_a_domain(installation: Installation) -> Example:
    path = await _home(installation)
    domain = await installation.post(DOMAINS.format_map(path), {"domain": "acme.example"})
    check = _is(domainId=domain["id"], provider=None, name=None)
    return Example(path, body={"domainId": domain["id"], "hours": 1}, check=check)


@example("POST", ALL)
async def create_for_nothing(installation: Installation) -> Example:
    return Example(await _home(installation), body={}, status=400, check=_refused("provider"))


@example("POST", ALL)
async def create_for_both(installation: Installation) -> Example:
    body = BODY | {"domainId": NOBODY}
    return Example(await _home(installation), body=body, status=400, check=_refused("provider"))


@example("POST", ALL)
async def create_without_a_name(installation: Installation) -> Example:
    body = {"provider": "openid"}
    return Example(await _home(installation), body=body, status=400, check=_refused("name"))


@example("POST", ALL)
async def create_for_no_provider(installation: Installation) -> Example:
    body = BODY | {"provider": "nobody"}
    return Example(await _home(installation), body=body, status=400, check=_refused("provider"))


@example("POST", ALL)
async def create_for_a_domain_of_another(installation: Installation) -> Example:
    other = await _home(installation)
    domain = await installation.post(DOMAINS.format_map(other), {"domain": "acme.example"})
    body = {"domainId": domain["id"]}
    return Example(await _home(installation), body=body, status=400, check=_refused("domainId"))


@example("POST", ALL)
async def create_for_too_long(installation: Installation) -> Example:
    body = BODY | {"hours": 169}
    return Example(await _home(installation), body=body, status=400, check=_refused("hours"))


@example("POST", ALL)
async def create_by_mail_where_none_is_sent(installation: Installation) -> Example:
    body = BODY | {"email": "it@acme.example"}
    return Example(await _home(installation), body=body, status=400, check=_refused("email"))


@example("POST", ALL)
async def create_where_administrators_sign_in(installation: Installation) -> Example:
    return Example({"organizationId": installation.admin_id}, body=BODY, status=403)


@example("POST", ALL)
async def create_where_nobody_signs_in(installation: Installation) -> Example:
    home = await installation.organization(status="suspended")
    return Example({"organizationId": home.id}, body=BODY, status=409)


@example("POST", ALL)
async def create_one_too_many(installation: Installation) -> Example:
    path = await _home(installation)
    for _ in range(20):
        await installation.post(ALL.format_map(path), BODY)
    return Example(path, body=BODY, status=409)


@example("POST", ALL)
async def create_for_none(installation: Installation) -> Example:
    del installation
    return Example({"organizationId": NOBODY}, body=BODY, status=404)


@example("GET", ALL)
async def find(installation: Installation) -> Example:
    path, made = await _made(installation)

    def check(body: Any) -> None:
        (found,) = body["data"]
        assert found["id"] == made["id"]
        assert "url" not in found

    return Example(path, check=check)


@example("GET", ALL)
async def find_of_none(installation: Installation) -> Example:
    del installation
    return Example({"organizationId": NOBODY}, status=404)


@example("DELETE", ONE)
async def revoke(installation: Installation) -> Example:
    return Example((await _made(installation))[0])


@example("DELETE", ONE)
async def revoke_what_was(installation: Installation) -> Example:
    path, _ = await _made(installation)
    assert (await installation.http.delete(ONE.format_map(path))).status_code == 204
    return Example(path, status=404)


@example("DELETE", ONE)
async def revoke_at_another_organization(installation: Installation) -> Example:
    path, _ = await _made(installation)
    other = await installation.organization()
    return Example({**path, "organizationId": other.id}, status=404)
