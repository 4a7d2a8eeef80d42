"""Examples: documents and people imported."""

from __future__ import annotations

import secrets
from typing import Any

from porta.services import imports
from tests.handlers.admin_api.examples import Example, example
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.world.administrators import Installation

PEOPLE = "/organizations/{organizationId}/users/import"


def document(**more: Any) -> dict[str, Any]:
    """Return a document of an organization that there is not yet."""
    slug = f"i{secrets.token_hex(6)}"
    return {"version": "1.0", "organizations": [{"name": "Made", "slug": slug, **more}]}


def _tells(created: list[str], **more: Any) -> Any:
    def check(body: Any) -> None:
        assert [each["type"] for each in body["created"]] == created
        assert {name: body[name] for name in more} == more

    return check


@example("POST", "/import")
async def nothing(installation: Installation) -> Example:
    """What it takes to import something, each thing says by itself."""
    del installation
    manifest = {"version": "1.0", "organizations": []}
    return Example(body={"mode": "merge", "manifest": manifest}, check=_tells([], updated=[]))


@example("POST", "/import")
async def merge(installation: Installation) -> Example:
    del installation
    check = _tells(["organization"], mode="merge", errors=[])
    return Example(body={"mode": "merge", "manifest": document()}, check=check)


@example("POST", "/import")
async def tell_what_would_be_done(installation: Installation) -> Example:
    del installation
    check = _tells(["organization"], mode="dry-run", errors=[])
    return Example(body={"dryRun": True, "manifest": document()}, check=check)


@example("POST", "/import")
async def import_what_is_long_by_a_job(installation: Installation) -> Example:
    del installation
    users = [{"email": f"p{n}@acme.test"} for n in range(imports.MOST_AT_ONCE + 1)]

    def check(body: Any) -> None:
        assert body["jobId"].isdigit()

    manifest = document(users=users)
    return Example(body={"mode": "merge", "manifest": manifest}, status=202, check=check)


@example("POST", "/import")
async def import_with_mistakes(installation: Installation) -> Example:
    del installation
    manifest = document(users=[{"email": "no address"}, {"emial": "a@acme.test"}])

    def check(body: Any) -> None:
        assert {each["path"] for each in body["details"]} >= {
            "manifest.organizations[0].users[0].email",
            "manifest.organizations[0].users[1].emial",
        }

    return Example(body={"mode": "merge", "manifest": manifest}, status=400, check=check)


@example("POST", "/import")
async def import_what_one_may_not_do(installation: Installation) -> Example:
    person = await installation.person_with(imports.PERMISSION, "admin:org:read")
    headers = {"Authorization": f"Bearer {await installation.token(person)}"}

    def check(body: Any) -> None:
        assert "admin:org:create" in body["details"][0]["message"]

    body = {"mode": "merge", "manifest": document()}
    return Example(body=body, headers=headers, status=403, check=check)


async def _home(installation: Installation) -> dict[str, str]:
    return {"organizationId": (await installation.organization()).id}


@example("POST", PEOPLE)
async def import_people(installation: Installation) -> Example:
    body = {"mode": "merge", "users": [{"email": "a@acme.test"}, {"email": "b@acme.test"}]}
    return Example(await _home(installation), body=body, check=_tells(["user", "user"]))


@example("POST", PEOPLE)
async def import_people_as_csv(installation: Installation) -> Example:
    body = {"mode": "merge", "csv": 'email,given_name\na@acme.test,"Ada, the first"\n'}
    return Example(await _home(installation), body=body, check=_tells(["user"]))


@example("POST", PEOPLE)
async def import_people_with_mistakes(installation: Installation) -> Example:
    body = {"mode": "merge", "csv": "email,given_nam\na@acme.test,Ada\n"}

    def check(answer: Any) -> None:
        (problem,) = answer["details"]
        assert problem["path"] == "csv.given_nam"
        assert "given_name" in problem["message"]

    return Example(await _home(installation), body=body, status=400, check=check)


@example("POST", PEOPLE)
async def import_people_of_more_rights(installation: Installation) -> Example:
    person = await installation.person_with(
        imports.PERMISSION, "admin:org:read", "admin:user:create"
    )
    headers = {"Authorization": f"Bearer {await installation.token(person)}"}
    at = await _home(installation)
    users = [{"email": "a@acme.test", "roles": [{"app": "porta-admin", "role": "porta-auditor"}]}]
    return Example(at, body={"mode": "merge", "users": users}, headers=headers, status=403)


@example("POST", PEOPLE)
async def import_people_of_nobody(installation: Installation) -> Example:
    del installation
    body = {"mode": "merge", "users": [{"email": "a@acme.test"}]}
    return Example({"organizationId": NOBODY}, body=body, status=404)


@example("GET", "/import/{jobId}")
async def state(installation: Installation) -> Example:
    users = [{"email": f"p{n}@acme.test"} for n in range(imports.MOST_AT_ONCE + 1)]
    body = {"mode": "dry-run", "manifest": document(users=users)}
    answer = await installation.http.post("/import", json=body)

    def check(told: Any) -> None:
        assert told["data"]["jobId"] == answer.json()["jobId"]

    return Example({"jobId": answer.json()["jobId"]}, check=check)


@example("GET", "/import/{jobId}")
async def state_of_nothing(installation: Installation) -> Example:
    del installation
    return Example({"jobId": "99999999"}, status=404)
