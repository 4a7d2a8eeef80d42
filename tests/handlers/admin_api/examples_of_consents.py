"""Examples: consents of a person."""

from __future__ import annotations

from typing import Any

from storage.models.artifacts import Consent, Grant
from tests import factories
from tests.handlers.admin_api.examples import Example, example
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.world.administrators import Installation

_PATH = "/organizations/{organizationId}/users/{userId}/consents"


@example("GET", _PATH)
async def list_consents(installation: Installation) -> Example:
    """Two sessions with a client that asks, one with a client that never does."""
    home = (await installation.organization()).id
    person = await installation.person(organization_id=home)
    artifacts = installation.runtime.storage.artifacts
    asked = [Consent(scope=("openid", "email")), Consent(scope=("openid",), claims=("team",))]
    for client, allowed in (("shop", asked[:1]), ("shop", asked), ("own", [])):
        session = factories.session(home, account_id=person.id)
        grant = Grant(
            id=factories.new_artifact_id(),
            organization_id=home,
            account_id=person.id,
            client_id=client,
            session_uid=session.uid,
            created_at=1_700_000_000,
            consents=tuple(allowed),
        )
        await artifacts.save(session, 600)
        await artifacts.save(grant, 600)

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
