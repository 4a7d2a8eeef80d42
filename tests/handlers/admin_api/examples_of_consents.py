"""Examples: consents of a person."""

from __future__ import annotations

from typing import Any

from storage.models.artifacts import Grant
from storage.models.interactions import Consent
from tests import factories
from tests.handlers.admin_api.examples import Example, example
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.world.administrators import Installation

_PATH = "/organizations/{organizationId}/users/{userId}/consents"
_ONE = f"{_PATH}/{{clientId}}"


async def allowed(
    installation: Installation, home: str, person_id: str, client_id: str, *asked: Consent
) -> Grant:
    """Return what a person allowed a client, in a session of its own."""
    session = factories.session(home, account_id=person_id)
    grant = factories.grant(
        id=factories.new_artifact_id(),
        organization_id=home,
        account_id=person_id,
        client_id=client_id,
        session_uid=session.uid,
        created_at=1_700_000_000,
        consents=asked,
    )
    artifacts = installation.runtime.storage.artifacts
    await artifacts.save(session, 600)
    await artifacts.save(grant, 600)
    return grant


@example("GET", _PATH)
async def list_consents(installation: Installation) -> Example:
    """Two sessions with a client that asks, one with a client that never does."""
    home = (await installation.organization()).id
    person = await installation.person(organization_id=home)
    asked = [Consent(scope=("openid", "email")), Consent(scope=("openid",), claims=("team",))]
    for client, given in (("shop", asked[:1]), ("shop", asked), ("own", [])):
        await allowed(installation, home, person.id, client, *given)

    def check(body: Any) -> None:
        (found,) = body["data"]
        assert (found["clientId"], found["scopes"]) == ("shop", ["email", "openid"])
        assert (found["claims"], found["sessions"]) == (["team"], 2)
        assert found["consentedAt"] == "2023-11-14T22:13:20.000Z"

    return Example({"organizationId": home, "userId": person.id}, check=check)


@example("GET", _PATH)
async def list_consents_of_nobody(installation: Installation) -> Example:
    home = (await installation.organization()).id
    return Example({"organizationId": home, "userId": NOBODY}, status=404)


async def _person(installation: Installation) -> dict[str, str]:
    """Return the path of somebody who allowed two clients something."""
    home = (await installation.organization()).id
    person = await installation.person(organization_id=home)
    for client_id in ("shop", "desk"):
        await allowed(installation, home, person.id, client_id, Consent(scope=("openid",)))
    return {"organizationId": home, "userId": person.id}


@example("DELETE", _PATH)
async def withdraw_all_consents(installation: Installation) -> Example:
    def check(body: Any) -> None:
        assert body["data"] == {"clientIds": ["desk", "shop"]}

    return Example(await _person(installation), check=check)


@example("DELETE", _PATH)
async def withdraw_consents_of_nobody(installation: Installation) -> Example:
    home = (await installation.organization()).id
    return Example({"organizationId": home, "userId": NOBODY}, status=404)


@example("DELETE", _ONE)
async def withdraw_consent(installation: Installation) -> Example:
    return Example({**await _person(installation), "clientId": "shop"})


@example("DELETE", _ONE)
async def withdraw_no_consent(installation: Installation) -> Example:
    return Example({**await _person(installation), "clientId": "crm"}, status=404)
